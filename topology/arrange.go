package topology

import (
	"slices"

	"underlay/engine"
)

// minDrawn is the least width and height in which drawing is tried.
const minDrawn = 8

// edge is what a box adds to the width of its rows: two borders and a cell for
// marks at either side of the text.
const edge = 4

// The widths of a box. A box is made wider than its rows need, so that it can take
// more of them without moving its neighbours.
const (
	boxRoom = 30
	boxMost = 56
)

// plan is one way to lay a picture out.
type plan struct {
	columns int
	form    form
	channel int // cells between columns, or beside the only one
	gap     int // rows between boxes
	flank   bool
	wrap    bool // rows that are too wide are broken
	scroll  bool // it may be higher than what shows of it at once
}

// plans are the ways to try, the best first: with all that there is to say, side
// by side; then with less; then higher than the pane.
func plans() []plan {
	out := plansOf([]form{flat, tall}, 1, false)
	out = append(out, plansOf([]form{flat}, 0, false)...)
	out = append(out, plansOf([]form{bare}, 1, false)...)
	out = append(out, plansOf([]form{bare}, 0, false)...)
	return append(out, plansOf([]form{flat, tall, bare}, 1, true)...)
}

// plansOf are the ways to lay out in some forms. Flanked, leaves are at both sides
// of what they are plugged into, rather than containers at one side and the world
// at the other.
func plansOf(forms []form, gap int, scroll bool) []plan {
	var out []plan
	add := func(columns int, f form, channel int, flank, wrap bool) {
		out = append(out, plan{columns: columns, form: f, channel: channel, gap: gap, flank: flank, wrap: wrap, scroll: scroll})
	}
	for _, f := range forms {
		for _, wrap := range []bool{false, true} {
			for _, channel := range []int{8, 6, 14} {
				add(3, f, channel, false, wrap)
				add(3, f, channel, true, wrap)
				add(2, f, channel, false, wrap)
			}
			if f != tall { // as wide as that, one row would do
				add(1, f, 5, false, wrap)
				add(1, f, 10, false, wrap)
			}
		}
	}
	return out
}

// column is a column of boxes.
type column struct {
	x, w  int
	nodes []int // indices of nodes, from top to bottom
}

// box is a node as it is drawn; its place includes its border.
type box struct {
	node       string
	column     int
	x, y, w, h int
	rows       []row
}

// fresh lays the picture out by a plan, or returns nil where that does not fit.
func (l *layouter) fresh(p plan) *Drawing {
	cols := l.assign(p)
	if cols == nil {
		return nil
	}
	d := &Drawing{width: l.width, height: l.height, plan: p, columns: cols, boxes: l.boxesFor(p.form, nil)}
	if p.wrap {
		limit := (l.width-p.channel*max(p.columns-1, 1))/p.columns - edge
		d.boxes = l.boxesFor(p.form, func(int) int { return max(limit, 1) })
	}
	if !l.widths(d) {
		return nil
	}
	if p.wrap {
		for i := range d.boxes { // columns came out wider than that, some of them
			b := &d.boxes[i]
			b.rows = l.rowsOf(i, p.form, b.w-edge)
			b.h = len(b.rows) + 2
		}
	}
	if !l.heights(d) {
		return nil
	}
	if d.wires = l.route(d, nil); d.wires == nil {
		return nil
	}
	l.paint(d)
	return d
}

// keep lays the picture out as the previous drawing was, or returns nil where
// that is no longer possible.
func (l *layouter) keep() *Drawing {
	p := l.previous
	if p == nil || p.Words || p.width != l.width || p.height != l.height || !sameNodes(p.boxes, l.picture) {
		return nil
	}
	d := &Drawing{width: l.width, height: l.height, plan: p.plan, columns: p.columns, boxes: l.boxesFor(p.plan.form, func(i int) int { return p.boxes[i].w - edge })}
	for i := range d.boxes {
		b, old := &d.boxes[i], &p.boxes[i]
		b.column, b.x, b.y, b.w = old.column, old.x, old.y, old.w
		if needs(b.rows)+edge > b.w {
			return nil
		}
	}
	for _, c := range d.columns {
		bottom := 0
		for _, i := range c.nodes {
			b := &d.boxes[i]
			b.y = max(b.y, bottom)
			bottom = b.y + b.h + d.plan.gap
			if b.y+b.h > l.room(d.plan) {
				return nil
			}
		}
	}
	if d.wires = l.route(d, p.wires); d.wires == nil {
		if d.wires = l.route(d, nil); d.wires == nil {
			return nil
		}
	}
	l.paint(d)
	return d
}

func sameNodes(boxes []box, p *engine.Picture) bool {
	return slices.EqualFunc(boxes, p.Nodes, func(b box, n engine.PictureNode) bool { return b.node == n.Name })
}

// room is how many rows there are for boxes; the last one is the legend's.
func (l *layouter) room(p plan) int {
	if p.scroll {
		return 2*l.height - 1
	}
	return l.height - 1
}

// boxesFor are the boxes of all nodes, without their places; limit, which may be
// nil, says how many cells a node's rows may take.
func (l *layouter) boxesFor(f form, limit func(node int) int) []box {
	out := make([]box, len(l.picture.Nodes))
	for i := range out {
		most := 0
		if limit != nil {
			most = limit(i)
		}
		rows := l.rowsOf(i, f, most)
		out[i] = box{node: l.picture.Nodes[i].Name, rows: rows, h: len(rows) + 2}
	}
	return out
}

// widths gives columns their places across, or reports that they do not fit.
func (l *layouter) widths(d *Drawing) bool {
	n := len(d.columns)
	spare := l.width - d.plan.channel*max(n-1, 1)
	for c := range d.columns {
		col := &d.columns[c]
		col.w = 0
		for _, i := range col.nodes {
			col.w = max(col.w, needs(d.boxes[i].rows)+edge, width(clean(d.boxes[i].node))+edge)
		}
		spare -= col.w
	}
	if spare < 0 {
		return false
	}
	for c := range d.columns {
		col := &d.columns[c]
		more := min(spare/(n-c), max(boxRoom+edge, col.w+8)-col.w)
		more = min(more, max(0, boxMost-col.w))
		col.w += more
		spare -= more
	}
	x, channel := 0, d.plan.channel
	if n > 1 { // what is left makes the channels wider, but not without end
		wider := min(spare/(n-1), 8)
		channel += wider
		spare -= wider * (n - 1)
		x = spare / 2
	}
	for c := range d.columns {
		col := &d.columns[c]
		col.x = x
		x += col.w + channel
		for _, i := range col.nodes {
			d.boxes[i].x, d.boxes[i].w, d.boxes[i].column = col.x, col.w, c
		}
	}
	return true
}

// heights gives boxes their places from top to bottom, with some of the room that
// is left between them, so that they can grow.
func (l *layouter) heights(d *Drawing) bool {
	for _, c := range d.columns {
		total := d.plan.gap * (len(c.nodes) - 1)
		for _, i := range c.nodes {
			total += d.boxes[i].h
		}
		spare := l.room(d.plan) - total
		if spare < 0 {
			return false
		}
		gap := d.plan.gap
		if d.plan.gap > 0 {
			gap += min(spare/(len(c.nodes)+1), 1)
		}
		y := 0
		for _, i := range c.nodes {
			d.boxes[i].y = y
			y += d.boxes[i].h + gap
		}
	}
	return true
}
