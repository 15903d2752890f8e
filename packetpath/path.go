// Package packetpath tells an autopsy as a packet's path in lines of text: the verdict
// first, then node by node where the packet went, what rules did to it and where
// it died, at the end what conntrack remembers and what could not be watched. It
// is pure, knows roles rather than colours, and does not know whether a screen, a
// dialogue or a command shows what it tells.
package packetpath

import (
	"strings"

	"underlay/engine"
)

// Role says what a span of text is, so that whoever shows it can choose a style.
type Role uint8

// The roles.
const (
	Blank   Role = iota
	Dim          // words of second rank
	Rail         // what joins the nodes of a path
	Good         // the verdict on a packet that got where it was sent
	Dead         // the verdict on one that did not, and the place of its death
	Leg          // the way that the next nodes lie on: there, back
	Packet       // what the packet is: "tcp SYN"
	Header       // its ends
	Changed      // the part of its ends that has just been rewritten
	Node         // the name of a node
	Device       // the name of a device
	Chain        // where a rule stands
	Rule         // its text
	Wrapped      // what the packet is inside of
	Time         // since the first packet
	Warning      // what could not be watched
	numRoles
)

// Roles is how many roles there are.
const Roles = int(numRoles)

// Span is text of one role, without line breaks.
type Span struct {
	Text string
	Role Role
}

// Line is a line of a path.
type Line []Span

// String is the line's text without trailing blanks.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return strings.TrimRight(b.String(), " ")
}

// Options say how to tell.
type Options struct{ ASCII bool }

// Path is an autopsy told. No line is wider than was asked for.
type Path struct {
	Head  []Line // the verdict, and what was sent
	Steps []Step // one for each node that a packet went through, in order
	Tail  []Line // conntrack's entries, what could not be watched
	Death int    // the step where the packet died, -1 where it did not
}

// Step is a packet's way through one node.
type Step struct {
	// Hop is the index of its hop, -1 where the packet died in a node before any
	// device saw it.
	Hop     int
	Devices []engine.DeviceRef // in the order that it went through them

	Above []Line // begins a new way (there, back), else empty
	Lines []Line // what is worth knowing
	Full  []Line // instead of Lines: all that is known
}

// Of tells an autopsy in lines of at most width cells.
func Of(a *engine.Autopsy, width int, o Options) *Path {
	t := &teller{autopsy: a, width: max(width, 1), glyphs: glyphsFor(o.ASCII), ascii: o.ASCII}
	return &Path{Head: t.head(), Steps: t.steps(), Tail: t.tail(), Death: t.death}
}

// Lines is all of a path, one under the other.
func (t *Path) Lines() []Line {
	out := append([]Line(nil), t.Head...)
	if len(t.Steps) > 0 {
		out = append(out, nil)
	}
	for i := range t.Steps {
		out = append(append(out, t.Steps[i].Above...), t.Steps[i].Lines...)
	}
	if len(t.Tail) > 0 {
		out = append(append(out, nil), t.Tail...)
	}
	return out
}

// Path is every device that the packet went through, there and back.
func (t *Path) Path() (out []engine.DeviceRef) {
	for i := range t.Steps {
		out = append(out, t.Steps[i].Devices...)
	}
	return out
}

// Lines is an autopsy in lines of at most width cells.
func Lines(a *engine.Autopsy, width int, o Options) []Line { return Of(a, width, o).Lines() }

// Text is an autopsy in lines of at most width cells, each of which ends with a
// line break.
func Text(a *engine.Autopsy, width int, o Options) string {
	var b strings.Builder
	for _, l := range Lines(a, width, o) {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}
