package plain

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"underlay/course/lesson"
	"underlay/engine"
)

const predictLesson = "---\nid: first\ntitle: First\nminutes: 5\nobjectives: [see]\nlab: wires\n---\nSome text.\n\n" +
	"```predict host start\nid: wire\nquestion: You *plug* it in. What is there?\nrun: |\n  do bridge\n  # node: c1\n  say red\noptions:\n" +
	"  - text: a bridge\n    when: [{link: {node: host, kind: bridge}}]\n" +
	"  - text: nothing\n    when: [{not: {link: {node: host, kind: bridge}}}]\nexplanation: It was plugged in.\n```\n\nMore text.\n"

// predicting is a dialogue about one lesson with a prediction.
func predicting(t *testing.T, o engine.Opener) Deps {
	t.Helper()
	b, err := lesson.Load(fstest.MapFS{
		"start/module.yaml": {Data: []byte("id: start\ntitle: Start\norder: 1\nsummary: How it begins.\n")},
		"start/1-first.md":  {Data: []byte(predictLesson)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return having(Deps{Opener: o, Book: b, Progress: store(t)}, fakeLab())
}

// recorded is how often a prediction was recorded as right and as wrong.
func recorded(t *testing.T, d Deps) (right, wrong int) {
	t.Helper()
	quizzes, err := d.Progress.Quizzes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	q := quizzes["first/predict/wire"]
	return q.Right, q.Wrong
}

func TestPredictionIsMarkedByTheKernel(t *testing.T) {
	for answer, want := range map[string]string{
		"a": "Right. The kernel confirms a.",
		"2": "Not so. You said b, the kernel confirms a: a bridge",
	} {
		s := newFakeSession()
		d := predicting(t, s)
		said, err := tell(t, d, "1", "z", "ab", answer, "quit")
		if err != nil {
			t.Fatal(err)
		}
		inOrder(t, said, "Prediction\nYou plug it in. What is there?", "a. a bridge", "b. nothing", ": z\nThere is no such answer. Choose one from a to b.",
			": ab\nThere is no such answer.", "You have committed to", "Typed in host:", "$ do bridge", "Typed in c1:", "$ say red\n    red", want,
			"It was plugged in.", "More text.", "end of the lesson")
		right, wrong := recorded(t, d)
		if right+wrong != 1 || (right == 1) != (answer == "a") {
			t.Errorf("%q was recorded %d times as right and %d times as wrong", answer, right, wrong)
		}
		if !s.closed {
			t.Error("the lab is still open")
		}
	}
}

func TestPredictionCanBePassedBy(t *testing.T) {
	s := newFakeSession()
	d := predicting(t, s)
	said, err := tell(t, d, "1", "", "quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, said, "or Enter to go on", "It was plugged in.", "More text.")
	if right, wrong := recorded(t, d); right+wrong != 0 || len(s.typed) != 0 {
		t.Errorf("recorded %d and %d, typed %q", right, wrong, s.typed)
	}
}

type refusing struct{ err error }

func (r refusing) Open(context.Context, *engine.Lab, func(string)) (engine.Session, error) {
	return nil, r.err
}

func TestPredictionThatCannotBeDecidedDoesNotCount(t *testing.T) {
	undecided := newFakeSession()
	undecided.done["mac"] = true // so that both outcomes hold
	for name, test := range map[string]struct {
		opener engine.Opener
		reason string
		want   []string
	}{
		"both": {undecided, "", []string{"Typed in host:", "Underlay could not find out: what the kernel shows fits more than one answer: a, b. This does not count."}},
		"closed": {refusing{engine.Hintf(errors.New("no namespaces"), "run it with sudo")}, "",
			[]string{"Underlay could not find out: no namespaces. This does not count.", "What to do: run it with sudo"}},
		"not here": {refusing{errors.New("never asked")}, "this kernel has no bridges",
			[]string{"the lab cannot run here: this kernel has no bridges. This does not count.", "What to do: load the module"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := predicting(t, test.opener)
			d.Available = func([]string) (string, string) {
				if test.reason == "" {
					return "", ""
				}
				return test.reason, "load the module"
			}
			said, err := tell(t, d, "1", "a", "quit")
			if err != nil {
				t.Fatal(err)
			}
			inOrder(t, strings.Join(strings.Fields(said), " "), append(test.want, "It was plugged in.", "More text.")...)
			if right, wrong := recorded(t, d); right+wrong != 0 {
				t.Errorf("recorded %d and %d", right, wrong)
			}
		})
	}
}

func TestPredictionMayRequireMoreThanItsLab(t *testing.T) {
	d := predicting(t, refusing{errors.New("never asked")})
	b, err := lesson.Load(fstest.MapFS{
		"start/module.yaml": {Data: []byte("id: start\ntitle: Start\norder: 1\nsummary: How it begins.\n")},
		"start/1-first.md":  {Data: []byte(strings.Replace(predictLesson, "id: wire\n", "id: wire\nrequires: [br-netfilter]\n", 1))},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Book = b
	d.Available = func(requires []string) (string, string) {
		if slices.Contains(requires, "br-netfilter") {
			return "this machine lacks br-netfilter", "sudo modprobe br_netfilter"
		}
		return "", ""
	}
	said, err := tell(t, d, "1", "a", "quit")
	if err != nil {
		t.Fatal(err)
	}
	inOrder(t, strings.Join(strings.Fields(said), " "), "the lab cannot run here: this machine lacks br-netfilter. This does not count.", "sudo modprobe br_netfilter", "It was plugged in.")
	if right, wrong := recorded(t, d); right+wrong != 0 {
		t.Errorf("recorded %d and %d", right, wrong)
	}
}
