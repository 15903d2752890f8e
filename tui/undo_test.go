package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"underlay/engine"
)

// been gives a session two checkpoints and something that has changed since.
func been(d *driver) {
	d.session.Past = []engine.Checkpoint{
		{ID: 0, Label: "the start", At: d.clock.Add(-20 * time.Minute)},
		{ID: 1, Label: "docker0 is a bridge", Tasks: []string{"bridge"}, At: d.clock.Add(-90 * time.Second)},
	}
	d.session.Changes = []engine.Change{
		{Node: "host", What: "link", Before: "docker0: up", After: "docker0: down"},
		{Node: "c1", What: "route", Before: "default via 172.17.0.1 dev eth0"},
		{What: "server", Before: "the http server of c1 (:80) runs", After: "the http server of c1 (:80) has ended"},
	}
}

func TestGoingBackShowsWhatChangedAndAsks(t *testing.T) {
	d := inLab(t, nil)
	been(d)
	d.press("f12")
	d.want("docker0 is a bridge")
	d.want("checkpoint of a minute ago")
	d.want("- link docker0: up")
	d.want("+ link docker0: down")
	d.want("- route default via 172.17.0.1 dev eth0")
	d.want("- server the http server of c1 (:80) runs")
	d.press("enter")
	d.idle(labIdle)
	if got := d.session.Seen().Restored; len(got) != 0 {
		t.Fatalf("enter went back to %v", got)
	}
	d.session.Way = engine.Restored{Changes: 3}
	d.press("f12")
	d.want("another checkpoint")
	d.press("y")
	d.want("3 changes were undone. The lab is back at: docker0 is a bridge")
	if got := d.session.Seen().Restored; !slices.Equal(got, []int{1}) {
		t.Errorf("went back to %v", got)
	}
	if len(d.panes) != 3 {
		t.Errorf("%d shells were opened: going back in place keeps them", len(d.panes))
	}
	d.press("x")
	d.until("the shell has the key", func() bool { return slices.Contains(d.shell("host").got, "x") })
}

func TestAnyCheckpointCanBeChosen(t *testing.T) {
	d := inLab(t, nil)
	been(d)
	d.press("f12")
	d.want("another checkpoint")
	d.press("c")
	d.want("Go back to which checkpoint?")
	d.want("1 docker0 is a bridge a minute ago")
	d.want("2 the start 20 minutes ago")
	d.press("2")
	d.want("checkpoint of 20 minutes ago")
	d.press("y")
	d.until("it went back", func() bool { return slices.Equal(d.session.Seen().Restored, []int{0}) })
	if got := d.session.Seen().Compared; !slices.Equal(got, []int{1, 0}) {
		t.Errorf("compared with %v", got)
	}
}

func TestARebuildIsExplainedAndOpensNewShells(t *testing.T) {
	d := inLab(t, nil)
	been(d)
	d.session.Way = engine.Restored{Rebuilt: true, Why: []string{"c1 was deleted."}, Changes: 1}
	d.press("f12")
	d.want("go back")
	d.press("y")
	d.want("The lab is back")
	d.want("c1 was deleted.")
	d.until("new shells are open", func() bool { return len(d.panes) == 6 })
	d.press("enter")
	d.idle(labIdle)
	for i, p := range d.panes[:3] {
		select {
		case <-p.closed:
		default:
			t.Errorf("pane %d is still open", i)
		}
	}
}

func TestNothingToGoBackFromIsSaid(t *testing.T) {
	d := inLab(t, nil)
	d.press("f12")
	d.want("There is no checkpoint to go back to yet.")
	been(d)
	d.session.Changes = nil
	d.press("f12")
	d.want("Nothing has changed since.")
	d.press("y")
	d.press("esc")
	d.idle(labIdle)
	if got := d.session.Seen().Restored; len(got) != 0 {
		t.Errorf("went back to %v from nothing", got)
	}
}

func TestALongDiffScrollsAndNeedsNoColour(t *testing.T) {
	d := inLab(t, func(p *Deps) { p.Options.NoColor = true })
	been(d)
	for range 60 {
		d.session.Changes = append(d.session.Changes, engine.Change{Node: "host", What: "firewall", After: "iptables filter: -A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -m comment --comment \"a rule that is longer than the line\" -j ACCEPT"})
	}
	d.press("f12")
	d.want("scroll")
	for i, row := range strings.Split(d.text(), "\n") {
		if n := len([]rune(row)); n > 120 {
			t.Errorf("row %d has %d cells", i, n)
		}
	}
	if !d.shows("- link docker0: up") {
		t.Errorf("no mark without colour:\n%s", d.text())
	}
	d.press("end")
	d.want("100%")
	d.want("-j ACCEPT")
}
