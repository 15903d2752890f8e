package topology

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"underlay/engine"
)

// sizes are those of the panes that a drawing is shown in.
var sizes = [][2]int{{40, 26}, {60, 27}, {80, 21}, {120, 40}, {200, 55}}

func pictures() map[string]string {
	return map[string]string{
		"2-empty": twoEmpty, "2-joined": twoJoined, "3-half": threeHalf, "5-vxlan": fiveVXLAN,
		"6-publish": sixPublish, "8-macvlan": eightMacvlan, "12-nodes": twelve(),
	}
}

// TestGolden holds drawings against testdata, whose files were looked at one by
// one. Blank lines at the end of a drawing but one are left out of them.
func TestGolden(t *testing.T) {
	for name, text := range pictures() {
		var b strings.Builder
		for _, ascii := range []bool{false, true} {
			for _, s := range sizes {
				if ascii && s[0] > 80 {
					continue
				}
				d := Layout(world(text), s[0], s[1], Options{ASCII: ascii}, nil)
				fmt.Fprintf(&b, "%d×%d, ASCII %v, in words %v\n%s\n\n", s[0], s[1], ascii, d.Words, textOf(d.Lines))
			}
		}
		golden.Assert(t, b.String(), name+".txt")
	}
}

// textOf is lines as text, runs of blank lines as one.
func textOf(lines []Line) string {
	var out []string
	for _, l := range lines {
		s := l.String()
		if s == "" && len(out) > 0 && out[len(out)-1] == "" {
			continue
		}
		out = append(out, s)
	}
	return strings.Join(out, "\n")
}

// draw lays out a world in 100 by 21 cells.
func draw(text string, o Options, previous *Drawing) *Drawing {
	return Layout(world(text), 100, 21, o, previous)
}

// wants fails the test unless each of these is in the text.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in\n%s", p, text)
		}
	}
}

func TestAPathIsDrawnHeavyAndSaidInWords(t *testing.T) {
	o := Options{Marks: Marks{Path: []engine.DeviceRef{
		{Node: "c1", Name: "eth0"}, {Node: "host", Name: "vc1"}, {Node: "host", Name: "docker0"},
		{Node: "host", Name: "vc2"}, {Node: "c2", Name: "eth0"},
	}}}
	text := textOf(draw(threeHalf, o, nil).Lines)
	wants(t, text, "▸┏ docker0", "┥▸eth0  172.17.0.2/16", "━┛", "┗┅", "╳", "┇", "━━ the packet's path")
	if strings.Contains(text, "├") {
		t.Errorf("both cables are on the path, and one is drawn thin\n%s", text)
	}
	wants(t, textOf(Words(world(threeHalf), 200, o)), "eth0: veth to vc1 of host, up, 172.17.0.2/16, received 12, sent 4, on the packet's path")
	o.ASCII = true
	wants(t, textOf(draw(threeHalf, o, nil).Lines), ">= docker0", "+###", "## the packet's path")
}

func TestWhatChangedIsMarkedAlsoWhereItIsGone(t *testing.T) {
	o := Options{Marks: Marks{Changed: map[engine.DeviceRef]bool{
		{Node: "host", Name: "vc1"}: true, {Node: "host", Name: "old"}: true, {Node: "c2"}: true, {Node: "c1", Name: "lo"}: true,
	}}}
	text := textOf(draw(threeHalf, o, nil).Lines)
	wants(t, text, "│•┗ vc1", "│•  old      gone", "┌ c2 • · a web server", "• changed since the checkpoint")
	wants(t, text, "│•lo    gone")
	words := textOf(Words(world(threeHalf), 200, o))
	wants(t, words, "vc1: veth to eth0 of c1, up, port of docker0, received 9, sent 3, changed since", "old: gone", "c2: a web server, changed since")
}

func TestChangesBetweenTwoPictures(t *testing.T) {
	before, now := world(threeHalf), world(threeHalf)
	if c := Changes(before, now); len(c) != 0 {
		t.Errorf("between equal pictures: %v", c)
	}
	now.Nodes[0].Devices[0].Received++
	now.Nodes[0].Devices[0].Dropped++
	if c := Changes(before, now); len(c) != 0 {
		t.Errorf("packets: %v", c)
	}
	host := &now.Nodes[0]
	host.Devices[2].State = engine.DeviceUp
	host.Devices = append(host.Devices, engine.Device{Name: "new"})
	now.Nodes[1].Devices = nil
	now.Nodes[2].Devices[0].Addrs = nil
	want := map[engine.DeviceRef]bool{
		{Node: "host", Name: "vc2"}: true, {Node: "host", Name: "new"}: true, {Node: "c1", Name: "eth0"}: true, {Node: "c2", Name: "eth0"}: true,
	}
	if c := Changes(before, now); !maps.Equal(c, want) {
		t.Errorf("%v", c)
	}
}

func TestWhatCarriesNothingIsSaidAndDrawn(t *testing.T) {
	text := textOf(draw(threeHalf, Options{}, nil).Lines)
	wants(t, text, "vc2      down", "├╳", "┄┄ carries nothing", "╳ switched off", "no carrier")
	wants(t, textOf(draw(eightMacvlan, Options{}, nil).Lines), "├┄?", "peer elsewhere")
	wants(t, textOf(draw(fiveVXLAN, Options{}, nil).Lines), "3 dropped", "╞═", "║", "VNI 2", "══ VXLAN")
}

// A vxlan whose other end is nowhere says to whom it sends.
func TestATunnelToNowhere(t *testing.T) {
	text := textOf(draw("host h\n+ vx vxlan vni=7 to=192.0.2.9", Options{}, nil).Lines)
	wants(t, text, "vx  VNI 1  to 192.0.2.9")
}

// Only what has been counted changes between two pictures of the same devices.
func TestCountersChangeInPlace(t *testing.T) {
	p := world(sixPublish)
	before := Layout(p, 80, 21, Options{}, nil)
	p.Nodes[0].Devices[0].Received += 1000
	after := Layout(p, 80, 21, Options{}, before)
	for y := range after.Lines {
		was, is := before.Lines[y].String(), after.Lines[y].String()
		if strings.Contains(is, "docker0") {
			wants(t, is, "1021↓ 7↑")
			continue
		}
		if was != is {
			t.Errorf("line %d changed from\n%s to\n%s", y, was, is)
		}
	}
	grown := 0
	for _, l := range after.Lines {
		for _, s := range l {
			if s.Role == Counted {
				grown++
			}
		}
	}
	if grown != 1 {
		t.Errorf("%d counters stand out, and one has grown", grown)
	}
}

func TestNumbersAreShort(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0", 9999: "9999", 10_000: "10k", 994_999: "995k", 999_499: "999k", 999_500: "1.0M", 9_940_000: "9.9M", 1 << 40: "1.1T", 1<<64 - 1: "18E",
	} {
		if got := short(n); got != want || len(got) > 4 {
			t.Errorf("short(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestFarTextCannotBreakTheDrawing(t *testing.T) {
	p := world(twoJoined)
	p.Nodes[0].Title = "eine Maschine\x1b[31m mit 漢字 und\nZeilen"
	p.Nodes[1].Devices[1].Name = "é̈th0"
	for _, ascii := range []bool{false, true} {
		for _, w := range []int{40, 80} {
			for _, l := range Layout(p, w, 21, Options{ASCII: ascii}, nil).Lines {
				s := l.String()
				if width(s) > w || strings.ContainsAny(s, "\x1b\n") {
					t.Errorf("at %d: %q", w, s)
				}
				if ascii && asciiOnly(s) != s {
					t.Errorf("not ASCII: %q", s)
				}
			}
		}
	}
}

func TestNothingToDrawIn(t *testing.T) {
	for _, s := range [][2]int{{0, 0}, {-3, 5}, {1, 1}, {7, 50}, {200, 2}} {
		d := Layout(world(threeHalf), s[0], s[1], Options{}, nil)
		if !d.Words {
			t.Errorf("%v: drawn", s)
		}
		for _, l := range d.Lines {
			if width(l.String()) > max(s[0], 0) {
				t.Fatalf("%v: %q is too wide", s, l.String())
			}
		}
	}
	if d := Layout(engine.Picture{}, 80, 21, Options{}, nil); len(textOf(d.Lines)) > 0 {
		t.Errorf("no nodes: %q", textOf(d.Lines))
	}
}

func BenchmarkTwelveNodesAnew(b *testing.B) {
	p := world(twelve())
	for b.Loop() {
		Layout(p, 120, 40, Options{}, nil)
	}
}

func BenchmarkTwelveNodesAgain(b *testing.B) {
	p := world(twelve())
	d := Layout(p, 120, 40, Options{}, nil)
	for b.Loop() {
		Layout(p, 120, 40, Options{}, d)
	}
}

// Where no drawing fits, every way to draw is tried in vain.
func BenchmarkTwelveNodesInWords(b *testing.B) {
	p := world(twelve())
	for b.Loop() {
		if d := Layout(p, 40, 26, Options{}, nil); !d.Words {
			b.Fatal("it fits")
		}
	}
}
