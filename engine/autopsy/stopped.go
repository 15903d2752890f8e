package autopsy

import (
	"fmt"

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
			return Verdict{}, false
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
	return Verdict{}, false
}

// ruleVerdict words a rule's verdict.
func (c *examination) ruleVerdict(f *flight, node, hook string, r *observe.FirewallRule, iif, oif int) Verdict {
	v := Verdict{Node: node, Object: ruleObject(r), Direction: f.dir}
	way := c.between(f, node, hook, iif, oif)
	switch {
	case r.Policy:
		v.Reason = ReasonPolicyDrop
		v.Text = fmt.Sprintf("dropped in %s, %s, policy DROP: the %s was %s and no rule accepted it", node, v.Object, packetWord(f), way)
	case r.Does == "reject":
		v.Reason = ReasonRuleReject
		v.Text = fmt.Sprintf("rejected in %s, %s: the %s was %s and met the rule %s", node, v.Object, packetWord(f), way, r.Text)
	default:
		v.Reason = ReasonRuleDrop
		v.Text = fmt.Sprintf("dropped in %s, %s: the %s was %s and met the rule %s", node, v.Object, packetWord(f), way, r.Text)
	}
	return v
}

func packetWord(f *flight) string {
	switch {
	case f.arp && asks(f.packet):
		return "ARP request for " + f.packet.dst.String()
	case f.arp:
		return "ARP reply of " + f.packet.src.String()
	case f.dir == Request:
		return "packet"
	}
	return string(f.dir)
}

// between says where a packet was on its way through a node: "eth0 → docker0".
func (c *examination) between(f *flight, node, hook string, iif, oif int) string {
	in, out := c.nameOf(node, iif), c.nameOf(node, oif)
	switch {
	case in != "" && out != "":
		return in + " → " + out
	case out != "":
		return "leaving by " + out
	case in != "":
		return "coming in by " + in
	case hook == "output":
		return "leaving"
	}
	for _, x := range c.way(f) {
		if x.node == node {
			return "at " + c.nameOf(node, x.index)
		}
	}
	return "at " + hook
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
		return Verdict{}, false
	}
	if open.family == unix.NFPROTO_BRIDGE && open.hook == "prerouting" {
		// Filtering bridged packets as IP, the kernel also looks up their route.
		if p := reached(ps, unix.NFPROTO_INET, "prerouting"); p != nil && p.left != nil && c.bridgedHere(f, node) {
			return Verdict{}, false
		}
	}
	for i := range open.met {
		if r := c.rule(&open.met[i]); r != nil && open.met[i].verdict&verdictMask == verdictQueue {
			v := c.ruleVerdict(f, node, open.hook, r, open.entered.iif, open.entered.oif)
			v.Reason = ReasonQueue
			v.Text = fmt.Sprintf("lost in %s, %s: the %s was handed to a program by the rule %s, and none gave it back", node, v.Object, packetWord(f), r.Text)
			return v, true
		}
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
			return Verdict{}, false
		}
	}
	return Verdict{}, false
}

// legacy finds the one rule or policy of iptables-legacy at a hook that counted
// packets and stops them. If several did, it is not known which stopped this one.
func (c *examination) legacy(f *flight, node, hook string, iif, oif int) (Verdict, bool) {
	hits := c.hits(node, hook, onlyLegacy, "drop", "reject")
	if len(hits) != 1 {
		return Verdict{}, false
	}
	return c.ruleVerdict(f, node, hook, &hits[0], iif, oif), true
}
