package tui

import (
	"slices"
	"testing"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/internal/fake"
)

// recorded is how many events of a kind were stored.
func recorded[E attempt.Event](d *driver) int {
	n := 0
	d.store.has(func(e attempt.Event) bool {
		if _, ok := e.(E); ok {
			n++
		}
		return false
	})
	return n
}

// That a typed answer is wrong is said where the tasks do not show, and another task's
// question can be answered where the one that is looked at has none.
func TestAWrongAnswerIsSaidInASmallWindow(t *testing.T) {
	d := inLab(t, nil)
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	free := fake.Status(d.session.TheLab, 2)
	free.Tasks[3].Waiting = false
	d.session.Set(free)
	d.want("2 of 5")
	d.press("f7")
	d.want("Which MAC address does c1 see")
	d.press("x", "enter")
	if got := d.session.Seen().Answers["mac"]; got != "x" {
		t.Errorf("answered %q", got)
	}
	st := fake.Status(d.session.TheLab, 2)
	st.Evaluation++
	st.Tasks[3].Waiting, st.Tasks[3].Got, st.Tasks[3].Why = false, `you answered "x"`, "A MAC address is six pairs."
	d.session.Set(st)
	d.want("That does not do it yet. A MAC address is six pairs.")
}

func TestTheSolutionIsAskedForOnce(t *testing.T) {
	d := inLab(t, nil)
	d.press("f9", "y")
	d.want("ip addr add 172.17.0.1/16 dev docker0")
	d.press("esc", "f9")
	d.want("ip addr add 172.17.0.1/16 dev docker0")
	if d.shows("See the solution?") {
		t.Error("it asks again")
	}
}

// What is done again by going back is no deed; to solve the lab again from there is.
func TestGoingBackIsNotDoing(t *testing.T) {
	d := inLab(t, nil)
	been(d)
	d.session.Set(fake.Status(d.session.TheLab, 5))
	d.want("stay and look around")
	d.press("s", "f12")
	d.want("go back")
	back := fake.Status(d.session.TheLab, 1)
	back.Evaluation = 7
	d.session.Set(back)
	d.press("y")
	d.want("The lab is back at: docker0 is a bridge")
	d.idle(labIdle)
	before := recorded[attempt.TaskDone](d)
	again := fake.Status(d.session.TheLab, 5)
	again.Evaluation = 8
	d.session.Set(again)
	d.want("stay and look around")
	d.until("it is recorded again", func() bool { return recorded[attempt.Solved](d) == 2 })
	if n := recorded[attempt.TaskDone](d); before != 5 || n != 9 {
		t.Errorf("%d tasks were done before, %d in all", before, n)
	}
}

// A lab that was solved and is not as it stands was solved all the same.
func TestLeavingSaysWhatIsRemembered(t *testing.T) {
	d := inLab(t, nil)
	d.session.Set(fake.Status(d.session.TheLab, 5))
	d.want("stay and look around")
	d.press("s")
	spoiled := fake.Status(d.session.TheLab, 4)
	spoiled.Evaluation = 7
	d.session.Set(spoiled)
	d.want("4 of 5")
	d.press("f10")
	d.want("It was solved, and that is recorded")
}

// However the program ends, what has happened is stored, and that the lab was left.
func TestAnEndFromOutsideIsRecorded(t *testing.T) {
	d := inLab(t, nil)
	d.m.keep(attempt.TaskDone{Lab: "docker0", Task: "bridge"})
	if err := d.m.shutdown(); err != nil {
		t.Fatal(err)
	}
	if got := d.store.events; !slices.Equal(got[len(got)-2:], []attempt.Event{attempt.TaskDone{Lab: "docker0", Task: "bridge"}, attempt.Left{Lab: "docker0"}}) {
		t.Errorf("stored: %#v", got)
	}
	if !d.session.Seen().Closed {
		t.Error("the lab was left open")
	}
}

// In a lab without a solution there is none to see.
func TestALabWithoutASolutionShowsNone(t *testing.T) {
	d := inLab(t, nil)
	d.session.TheLab.Solution = engine.Script{}
	d.press("f9")
	d.want("This lab has no solution.")
}
