package tui

import (
	"testing"
	"time"

	"underlay/progress"
	"underlay/tui/intent"
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
	for _, e := range []any{
		intent.ReadTo{Lesson: "docker0", Block: 3},
		intent.ReadTo{Lesson: "docker0", Block: 7, Done: true},
		intent.QuizMarked{Quiz: "docker0/layer", Right: true},
		intent.LabOpened{Lab: "docker0", Seed: 4},
		intent.HintShown{Lab: "docker0", Task: "bridge", Tier: 2},
		intent.TasksDone{Lab: "docker0", Tasks: []string{"bridge", "address"}},
		intent.SolutionShown{Lab: "docker0"},
		intent.WasReset{Lab: "docker0"},
		intent.LabLeft{Lab: "docker0"},
		intent.TasksDone{Lab: "docker0", Tasks: []string{"late"}}, // of a lab that was left
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
	if got.Lessons["docker0"] != want.Lessons["docker0"] || got.Labs["docker0"] != want.Labs["docker0"] || !got.Quizzes["docker0/layer"] || got.Last != want.Last {
		t.Errorf("got %+v\nwant %+v", got, want)
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
	for _, e := range []any{intent.LabOpened{Lab: "a"}, intent.Solved{Lab: "a", Took: time.Minute}} {
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
