package attempt

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"underlay/progress"
)

// kept opens a progress file.
func kept(t *testing.T, dir string) *progress.Store {
	t.Helper()
	s, _, err := progress.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestEventsAreRecorded(t *testing.T) {
	s := kept(t, t.TempDir())
	j := NewJournal(s)
	for _, e := range []Event{
		TaskDone{Lab: "wires", Task: "early"}, // of a lab that is not open
		Began{Lab: "wires", Seed: 7},
		HintGiven{Lab: "wires", Task: "bridge", Tier: 1, Of: 4}, HintGiven{Lab: "wires", Task: "bridge", Tier: 2, Of: 4},
		TaskDone{Lab: "wires", Task: "up", Found: true}, TaskDone{Lab: "wires", Task: "bridge"},
		Answered{"mac", "a"}, Marked{Task: "mac"}, TaskUndone{"up", 1}, Mishap{"x"}, WentBack{},
		SolutionShown{"wires"}, Reset{"wires"}, Solved{Lab: "wires", Took: time.Minute}, Left{"wires"},
		TaskDone{Lab: "wires", Task: "late"}, Left{"wires"},
		ReadTo{Lesson: "first", Block: 3}, ReadTo{Lesson: "second", Block: 2, Done: true},
		QuizMarked{"q", false}, QuizMarked{"q", true},
	} {
		if err := j.Record(t.Context(), e); err != nil {
			t.Fatalf("%#v: %v", e, err)
		}
	}
	var export bytes.Buffer
	if err := s.Export(t.Context(), &export); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"seed": 7`, `"tier": 2`, `"solved":`, `"ended":`, `"resets": 1`, `"solution_shown": true`} {
		if n := strings.Count(export.String(), want); n != 1 {
			t.Errorf("the record has %s %d times:\n%s", want, n, export.String())
		}
	}
	labs, err1 := s.Labs(t.Context())
	lessons, err2 := s.Lessons(t.Context())
	quizzes, err3 := s.Quizzes(t.Context())
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	done := labs["wires"].TasksDone
	slices.Sort(done)
	if !slices.Equal(done, []string{"bridge", "up"}) || labs["wires"].Attempts != 1 || !labs["wires"].Solved {
		t.Errorf("the lab is recorded as %+v", labs["wires"])
	}
	if lessons["first"].Finished || lessons["first"].Position != 3 || !lessons["second"].Finished || quizzes["q"].Right != 1 || quizzes["q"].Wrong != 1 {
		t.Errorf("recorded %+v, %+v", lessons, quizzes)
	}
}

func TestAFailureToRecordIsSaid(t *testing.T) {
	s, _, err := progress.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	j := NewJournal(s)
	if j.Record(t.Context(), Began{Lab: "wires"}) == nil {
		t.Error("a file that is closed takes an attempt")
	}
	if err := j.Record(t.Context(), TaskDone{Lab: "wires", Task: "x"}); err != nil {
		t.Errorf("there is nothing to add to, and it says %v", err)
	}
}
