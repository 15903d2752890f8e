package tui

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"gotest.tools/v3/golden"

	"underlay/engine"
	"underlay/tui/internal/fake"
	"underlay/tui/term"
)

// autopsied is a report that package packetpath has recorded.
func autopsied(t testing.TB, name string) *engine.Autopsy {
	t.Helper()
	b, err := os.ReadFile("../packetpath/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var a engine.Autopsy
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return &a
}

// fetch is the packet that the current task fails for.
var fetch = engine.Flow{From: "c1", To: "172.17.0.1", Proto: "tcp", Port: 80}

// packets is a lab whose task fails for a packet, with the flows that were followed.
type packets struct {
	*driver
	mu    sync.Mutex
	flows []engine.Flow
}

// unreached is a status whose first task fails for traffic.
func unreached(lab *engine.Lab, done int) engine.Status {
	st := fake.Status(lab, done)
	st.Tasks[done].Flow = fetch
	return st
}

// redTask opens a lab whose first task fails for traffic; what is followed dies as
// the recording says.
func redTask(d *driver, recording string) *packets {
	p := &packets{driver: d}
	report := autopsied(d.t, recording)
	d.session.Follow = func(f engine.Flow) (*engine.Autopsy, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.flows = append(p.flows, f)
		a := *report
		a.Flow = f
		return &a, nil
	}
	toLab()(d)
	d.session.Set(unreached(d.session.TheLab, 0))
	d.want("Alt+9 follow the packet")
	d.idle(labIdle)
	return p
}

func (p *packets) followed() []engine.Flow {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.flows)
}

// chosen is the line of the step that is chosen: the one in reverse video.
func (p *packets) chosen() string {
	for _, l := range strings.Split(p.m.View().Content, "\n") {
		if i := strings.Index(l, "\x1b[1;7m"); i >= 0 && strings.ContainsAny(l, "●○✗") {
			return strings.Join(strings.Fields(ansi.Strip(l[i:])), " ")
		}
	}
	return ""
}

// plainly has the choice in reverse video.
func plainly(d *Deps) { d.Options.NoColor = true }

func TestFromARedTaskToItsAutopsy(t *testing.T) {
	p := redTask(drive(t, plainly), "policy")
	p.send(resize(100, 30))
	p.want("Alt+9 follow the packet")
	p.press("alt+9")
	p.want("✗ dropped in host, iptables filter FORWARD, policy DROP")
	p.want("✗ dropped here: iptables filter FORWARD")
	if got := p.followed(); !slices.Equal(got, []engine.Flow{fetch}) {
		t.Fatalf("followed %v", got)
	}
	if got := p.chosen(); got != "✗ host eth0 → ✗ 0.1 ms" {
		t.Errorf("chosen is %q, not the place of death", got)
	}
	if !p.shows("There is a bridge") {
		t.Error("the task is not seen beside it")
	}
	p.press("up")
	if got := p.chosen(); got != "● lan here → eth0 0.0 ms" {
		t.Errorf("one step back is %q", got)
	}
	p.press("x", "q")
	p.until("the shell is back", func() bool { return p.shows("####") && !p.shows("dropped") })
	if got := p.shell("host").got; len(got) != 0 {
		t.Errorf("the shell was given %q", got)
	}
	p.press("alt+9")
	p.want("dropped here")
	if n := len(p.followed()); n != 2 {
		t.Errorf("opened again, %d packets were followed", n)
	}
}

func TestSteppingAlongALongWay(t *testing.T) {
	p := redTask(drive(t, plainly), "routers")
	p.send(resize(80, 24))
	p.press("alt+9")
	p.want("✓ delivered: r10 answered")
	for _, c := range []struct{ keys, want string }{
		{"", "● r0 here"},
		{"down", "● r1 "}, {"j", "● r2 "}, {"k", "● r1 "}, {"up up", "● r0 "},
		{"end", "○ r0 right"}, {"up", "○ r1 "}, {"home", "● r0 "}, {"G", "○ r0 "}, {"g", "● r0 "},
		{"pgdown", "○ r10 "}, {"pgup", "● r0 "}, {"space space", "○ r0 "},
	} {
		p.press(strings.Fields(c.keys)...)
		if got := p.chosen(); !strings.HasPrefix(got, strings.TrimRight(c.want, " ")) {
			t.Errorf("%q goes to %q, not to %q", c.keys, got, c.want)
		}
		p.want("delivered: r10 answered") // the verdict stays
	}
	p.send(tea.MouseWheelMsg{Button: tea.MouseWheelUp, X: 5, Y: 10})
	for range 20 {
		p.send(tea.MouseWheelMsg{Button: tea.MouseWheelUp, X: 5, Y: 10})
	}
	p.want("there tcp SYN 10.0.0.1:40000")
	p.click("● r4 ")
	if got := p.chosen(); !strings.HasPrefix(got, "● r4 ") {
		t.Errorf("a click chose %q", got)
	}
}

// click clicks the lines that show text.
func (p *packets) click(text string) {
	for y, l := range strings.Split(p.text(), "\n") {
		if strings.Contains(l, text) {
			p.send(tea.MouseClickMsg{Button: tea.MouseLeft, X: 8, Y: y})
		}
	}
}

// On a large screen the way and the map are seen at once, and the shell beside them.
func TestBesideTheMap(t *testing.T) {
	p := redTask(drive(t, plainly), "published")
	p.session.Look = bridgedToC1
	p.send(resize(200, 60))
	p.want("┣ vc1")
	p.press("alt+9")
	p.want("delivered: c2 answered")
	p.press("down")
	p.until("the map marks where the packet is", func() bool {
		return p.shows("│▸┣ vc1") || p.shows("▸┗ vc1") || strings.Contains(p.text(), "▸┏ docker0")
	})
	if !p.shows("####") || p.shows("There is a bridge") {
		t.Errorf("the shell is hidden, or the tasks are not:\n%s", p.text())
	}
	p.press("alt+9", "x")
	p.until("the shell has the keyboard", func() bool { return slices.Contains(p.shell("host").got, "x") })
	p.want("Alt+9 steps through it")
	p.click("● host ")
	p.want("↑↓ step")
	p.press("f6", "y")
	p.until("the next shell has the keyboard", func() bool { return slices.Contains(p.shell("c1").got, "y") })
	p.press("f3")
	p.want("There is a bridge")
	if p.shows("delivered") {
		t.Error("the packet's way did not make way for the tasks")
	}
	if !strings.Contains(p.text(), "▸┏ docker0") {
		t.Errorf("the path is not on the map any more:\n%s", p.text())
	}
}

// bridgedToC1 is a picture of the host that the recording "published" is about.
func bridgedToC1() (engine.Picture, error) {
	dev := func(name, kind, master string) engine.Device {
		return engine.Device{Name: name, Kind: kind, Master: master, State: engine.DeviceUp}
	}
	return engine.Picture{Nodes: []engine.PictureNode{
		{Name: "host", Kind: engine.KindHost, Devices: []engine.Device{
			dev("docker0", "bridge", ""), dev("vc1", "veth", "docker0"), dev("vc2", "veth", "docker0"), dev("eth0", "dummy", ""),
		}},
		{Name: "c1", Kind: engine.KindContainer}, {Name: "c2", Kind: engine.KindContainer, Devices: []engine.Device{dev("eth0", "dummy", "")}},
	}}, nil
}

func TestItSaysWhenTheLabHasChanged(t *testing.T) {
	p := redTask(drive(t, plainly), "policy")
	been(p.driver)
	p.send(resize(200, 60))
	p.press("alt+0") // no map
	p.press("alt+9")
	p.want("dropped here")
	p.send(term.Frame{ID: p.shell("host").id})
	p.idle(labIdle + 1) // the frame has the pane wait twice
	if p.shows("has changed since") {
		t.Fatalf("nothing has changed:\n%s", p.text())
	}
	p.session.Changes = append(p.session.Changes, engine.Change{Node: "host", What: "setting", Before: "net.ipv4.ip_forward = 0", After: "net.ipv4.ip_forward = 1"})
	p.send(term.Frame{ID: p.shell("host").id})
	p.want("The lab has changed since. r follows the packet again.")
	p.press("alt+9")
	p.want("The lab has changed since. Alt+9 follows the packet again.")
	p.press("alt+9")
	p.until("it is followed again", func() bool { return len(p.followed()) == 2 && p.shows("dropped here") })
	if p.shows("has changed since") {
		t.Error("it is out of date at once")
	}
	p.press("r")
	p.until("and again", func() bool { return len(p.followed()) == 3 && p.shows("dropped here") })
	p.press("f5")
	p.want("start again")
	p.press("y")
	p.want("The lab has changed since.")
}

// What a packet is followed with, and where it is cut short.
func TestFollowingIsQuietAndCanBeStopped(t *testing.T) {
	d := drive(t, plainly)
	hold := make(chan struct{})
	p := redTask(d, "policy")
	inner := d.session.Follow
	d.session.Follow = func(f engine.Flow) (*engine.Autopsy, error) {
		<-hold
		return inner(f)
	}
	p.press("alt+9")
	p.want("Following the packet…")
	p.want("c1 → 172.17.0.1:80/tcp")
	p.press("esc")
	p.until("the shell is back", func() bool { return p.shows("####") && !p.shows("Following") })
	close(hold)
	p.idle(labIdle)
	if p.shows("dropped") {
		t.Error("what was stopped shows after all")
	}
	d.session.Follow = func(engine.Flow) (*engine.Autopsy, error) { return nil, errors.New("the lab was reset meanwhile") }
	p.press("alt+9")
	p.want("The packet could not be followed.")
	p.want("The lab was reset meanwhile.")
	d.session.Follow = inner
	p.press("r")
	p.want("dropped here")
}

func TestAPacketCanBeTyped(t *testing.T) {
	d := drive(t, plainly)
	p := redTask(d, "refused")
	d.session.Set(fake.Status(d.session.TheLab, 1)) // this task is not about traffic
	d.want("1 of 5")
	p.press("alt+9")
	p.want("From which node, and where to?")
	if c := p.m.View().Cursor; c == nil {
		t.Error("no cursor in the field")
	}
	typed := func(s string) {
		p.press("ctrl+u")
		p.send(tea.PasteMsg{Content: s})
		p.press("enter")
	}
	for _, c := range []struct{ text, says string }{
		{"", "Give a node and a destination."},
		{"host", "Give a destination: where to from host?"},
		{"nowhere 10.0.0.2", `This lab has no node "nowhere"; its nodes are host, c1, c2.`},
		{"c1 10.0.0.2 80", "Give only a node and a destination."},
		{"c1 10.0.0.2:99999", `"10.0.0.2:99999": a port is a number from 1 to 65535.`},
		{"c1 10.0.0.2/sctp", `there is no protocol "sctp" here`},
	} {
		typed(c.text)
		p.want(c.says)
	}
	if got := p.followed(); len(got) != 0 {
		t.Fatalf("%v was followed", got)
	}
	typed("c2 10.0.0.2:81")
	p.want("refused here")
	p.press("e")
	p.want("c2 10.0.0.2:81/tcp")
	typed("10.0.0.7") // from where the packet before came from
	p.until("it was followed", func() bool { return len(p.followed()) == 2 })
	want := []engine.Flow{{From: "c2", To: "10.0.0.2", Proto: "tcp", Port: 81}, {From: "c2", To: "10.0.0.7", Proto: "icmp"}}
	if got := p.followed(); !slices.Equal(got, want) {
		t.Errorf("followed %v", got)
	}
	p.want("refused here")
	p.press("e", "esc")
	p.want("refused here") // what was there before
	p.press("esc")
	p.press("alt+9")
	p.want("refused here")
	if n := len(p.followed()); n != 2 {
		t.Errorf("to look at it again, %d packets were followed", n)
	}
}

// In a lab with a fault it asks first, once.
func TestABrokenLabIsAskedAbout(t *testing.T) {
	d := drive(t, plainly)
	d.session.TheLab.Fault = &engine.Fault{ID: "unplugged", Symptom: "Nothing works."}
	p := redTask(d, "policy")
	p.press("esc") // of what was reported
	p.press("alt+9")
	p.want("The autopsy may name the cause")
	p.press("enter")
	p.idle(labIdle)
	if len(p.followed()) != 0 || p.shows("dropped") {
		t.Fatal("enter followed it")
	}
	p.press("alt+9")
	p.want("follow it")
	p.press("y")
	p.want("dropped here")
	p.press("esc", "alt+9")
	p.want("dropped here")
}

// Where the task that is looked at is not about traffic, the packet of the first
// one that is shows, of what must still work at last.
func TestWhosePacketIsFollowed(t *testing.T) {
	lab := fake.Lab()
	other := engine.Flow{From: "c2", To: "c1", Proto: "icmp"}
	for name, c := range map[string]struct {
		change func(*engine.Status)
		want   engine.Flow
	}{
		"the first of two": {func(s *engine.Status) { s.Tasks[1].Waiting, s.Tasks[1].Flow = false, other }, fetch},
		"another task's": {func(s *engine.Status) {
			s.Tasks[0].Flow = engine.Flow{}
			s.Tasks[1].Waiting, s.Tasks[1].Flow = false, other
		}, other},
		"of what must still work": {func(s *engine.Status) {
			s.Tasks[0].Flow = engine.Flow{}
			s.Collateral = []engine.TaskResult{{Goal: "c2 reaches c1", Flow: other, Result: engine.Result{State: engine.Fail, Got: "no answer"}}}
		}, other},
	} {
		p := redTask(drive(t, plainly), "policy")
		st := unreached(lab, 0)
		c.change(&st)
		st.Health = []string{"It is changed."}
		p.session.Set(st)
		p.want("It is changed.")
		p.press("alt+9")
		p.want("dropped here")
		if got := p.followed(); !slices.Equal(got, []engine.Flow{c.want}) {
			t.Errorf("%s: followed %v", name, got)
		}
	}
}

// Closed, it asks for nothing.
func TestClosedItCostsNothing(t *testing.T) {
	p := redTask(drive(t, nil), "policy")
	been(p.driver)
	p.press("alt+9")
	p.want("dropped here")
	p.press("esc")
	p.idle(labIdle)
	before := len(p.session.Seen().Compared)
	p.send(term.Frame{ID: p.shell("host").id})
	p.session.Set(unreached(p.session.TheLab, 0))
	p.idle(labIdle + 1)
	if n := len(p.session.Seen().Compared) - before; n != 0 || len(p.followed()) != 1 {
		t.Errorf("closed, it compared %d times and followed %d packets", n, len(p.followed()))
	}
}

// The screens as they are, at the three sizes.
func TestScreensOfAPacketsWay(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"policy", "overlay"} {
		for _, size := range [][2]int{{80, 24}, {100, 30}, {200, 60}} {
			p := redTask(drive(t, nil), name)
			p.session.Look = bridgedToC1
			p.send(resize(size[0], size[1]))
			p.press("alt+9")
			p.want("there")
			if size[0] >= 200 {
				p.want("┏ docker0")
			}
			fmt.Fprintf(&b, "== %s, %d×%d\n", name, size[0], size[1])
			for _, l := range strings.Split(p.text(), "\n") {
				b.WriteString(strings.TrimRight(strings.ReplaceAll(l, "#", ""), " ") + "\n") // without the shell
			}
		}
	}
	golden.Assert(t, b.String(), "packet.golden")
}
