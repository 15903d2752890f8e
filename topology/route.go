package topology

import (
	"slices"
)

// point is a cell.
type point struct{ x, y int }

// wire is a link with its way through the cells between boxes, both ends
// included: each the cell beside a box, in the row of the device it belongs to.
type wire struct {
	link
	way []point
}

// end is where a wire can begin: beside a row, at one or both sides of its box.
type end struct {
	pins []pin
}

type pin struct {
	point
	out direction // away from the box
}

// occupancy is what a router knows of each cell.
type occupancy uint8

const (
	solid    occupancy = 1 << iota // a box, or a corner of a line
	across                         // a line runs through from left to right
	down                           // a line runs through from top to bottom
	reserved                       // a pin
	margin                         // beside a box
	corner                         // of a line
)

// router finds ways for lines, one after another. They keep out of boxes, bend at
// right angles and cross each other only straight through, so that it can always
// be seen which is which.
type router struct {
	w, h   int
	ground []occupancy
	ends   map[[2]int]end // link, 0 for its a and 1 for its b → where
	search search
}

// attempts is how often the order in which ways are looked for is changed, before
// a layout counts as one in which not all links have a way.
const attempts = 12

// route finds the ways of all links, or returns nil if there is none for one of
// them. A link that is in old keeps its way where that is still free.
func (l *layouter) route(d *Drawing, old []wire) []wire {
	r := newRouter(l.width, l.room(d.plan), d.boxes)
	r.ends = map[[2]int]end{}
	for i := range d.boxes {
		l.addEnds(d, i, r.ends)
	}
	for _, e := range r.ends {
		for _, p := range e.pins {
			if r.free(p.point) {
				r.ground[r.index(p.point)] |= reserved
			}
		}
	}
	wires := make([]wire, len(l.links))
	for i := range wires {
		wires[i].link = l.links[i]
		if l.links[i].loose {
			wires[i].way = r.stub(r.ends[[2]int{i, 0}])
			if wires[i].way == nil {
				return nil
			}
		} else {
			wires[i].way = r.again(old, i, &l.links[i])
		}
		if wires[i].way != nil {
			r.occupy(wires[i].way)
		}
	}
	order := r.byLength(wires)
	clear := slices.Clone(r.ground)
	for range attempts {
		failed := r.findAll(wires, order)
		if failed < 0 {
			return wires
		}
		// What found no way because others took it looks first next time.
		i := order[failed]
		order = append([]int{i}, slices.Delete(order, failed, failed+1)...)
		copy(r.ground, clear)
	}
	return nil
}

// findAll finds the ways of wires in an order, and returns the place in the order
// of the first that has none, or -1.
func (r *router) findAll(wires []wire, order []int) int {
	for n, i := range order {
		wires[i].way = r.find(r.ends[[2]int{i, 0}], r.ends[[2]int{i, 1}])
		if wires[i].way == nil {
			return n
		}
		r.occupy(wires[i].way)
	}
	return -1
}

// addEnds finds the rows of a box at which links end, and the sides at which
// they can leave it: towards the channels beside its column.
func (l *layouter) addEnds(d *Drawing, i int, ends map[[2]int]end) {
	b := &d.boxes[i]
	for k := range b.rows {
		at := b.rows[k].link
		if at < 0 {
			continue
		}
		var e end
		y := b.y + 1 + k
		if b.column < len(d.columns)-1 || len(d.columns) == 1 {
			e.pins = append(e.pins, pin{point{b.x + b.w, y}, right})
		}
		if b.column > 0 {
			e.pins = append(e.pins, pin{point{b.x - 1, y}, left})
		}
		side := 0
		if l.links[at].a != b.rows[k].ref {
			side = 1
		}
		ends[[2]int{at, side}] = e
	}
}

// byLength are the wires that have no way yet, the shortest first: they get the
// places next to the boxes, and the longer ones go around.
func (r *router) byLength(wires []wire) []int {
	var out []int
	length := make([]int, len(wires))
	for i := range wires {
		if wires[i].way != nil {
			continue
		}
		out = append(out, i)
		length[i] = apart(r.ends[[2]int{i, 0}], r.ends[[2]int{i, 1}])
	}
	slices.SortStableFunc(out, func(a, b int) int { return length[a] - length[b] })
	return out
}

func apart(a, b end) int {
	if len(a.pins) == 0 || len(b.pins) == 0 {
		return 0
	}
	return abs(a.pins[0].y - b.pins[0].y)
}

func newRouter(w, h int, boxes []box) *router {
	r := &router{w: w, h: h, ground: make([]occupancy, w*h)}
	for i := range boxes {
		b := &boxes[i]
		for y := b.y - 1; y <= b.y+b.h; y++ {
			for x := b.x - 1; x <= b.x+b.w; x++ {
				if p := (point{x, y}); r.inside(p) {
					g := solid
					if x < b.x || x >= b.x+b.w || y < b.y || y >= b.y+b.h {
						g = margin
					}
					r.ground[r.index(p)] |= g
				}
			}
		}
	}
	return r
}

func (r *router) inside(p point) bool    { return p.x >= 0 && p.x < r.w && p.y >= 0 && p.y < r.h }
func (r *router) index(p point) int      { return p.y*r.w + p.x }
func (r *router) at(p point) occupancy   { return r.ground[r.index(p)] }
func (r *router) free(p point) bool      { return r.inside(p) && r.at(p)&solid == 0 }
func (e *end) holds(p point) (pin, bool) { return e.find(func(q pin) bool { return q.point == p }) }

func (e *end) find(ok func(pin) bool) (pin, bool) {
	i := slices.IndexFunc(e.pins, ok)
	if i < 0 {
		return pin{}, false
	}
	return e.pins[i], true
}

// stub is the way of a line that leads nowhere: two cells.
func (r *router) stub(e end) []point {
	for _, p := range e.pins {
		next := p.out.from(p.point)
		if r.free(p.point) && r.free(next) && r.at(next)&(across|down|reserved) == 0 {
			return []point{p.point, next}
		}
	}
	return nil
}

// again is the way that a link had, if it still leads from one end to the other
// and nothing is in it.
func (r *router) again(old []wire, n int, l *link) []point {
	a, b := r.ends[[2]int{n, 0}], r.ends[[2]int{n, 1}]
	i := slices.IndexFunc(old, func(w wire) bool { return w.kind == l.kind && w.a == l.a && w.b == l.b && !w.loose })
	if i < 0 {
		return nil
	}
	way := old[i].way
	_, okA := a.holds(way[0])
	_, okB := b.holds(way[len(way)-1])
	if !okA || !okB {
		return nil
	}
	for k, p := range way {
		if !r.free(p) || k > 0 && k < len(way)-1 && !r.passable(p, way[k-1], way[k+1]) {
			return nil
		}
	}
	return way
}

// passable reports whether a way may go from one cell through p to the next.
func (r *router) passable(p, from, to point) bool {
	g := r.at(p)
	switch {
	case g&reserved != 0:
		return false
	case g&across != 0:
		return from.x == to.x
	case g&down != 0:
		return from.y == to.y
	}
	return true
}

// occupy marks the cells of a way.
func (r *router) occupy(way []point) {
	for k, p := range way {
		i := r.index(p)
		switch {
		case k == 0 || k == len(way)-1:
			r.ground[i] |= solid
		case way[k-1].y == way[k+1].y:
			r.ground[i] |= across
		case way[k-1].x == way[k+1].x:
			r.ground[i] |= down
		default:
			r.ground[i] |= solid | corner
		}
	}
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
