package topology

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"underlay/engine"
)

// anyPicture draws a picture at random: cables, also loose ones and such within
// a node, bridges with ports, macvlans and vxlans, in any state.
func anyPicture(t *rapid.T) engine.Picture {
	kinds := []engine.Kind{engine.KindHost, engine.KindContainer, engine.KindRouter, engine.KindSwitch, engine.KindRemote}
	var p engine.Picture
	for i := range rapid.IntRange(1, 12).Draw(t, "nodes") {
		p.Nodes = append(p.Nodes, engine.PictureNode{Name: fmt.Sprintf("n%d", i), Kind: rapid.SampledFrom(kinds).Draw(t, "kind")})
		n := &p.Nodes[i]
		n.Devices = append(n.Devices, engine.Device{Name: "lo", Kind: "loopback", State: anyState(t)})
		for b := range rapid.IntRange(0, 2).Draw(t, "bridges") {
			n.Devices = append(n.Devices, engine.Device{Name: fmt.Sprintf("br%d", b), Kind: "bridge", State: anyState(t), Addrs: anyAddrs(t)})
		}
	}
	for i := range rapid.IntRange(0, 16).Draw(t, "links") {
		addLink(t, &p, i)
	}
	return p
}

// addLink adds a link between two nodes of a picture.
func addLink(t *rapid.T, p *engine.Picture, i int) {
	a := rapid.IntRange(0, len(p.Nodes)-1).Draw(t, "a")
	b := rapid.IntRange(0, len(p.Nodes)-1).Draw(t, "b")
	ra := engine.DeviceRef{Node: p.Nodes[a].Name, Name: fmt.Sprintf("e%da", i)}
	rb := engine.DeviceRef{Node: p.Nodes[b].Name, Name: fmt.Sprintf("e%db", i)}
	da, db := anyDevice(t, &p.Nodes[a], ra.Name), anyDevice(t, &p.Nodes[b], rb.Name)
	switch rapid.IntRange(0, 9).Draw(t, "sort") {
	case 0: // loose
		da.Kind = "veth"
		p.Nodes[a].Devices = append(p.Nodes[a].Devices, da)
		return
	case 1:
		da.Kind, db.Kind, db.Parent, da.Master = "veth", "macvlan", ra, ""
	case 2:
		da.Kind, db.Kind, da.VNI, db.VNI = "vxlan", "vxlan", i, i
		for _, d := range []*engine.Device{&da, &db} {
			d.Addrs = append(d.Addrs, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i), 9, byte(len(d.Name) + int(d.Name[len(d.Name)-1]))}), 24))
		}
		da.Remotes = []string{db.Addrs[len(db.Addrs)-1].Addr().String()}
	default:
		da.Kind, db.Kind, da.Peer, db.Peer = "veth", "veth", rb, ra
	}
	p.Nodes[a].Devices = append(p.Nodes[a].Devices, da)
	p.Nodes[b].Devices = append(p.Nodes[b].Devices, db)
}

func anyDevice(t *rapid.T, n *engine.PictureNode, name string) engine.Device {
	d := engine.Device{Name: name, State: anyState(t), Addrs: anyAddrs(t), Dropped: uint64(rapid.IntRange(0, 1).Draw(t, "dropped"))}
	for _, o := range n.Devices {
		if o.Kind == "bridge" && rapid.Bool().Draw(t, "port") {
			d.Master = o.Name
		}
	}
	return d
}

func anyState(t *rapid.T) engine.DeviceState {
	return rapid.SampledFrom([]engine.DeviceState{engine.DeviceUp, engine.DeviceUp, engine.DeviceUp, engine.DeviceDown, engine.DeviceNoCarrier}).Draw(t, "state")
}

func anyAddrs(t *rapid.T) []netip.Prefix {
	return rapid.SampledFrom([][]netip.Prefix{
		nil, nil, {netip.MustParsePrefix("192.168.100.200/24")}, {netip.MustParsePrefix("10.0.0.1/8"), netip.MustParsePrefix("10.0.0.2/8")},
		{netip.MustParsePrefix("fe80::1/64")}, {netip.MustParsePrefix("2001:db8:1234:5678:9abc:def0:1234:5678/128")},
	}).Draw(t, "addresses")
}

func anySize(t *rapid.T) (w, h int) {
	return rapid.IntRange(10, 200).Draw(t, "width"), rapid.IntRange(8, 60).Draw(t, "height")
}

// A drawing keeps to its room, its boxes are whole and apart, every device has a
// place, and each link can be followed by eye from one of its devices to the other.
func TestDrawingsCanBeRead(t *testing.T) {
	drawn, worded := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		p := anyPicture(t)
		w, h := anySize(t)
		d := Layout(p, w, h, Options{}, nil)
		for y, l := range d.Lines {
			if n := width(l.String()); n > w {
				t.Fatalf("line %d is %d wide, there is room for %d", y, n, w)
			}
		}
		for i := range p.Nodes {
			checkWords(t, p, &p.Nodes[i], w)
		}
		if d.Words {
			worded++
			return
		}
		drawn++
		checkBoxes(t, d, p)
		checkLinks(t, d)
	})
	if drawn == 0 || worded == 0 {
		t.Errorf("%d drawings and %d in words: one of them was not tested", drawn, worded)
	}
}

// checkWords looks for the names of a node and of its devices in words.
func checkWords(t *rapid.T, p engine.Picture, n *engine.PictureNode, w int) {
	if w < 20 {
		return // names may be broken
	}
	text := textOf(Words(p, w, Options{}))
	_, after, found := strings.Cut("\n"+text+"\n", "\n"+n.Name+": ")
	if !found {
		t.Fatalf("%s is not in\n%s", n.Name, text)
	}
	mine, _, _ := strings.Cut(after, "\n\n")
	for _, d := range n.Devices {
		if !strings.Contains(mine, "\n  "+d.Name+": ") {
			t.Fatalf("%s of %s is not in\n%s", d.Name, n.Name, text)
		}
	}
}

func checkBoxes(t *rapid.T, d *Drawing, p engine.Picture) {
	for i := range d.boxes {
		a := &d.boxes[i]
		if a.x < 0 || a.y < 0 || a.x+a.w > d.width || a.y+a.h > len(d.Lines)-1 {
			t.Fatalf("%s is outside: %+v", a.node, *a)
		}
		for k := range d.boxes[:i] {
			b := &d.boxes[k]
			if a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h {
				t.Fatalf("%s and %s overlap", a.node, b.node)
			}
		}
		text := ""
		for y := a.y; y < a.y+a.h; y++ {
			text += string(cellsOf(d, y)[a.x:a.x+a.w]) + "\n"
		}
		if !strings.HasPrefix(text, "┌ "+a.node+" ") || !strings.HasSuffix(text, "┘\n") {
			t.Fatalf("%s is not whole:\n%s", a.node, text)
		}
		for _, dev := range p.Nodes[i].Devices {
			quiet := dev.Kind == "loopback" && dev.State != engine.DeviceDown
			if !quiet && !strings.Contains(text, dev.Name+" ") {
				t.Fatalf("%s of %s is not in its box:\n%s", dev.Name, a.node, text)
			}
		}
	}
}

// cellsOf is a line of a drawing as one rune a cell.
func cellsOf(d *Drawing, y int) []rune {
	out := []rune(d.Lines[y].String())
	for len(out) < d.width {
		out = append(out, ' ')
	}
	return out
}

// turns says where a line goes on that comes into a glyph: the two sides that the
// glyph joins, as right, down, left, up. Crossings and crosses let pass.
var turns = map[rune][2]direction{
	'─': {right, left}, '┄': {right, left}, '═': {right, left}, '│': {downwards, upwards}, '┆': {downwards, upwards}, '║': {downwards, upwards},
	'╭': {right, downwards}, '╔': {right, downwards}, '╮': {left, downwards}, '╗': {left, downwards},
	'╰': {right, upwards}, '╚': {right, upwards}, '╯': {left, upwards}, '╝': {left, upwards},
}

// checkLinks follows the lines in the text of a drawing, as an eye does.
func checkLinks(t *rapid.T, d *Drawing) {
	for i := range d.wires {
		w := &d.wires[i]
		first, last := w.way[0], w.way[len(w.way)-1]
		if w.loose {
			if at := cellsOf(d, last.y)[last.x]; at != '?' {
				t.Fatalf("%v leads nowhere and ends with %c", w.a, at)
			}
			continue
		}
		start := rowAt(d, w.a, first.y)
		if start == nil {
			t.Fatalf("%v does not begin at its device", w.a)
		}
		dir := right
		if first.x < start.x {
			dir = left
		}
		p, hops := first, 0
		for ; !strings.ContainsRune("├┤╞╡", cellsOf(d, p.y)[p.x]); hops++ {
			if hops > d.width*len(d.Lines) {
				t.Fatalf("%v goes in circles", w.a)
			}
			dir = onward(t, cellsOf(d, p.y)[p.x], dir)
			p = dir.from(p)
			if p.x < 0 || p.y < 0 || p.x >= d.width || p.y >= len(d.Lines) {
				t.Fatalf("%v leads out of the drawing", w.a)
			}
		}
		end := rowAt(d, w.b, p.y)
		if end == nil || p.x != end.x && p.x != end.x+end.w-1 {
			t.Fatalf("%v does not lead to %v", w.a, w.b)
		}
	}
}

// onward is the direction in which a line goes on from a glyph.
func onward(t *rapid.T, g rune, dir direction) direction {
	if strings.ContainsRune("┼╪╫╬╳", g) {
		return dir
	}
	sides, ok := turns[g]
	switch {
	case ok && sides[0] == dir.opposite():
		return sides[1]
	case ok && sides[1] == dir.opposite():
		return sides[0]
	}
	t.Fatalf("a line breaks off at %q", g)
	return 0
}

// rowAt is the box of a device if one of its rows is in line y.
func rowAt(d *Drawing, ref engine.DeviceRef, y int) *box {
	for i := range d.boxes {
		b := &d.boxes[i]
		k := y - b.y - 1
		if b.node == ref.Node && k >= 0 && k < len(b.rows) && b.rows[k].ref == ref && b.rows[k].link >= 0 {
			return b
		}
	}
	return nil
}

// What is new moves nothing: boxes that did not grow stay where they are, unless
// one above them has grown into their place, and then they move no further than
// they must. Only where the old layout has no room for it is there another.
func TestWhatIsThereStays(t *testing.T) {
	kept := 0
	rapid.Check(t, func(t *rapid.T) {
		p := anyPicture(t)
		w, h := anySize(t)
		old := Layout(p, w, h, Options{}, nil)
		if again := Layout(p, w, h, Options{}, old); !slices.EqualFunc(again.Lines, old.Lines, func(a, b Line) bool { return a.String() == b.String() }) {
			t.Fatalf("the same picture is drawn otherwise:\n%s\nwas\n%s", textOf(again.Lines), textOf(old.Lines))
		}
		if old.Words {
			return
		}
		addLink(t, &p, 99)
		now := Layout(p, w, h, Options{}, old)
		l := &layouter{picture: &p, width: w, height: h, glyphs: glyphsFor(false), previous: old}
		l.survey()
		if l.keep() == nil {
			return
		}
		kept++
		for c, col := range now.columns {
			bottom := 0
			for _, i := range col.nodes {
				was, is := &old.boxes[i], &now.boxes[i]
				if is.x != was.x || is.w != was.w || is.column != c || is.y != max(was.y, bottom) {
					t.Fatalf("%s moved from %d,%d to %d,%d", is.node, was.x, was.y, is.x, is.y)
				}
				bottom = is.y + is.h + now.plan.gap
			}
		}
	})
	if kept == 0 {
		t.Error("no layout was kept")
	}
}

func TestLayoutDependsOnNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := anyPicture(t)
		w, h := anySize(t)
		a, b := Layout(p, w, h, Options{}, nil), Layout(p, w, h, Options{}, nil)
		if textOf(a.Lines) != textOf(b.Lines) {
			t.Fatalf("drawn twice, it differs:\n%s\nand\n%s", textOf(a.Lines), textOf(b.Lines))
		}
	})
}
