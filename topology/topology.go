// Package topology draws a picture of a running lab in cells of text: nodes as
// boxes with their devices in rows, and between them the cables, tunnels and
// macvlans that the kernel has. Where a drawing does not fit it says the same in
// lines of words. It is pure, knows roles rather than colours, and does not know
// whether a screen or a dialogue shows what it draws.
package topology

import "underlay/engine"

// Role says what a span of text is, so that whoever shows it can choose a style.
type Role uint8

// The roles.
const (
	Blank   Role = iota
	Frame        // the border of a node
	Title        // the name of a node
	Note         // words of second rank
	Name         // the name of a device
	Address      // an address
	Count        // a number of packets
	Counted      // a number of packets that has grown since the picture before
	Bar          // what joins a bridge and its ports
	Wire         // a cable, a tunnel, a macvlan's attachment
	Dead         // one that carries nothing
	Path         // what a packet's path goes along
	Here         // the part of it where the packet is
	Trouble      // down, no carrier, dropped
	Changed      // the mark of what has changed since the checkpoint
	numRoles
)

// Roles is how many roles there are.
const Roles = int(numRoles)

// Span is text of one role, without line breaks.
type Span struct {
	Text string
	Role Role
}

// Line is a line of a drawing.
type Line []Span

// String is the line's text without trailing blanks.
func (l Line) String() string { return lineText(l) }

// Marks are what a picture can have marked.
type Marks struct {
	// Changed holds what has changed since the checkpoint: devices, also such as
	// are gone, and with an empty Name nodes.
	Changed map[engine.DeviceRef]bool
	// Path is where the last followed packet went, device by device.
	Path []engine.DeviceRef
	// Here are the devices of the path where the packet is.
	Here []engine.DeviceRef
}

// Options say how to draw.
type Options struct {
	ASCII bool
	Marks Marks
}

// Drawing is a picture laid out. It is not changed any more once it is made.
type Drawing struct {
	// Lines is what to show, none of them wider than was asked for. They are as
	// many as were asked for, or more where that is not enough.
	Lines []Line
	// Words says that there was no room to draw.
	Words bool

	width, height int
	plan          plan
	columns       []column
	boxes         []box
	wires         []wire
	counts        map[engine.DeviceRef]counts
}

// Layout draws a picture in width by height cells. previous, which may be nil, is
// the drawing that this one follows: as long as what is new still fits beside it,
// no box and no line of it moves.
func Layout(p engine.Picture, width, height int, o Options, previous *Drawing) *Drawing {
	l := &layouter{picture: &p, width: width, height: height, options: o, glyphs: glyphsFor(o.ASCII), previous: previous}
	l.survey()
	d := l.draw()
	if d == nil {
		d = &Drawing{Lines: words(&p, o, width), Words: true, width: width, height: height}
	}
	d.counts = l.counts
	return d
}

// layouter is one call of Layout.
type layouter struct {
	picture       *engine.Picture
	width, height int
	options       Options
	glyphs        glyphs
	previous      *Drawing

	links  []link
	rows   map[rowsKey][]row
	counts map[engine.DeviceRef]counts
	onPath map[engine.DeviceRef]bool
}

// survey looks at what all candidate layouts have in common.
func (l *layouter) survey() {
	l.rows = map[rowsKey][]row{}
	l.links = linksOf(l.picture, l.options.Marks.Path)
	l.onPath = map[engine.DeviceRef]bool{}
	for _, hop := range l.options.Marks.Path {
		l.onPath[hop] = true
	}
	l.counts = map[engine.DeviceRef]counts{}
	for i := range l.picture.Nodes {
		n := &l.picture.Nodes[i]
		for k := range n.Devices {
			d := &n.Devices[k]
			l.counts[engine.DeviceRef{Node: n.Name, Name: d.Name}] = counts{d.Received, d.Sent}
		}
	}
}

// counts are a device's packets.
type counts struct{ received, sent uint64 }

// draw returns the previous drawing with what has changed, or the first layout
// that fits, or nil.
func (l *layouter) draw() *Drawing {
	if l.width < minDrawn || l.height < minDrawn {
		return nil
	}
	if d := l.keep(); d != nil {
		return d
	}
	for _, pl := range plans() {
		if d := l.fresh(pl); d != nil {
			return d
		}
	}
	return nil
}
