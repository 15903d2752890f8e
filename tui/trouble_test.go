package tui

import (
	"errors"
	"image/color"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/intent"
	"underlay/tui/internal/fake"
	"underlay/tui/marks"
	"underlay/tui/term"
)

func TestBrokenIsNotShownAsAMistake(t *testing.T) {
	d := inLab(t, nil)
	s := fake.Status(d.session.TheLab, 0)
	s.Tasks[0].Result = engine.Result{State: engine.Broken, Why: "The kernel did not answer."}
	s.Collateral = []engine.TaskResult{{Goal: "The host reaches the internet", Result: engine.Result{State: engine.Fail, Got: "no route"}}}
	s.Health = []string{"The namespace of c2 was deleted."}
	s.Evaluation = 9
	d.session.Set(s)
	d.want("It is not your mistake.")
	d.want("The namespace of c2 was deleted.")
	d.want("! The host reaches the internet")
}

func TestALabThatCannotOpenSaysWhatToDo(t *testing.T) {
	d := drive(t, func(p *Deps) {
		p.Opener = &fake.Opener{Err: engine.Hintf(errors.New("user namespaces are switched off"), "run it with sudo")}
		p.Start.Lab = fake.Lab()
	})
	d.want("What happened")
	d.want("User namespaces are switched off.")
	d.want("run it with sudo")
	d.press("esc")
	if d.m.screen != screen(d.m.home) {
		d.until("home shows", func() bool { return d.m.screen == screen(d.m.home) })
	}
}

func TestALabThatOpensTooLateIsClosed(t *testing.T) {
	d := drive(t, nil)
	o := newOpening(t.Context(), d.session.TheLab, d.m.styles)
	d.send(opened{o, d.session, nil}) // home shows: opening it was given up
	d.until("it is closed", func() bool { return d.session.Seen().Closed })
	if d.m.work != nil {
		t.Error("the lab was entered")
	}
}

func TestUnavailableLabSaysWhy(t *testing.T) {
	d := drive(t, func(p *Deps) {
		p.Available = func([]string) (string, string) { return "this kernel has no bridges", "sudo modprobe bridge" }
	})
	d.want("Cannot run here")
	d.want("What to do: sudo modprobe bridge ")
	d.press("l")
	d.want("This kernel has no bridges.")
}

func TestProgressThatCannotBeReadIsSaid(t *testing.T) {
	d := drive(t, nil)
	d.send(marksLoaded{marks.New(), errors.New("the file is damaged")})
	d.want("Your progress could not be read: the file is damaged")
	d.press("down")
	if d.shows("damaged") {
		t.Error("the note stays after a key")
	}
}

func TestTheNoticeStaysUntilAKeyIsPressed(t *testing.T) {
	d := drive(t, func(p *Deps) { p.Notice = "Your progress file was damaged; a copy was kept." })
	d.idle(0)
	d.want("Your progress file was damaged")
	d.press("down")
	if d.shows("damaged") {
		t.Error("the notice stays")
	}
}

func TestATooSmallWindowIsPoliteAndKeepsTheShell(t *testing.T) {
	d := inLab(t, nil)
	before := d.shell("host").size
	d.send(tea.WindowSizeMsg{Width: 50, Height: 12})
	d.want("Please make this window a little larger.")
	d.press("x", "f10")
	if got := d.shell("host"); got.size != before || len(got.got) > 0 || !d.m.dialogs.Empty() {
		t.Errorf("size %v, keys %q", got.size, got.got)
	}
	d.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	d.want("There is a bridge called docker0")
}

func TestInputThatTheShellDidNotTakeIsSaid(t *testing.T) {
	d := inLab(t, nil)
	d.send(term.Dropped{ID: d.shell("host").id, Bytes: 9})
	d.want("did not take all you typed")
}

func TestTheThemeFollowsTheTerminal(t *testing.T) {
	d := drive(t, nil)
	dark := d.m.View().Content
	d.send(tea.BackgroundColorMsg{Color: color.White})
	light := d.m.View().Content
	if dark == light {
		t.Error("a light background changed nothing")
	}
	d.send(tea.ColorProfileMsg{Profile: colorprofile.ASCII})
	if got := colour.FindString(d.m.View().Content); got != "" {
		t.Errorf("a terminal without colours gets %q", got)
	}
}

func TestEventsAreStoredInTheOrderInWhichTheyHappened(t *testing.T) {
	d := drive(t, nil)
	for i := range 50 {
		d.send(intent.Happened{Events: []attempt.Event{attempt.HintGiven{Lab: "docker0", Task: "t", Tier: i}}})
	}
	d.idle(0)
	for i, e := range d.store.events {
		if e.(attempt.HintGiven).Tier != i {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
	if len(d.store.events) != 50 {
		t.Errorf("%d events", len(d.store.events))
	}
}
