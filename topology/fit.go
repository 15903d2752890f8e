package topology

import "slices"

// broken is rows with those that take more than limit cells broken between words.
// Each row takes the words that still fit, also such as come after one that doesn't.
func broken(rows []row, limit int) []row {
	var out []row
	l := label(rows)
	for _, r := range rows {
		if r.name == "" || r.need(l, false) <= limit {
			out = append(out, r)
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(r.parts), func(p part) bool { return p.optional })
		r.parts = nil
		rest = r.fill(rest, l, limit)
		out = append(out, r)
		for len(rest) > 0 {
			next := row{ref: r.ref, lead: r.below, below: r.below, more: true, link: -1, parts: rest[:1:1]}
			rest = next.fill(rest[1:], l, limit)
			out = append(out, next)
		}
	}
	return out
}

// fill adds to a row the parts that fit into it, and returns the others.
func (r *row) fill(parts []part, label, limit int) (rest []part) {
	for _, p := range parts {
		longer := *r
		longer.parts = append(slices.Clone(r.parts), p)
		if longer.need(label, false) <= limit {
			*r = longer
		} else {
			rest = append(rest, p)
		}
	}
	return rest
}

// gap is the space between the words of a row.
const gap = 2

// label is how many cells the widest beginning of a row takes: lead and name.
func label(rows []row) int {
	n := 0
	for i := range rows {
		if rows[i].name != "" {
			n = max(n, width(rows[i].lead)+width(rows[i].name))
		}
	}
	return n
}

// need is how many cells the row takes, its words beginning after label cells,
// with its optional words or without them.
func (r *row) need(label int, optional bool) int {
	n := width(r.lead)
	if r.name != "" || r.more {
		n = max(label, n+width(r.name))
	}
	words := 0
	for _, p := range r.parts {
		if optional || !p.optional {
			words += width(p.text) + gap
		}
	}
	if r.counts != "" {
		words += width(r.counts) + gap
	}
	if n == 0 || r.name == "" && !r.more {
		words -= gap
	}
	return n + max(words, 0)
}

// needs is how many cells a box's rows take, at the least.
func needs(rows []row) int {
	n, l := 0, label(rows)
	for i := range rows {
		n = max(n, rows[i].need(l, false))
	}
	return n
}
