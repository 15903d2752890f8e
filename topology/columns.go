package topology

import (
	"cmp"
	"slices"

	"underlay/engine"
)

// isHub reports whether others are plugged into a node of this kind, rather
// than it into others.
func isHub(k engine.Kind) bool {
	return k == engine.KindHost || k == engine.KindRouter || k == engine.KindSwitch
}

// hubs finds for each node the index of the hub that it is drawn beside: its
// own if it is one, else the first that it is plugged into, else the one before
// it in the lab, else the first.
func (l *layouter) hubs() []int {
	index := map[string]int{}
	for i := range l.picture.Nodes {
		index[l.picture.Nodes[i].Name] = i
	}
	out := make([]int, len(l.picture.Nodes))
	for i := range out {
		out[i] = -1
		if isHub(l.picture.Nodes[i].Kind) {
			out[i] = i
		}
	}
	for i := range l.links {
		a, okA := index[l.links[i].a.Node]
		b, okB := index[l.links[i].b.Node]
		if !okA || !okB {
			continue
		}
		for _, pair := range [][2]int{{a, b}, {b, a}} {
			if out[pair[0]] < 0 && isHub(l.picture.Nodes[pair[1]].Kind) {
				out[pair[0]] = pair[1]
			}
		}
	}
	last := slices.IndexFunc(l.picture.Nodes, func(n engine.PictureNode) bool { return isHub(n.Kind) })
	for i := range out {
		if isHub(l.picture.Nodes[i].Kind) {
			last = i
		}
		if out[i] < 0 {
			out[i] = last
		}
	}
	return out
}

// assign puts nodes into columns, or returns nil if a column stayed empty.
func (l *layouter) assign(p plan) []column {
	cols := make([]column, p.columns)
	hubs := l.hubs()
	order := make([]int, len(l.picture.Nodes))
	for i := range order {
		order[i] = i
	}
	// A hub first, then what is plugged into it.
	slices.SortStableFunc(order, func(a, b int) int {
		if c := cmp.Compare(hubs[a], hubs[b]); c != 0 {
			return c
		}
		return cmp.Compare(rank(hubs[a] != a), rank(hubs[b] != b))
	})
	for _, i := range order {
		c := l.columnOf(l.picture.Nodes[i].Kind, p)
		cols[c].nodes = append(cols[c].nodes, i)
	}
	if p.flank {
		l.spread(cols, p.form)
	}
	empty := slices.ContainsFunc(cols, func(c column) bool { return len(c.nodes) == 0 })
	if empty && p.columns == 2 && len(order) > 1 {
		return alternate(order)
	}
	if empty {
		return nil
	}
	return cols
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (l *layouter) columnOf(k engine.Kind, p plan) int {
	switch {
	case p.columns == 1:
		return 0
	case p.columns == 2:
		return rank(!isHub(k))
	case p.flank:
		return 1 + rank(!isHub(k))
	case k == engine.KindContainer:
		return 0
	case k == engine.KindHost:
		return 1
	}
	return 2
}

// spread moves leaves from the right column to the left one until both are
// about as high.
func (l *layouter) spread(cols []column, f form) {
	height := func(nodes []int) int {
		n := 0
		for _, i := range nodes {
			n += len(l.rowsOf(i, f, 0)) + 3
		}
		return n
	}
	leaves := cols[2].nodes
	half, k := height(leaves)/2, 0
	for k < len(leaves)-1 && height(leaves[:k+1]) <= half+1 {
		k++
	}
	cols[0].nodes, cols[2].nodes = slices.Clone(leaves[:k]), slices.Clone(leaves[k:])
}

// alternate shares nodes that are all of one sort between two columns.
func alternate(order []int) []column {
	cols := make([]column, 2)
	for n, i := range order {
		cols[n%2].nodes = append(cols[n%2].nodes, i)
	}
	return cols
}
