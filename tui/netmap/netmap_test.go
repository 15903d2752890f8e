package netmap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"underlay/engine"
	"underlay/topology"
	"underlay/tui/theme"
)

// kernel is a Lab of two nodes on a cable.
type kernel struct {
	looks, compared atomic.Int64 // how often it was asked, and for what has changed since a checkpoint

	mu       sync.Mutex
	received uint64
	fails    bool
	more     int    // nodes beside the two
	extra    string // a device of host beside the cable
	changes  []engine.Change
}

// set changes it while it may be looked at.
func (k *kernel) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

func (k *kernel) History() engine.History { return past{k} }

// past is a kernel's history of one checkpoint.
type past struct{ k *kernel }

func (p past) Checkpoints() []engine.Checkpoint { return []engine.Checkpoint{{ID: 3}} }

func (p past) Diff(_ context.Context, id int) ([]engine.Change, error) {
	p.k.compared.Add(1)
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	if id != 3 || p.k.fails {
		return nil, engine.ErrNotFound
	}
	return p.k.changes, nil
}

func (p past) Restore(context.Context, int) (engine.Restored, error) { panic("a map changes nothing") }

func (k *kernel) Picture(context.Context) (engine.Picture, error) {
	k.looks.Add(1)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails {
		return engine.Picture{}, errors.New("the reader is closed")
	}
	p := engine.Picture{Nodes: []engine.PictureNode{
		{Name: "host", Kind: engine.KindHost, Devices: []engine.Device{{Name: "vc1", Kind: "veth", State: engine.DeviceUp, Peer: engine.DeviceRef{Node: "c1", Name: "eth0"}, Received: k.received}}},
		{Name: "c1", Kind: engine.KindContainer, Devices: []engine.Device{{Name: "eth0", Kind: "veth", State: engine.DeviceUp, Peer: engine.DeviceRef{Node: "host", Name: "vc1"}}}},
	}}
	if k.extra != "" {
		p.Nodes[0].Devices = append(p.Nodes[0].Devices, engine.Device{Name: k.extra, Kind: "dummy", State: engine.DeviceUp})
	}
	for i := range k.more {
		p.Nodes = append(p.Nodes, engine.PictureNode{Name: fmt.Sprintf("c%d", i+2), Kind: engine.KindContainer})
	}
	return p, nil
}

// viewer is a pane with what runs for it.
type viewer struct {
	t    *testing.T
	pane *Pane
	msgs chan tea.Msg
}

// watched runs f with a pane of 60 by 12 cells on a clock of its own.
func watched(t *testing.T, k *kernel, f func(v *viewer)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		v := &viewer{t: t, pane: New(ctx, k, theme.New(theme.Options{Dark: true})), msgs: make(chan tea.Msg, 8)}
		f(v)
		cancel()
		synctest.Wait()
	})
}

// run runs a command beside the test.
func (v *viewer) run(c tea.Cmd) {
	if c != nil {
		go func() { v.msgs <- c() }()
	}
}

func (v *viewer) show() { v.run(v.pane.Resize(60, 12)) }

// heard takes in all that comes within d, and returns how much it was.
func (v *viewer) heard(d time.Duration) int {
	n := 0
	end := time.After(d)
	for {
		select {
		case msg := <-v.msgs:
			if msg == nil {
				continue
			}
			cmd, ok := v.pane.Update(msg)
			if !ok {
				v.t.Fatalf("%T is not a picture", msg)
			}
			if _, ok := msg.(seen); ok {
				n++
			}
			v.run(cmd)
		case <-end:
			synctest.Wait()
			return n
		}
	}
}

func (v *viewer) text() string { return ansi.Strip(strings.Join(v.pane.Draw(), "\n")) }

func TestNothingIsReadWhileHidden(t *testing.T) {
	k := &kernel{}
	watched(t, k, func(v *viewer) {
		v.pane.Look()
		if v.heard(5 * time.Second); k.looks.Load() != 0 {
			t.Errorf("hidden, it looked %d times", k.looks.Load())
		}
		v.show()
		v.heard(5 * time.Second)
		if k.looks.Load() < 4 || k.looks.Load() > 6 {
			t.Errorf("shown for five seconds, it looked %d times", k.looks.Load())
		}
		seen := k.looks.Load()
		v.heard(20 * time.Second)
		if n := k.looks.Load() - seen; n < 9 || n > 13 {
			t.Errorf("with nothing new for twenty seconds, it looked %d times", n)
		}
		v.run(v.pane.Resize(0, 0))
		seen = k.looks.Load()
		v.pane.Look()
		if v.heard(5 * time.Second); k.looks.Load() != seen {
			t.Errorf("hidden again, it looked %d times", k.looks.Load()-seen)
		}
		v.show()
		if v.heard(time.Second); k.looks.Load() == seen {
			t.Error("shown again, it did not look")
		}
	})
}

// What does not change is told once more, so that what stood out goes back to
// its place, and then no more.
func TestOnlyChangesAreTold(t *testing.T) {
	k := &kernel{}
	watched(t, k, func(v *viewer) {
		v.show()
		if n := v.heard(10 * time.Second); n != 2 {
			t.Errorf("a lab at rest was told of %d times", n)
		}
		k.set(func() { k.received = 7 })
		v.pane.Look()
		if n := v.heard(2 * spacing); n != 1 || !strings.Contains(v.text(), "7↓") {
			t.Errorf("a packet was told of %d times:\n%s", n, v.text())
		}
		loud := strings.Join(v.pane.Draw(), "\n")
		v.heard(2 * time.Second)
		if calm := strings.Join(v.pane.Draw(), "\n"); calm == loud || ansi.Strip(calm) != ansi.Strip(loud) {
			t.Errorf("the new number does not stand out, or goes on to:\n%q", calm)
		}
	})
}

func TestALookThatIsAskedForComesSoonButNotTooOften(t *testing.T) {
	k := &kernel{}
	watched(t, k, func(v *viewer) {
		v.show()
		v.heard(5 * time.Second)
		k.set(func() { k.received = 1 })
		v.pane.Look()
		if n := v.heard(2 * spacing); n != 1 {
			t.Errorf("told of %d times", n)
		}
		seen := k.looks.Load()
		for range 100 {
			v.pane.Look()
			v.heard(10 * time.Millisecond)
		}
		if n := k.looks.Load() - seen; n < 4 || n > 8 {
			t.Errorf("asked a hundred times in a second, it looked %d times", n)
		}
	})
}

func TestFailuresAreToldWhenTheyLast(t *testing.T) {
	k := &kernel{}
	watched(t, k, func(v *viewer) {
		v.show()
		v.heard(2 * time.Second)
		k.set(func() { k.fails = true })
		v.heard(2500 * time.Millisecond) // fewer looks than patience
		if strings.Contains(v.text(), "cannot") || !strings.Contains(v.text(), "vc1") {
			t.Errorf("a short failure shows:\n%s", v.text())
		}
		if n := v.heard(20 * time.Second); n != 1 || !strings.Contains(v.text(), "cannot be read now.") || !strings.Contains(v.text(), "The reader is closed.") {
			t.Errorf("after %d messages a lasting one shows:\n%s", n, v.text())
		}
		k.set(func() { k.fails = false })
		v.heard(2 * time.Second)
		if !strings.Contains(v.text(), "vc1") {
			t.Errorf("after it, there shows:\n%s", v.text())
		}
	})
}

func TestALateMessageOfAnEarlierShowIsNotTaken(t *testing.T) {
	k := &kernel{}
	watched(t, k, func(v *viewer) {
		late := v.pane.Resize(60, 12)()
		v.run(v.pane.Resize(0, 0))
		v.show()
		if cmd, ok := v.pane.Update(late); !ok || cmd != nil {
			t.Error("it goes on with a watch that has ended")
		}
		if _, ok := v.pane.Update(tea.FocusMsg{}); ok {
			t.Error("it takes what is not its own")
		}
	})
}

func TestWhatIsHigherThanThePaneScrolls(t *testing.T) {
	k := &kernel{more: 4}
	watched(t, k, func(v *viewer) {
		v.show()
		v.heard(2 * time.Second)
		if lines := v.pane.Draw(); len(lines) != 12 || !strings.Contains(v.text(), "more lines") {
			t.Fatalf("%d lines:\n%s", len(lines), v.text())
		}
		v.pane.Scroll(100)
		if s := v.text(); !strings.Contains(s, "packets in and out") || strings.Contains(s, "host ") {
			t.Errorf("at the end:\n%s", s)
		}
		v.pane.Scroll(-100)
		if s := v.text(); !strings.Contains(s, "host ") {
			t.Errorf("at the beginning:\n%s", s)
		}
	})
}

func TestMarksAndThemes(t *testing.T) {
	k := &kernel{}
	watched(t, k, func(v *viewer) {
		v.show()
		v.heard(2 * time.Second)
		v.pane.Follow([]engine.DeviceRef{{Node: "c1", Name: "eth0"}, {Node: "host", Name: "vc1"}}, nil)
		if s := v.text(); !strings.Contains(s, "▸vc1") || !strings.Contains(s, "━") {
			t.Errorf("a path is not marked:\n%s", s)
		}
		v.pane.Restyle(theme.New(theme.Options{ASCII: true, NoColor: true}))
		if s := v.text(); !strings.Contains(s, ">vc1") || strings.ContainsAny(s, "│┌▸") {
			t.Errorf("in ASCII:\n%s", s)
		}
	})
}

func TestChangesAreMarkedUntilTheNextCheckpoint(t *testing.T) {
	k := &kernel{}
	watched(t, k, func(v *viewer) {
		v.run(v.pane.Checkpoint()) // hidden, as it may be
		v.heard(time.Second)
		v.show()
		v.heard(2 * time.Second)
		if s := v.text(); strings.Contains(s, "•") {
			t.Errorf("nothing has changed:\n%s", s)
		}
		k.set(func() { k.extra, k.received = "dummy0", 5 })
		v.heard(2 * time.Second)
		if s := v.text(); !strings.Contains(s, "│•dummy0") || strings.Count(s, "•") != 2 || !strings.Contains(s, "changed since the checkpoint") {
			t.Errorf("dummy0 is new:\n%s", s)
		}
		v.run(v.pane.Checkpoint())
		v.heard(2 * time.Second)
		if s := v.text(); strings.Contains(s, "•") || !strings.Contains(s, "dummy0") {
			t.Errorf("nothing has changed since:\n%s", s)
		}
		k.set(func() { k.fails = true })
		v.run(v.pane.Checkpoint())
		v.heard(time.Second)
		if s := v.text(); !strings.Contains(s, "dummy0") {
			t.Errorf("a checkpoint that cannot be read shows:\n%s", s)
		}
	})
}

// What has no device marks its node; devices that the picture shows as changed
// mark themselves.
func TestChangesWithoutADeviceMarkTheirNode(t *testing.T) {
	k := &kernel{}
	watched(t, k, func(v *viewer) {
		v.run(v.pane.Checkpoint())
		v.heard(time.Second)
		if k.compared.Load() != 0 {
			t.Errorf("hidden, it compared %d times", k.compared.Load())
		}
		v.show()
		v.heard(2 * time.Second)
		k.set(func() {
			k.changes = []engine.Change{{Node: "c1", What: "route", After: "default via 10.0.0.1 dev eth0"}}
		})
		v.pane.Look()
		v.heard(2 * time.Second)
		if s := v.text(); !strings.Contains(s, "c1 •") || strings.Contains(s, "host •") {
			t.Errorf("a route of c1 has changed:\n%s", s)
		}
		k.set(func() {
			k.changes = []engine.Change{{Node: "host", What: "link", After: "vc1: mtu 1400"}, {What: "server", After: "the http server of c1 (:80) has ended"}}
		})
		v.pane.Look()
		v.heard(2 * time.Second)
		if s := v.text(); !strings.Contains(s, "host •") || strings.Contains(s, "c1 •") {
			t.Errorf("what the picture does not show of vc1 has changed:\n%s", s)
		}
		k.set(func() { k.extra = "dummy0" })
		v.heard(4 * time.Second)
		if s := v.text(); !strings.Contains(s, "•dummy0") || strings.Contains(s, "host •") {
			t.Errorf("dummy0 is new, and marks itself:\n%s", s)
		}
		k.set(func() { k.changes = nil })
		seen := k.compared.Load()
		v.heard(12 * time.Second) // nobody says that anything has changed
		if s := v.text(); strings.Count(s, "•") != 2 || k.compared.Load() == seen {
			t.Errorf("compared %d times, only dummy0 is left:\n%s", k.compared.Load()-seen, s)
		}
		seen = k.compared.Load()
		for range 100 {
			v.pane.Look()
			v.heard(30 * time.Millisecond)
		}
		if n := k.compared.Load() - seen; n < 2 || n > 4 {
			t.Errorf("asked a hundred times in three seconds, it compared %d times", n)
		}
		k.set(func() { k.fails = true })
		v.heard(12 * time.Second)
		k.set(func() { k.fails = false })
		v.heard(4 * time.Second)
		if s := v.text(); !strings.Contains(s, "•dummy0") {
			t.Errorf("after a failure:\n%s", s)
		}
	})
}

func TestEveryRoleHasAStyle(t *testing.T) {
	st := theme.New(theme.Options{Dark: true})
	for r, s := range rolesIn(st) {
		if topology.Role(r) != topology.Blank && s.Render("x") == "x" {
			t.Errorf("role %d is drawn without a style", r)
		}
	}
}
