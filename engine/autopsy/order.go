package autopsy

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"underlay/engine/observe"
)

// inOrder puts what was seen in each node into one order. Within a node it is the order
// in which the kernel queued it. Between nodes cause goes before effect: a packet
// that comes in by a cable has left by its other end before. Time decides
// only what is left open, because the kernel begins to stamp packets a little
// after it was asked to, and stamps the first ones when they are read.
func inOrder(sc *scene, seen map[string][]frame) (out []frame) {
	var queues []*queue
	for _, node := range slices.Sorted(maps.Keys(seen)) {
		q := &queue{node: node, frames: seen[node], pending: map[print]int{}}
		for i := range q.frames {
			q.frames[i].print = q.frames[i].packet.print()
			q.pending[printOf(&q.frames[i])]++
		}
		queues = append(queues, q)
	}
	var now time.Time
	for {
		next := earliest(sc, queues)
		if next == nil {
			return out
		}
		f := next.take()
		if f.when.Before(now) {
			f.when = now
		}
		now = f.when
		out = append(out, f)
	}
}

// queue is what a node saw and is still to be put in order.
type queue struct {
	node    string
	frames  []frame
	pending map[print]int
}

func (q *queue) take() frame {
	f := q.frames[0]
	q.frames = q.frames[1:]
	q.pending[printOf(&f)]--
	return f
}

// print tells one passing of a packet from others.
type print struct {
	index    int
	outgoing bool
	packet   string
}

func printOf(f *frame) print { return print{f.index, f.outgoing, f.print} }

// print is what does not change on a cable.
func (p *packet) print() string {
	s := fmt.Sprint(p.proto, p.src, p.dst, p.sport, p.dport, p.id, p.ttl, p.seq, p.ack, p.flags, p.kind, p.code, p.carried, string(p.payload))
	if p.inner != nil {
		s += p.inner.print()
	}
	return s
}

// earliest is the queue whose first frame comes next, nil when all are empty.
func earliest(sc *scene, queues []*queue) *queue {
	var best, any *queue
	for _, q := range queues {
		if len(q.frames) == 0 {
			continue
		}
		f := &q.frames[0]
		if any == nil || f.when.Before(any.frames[0].when) {
			any = q
		}
		if (best == nil || f.when.Before(best.frames[0].when)) && !waits(sc, queues, f) {
			best = q
		}
	}
	if best == nil { // what it waits for was not seen in order either
		return any
	}
	return best
}

// waits reports whether what a frame came of is still to be told.
func waits(sc *scene, queues []*queue, f *frame) bool {
	l := sc.linkAt(f.node, f.index)
	if l == nil {
		return false
	}
	is := func(d *observe.Link, node string, outgoing bool) bool {
		for _, q := range queues {
			if d != nil && q.node == node && q.pending[print{d.Index, outgoing, f.print}] > 0 {
				return node != f.node || d.Index != f.index || outgoing != f.outgoing
			}
		}
		return false
	}
	if !f.outgoing {
		if peer, node := sc.peer(l); is(peer, node, true) {
			return true
		}
	}
	if l.Kind == "macvlan" && !f.outgoing {
		return is(sc.link(l.ParentNode, l.Parent), l.ParentNode, false)
	}
	for node, st := range sc.before {
		for i := range st.Links {
			child := &st.Links[i]
			if child.Kind == "macvlan" && child.Parent == l.Name && child.ParentNode == f.node && is(child, node, true) {
				return true
			}
		}
	}
	return false
}
