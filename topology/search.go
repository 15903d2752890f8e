package topology

import "container/heap"

// direction is a way to go from a cell.
type direction uint8

const (
	right direction = iota
	downwards
	left
	upwards
)

func (d direction) from(p point) point {
	switch d {
	case right:
		p.x++
	case left:
		p.x--
	case downwards:
		p.y++
	case upwards:
		p.y--
	}
	return p
}

func (d direction) level() bool         { return d == right || d == left }
func (d direction) opposite() direction { return d ^ 2 }

// What a step costs, so that lines are short and straight, cross seldom, and keep
// away from boxes and from each other where there is room.
const (
	costStep     = 10
	costBend     = 25
	costCross    = 60
	costShore    = 9
	costParallel = 6
	costCorner   = 12 // beside another line's corner
)

// search is an A* search over cells and the directions in which they are entered.
type search struct {
	best []int32 // cost so far of each cell and direction, 0 if not reached
	from []int32 // the state before
	todo states
	step int32
}

type state struct {
	guess, order int32
	at           int32 // cell × 4 + direction
}

type states []state

func (s states) Len() int { return len(s) }
func (s states) Less(i, j int) bool {
	if s[i].guess != s[j].guess {
		return s[i].guess < s[j].guess
	}
	return s[i].order < s[j].order
}
func (s states) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *states) Push(x any)   { *s = append(*s, x.(state)) }
func (s *states) Pop() any {
	old := *s
	x := old[len(old)-1]
	*s = old[:len(old)-1]
	return x
}

// find is the cheapest way between two ends, or nil. It leaves and enters pins
// straight.
func (r *router) find(a, b end) []point {
	s := &r.search
	s.reset(len(r.ground) * 4)
	for _, p := range a.pins {
		if r.free(p.point) {
			s.reach(r.state(p.point, p.out), -1, 1, r.rest(p.point, b))
		}
	}
	for s.todo.Len() > 0 {
		cur := heap.Pop(&s.todo).(state)
		p, d := r.cell(cur.at)
		cost := s.best[cur.at]
		if cur.guess > cost+r.rest(p, b) {
			continue // it was reached more cheaply since
		}
		if goal, ok := b.holds(p); ok && d == goal.out.opposite() {
			return r.trace(cur.at)
		}
		_, home := a.holds(p)
		for _, turn := range [3]direction{d, (d + 1) & 3, (d + 3) & 3} {
			if turn != d && (home || r.at(p)&(across|down) != 0) {
				continue
			}
			next := turn.from(p)
			if step, ok := r.enter(next, turn, b); ok {
				if turn != d {
					step += costBend
				}
				s.reach(r.state(next, turn), cur.at, cost+step, r.rest(next, b))
			}
		}
	}
	return nil
}

// enter is what it costs to go into a cell in a direction, if that can be done.
func (r *router) enter(p point, d direction, b end) (int32, bool) {
	if !r.free(p) {
		return 0, false
	}
	g, cost := r.at(p), int32(costStep)
	if g&reserved != 0 {
		goal, ok := b.holds(p)
		return cost, ok && d == goal.out.opposite()
	}
	switch {
	case d.level() && g&across != 0 || !d.level() && g&down != 0:
		return 0, false
	case g&(across|down) != 0:
		cost += costCross
	}
	if g&margin != 0 {
		cost += costShore
	}
	same := down
	if d.level() {
		same = across
	}
	for _, side := range [2]direction{(d + 1) & 3, (d + 3) & 3} {
		if q := side.from(p); r.inside(q) && r.at(q)&same != 0 {
			cost += costParallel
		}
	}
	for side := range direction(4) {
		if q := side.from(p); r.inside(q) && r.at(q)&corner != 0 {
			cost += costCorner
		}
	}
	return cost, true
}

// rest is the least that it can still cost to an end.
func (r *router) rest(p point, b end) int32 {
	least := int32(1 << 30)
	for _, q := range b.pins {
		least = min(least, int32(abs(p.x-q.x)+abs(p.y-q.y))*costStep)
	}
	return least
}

func (r *router) state(p point, d direction) int32 { return int32(r.index(p)*4) + int32(d) }

func (r *router) cell(at int32) (point, direction) {
	i := int(at / 4)
	return point{i % r.w, i / r.w}, direction(at & 3)
}

// trace is the way that led to a state.
func (r *router) trace(at int32) []point {
	var back []point
	for at >= 0 {
		p, _ := r.cell(at)
		back = append(back, p)
		at = r.search.from[at]
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}

func (s *search) reset(n int) {
	if len(s.best) != n {
		s.best, s.from = make([]int32, n), make([]int32, n)
	}
	clear(s.best)
	s.todo, s.step = s.todo[:0], 0
}

// reach notes that a state can be reached from another at a cost.
func (s *search) reach(at, from, cost, rest int32) {
	if s.best[at] != 0 && s.best[at] <= cost {
		return
	}
	s.best[at], s.from[at] = cost, from
	s.step++
	heap.Push(&s.todo, state{guess: cost + rest, order: s.step, at: at})
}
