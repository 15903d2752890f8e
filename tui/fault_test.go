package tui

import (
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/intent"
	"underlay/tui/internal/fake"
	"underlay/tui/layout"
	"underlay/tui/marks"
)

// breakable is the fake lab with three faults.
func breakable() *engine.Lab {
	lab := fake.Lab()
	for _, id := range []string{"down", "lost", "mute"} {
		lab.Faults = append(lab.Faults, engine.Fault{
			ID: id, Cause: "It is " + id + ".", Symptom: "Help, " + id + "!", Explain: "It was " + id + ".",
			Hints:  engine.Hints{Symptom: "See.", Layer: "Think.", Command: "Look.", Solution: "Mend."},
			Repair: engine.Script{Text: "mend " + id + "\n"},
		})
	}
	return lab
}

// withFaults makes the driver's lab one that can be broken, and remembers which
// faults were asked for.
func withFaults(t *testing.T, asked *[]string) *driver {
	t.Helper()
	lab := breakable()
	var opener *fake.Opener
	d := drive(t, func(p *Deps) {
		opener, _ = p.Opener.(*fake.Opener)
		p.Labs, p.Lab = listed(lab)
		p.Faulted = func(id, fault string) (*engine.Lab, error) {
			*asked = append(*asked, id+" "+fault)
			if fault == engine.RandomFault {
				fault = "down"
			}
			out, err := engine.Faulted(lab, fault)
			if err == nil {
				opener.Session = fake.NewSession(out)
			}
			return out, err
		}
	})
	return d
}

// broken enters the lab with the fault "down" in it.
func broken(t *testing.T, w, h int) *driver {
	t.Helper()
	var asked []string
	d := withFaults(t, &asked)
	d.send(tea.WindowSizeMsg{Width: w, Height: h})
	d.send(intent.OpenFault{Lab: "docker0", Fault: "down"})
	d.until("the shells are open", func() bool { return len(d.panes) == 3 })
	d.session, _ = d.m.work.Session().(*fake.Session)
	d.idle(labIdle)
	return d
}

func TestFaultIsChosenByItsComplaint(t *testing.T) {
	var asked []string
	d := withFaults(t, &asked)
	d.idle(0) // what the store has is read
	d.m.marks.Labs["docker0/lost"] = marksSolved
	d.m.home.SetMarks(d.m.marks.Clone())
	d.want("break-fix, 1 of 3 done")
	d.press("b")
	d.want("1 Surprise me")
	d.want("“Help, lost!” ✓")
	if d.shows("It is lost") {
		t.Error("a cause is given away")
	}
	d.press("down", "down", "enter")
	d.want("“Help, lost!”")
	d.until("it is open", func() bool { return d.m.work != nil })
	if len(asked) != 1 || asked[0] != "docker0 lost" {
		t.Errorf("asked for %q", asked)
	}
	if d.m.marks.Last.Lab != "docker0" || d.m.marks.Labs["docker0"].Begun {
		t.Errorf("a broken lab counts as the lab itself: %+v", d.m.marks)
	}
}

var marksSolved = marks.Lab{Begun: true, Solved: true}

func TestLabWithoutFaultsHasNoneToChoose(t *testing.T) {
	d := drive(t, nil)
	d.press("b")
	d.want("This lab has no faults to repair.")
	d.send(intent.ChooseFault{Lab: "docker0"})
	d.want("This lab has no faults to repair.")
}

func TestFaultThatCannotBeDrawnIsSaid(t *testing.T) {
	d := drive(t, func(p *Deps) {
		p.Faulted = func(string, string) (*engine.Lab, error) { return nil, errors.New("the dice are lost") }
	})
	d.send(intent.OpenFault{Lab: "docker0", Fault: "down"})
	d.want("The dice are lost.")
	d.m.deps.Faulted = func(string, string) (*engine.Lab, error) { return engine.Faulted(breakable(), "down") }
	d.m.deps.Available = func([]string) (string, string) { return "it needs more", "get it" }
	d.send(intent.OpenFault{Lab: "docker0", Fault: "down"})
	d.want("This cannot run here: it needs more; get it.")
}

// answerWith makes the status that an answer leads to.
func answerWith(d *driver, done int, got, why string) {
	st := fake.Status(d.session.TheLab, done)
	st.Evaluation = 10 + done
	if done == 0 {
		st.Tasks[0].Got, st.Tasks[0].Why = got, why
	}
	d.session.Set(st)
}

func TestCauseIsNamedBeforeTheRepair(t *testing.T) {
	d := broken(t, 120, 40)
	d.want("Something is broken")
	d.want("“Help, down!”")
	d.want("F7 choose the cause")
	d.press("f7")
	d.want("What is wrong?")
	options := d.session.TheLab.Task(engine.TaskCause).Choice().Options
	wrong, right := "", ""
	for i, o := range options {
		if o.ID == "down" {
			right = string(rune('1' + i))
		} else if wrong == "" {
			wrong = string(rune('1' + i))
		}
	}
	d.press(wrong)
	if got := d.session.Seen().Answers[engine.TaskCause]; got == "down" || got == "" {
		t.Errorf("answered %q", got)
	}
	answerWith(d, 0, "you chose something", "It is not that. Look.")
	d.want("It is not that. Look.")
	d.idle(labIdle)
	before := d.session.Seen().Answers[engine.TaskCause]
	d.press("f7", wrong)
	if !d.shows("What is wrong?") {
		t.Error("a cause that was wrong can be chosen again")
	}
	d.press(right)
	if got := d.session.Seen().Answers[engine.TaskCause]; got != "down" || before == "down" {
		t.Errorf("answered %q, then %q", before, got)
	}
	answerWith(d, 1, "", "")
	d.want("That is the cause. Now repair it.")
	d.press("f7")
	d.want("This task is not answered in words.")
	d.press("f9")
	d.want("See the repair?")
	d.press("y")
	d.want("The repair, typed in host")
	d.want("mend down")
}

func TestRepairedFaultIsExplained(t *testing.T) {
	d := broken(t, 120, 40)
	answerWith(d, 3, "", "")
	d.want("✓ Repaired")
	d.want("It was down.")
	d.want("another (2 left)")
	if s := d.text(); strings.Contains(s, "Next: ") {
		t.Errorf("a lesson comes next:\n%s", s)
	}
	d.until("it is recorded", func() bool {
		return d.store.has(func(e attempt.Event) bool { s, ok := e.(attempt.Solved); return ok && s.Lab == "docker0/down" })
	})
	d.press("s")
	d.want("What it was")
	d.press("f10", "enter")
	d.want("Surprise me")
	d.press("esc")
	d.want("0 of 1 labs")
}

// TestSmallWindowSaysTheComplaintFirst: where the tasks do not show, a page says
// what was reported.
func TestSmallWindowSaysTheComplaintFirst(t *testing.T) {
	d := broken(t, 80, 24)
	d.want("F3 shows this again")
	d.want("“Help, down!”")
	d.press("esc", "f7")
	d.want("“Help, down!”")
	d.press("esc", "f3")
	d.want("Something is broken")
	if s := d.m.screen.State(); s.Screen != layout.Lab || !s.Panel {
		t.Errorf("%+v", s)
	}
}
