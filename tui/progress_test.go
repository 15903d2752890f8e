package tui

import (
	"reflect"
	"testing"
	"time"

	"underlay/attempt"
	"underlay/progress"
	"underlay/tui/marks"
)

// What is recorded in one run of the program is what the next one shows.
func TestProgressOutlivesTheProgram(t *testing.T) {
	dir := t.TempDir()
	p, _, err := progress.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := stored(p)
	want := marks.New()
	for _, e := range []attempt.Event{
		attempt.ReadTo{Lesson: "docker0", Block: 3},
		attempt.ReadTo{Lesson: "docker0", Block: 7, Done: true},
		attempt.QuizMarked{Quiz: "docker0/layer", Right: true},
		attempt.Began{Lab: "docker0", Seed: 4},
		attempt.HintGiven{Lab: "docker0", Task: "bridge", Tier: 2},
		attempt.TaskDone{Lab: "docker0", Task: "bridge"}, attempt.TaskDone{Lab: "docker0", Task: "address"},
		attempt.SolutionShown{Lab: "docker0"},
		attempt.Reset{Lab: "docker0"},
		attempt.Left{Lab: "docker0"},
		attempt.Began{Lab: "docker0"}, attempt.TaskDone{Lab: "docker0", Task: "bridge"}, // once more
	} {
		if err := s.Record(t.Context(), e); err != nil {
			t.Fatalf("%T: %v", e, err)
		}
		want.Apply(e)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p, _, err = progress.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	got, err := stored(p).Marks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Lessons["docker0"] != want.Lessons["docker0"] || !reflect.DeepEqual(got.Labs, want.Labs) || !got.Quizzes["docker0/layer"] || got.Last != want.Last {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// names are what the fake lab and its lesson were called last month.
type names struct{}

func (names) Lab(id string) string {
	return map[string]string{"bridging": "docker0", "bridging/loose": "docker0/unplugged"}[id]
}
func (names) Task(lab, id string) string {
	return map[string]string{"docker0 make": "bridge", "docker0 give": "address"}[lab+" "+id]
}
func (names) Lesson(string) string { return "docker0" }
func (names) Quiz(string) string   { return "docker0/layer" }

// What was done before things were renamed shows on the home screen.
func TestProgressShowsUnderNewNames(t *testing.T) {
	p, _, err := progress.Open(t.TempDir(), progress.WithNames(names{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	s := stored(p)
	for _, e := range []attempt.Event{
		attempt.ReadTo{Lesson: "bridges", Block: 2, Done: true}, attempt.QuizMarked{Quiz: "bridges/q1", Right: true},
		attempt.Began{Lab: "bridging"}, attempt.TaskDone{Lab: "bridging", Task: "make"}, attempt.TaskDone{Lab: "bridging", Task: "give"},
	} {
		if err := s.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	d := drive(t, nil)
	d.m.store = s
	d.run(d.m.loadMarks())
	d.want("Continue docker0 by hand")
	d.want("task 3 of 5")
	if m := d.m.marks; !m.Labs["docker0"].Tasks["address"] || !m.Lessons["docker0"].Read || m.Lessons["docker0"].Block != 2 || !m.Quizzes["docker0/layer"] {
		t.Errorf("%+v", m)
	}
}

func TestSolvingIsStored(t *testing.T) {
	p, _, err := progress.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	s := stored(p)
	for _, e := range []attempt.Event{attempt.Began{Lab: "a"}, attempt.Solved{Lab: "a", Took: time.Minute}} {
		if err := s.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Marks(t.Context()); err != nil || !got.Labs["a"].Solved {
		t.Errorf("%+v, %v", got, err)
	}
	if stored(nil) != nil {
		t.Error("no progress file makes a store")
	}
}
