package autopsy

import (
	"golang.org/x/sys/unix"

	"underlay/engine/observe"
)

// maxDepth bounds explanations that lead to one another: a packet waits for a
// neighbour, whose answer was lost in a tunnel, whose packet waits for another.
const maxDepth = 6

var none = Verdict{Reason: ReasonUnknown}

// stopped explains why a packet was not seen any further.
func (c *examination) stopped(f *flight) Verdict {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return none
	}
	if v, ok := c.ruled(f); ok {
		return v
	}
	way := c.way(f)
	if v, ok := c.tunnelled(f, way); ok {
		return v
	}
	if e := c.errorAbout(f); e != nil {
		if v := c.turnedAway(f, e); v.Reason != ReasonUnknown {
			return v
		}
	}
	if len(way) == 0 {
		return c.within(f, f.events[len(f.events)-1].node, nil)
	}
	last := way[len(way)-1]
	for _, x := range f.sightings {
		if c.side(x) && !x.when.Before(last.when) {
			if v := c.foreign(f, x); v.Reason != ReasonUnknown {
				return v
			}
		}
	}
	if n := len(f.events); n > 0 && f.events[n-1].node != last.node && last.outgoing {
		// A node that the packet came to by no device that was seen.
		if v := c.within(f, f.events[n-1].node, nil); v.Reason != ReasonUnknown {
			return v
		}
	}
	return c.within(f, last.node, &last)
}

// ruled finds the rule or policy that dropped or rejected a packet.
func (c *examination) ruled(f *flight) (Verdict, bool) {
	for i := len(f.events) - 1; i >= 0; i-- {
		e := &f.events[i]
		if !e.drops() || e.ours() {
			continue
		}
		r := c.rule(e)
		if r == nil {
			return none, false
		}
		hook, iif, oif := r.Hook, e.iif, e.oif
		for _, p := range passages(f.eventsIn(e.node)) {
			for _, met := range p.met {
				if met.handle == e.handle && met.table == e.table && met.chain == e.chain {
					hook, iif, oif = p.hook, p.entered.iif, p.entered.oif
				}
			}
		}
		return c.ruleVerdict(f, e.node, hook, r, iif, oif), true
	}
	return none, false
}

// ruleVerdict words a rule's verdict.
func (c *examination) ruleVerdict(f *flight, node, hook string, r *observe.FirewallRule, iif, oif int) Verdict {
	chain := ruleObject(r)
	at := spot{node, chain, f.dir}
	a := args{Node: node, Chain: chain, Packet: packetWord(f), Hook: hook, In: c.nameOf(node, iif), Out: c.nameOf(node, oif)}
	a.Way = c.between(f, node, a)
	if r.Policy {
		return say("policy-drop", at, a)
	}
	a.Rule = r.Text
	if r.Does == "reject" {
		return say("rule-reject", at, a)
	}
	return say("rule-drop", at, a)
}

// packetWord names a packet in a sentence.
func packetWord(f *flight) string {
	switch {
	case (f.isCarrier() || f.packet.proto != "arp") && (f.arp || f.dir == ""): // of a question that a tunnel carries
		return render("packet.tunnel", args{})
	case f.arp && asks(f.packet):
		return render("packet.arp-request", args{Address: f.packet.dst.String()})
	case f.arp:
		return render("packet.arp-reply", args{Address: f.packet.src.String()})
	}
	return render("packet."+string(f.dir), args{})
}

// between words where a packet was on its way through a node, by its devices and hook.
func (c *examination) between(f *flight, node string, a args) string {
	switch {
	case a.In != "" && a.Out != "":
		return render("way.forward", a)
	case a.Out != "":
		return render("way.out", a)
	case a.In != "":
		return render("way.in", a)
	case a.Hook == "output":
		return render("way.output", a)
	}
	for _, x := range c.way(f) {
		if x.node == node {
			return render("way.device", args{Device: c.nameOf(node, x.index)})
		}
	}
	return render("way.hook", a)
}

// within explains why a packet got no further in a node. x is where it was
// seen last, nil if it was seen at no device.
func (c *examination) within(f *flight, node string, x *sighting) Verdict {
	ps := passages(f.eventsIn(node))
	if x == nil || !x.outgoing || !c.wentOut(ps, node, x) {
		if v, ok := c.lostInHook(f, node, ps); ok {
			return v
		}
	}
	if p := reached(ps, unix.NFPROTO_INET, "postrouting"); p != nil && p.left != nil && reached(ps, unix.NFPROTO_BRIDGE, "forward") == nil {
		if dev := c.nameOf(node, p.left.oif); dev != "" && !c.seenLeaving(f, node, p.left.oif) {
			if v, ok := c.noFreePort(f, node, p); ok {
				return v
			}
			return c.egress(node, dev, &flight{key: f.key, dir: f.dir, arp: f.arp, packet: packetOf(p.left, f.packet), events: f.events, sightings: f.sightings})
		}
	}
	switch {
	case x == nil && !c.traced(node):
		v, _ := c.counted(f, node, "output", "postrouting")
		return v
	case x == nil:
		return none
	case x.outgoing:
		return c.wire(f, *x)
	}
	return c.arrivedAt(f, *x, ps)
}

// wentOut reports whether a packet that was seen leaving had come through all
// hooks of the node by then.
func (c *examination) wentOut(ps []*passage, node string, x *sighting) bool {
	l := c.linkAt(node, x.index)
	if l == nil || l.Kind != "bridge" {
		return true
	}
	for _, p := range ps {
		if p.left == nil && p.family == unix.NFPROTO_BRIDGE {
			return false
		}
	}
	return true
}

func packetOf(e *event, otherwise *packet) *packet {
	if e.packet != nil {
		return e.packet
	}
	return otherwise
}

func (c *examination) seenLeaving(f *flight, node string, index int) bool {
	for _, x := range f.sightings {
		if x.node == node && x.index == index && x.outgoing {
			return true
		}
	}
	return false
}

// lostInHook explains a packet that entered a hook and did not come out of it,
// though no rule that the kernel traces dropped it.
func (c *examination) lostInHook(f *flight, node string, ps []*passage) (Verdict, bool) {
	var open *passage
	for i := len(ps) - 1; i >= 0 && open == nil; i-- {
		if ps[i].left == nil {
			open = ps[i]
		}
	}
	if open == nil {
		return none, false
	}
	if open.family == unix.NFPROTO_BRIDGE && open.hook == "prerouting" {
		// Filtering bridged packets as IP, the kernel also looks up their route.
		if p := reached(ps, unix.NFPROTO_INET, "prerouting"); p != nil && p.left != nil && c.bridgedHere(f, node) {
			return none, false
		}
	}
	for i := range open.met {
		if r := c.rule(&open.met[i]); r != nil && open.met[i].verdict&verdictMask == verdictQueue {
			chain := ruleObject(r)
			return say("rule-queue", spot{node, chain, f.dir}, args{Chain: chain, Packet: packetWord(f), Hook: open.hook, Rule: r.Text}), true
		}
	}
	if v, ok := c.rerouted(f, node, open); ok {
		return v, true
	}
	if v, ok := c.noFreePort(f, node, open); ok && open.hook == "postrouting" {
		return v, true
	}
	hook := open.hook
	if open.family == unix.NFPROTO_BRIDGE {
		if p := reached(ps, unix.NFPROTO_INET, hook); p != nil && p.left == nil {
			hook = p.hook
		}
	}
	return c.legacy(f, node, hook, open.entered.iif, open.entered.oif)
}

// bridgedHere reports whether a packet came in by a port of a bridge.
func (c *examination) bridgedHere(f *flight, node string) bool {
	for _, x := range f.sightings {
		if x.node == node && !x.outgoing && c.isPort(x) {
			return true
		}
	}
	return false
}

// counted finds the one rule or policy at these hooks that counted packets and
// stops them, in a node whose rules could not be traced.
func (c *examination) counted(f *flight, node string, hooks ...string) (Verdict, bool) {
	for _, hook := range hooks {
		if hits := c.hits(node, hook, anyBackend, "drop", "reject"); len(hits) == 1 {
			return c.ruleVerdict(f, node, hook, &hits[0], 0, 0), true
		} else if len(hits) > 1 {
			return none, false
		}
	}
	return none, false
}

// legacy finds the one rule or policy of iptables-legacy at a hook that counted
// packets and stops them. If several did, it is not known which stopped this one.
func (c *examination) legacy(f *flight, node, hook string, iif, oif int) (Verdict, bool) {
	hits := c.hits(node, hook, onlyLegacy, "drop", "reject")
	if len(hits) != 1 {
		return none, false
	}
	return c.ruleVerdict(f, node, hook, &hits[0], iif, oif), true
}
