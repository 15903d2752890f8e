package topology

import (
	"slices"

	"underlay/engine"
)

// paint draws what was laid out.
func (l *layouter) paint(d *Drawing) {
	c := newCanvas(l.width, l.bottom(d)+1)
	for i := range d.boxes {
		l.paintBox(c, &d.boxes[i], &l.picture.Nodes[i])
	}
	l.paintWires(c, d.wires)
	l.legend(c, d)
	d.Lines = c.lines()
}

// bottom is the row of the legend.
func (l *layouter) bottom(d *Drawing) int {
	y := l.height - 1
	for i := range d.boxes {
		y = max(y, d.boxes[i].y+d.boxes[i].h)
	}
	for i := range d.wires {
		for _, p := range d.wires[i].way {
			y = max(y, p.y+1)
		}
	}
	return y
}

func (l *layouter) paintBox(c *canvas, b *box, n *engine.PictureNode) {
	g := &l.glyphs
	last := b.x + b.w - 1
	for x := b.x + 1; x < last; x++ {
		c.set(x, b.y, g.horizontal, Frame)
		c.set(x, b.y+b.h-1, g.horizontal, Frame)
	}
	for y := b.y + 1; y < b.y+b.h-1; y++ {
		c.set(b.x, y, g.vertical, Frame)
		c.set(last, y, g.vertical, Frame)
	}
	c.set(b.x, b.y, g.topLeft, Frame)
	c.set(last, b.y, g.topRight, Frame)
	c.set(b.x, b.y+b.h-1, g.bottomLeft, Frame)
	c.set(last, b.y+b.h-1, g.bottomRight, Frame)
	l.paintTitle(c, b, n)
	labels := label(b.rows)
	for k := range b.rows {
		l.paintRow(c, b, &b.rows[k], b.y+1+k, labels)
	}
}

// paintTitle writes the node's name into the border and, where that fits, what it
// stands for.
func (l *layouter) paintTitle(c *canvas, b *box, n *engine.PictureNode) {
	end := b.x + b.w - 2
	x := c.put(b.x+1, b.y, end, " ", Frame)
	x = c.put(x, b.y, end, l.say(n.Name), Title)
	x = c.put(x, b.y, end+1, " ", Frame)
	if l.options.Marks.Changed[engine.DeviceRef{Node: n.Name}] {
		x = c.put(x, b.y, end, l.glyphs.changed+" ", Changed)
	}
	if about := l.say(about(n)); about != "" && x+width(about)+3 <= end {
		x = c.put(x, b.y, end, l.glyphs.to+" "+about, Note)
		c.put(x, b.y, end, " ", Frame)
	}
}

// about says what a node stands for, or at least what kind it is.
func about(n *engine.PictureNode) string {
	if n.Title != "" || string(n.Kind) == n.Name {
		return n.Title
	}
	return string(n.Kind)
}

func (l *layouter) paintRow(c *canvas, b *box, r *row, y, labels int) {
	x, end := b.x+2, b.x+b.w-2
	inner := end - x
	path, changed := l.onPath[r.ref] && r.name != "", l.options.Marks.Changed[r.ref] && r.name != ""
	switch {
	case path:
		c.set(b.x+1, y, l.glyphs.path, Path)
	case changed:
		c.set(b.x+1, y, l.glyphs.changed, Changed)
	}
	if path && changed {
		c.set(end, y, l.glyphs.changed, Changed)
	}
	name := Name
	switch {
	case path && slices.Contains(l.options.Marks.Here, r.ref):
		name = Here
	case path:
		name = Path
	}
	at := c.put(x, y, end, r.lead, Bar)
	at = c.put(at, y, end, l.say(r.name), name)
	if r.name != "" || r.more {
		at = max(at, x+labels)
	}
	begin := r.name == "" && !r.more
	if r.counts != "" {
		role := Count
		if r.grown {
			role = Counted
		}
		c.put(end-width(r.counts), y, end, r.counts, role)
	}
	optional := r.need(labels, true) <= inner
	for _, p := range r.parts {
		if p.optional && !optional {
			continue
		}
		if !begin {
			at += gap
		}
		begin = false
		at = c.put(at, y, end, l.say(p.text), p.role)
	}
}

// say is author's or kernel's text as it can be shown.
func (l *layouter) say(s string) string {
	s = clean(s)
	if !l.options.ASCII {
		return s
	}
	return asciiOnly(s)
}

// look is how a wire is drawn.
func (w *wire) look() (style, Role) {
	switch {
	case w.path && w.dead:
		return severed, Path
	case w.path:
		return heavy, Path
	case w.dead:
		return dashed, Dead
	case w.kind == tunnel:
		return double, Wire
	}
	return thin, Wire
}

// paintWires draws all wires, those that go up and down over those that go across.
func (l *layouter) paintWires(c *canvas, wires []wire) {
	level := map[point]style{}
	for i := range wires {
		st, _ := wires[i].look()
		for k, p := range wires[i].way {
			if k > 0 && k < len(wires[i].way)-1 && wires[i].way[k-1].y == wires[i].way[k+1].y {
				level[p] = st
			}
		}
	}
	for _, upright := range []bool{false, true} {
		for i := range wires {
			l.paintWire(c, &wires[i], level, upright)
		}
	}
	for i := range wires {
		l.paintEnds(c, &wires[i])
	}
}

func (l *layouter) paintWire(c *canvas, w *wire, level map[point]style, upright bool) {
	st, role := w.look()
	for k, p := range w.way {
		text, vertical := l.piece(w.way, k, st)
		if vertical != upright {
			continue
		}
		if other, crossed := level[p]; crossed && vertical {
			text = l.glyphs.crossing(other, st)
		}
		c.set(p.x, p.y, text, role)
	}
}

// piece is the glyph of a way's k-th cell, and whether it runs up and down.
func (l *layouter) piece(way []point, k int, st style) (text string, vertical bool) {
	g := &l.glyphs.lines[st]
	p := way[k]
	before, after := p, p // ends go on into their boxes, which are beside them
	if k > 0 {
		before = way[k-1]
	}
	if k < len(way)-1 {
		after = way[k+1]
	}
	if before.y == p.y && after.y == p.y {
		return g.horizontal, false
	}
	if before.x == p.x && after.x == p.x {
		return g.vertical, true
	}
	toRight := before.x > p.x || after.x > p.x
	toBelow := before.y > p.y || after.y > p.y
	switch {
	case toRight && toBelow:
		return g.rightDown, false
	case toBelow:
		return g.leftDown, false
	case toRight:
		return g.rightUp, false
	}
	return g.leftUp, false
}

// paintEnds draws where a wire meets its boxes: what is off has a cross there, and
// what leads nowhere a question mark at its other end.
func (l *layouter) paintEnds(c *canvas, w *wire) {
	st, role := w.look()
	g := &l.glyphs.lines[st]
	last := len(w.way) - 1
	ends := []struct {
		at   int
		next int
		off  bool
	}{{0, 1, w.aDown}, {last, last - 1, w.bDown}}
	if w.loose {
		ends = ends[:1]
	}
	for _, e := range ends {
		p := w.way[e.at]
		rightwards := w.way[e.next].x > p.x
		if rightwards {
			c.set(p.x-1, p.y, g.fromLeft, role)
		} else {
			c.set(p.x+1, p.y, g.fromRight, role)
		}
		if e.off {
			c.set(p.x, p.y, l.glyphs.off, Trouble)
		}
	}
	if w.loose {
		c.set(w.way[last].x, w.way[last].y, l.glyphs.astray, Trouble)
	}
}
