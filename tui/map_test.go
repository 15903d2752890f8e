package tui

import (
	"strings"
	"sync/atomic"
	"testing"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/tui/internal/fake"
	"underlay/tui/term"
)

// bridged is a picture of the test lab with a bridge in host.
func bridged() (engine.Picture, error) {
	return engine.Picture{Nodes: []engine.PictureNode{
		{Name: "host", Kind: engine.KindHost, Devices: []engine.Device{{Name: "docker0", Kind: "bridge", State: engine.DeviceNoCarrier}}},
		{Name: "c1", Kind: engine.KindContainer}, {Name: "c2", Kind: engine.KindContainer},
	}}, nil
}

// toMap opens the lab and shows its map.
func toMap(d *driver) {
	d.session.Look = bridged
	toLab()(d)
	d.press("alt+0")
	d.until("the map is there", func() bool { return d.shows("┏ docker0") || d.shows("= docker0") })
}

func resize(w, h int) tea.Msg { return tea.WindowSizeMsg{Width: w, Height: h} }

func TestTheMapShowsAndHides(t *testing.T) {
	d := inLab(t, nil)
	d.send(resize(100, 30))
	if d.idle(labIdle); d.session.Looks() != 1 {
		t.Fatalf("nobody sees a map, and %d pictures were asked for beside the one to compare with", d.session.Looks()-1)
	}
	d.press("alt+0")
	d.want("nothing plugged in")
	d.want("Alt+0 tasks")
	if d.shows("There is a bridge") {
		t.Errorf("the tasks show beside it:\n%s", d.text())
	}
	d.press("alt+0")
	d.want("There is a bridge")
	d.idle(labIdle)
	seen := d.session.Looks()
	d.send(term.Frame{ID: d.shell("host").id})
	if d.idle(labIdle + 1); d.session.Looks() != seen { // the frame has the pane wait twice
		t.Error("hidden again, it goes on looking")
	}
}

func TestTheMapShowsByItselfWhereThereIsRoom(t *testing.T) {
	d := inLab(t, nil)
	d.send(resize(200, 60))
	d.want("nothing plugged in")
	for _, s := range []string{"There is a bridge", "Map", "Alt+0 hides it"} {
		d.want(s)
	}
	d.press("alt+0")
	if d.shows("nothing plugged in") {
		t.Errorf("it does not hide:\n%s", d.text())
	}
	d.send(resize(210, 60))
	if d.shows("nothing plugged in") {
		t.Error("it comes back by itself")
	}
	d.press("alt+0")
	d.want("nothing plugged in")
}

func TestTheMapAloneOnASmallScreen(t *testing.T) {
	d := inLab(t, nil)
	d.send(resize(80, 24))
	size := d.shell("host").size
	d.press("alt+0")
	d.want("nothing plugged in")
	if strings.Contains(d.text(), "####") || d.shell("host").size != size {
		t.Errorf("the shell shows, or was resized to %v:\n%s", d.shell("host").size, d.text())
	}
	d.press("x")
	if got := d.shell("host").got; len(got) != 0 {
		t.Errorf("the hidden shell was given %q", got)
	}
	for _, k := range []string{"esc", "alt+0"} {
		d.press(k)
		d.until("the shell is back", func() bool { return strings.Contains(d.text(), "####") })
		d.press("alt+0")
		d.want("nothing plugged in")
	}
	d.press("f3")
	d.want("There is a bridge")
	d.press("alt+0")
	d.want("nothing plugged in")
	d.press("f8") // the next task is to be seen
	d.until("the map makes way", func() bool { return !d.shows("nothing plugged in") })
}

func TestTheMapFollowsTheKernel(t *testing.T) {
	var made atomic.Bool
	d := drive(t, nil)
	d.session.Look = func() (engine.Picture, error) {
		p, err := bridged()
		if !made.Load() {
			p.Nodes[0].Devices = nil
		}
		return p, err
	}
	toLab()(d)
	d.press("alt+0")
	d.want("nothing plugged in")
	made.Store(true)
	d.want("•┏ docker0")
	d.want("no carrier")
	d.session.Set(fake.Status(d.session.TheLab, 1)) // a task done is a checkpoint
	d.until("the mark is gone", func() bool { return d.shows("┏ docker0") && !d.shows("•┏ docker0") })
}

// In a lab with a fault, finding it is the exercise.
func TestTheMapOfABrokenLabWaitsToBeAskedFor(t *testing.T) {
	d := drive(t, nil)
	d.session.TheLab.Fault = &engine.Fault{ID: "unplugged", Symptom: "Nothing works."}
	toLab()(d)
	d.send(resize(200, 60))
	d.idle(labIdle)
	if d.shows("nothing plugged in") {
		t.Errorf("it shows by itself:\n%s", d.text())
	}
	d.press("alt+0")
	d.want("nothing plugged in")
}
