package topology

import (
	"fmt"
	"slices"
	"strings"

	"underlay/engine"
)

// Words says in lines of at most width cells what Layout draws, and all that it
// leaves out: for narrow panes, and for those who do not see drawings.
func Words(p engine.Picture, width int, o Options) []Line { return words(&p, o, width) }

func words(p *engine.Picture, o Options, width int) []Line {
	if width <= 0 {
		return nil
	}
	t := &teller{picture: p, options: o, width: width}
	for i := range p.Nodes {
		if i > 0 {
			t.lines = append(t.lines, nil)
		}
		t.node(&p.Nodes[i])
	}
	return t.lines
}

// teller writes lines.
type teller struct {
	picture *engine.Picture
	options Options
	width   int
	lines   []Line
}

func (t *teller) node(n *engine.PictureNode) {
	head := []part{{n.Name, Title, false}}
	if text := about(n); text != "" {
		head = append(head, part{text, Note, false})
	}
	if t.options.Marks.Changed[engine.DeviceRef{Node: n.Name}] {
		head = append(head, part{"changed since the checkpoint", Changed, false})
	}
	t.tell(0, head)
	if n.Problem != "" {
		t.tell(2, []part{{"could not be looked at: " + n.Problem, Trouble, false}})
	}
	for k := range n.Devices {
		t.device(n, &n.Devices[k])
	}
	for _, name := range goneFrom(t.picture, n.Name, t.options.Marks) {
		t.tell(2, []part{{name, Name, false}, {"gone", Note, false}})
	}
	if len(n.Devices) == 0 && n.Problem == "" {
		t.tell(2, []part{{"no devices", Note, false}})
	}
}

func (t *teller) device(n *engine.PictureNode, d *engine.Device) {
	ref := engine.DeviceRef{Node: n.Name, Name: d.Name}
	out := []part{{d.Name, Name, false}}
	add := func(r Role, format string, args ...any) {
		out = append(out, part{fmt.Sprintf(format, args...), r, false})
	}
	add(Note, "%s", t.what(n, d))
	if d.State == engine.DeviceUp {
		add(Note, "up")
	} else {
		add(Trouble, "%s", d.State)
	}
	for _, a := range d.Addrs {
		add(Address, "%s", a)
	}
	if d.Master != "" {
		add(Note, "port of %s", d.Master)
	}
	add(Count, "received %d", d.Received)
	add(Count, "sent %d", d.Sent)
	if d.Dropped > 0 {
		add(Trouble, "dropped %d", d.Dropped)
	}
	switch {
	case slices.Contains(t.options.Marks.Here, ref):
		add(Here, "the packet is here")
	case slices.Contains(t.options.Marks.Path, ref):
		add(Path, "on the packet's path")
	}
	if t.options.Marks.Changed[ref] {
		add(Changed, "changed since the checkpoint")
	}
	t.tell(2, out)
}

// what says what a device is and what it belongs to.
func (t *teller) what(n *engine.PictureNode, d *engine.Device) string {
	switch d.Kind {
	case "veth":
		switch d.Peer.Node {
		case "":
			return "veth, its peer in none of the nodes"
		case n.Name:
			return "veth to " + d.Peer.Name
		}
		return "veth to " + d.Peer.Name + " of " + d.Peer.Node
	case "bridge":
		return "bridge, " + portsOf(n, d.Name)
	case "vxlan":
		return vxlan(d)
	case "":
		return "device"
	}
	text := d.Kind
	if d.Mode != "" {
		text += " in mode " + d.Mode
	}
	switch {
	case d.Parent.Node == n.Name:
		return text + " on " + d.Parent.Name
	case d.Parent.Node != "":
		return text + " on " + d.Parent.Name + " of " + d.Parent.Node
	case stacks(d.Kind):
		return text + ", its parent in none of the nodes"
	}
	return text
}

func vxlan(d *engine.Device) string {
	text := fmt.Sprintf("VXLAN %d", d.VNI)
	if d.Local != "" {
		text += " from " + d.Local
	}
	if len(d.Remotes) > 0 {
		text += " to " + strings.Join(d.Remotes, " and ")
	} else {
		text += " to nobody yet"
	}
	return fmt.Sprintf("%s, UDP port %d", text, d.Port)
}

func portsOf(n *engine.PictureNode, bridge string) string {
	var ports []string
	for k := range n.Devices {
		if n.Devices[k].Master == bridge {
			ports = append(ports, n.Devices[k].Name)
		}
	}
	switch len(ports) {
	case 0:
		return "no ports"
	case 1:
		return "port " + ports[0]
	}
	last := len(ports) - 1
	return "ports " + strings.Join(ports[:last], ", ") + " and " + ports[last]
}

// tell writes parts with commas between them, broken between words; further
// lines are indented more.
func (t *teller) tell(indent int, parts []part) {
	f := flow{width: t.width, indent: min(indent+4, t.width/2)}
	f.line(min(indent, t.width/2))
	for i, p := range parts {
		text := clean(p.text)
		if t.options.ASCII {
			text = asciiOnly(text)
		}
		switch {
		case i == 0 && len(parts) > 1:
			text += ":"
		case i < len(parts)-1:
			text += ","
		}
		words := strings.Fields(text)
		if p.role == Count { // a number stays with its word
			words = []string{text}
		}
		for _, word := range words {
			f.word(word, p.role)
		}
	}
	t.lines = append(t.lines, f.lines...)
}

// flow breaks words into lines. A word that is longer than a line is cut up.
type flow struct {
	width, indent int
	lines         []Line
	at            int
	begun         bool // the line has a word
}

func (f *flow) line(indent int) {
	f.lines = append(f.lines, Line{{strings.Repeat(" ", indent), Blank}})
	f.at, f.begun = indent, false
}

func (f *flow) word(word string, r Role) {
	if f.begun && f.at+1+width(word) > f.width {
		f.line(f.indent)
	}
	if f.begun {
		f.add(" ", Blank)
	}
	for f.at+width(word) > f.width {
		head := cut(word, max(f.width-f.at, 1))
		if head == "" {
			return
		}
		f.add(head, r)
		word = word[len(head):]
		f.line(f.indent)
	}
	f.add(word, r)
}

func (f *flow) add(s string, r Role) {
	last := &f.lines[len(f.lines)-1]
	*last = append(*last, Span{s, r})
	f.at, f.begun = f.at+width(s), true
}
