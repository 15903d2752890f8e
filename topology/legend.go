package topology

import "slices"

// sign is an entry of the legend.
type sign struct {
	sign, means, briefly string
	role                 Role
}

// legend says in the last row what the signs mean that are in the drawing: in
// full, or, where that does not fit, briefly and as far as there is room.
func (l *layouter) legend(c *canvas, d *Drawing) {
	signs := l.signs(d)
	full := 0
	for _, s := range signs {
		full += width(s.sign) + 1 + width(s.means) + 3
	}
	at := 0
	for _, s := range signs {
		means := s.means
		if full-3 > l.width {
			means = s.briefly
		}
		if at > 0 {
			at += 3
		}
		if at+width(s.sign)+1+width(means) > l.width {
			return
		}
		at = c.put(at, c.h-1, l.width, s.sign, s.role)
		at = c.put(at+1, c.h-1, l.width, means, Note)
	}
}

// signs are those that are in a drawing and do not speak for themselves, what
// matters most first.
func (l *layouter) signs(d *Drawing) []sign {
	g := &l.glyphs
	var out []sign
	add := func(there bool, s sign) {
		if there {
			out = append(out, s)
		}
	}
	is := func(ok func(*wire) bool) bool {
		return slices.ContainsFunc(d.wires, func(w wire) bool { return ok(&w) })
	}
	line := func(s style) string { return g.lines[s].horizontal + g.lines[s].horizontal }
	add(len(l.options.Marks.Path) > 0, sign{line(heavy), "the packet's path", "path", Path})
	add(len(l.options.Marks.Changed) > 0, sign{g.changed, "changed since the checkpoint", "changed", Changed})
	add(is(func(w *wire) bool { return w.dead }), sign{line(dashed), "carries nothing", "dead", Dead})
	add(is(func(w *wire) bool { return w.aDown || w.bDown }), sign{g.off, "switched off", "off", Trouble})
	add(is(func(w *wire) bool { return w.kind == tunnel && !w.dead }), sign{line(double), "VXLAN", "VXLAN", Wire})
	add(d.plan.form != bare && len(d.boxes) > 0, sign{g.in + g.out, "packets in and out", "packets", Count})
	return out
}
