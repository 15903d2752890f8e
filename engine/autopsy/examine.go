package autopsy

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// examination turns what was seen into a verdict.
type examination struct {
	*scene
	flights *flights
	flow    Flow
	out     probe.Outcome
	fenced  map[string]map[byte]bool // node → families whose rules were traced
	depth   int                      // of explanations that lead to others
	arp     *flight                  // that a packet waited for, and why it is told
}

// fill completes a report.
func (c *examination) fill(r *Report) {
	var subject *flight
	if c.out.Ended == engine.OK {
		r.Outcome = Delivered
		var ok bool
		if r.Verdict, ok = c.answeredTwice(); !ok {
			r.Verdict, ok = c.stale()
		}
		if !ok {
			r.Verdict = say("delivered", spot{}, args{Node: c.destination()})
		}
	} else {
		if subject, r.Verdict = c.untranslated(); subject == nil {
			subject = c.subject()
			r.Verdict = c.verdict(subject)
		}
		r.Outcome = map[engine.Expect]Outcome{
			engine.Refused: Refused, engine.Timeout: Dropped, engine.Unreachable: Unreachable,
		}[c.out.Ended]
		if r.Verdict.Reason == ReasonUnknown {
			r.Outcome = Undetermined
		}
	}
	r.Hops = c.path(subject)
}

// destination is the node that the request got to.
func (c *examination) destination() string {
	where := c.flow.To
	to, err := netip.ParseAddr(c.out.Address)
	if replies := c.flights.of(Reply); err == nil && len(replies) > 0 {
		if _, many := c.many(to); many { // one of many answered
			return replies[0].origin()
		}
	}
	if fs := c.flights.of(Request); len(fs) > 0 {
		if way := c.way(fs[0]); len(way) > 0 {
			where = way[len(way)-1].node
		} else {
			where = c.flow.From
		}
	}
	return where
}

// path is the request's way, then that of the answer or of the error that came
// of it. The packet that died is told last.
func (c *examination) path(subject *flight) []Hop {
	hops := []Hop{}
	all := c.flights.all
	if len(all) == 0 {
		return hops
	}
	start := all[0].first()
	chosen := c.told(subject)
	for _, f := range chosen {
		if f != nil && !f.first().IsZero() && f.first().Before(start) {
			start = f.first()
		}
	}
	for _, f := range chosen {
		hops = append(hops, c.hops(f, start)...)
	}
	if subject != nil && len(hops) > 0 && hops[len(hops)-1].Direction == subject.dir {
		hops[len(hops)-1].Died = true
	}
	if c.arp == nil {
		return hops
	}
	question := c.hops(c.arp, start)
	for i := range question {
		question[i].Direction = ARP
		question[i].Died = i == len(question)-1
	}
	return append(hops, question...)
}

// tracked is what conntrack remembers of the flow in any of its forms.
func (c *examination) tracked(states map[string]*observe.State) (out []Tracking) {
	header := func(t observe.Tuple) Header {
		return Header{Src: t.Src.String(), Dst: t.Dst.String(), SPort: t.SPort, DPort: t.DPort}
	}
	for _, n := range c.instance.Nodes {
		st := states[n.Name]
		if st == nil {
			continue
		}
		for _, f := range st.Conntrack {
			if f.Proto == c.flights.proto && c.flights.stages[stage{f.Orig.Src.String(), f.Orig.Dst.String(), f.Orig.SPort, f.Orig.DPort}] {
				out = append(out, Tracking{Node: n.Name, Orig: header(f.Orig), Reply: header(f.Reply), State: f.State})
			}
		}
	}
	return out
}

// told chooses the packets whose ways are reported: the first of each direction,
// up to and with the one that died.
func (c *examination) told(subject *flight) (out []*flight) {
	for _, dir := range []Direction{Request, Reply, Error} {
		fs := c.flights.of(dir)
		if len(fs) == 0 || fs[0] == subject {
			continue
		}
		// Of what only rules were seen the time is not known well; that it came of
		// the request is.
		effect := dir == Request && subject != nil && subject.dir != Request
		if subject == nil || effect || fs[0].first().Before(subject.first()) {
			out = append(out, fs[0])
		}
	}
	if subject != nil {
		out = append(out, subject)
	}
	return out
}

// subject is the first packet of the flow that did not get where it was sent,
// nil if all did. An error that got lost counts only if no packet did, because it
// came of one.
func (c *examination) subject() (lost *flight) {
	for _, f := range c.flights.all {
		switch {
		case f.arp || f.isCarrier() || c.delivered(f):
		case f.dir != Error:
			return f
		case lost == nil:
			lost = f
		}
	}
	return lost
}

// delivered reports whether a packet came through the last of the rules of a
// node that has the address it is for.
func (c *examination) delivered(f *flight) bool {
	way := c.way(f)
	if n := len(way); n > 0 && c.ledToLoopback(way[n-1]) {
		return false
	}
	for node := range c.before {
		if p := reached(passages(f.eventsIn(node)), unix.NFPROTO_INET, "input"); p != nil && p.left != nil {
			return true
		}
	}
	if len(way) == 0 {
		return false
	}
	last := way[len(way)-1]
	// Of an ICMP error a trace may not tell enough to know it by.
	traced := c.traced(last.node) && (f.dir != Error || len(f.eventsIn(last.node)) > 0)
	return !last.outgoing && !traced && c.has(last.node, last.packet.dst) && !c.isPort(last)
}

// ledToLoopback reports whether a packet came in by lo of a node that it is not
// for. The node takes it in all the same, because it has been routed already. It is
// for the node, though, where a route makes more addresses local than are assigned,
// unless one of those is another node's.
func (c *examination) ledToLoopback(x sighting) bool {
	l := c.linkAt(x.node, x.index)
	if l == nil || l.Kind != "loopback" || x.outgoing || c.has(x.node, x.packet.dst) {
		return false
	}
	d, ok := c.decide(x.node, observe.RouteQuery{To: x.packet.dst})
	return ok && (!d.Local || len(c.holders(x.packet.dst)) > 0)
}

func (c *examination) traced(node string) bool { return c.fenced[node][unix.NFPROTO_INET] }

func (c *examination) isPort(x sighting) bool {
	l := c.linkAt(x.node, x.index)
	return l != nil && l.Master != ""
}

// verdict explains why the flow was not answered as it should have been.
func (c *examination) verdict(subject *flight) Verdict {
	v, many := c.cast()
	switch {
	case many:
	case len(c.flights.of(Request)) == 0:
		v = c.unsent()
	case subject != nil:
		v = c.stopped(subject)
		if v.Direction == "" {
			v.Direction = subject.dir
		}
	default:
		v = c.arrived()
	}
	if v = c.doubled(v); v.Reason == ReasonUnknown {
		return c.unknown(subject, v)
	}
	return c.byPolicy(subject, v)
}

// unknown says where the packet was seen last.
func (c *examination) unknown(subject *flight, v Verdict) Verdict {
	at := spot{v.Node, v.Object, v.Direction}
	f := subject
	if f == nil {
		if all := append(c.flights.of(Request), c.flights.of(Reply)...); len(all) > 0 {
			f = all[len(all)-1]
		}
	}
	looked := func(node string, a args) args {
		a.RuledOut, a.Suspects = c.ruledOut(node), c.suspects(node)
		return a
	}
	if f == nil {
		from := c.flow.From
		return say("not-determined.unsent", at, looked(from, args{Node: from, Detail: c.out.Detail, Command: "ip netns exec " + from + " nstat"}))
	}
	at.dir = f.dir
	where := f.events
	if way := c.way(f); len(way) > 0 {
		last := way[len(way)-1]
		at.node = last.node
		dev := c.nameOf(last.node, last.index)
		if last.outgoing {
			a := args{Packet: string(f.dir), Out: dev, Command: c.capture(last.node, dev)}
			return say("not-determined.out", at, looked(last.node, a))
		}
		return say("not-determined.in", at, looked(last.node, args{Packet: string(f.dir), In: dev, Command: "ip netns exec " + last.node + " nstat"}))
	}
	if len(where) > 0 {
		at.node = where[len(where)-1].node
	}
	return say("not-determined.inside", at, looked(at.node, args{Packet: string(f.dir), Command: "ip netns exec " + at.node + " nstat"}))
}

// capture is a command that shows what comes out at the other end of a device.
func (c *examination) capture(node, dev string) string {
	if peer, at := c.peer(c.link(node, dev)); peer != nil {
		node, dev = at, peer.Name
	}
	return fmt.Sprintf("ip netns exec %s tcpdump -eni %s", node, dev)
}

// unsent explains an attempt of which no packet was seen.
func (c *examination) unsent() Verdict {
	to, err := netip.ParseAddr(c.out.Address)
	if err != nil {
		return none
	}
	from := c.flow.From
	d, ok := c.decide(from, observe.RouteQuery{To: to})
	switch {
	case !ok:
		return none
	case d.Unreachable:
		return c.noWay(from, Request, observe.RouteQuery{To: to}, d)
	}
	l := c.link(from, d.Dev)
	if l != nil && strings.HasPrefix(c.out.Detail, "message too long") {
		return say("packet-too-big.sender", spot{from, l.Name, Request}, args{Device: l.Name, MTU: l.MTU})
	}
	f := &flight{dir: Request, packet: &packet{proto: c.flights.proto, dst: to}}
	if !c.traced(from) {
		if v, ok := c.counted(f, from, "output", "postrouting"); ok {
			return v
		}
	}
	return c.egress(from, d.Dev, f)
}
