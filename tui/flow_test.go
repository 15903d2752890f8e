package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/intent"
	"underlay/tui/internal/fake"
	"underlay/tui/term"
)

func TestFirstTimeLearnerSeesWhatToPress(t *testing.T) {
	d := drive(t, nil)
	d.idle(0)
	d.want("enter begins")
	d.want("Start here docker0 by hand")
	d.press("enter")
	d.want("Afterwards you can")
	d.idle(0)
}

func TestResumeLeadsBackToTheLab(t *testing.T) {
	d := drive(t, nil)
	d.idle(0) // what the store has is read
	d.store.marks.Apply(attempt.Began{Lab: "docker0"})
	d.store.marks.Apply(attempt.TaskDone{Lab: "docker0", Task: "bridge"})
	d.store.marks.Apply(attempt.TaskDone{Lab: "docker0", Task: "address"})
	d.run(d.m.loadMarks())
	d.want("Continue docker0 by hand")
	d.want("task 3 of 5")
	d.press("enter")
	d.until("the lab is open", func() bool { return d.m.work != nil })
}

func TestFindNarrowsTheListAndEscapeShowsAll(t *testing.T) {
	d := drive(t, nil)
	d.press("/", "g", "e", "t", "t")
	d.want("1 found")
	if d.shows("The bridge") {
		t.Errorf("module titles show while finding:\n%s", d.text())
	}
	d.press("esc")
	d.want("The bridge")
}

func TestTasksTurnGreenByThemselvesAndTheHighlightEnds(t *testing.T) {
	d := inLab(t, nil)
	d.want("want docker0 has the address")
	d.session.Set(fake.Status(d.session.TheLab, 1))
	d.want("1 of 5")
	if got := strings.Count(d.text(), "✓"); got != 1 {
		t.Errorf("%d tasks are ticked, want 1:\n%s", got, d.text())
	}
	began := time.Now()
	d.idle(labIdle) // the highlight is over: no timer is left
	if took := time.Since(began); took > 600*time.Millisecond {
		t.Errorf("the highlight took %v", took)
	}
	d.until("it is recorded", func() bool {
		return d.store.has(func(e attempt.Event) bool { return e == attempt.TaskDone{Lab: "docker0", Task: "bridge"} })
	})
	if d.m.marks.Labs["docker0"].Done(d.session.TheLab.Info()) != 1 {
		t.Errorf("marks: %+v", d.m.marks.Labs)
	}
}

func TestNothingTicksWhenNothingChanges(t *testing.T) {
	d := inLab(t, nil)
	before := d.m.View().Content
	for _, msg := range []tea.Msg{tea.WindowSizeMsg{Width: 120, Height: 40}, tea.FocusMsg{}, struct{}{}} {
		d.send(msg)
	}
	d.idle(labIdle)
	if d.m.View().Content != before {
		t.Error("the screen changed")
	}
}

func TestHintsAreGivenTierByTierAndRecorded(t *testing.T) {
	d := inLab(t, nil)
	for tier, title := range []string{"Hint 1/4: what you can see", "Hint 2/4: where to look", "Hint 3/4: what to use", "Hint 4/4: the answer"} {
		d.press("f2")
		d.want(title)
		d.until("it is recorded", func() bool {
			return d.store.has(func(e attempt.Event) bool {
				h, ok := e.(attempt.HintGiven)
				return ok && h.Task == "bridge" && h.Tier == tier+1
			})
		})
	}
	d.press("f2")
	d.want("You have seen all hints for this task.")
	d.session.Set(fake.Status(d.session.TheLab, 5))
	d.want("with 4 hints")
}

func TestResetAsksFirstAndOpensNewShells(t *testing.T) {
	d := inLab(t, nil)
	d.press("f5", "enter")
	if d.session.Seen().Resets != 0 {
		t.Fatal("enter confirmed the reset")
	}
	d.press("f5", "y")
	d.until("new shells are open", func() bool { return len(d.panes) == 6 })
	d.idle(labIdle)
	if got := d.session.Seen().Resets; got != 1 {
		t.Errorf("%d resets", got)
	}
	for i, p := range d.panes[:3] {
		select {
		case <-p.closed:
		default:
			t.Errorf("pane %d is still open", i)
		}
	}
}

func TestSolutionAsksFirstAndIsRecorded(t *testing.T) {
	d := inLab(t, nil)
	d.press("f9")
	d.want("See the solution?")
	d.press("y")
	d.want("ip addr add 172.17.0.1/16 dev docker0")
	d.until("it is recorded", func() bool {
		return d.store.has(func(e attempt.Event) bool { return e == attempt.SolutionShown{Lab: "docker0"} })
	})
}

func TestSolvedPanelLeadsToTheNextLesson(t *testing.T) {
	d := inLab(t, nil)
	d.clock = d.clock.Add(5 * time.Minute)
	d.send(key("x")) // the last key for the shell
	d.session.Set(fake.Status(d.session.TheLab, 5))
	d.want("stay and look around")
	d.want("in 5 minutes, without a hint")
	d.want("Next: Getting out")
	d.send(key("enter")) // meant for the shell: the clock has not moved
	if d.m.dialogs.Empty() {
		t.Fatal("a key that was meant for the shell answered the dialog")
	}
	if got := d.shell("host").got; !slices.Equal(got, []string{"x", "enter"}) {
		t.Errorf("the shell got %q", got)
	}
	d.press("enter")
	d.until("the next lesson shows", func() bool { return d.shows("The bridge · Getting out") })
	d.until("the lab is closed", func() bool { return d.session.Seen().Closed })
	if d.m.work != nil || !d.m.marks.Labs["docker0"].Solved {
		t.Errorf("marks: %+v", d.m.marks)
	}
}

func TestLeavingAsksOnlyWhileTheLabIsUnsolved(t *testing.T) {
	d := inLab(t, nil)
	d.press("f10")
	d.want("Leave the lab?")
	d.press("n")
	if !d.m.dialogs.Empty() || d.m.work == nil {
		t.Fatal("no did not stay")
	}
	d.press("f10", "y")
	d.until("home shows", func() bool { return d.m.screen == screen(d.m.home) })
	d.until("the lab is closed", func() bool { return d.session.Seen().Closed })
	d.press("q")
	d.until("the program ends", func() bool { return d.quit })
}

func TestQuitAsksWhileALabIsOpen(t *testing.T) {
	d := inLab(t, nil)
	d.send(intent.Quit{})
	d.want("Quit?")
	d.press("y")
	d.until("the program ends", func() bool { return d.quit })
	if !d.session.Seen().Closed {
		t.Error("the lab was left open")
	}
	if !d.store.has(func(e attempt.Event) bool { return e == attempt.Left{Lab: "docker0"} }) {
		t.Error("leaving was not recorded")
	}
}

func TestKeysThatShellsNeedReachTheShell(t *testing.T) {
	d := inLab(t, nil)
	keys := []string{"a", "enter", "esc", "tab", "ctrl+a", "ctrl+b", "ctrl+c", "ctrl+d", "ctrl+g", "ctrl+z", "ctrl+l", "ctrl+r", "?", "q", "/", "up", "pgup", "alt+b", "alt+f", "alt+."}
	d.press(keys...)
	if got := d.shell("host").got; !slices.Equal(got, keys) {
		t.Errorf("the shell got %q", got)
	}
	d.press("ctrl+\\")
	d.want("What would you like to do?")
	d.press("ctrl+\\")
	if got := d.shell("host").got; got[len(got)-1] != "ctrl+\\" || !d.m.dialogs.Empty() {
		t.Errorf("the leader pressed twice did not reach the shell: %q", got)
	}
}

func TestTabsAreReachedByKeyAndByMouse(t *testing.T) {
	d := inLab(t, nil)
	d.press("f6", "b", "alt+3", "c")
	if !slices.Equal(d.shell("c1").got, []string{"b"}) || !slices.Equal(d.shell("c2").got, []string{"c"}) {
		t.Errorf("got %q, %q", d.shell("c1").got, d.shell("c2").got)
	}
	r := d.m.rects.Tabs
	d.send(tea.MouseClickMsg{X: r.X + 2, Y: r.Y, Button: tea.MouseLeft})
	d.press("a")
	if !slices.Equal(d.shell("host").got, []string{"a"}) {
		t.Errorf("a click on the first tab: %q", d.shell("host").got)
	}
}

func TestMouseOverTheShellIsTheShells(t *testing.T) {
	d := inLab(t, nil)
	r := d.m.rects.Shell
	d.send(tea.MouseWheelMsg{X: r.X + 4, Y: r.Y + 3, Button: tea.MouseWheelUp})
	if got := d.shell("host").mouse; len(got) != 1 || got[0].Mouse().X != 4 || got[0].Mouse().Y != 3 {
		t.Errorf("the shell got %v", got)
	}
	d.press("shift+pgup")
	if d.shell("host").scroll != r.H/2 {
		t.Errorf("scrolled %d", d.shell("host").scroll)
	}
}

func TestFramesPokeTheSession(t *testing.T) {
	d := inLab(t, nil)
	d.shell("c1").frames <- term.Frame{ID: d.shell("c1").id}
	d.until("the session is poked", func() bool { return d.session.Seen().Pokes == 1 })
	d.idle(labIdle)
}

func TestAShellThatEndsCanBeOpenedAgain(t *testing.T) {
	d := inLab(t, nil)
	d.shell("host").frames <- term.Exited{ID: d.shell("host").id}
	d.want("This shell has ended.")
	d.press("enter")
	d.until("a new one is open", func() bool { return len(d.panes) == 4 })
	d.idle(labIdle)
}

func TestShellsFollowTheSizeOfTheWindow(t *testing.T) {
	d := inLab(t, nil)
	for _, size := range [][2]int{{200, 60}, {80, 24}, {100, 30}} {
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		r := d.m.rects.Shell
		if got := d.shell("host").size; got != (engine.Size{Cols: r.W, Rows: r.H}) {
			t.Errorf("%v: the pane is %v, its place %v", size, got, r)
		}
	}
	d.press("f4")
	if got := d.shell("host").size.Cols; got != 100 {
		t.Errorf("zoomed, the shell has %d columns", got)
	}
	x, y, visible := d.m.screen.Cursor()
	if c := d.m.View().Cursor; !visible || c == nil || c.X != x || c.Y != y || x != 2 || y != d.m.rects.Shell.Y+1 {
		t.Errorf("cursor at %d,%d", x, y)
	}
}

func TestOnePaneAtATimeInASmallWindow(t *testing.T) {
	d := inLab(t, nil)
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	d.want("○ There is a bridge called docker0 on the host 0 of 5")
	d.press("f3")
	d.want("got docker0 has no IPv4 address")
	d.press("f3")
	d.want("A bridge is a switch in the kernel")
	d.press("esc")
	if d.m.rects.Shell.Empty() {
		t.Error("escape did not go back to the shell")
	}
	d.press("f2") // no panel to show it in
	d.want("Hint 1/4")
	if d.m.dialogs.Empty() {
		t.Error("the hint is not in a dialog")
	}
}

func TestTypingGoesToTheShellWhileAPageShows(t *testing.T) {
	d := inLab(t, nil)
	d.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	shell := d.shell("host")
	typed := []string{"q", "k", "space", "?", "tab", "-", "enter"}
	for _, page := range []struct{ key, question, yes, shows string }{
		{"f2", "", "", "Hint 1/4"},
		{"f9", "See the solution?", "y", "ip addr add 172.17.0.1/16"},
		{"f1", "What would you like to do?", "?", "Get a hint for the current task"},
	} {
		shell.got = nil
		d.press(page.key)
		if page.question != "" {
			d.want(page.question)
			d.press(page.yes)
		}
		d.want(page.shows)
		d.want("typing goes to the shell")
		d.press("down", "up", "end", "home")
		if d.m.dialogs.Empty() || len(shell.got) > 0 {
			t.Fatalf("%s: keys that scroll the page reached the shell: %q", page.shows, shell.got)
		}
		d.press(typed...)
		if !slices.Equal(shell.got, typed) || !d.m.dialogs.Empty() {
			t.Errorf("%s: the shell got %q of %q", page.shows, shell.got, typed)
		}
	}
	shell.got = nil
	d.press("f2")
	d.want("Hint 2/4")
	d.press("f2") // a key of the lab does in a page what it does without one
	d.want("Hint 3/4")
	d.send(tea.PasteMsg{Content: "ip link"})
	if !slices.Equal(shell.got, []string{"paste:ip link"}) || !d.m.dialogs.Empty() {
		t.Errorf("pasted: the shell got %q", shell.got)
	}
	d.press("f5")
	d.want("Start again?")
	d.press("x")
	if d.m.dialogs.Empty() || len(shell.got) != 1 {
		t.Errorf("a question let a key through: %q", shell.got)
	}
}

func TestATaskIsAnsweredInWords(t *testing.T) {
	for name, around := range map[string]func(engine.Check) engine.Check{
		"alone": func(c engine.Check) engine.Check { return c },
		"all":   func(c engine.Check) engine.Check { return engine.Check{All: []engine.Check{{}, c}} },
		"not":   func(c engine.Check) engine.Check { return engine.Check{Not: &c} },
	} {
		t.Run(name, func(t *testing.T) {
			d := inLab(t, func(d *Deps) {
				lab, err := d.Lab(d.Labs[0].ID)
				if err != nil {
					t.Fatal(err)
				}
				checks := lab.Task("mac").Checks
				checks[0] = around(checks[0])
			})
			d.press("f7")
			d.want("This task is not answered in words.")
			d.session.Set(fake.Status(d.session.TheLab, 3))
			d.want("F7 type your answer")
			d.press("f7")
			d.want("Which MAC address does c1 see")
			d.press("a", "b", "enter")
			if got := d.session.Seen().Answers["mac"]; got != "ab" {
				t.Errorf("answered %q", got)
			}
		})
	}
}
