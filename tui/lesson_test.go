package tui

import (
	"reflect"
	"testing"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/tui/intent"
	"underlay/tui/marks"
)

func inLesson(t *testing.T) *driver {
	t.Helper()
	d := drive(t, nil)
	d.send(intent.OpenLesson{ID: "docker0"})
	d.idle(0)
	return d
}

func (d *driver) marked(right bool) func() bool {
	return func() bool {
		return d.store.has(func(e attempt.Event) bool {
			q, ok := e.(attempt.QuizMarked)
			return ok && q.Right == right
		})
	}
}

func TestAQuestionIsMarkedExplainedAndCanBeRetried(t *testing.T) {
	d := inLesson(t)
	d.press("b")
	d.want("Not quite.")
	d.want("It looks at MAC addresses only.")
	d.until("it is recorded", d.marked(false))
	d.press("1")
	d.want("✓ Right.")
	d.until("it is recorded", d.marked(true))
	if !d.m.marks.Quizzes["docker0/layer"] {
		t.Errorf("marks: %v", d.m.marks.Quizzes)
	}
	d.press("f")
	d.want("This question has 2 answers to choose from.")
}

func TestAFreeAnswerIsTypedWhereTheQuestionStands(t *testing.T) {
	d := inLesson(t)
	d.press("tab", "a")
	d.want("Type your answer, then press enter")
	if d.m.View().Cursor == nil {
		t.Error("no cursor shows where the answer goes")
	}
	d.press("D", "o", "c", "k", "e", "r", "x", "backspace", "0")
	d.send(tea.PasteMsg{Content: "\n"})
	d.press("enter")
	d.want("✓ Right.")
	d.until("it is recorded", d.marked(true))
}

func TestReadingToTheEndIsRememberedAndLeadsToTheLab(t *testing.T) {
	d := inLesson(t)
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	d.press("enter")
	d.want("Read on to the end first, or press l for the lab.")
	d.press("end")
	d.want("Start the lab: docker0 by hand")
	d.until("it is recorded", func() bool {
		return d.store.has(func(e attempt.Event) bool {
			r, ok := e.(attempt.ReadTo)
			return ok && r.Done
		})
	})
	d.press("enter")
	d.until("the lab is open", func() bool { return d.m.work != nil })
}

func TestReadingGoesOnWhereItWasLeft(t *testing.T) {
	d := inLesson(t)
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	d.press("n")
	d.until("the next lesson shows", func() bool { return d.shows("The bridge · Getting out") })
	d.press("space", "space", "esc")
	d.until("home shows", func() bool { return d.m.screen == screen(d.m.home) })
	left := d.m.marks.Lessons["egress"]
	if !left.Begun || left.Read {
		t.Fatalf("marks: %+v", left)
	}
	d.want("Continue Getting out")
	d.press("enter")
	d.until("the lesson shows", func() bool { return d.shows("The bridge · Getting out") })
}

func TestTheWheelScrollsTheLesson(t *testing.T) {
	d := inLesson(t)
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	before := d.text()
	d.send(tea.MouseWheelMsg{X: 10, Y: 10, Button: tea.MouseWheelDown})
	if d.text() == before {
		t.Error("nothing moved")
	}
}

func TestFigureKeepsItsShape(t *testing.T) {
	d := inLesson(t)
	d.send(tea.WindowSizeMsg{Width: 120, Height: 60})
	for _, line := range []string{"┌────┐    ┌────┐", "│ c1 │    │ c2 │", "└─┬──┘    └─┬──┘"} {
		if !containsLine(d.text(), line) {
			t.Errorf("%q is not on the screen:\n%s", line, d.text())
		}
	}
}

func TestMarksOfTheEventsThatAreStored(t *testing.T) {
	m := marks.New()
	if !m.First() {
		t.Error("nothing done is not the first time")
	}
	m.Apply(attempt.ReadTo{Lesson: "l", Block: 3})
	m.Apply(attempt.TaskDone{Lab: "x", Task: "a"})
	m.Apply(attempt.TaskDone{Lab: "x", Task: "a"})
	c := m.Clone()
	m.Apply(attempt.TaskDone{Lab: "x", Task: "b"}) // in another attempt
	m.Apply(attempt.Solved{Lab: "x"})
	m.Apply(attempt.ReadTo{Lesson: "l", Block: 1, Done: true})
	m.Apply(attempt.ReadTo{Lesson: "l", Block: 2})
	if m.First() || m.Lessons["l"] != (marks.Lesson{Block: 2, Begun: true, Read: true}) || !reflect.DeepEqual(m.Labs["x"], marks.Lab{Begun: true, Tasks: map[string]bool{"a": true, "b": true}, Solved: true}) {
		t.Errorf("%+v", m)
	}
	if c.Labs["x"].Solved || len(c.Labs["x"].Tasks) != 1 || c.Lessons["l"].Read {
		t.Errorf("the copy changed: %+v", c)
	}
}
