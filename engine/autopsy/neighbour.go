package autopsy

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"underlay/engine/observe"
)

// neighbour explains that a node does not learn the MAC address of a next hop, for
// which its packet waits. f is that packet.
func (c *examination) neighbour(node, dev string, hop netip.Addr, f *flight) Verdict {
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > maxDepth {
		return none
	}
	v := c.unanswered(node, dev, hop, f)
	if v.Reason == ReasonUnknown {
		return v
	}
	v.Direction = f.dir
	v.Text = fmt.Sprintf("%s gets no answer to its %s for %s on %s: %s", node, family(hop), hop, dev, v.Text)
	return v
}

func (c *examination) unanswered(node, dev string, hop netip.Addr, f *flight) Verdict {
	near := device{node, dev}
	if l := c.link(node, dev); l != nil && l.Master != "" {
		return Verdict{
			Node: node, Object: dev, Reason: ReasonOnPort,
			Text: fmt.Sprintf("%s is a port of %s, and what comes in by a port is the bridge's: an address for this network belongs on %s", dev, l.Master, l.Master),
		}
	}
	all := c.holders(hop)
	if len(all) == 0 {
		return Verdict{
			Node: node, Object: fmt.Sprintf("neighbour %s on %s", hop, dev), Reason: ReasonNobodyHas,
			Text: "no node has that address",
		}
	}
	t, ok := only(all)
	if !ok {
		return none
	}
	if v, ok := c.macvlans(near, t); ok {
		return v
	}
	if l := c.link(t.node, t.dev); l != nil && !l.AdminUp {
		return Verdict{
			Node: t.node, Object: t.dev, Reason: ReasonLinkDown,
			Text: fmt.Sprintf("it is on %s in %s, which is down", t.dev, t.node),
		}
	}
	asked := c.flights.asked(node, hop)
	c.arp = asked
	if asked != nil && c.heard(asked, t.node) {
		return c.unsaid(asked, t, hop)
	}
	if v := c.plugged(near, t, f, asked); v.Reason != ReasonUnknown {
		return v
	}
	if asked == nil {
		return none
	}
	return c.stopped(asked)
}

// heard reports whether a node took in a question.
func (c *examination) heard(asked *flight, node string) bool {
	for _, x := range c.way(asked) {
		l := c.linkAt(x.node, x.index)
		if x.node == node && !x.outgoing && x.carrier == nil && l != nil && l.Master == "" {
			return true
		}
	}
	return false
}

// unsaid explains that a node was asked for its address and that the one who
// asked got no answer.
func (c *examination) unsaid(asked *flight, t device, hop netip.Addr) Verdict {
	if answer := c.flights.answered(hop); answer != nil {
		c.arp = answer
		return c.stopped(answer)
	}
	if v, ok := c.ruled(asked); ok {
		return v
	}
	in := t.dev
	for _, x := range c.way(asked) {
		if x.node == t.node && !x.outgoing {
			in = c.nameOf(x.node, x.index)
		}
	}
	names := []string{"net.ipv4.conf.all.arp_ignore", "net/ipv4/conf/" + in + "/arp_ignore"}
	values := c.sysctls(t.node, names...)
	for i, name := range names {
		if v := values[name]; v != "" && v != "0" && (v == "8" || in != t.dev) {
			object := []string{names[0], "net.ipv4.conf." + in + ".arp_ignore"}[i]
			return Verdict{
				Node: t.node, Object: object, Reason: ReasonARPIgnored,
				Text: fmt.Sprintf("%s was asked by %s and does not answer, because %s is %s there", t.node, in, object, v),
			}
		}
	}
	q := observe.RouteQuery{To: hop, From: asked.packet.src, IIF: in}
	d, ok := c.decide(t.node, q)
	if !ok || !d.Unreachable {
		return none
	}
	v, ok := c.sourceRefused(Verdict{Node: t.node}, q, d)
	if !ok && d.Errno == unix.ENETUNREACH {
		return Verdict{
			Node: t.node, Object: "route to " + asked.packet.src.String(), Reason: ReasonNoReturnRoute,
			Text: fmt.Sprintf("%s was asked and has no route to %s, who asked", t.node, asked.packet.src),
		}
	}
	if !ok {
		return none
	}
	return v
}

// macvlans explains what a macvlan keeps apart: its device from its parent, and
// in private mode from its siblings.
func (c *examination) macvlans(a, b device) (Verdict, bool) {
	la, lb := c.link(a.node, a.dev), c.link(b.node, b.dev)
	if la == nil || lb == nil {
		return Verdict{}, false
	}
	on := func(l *observe.Link, d device) bool {
		return l.Kind == "macvlan" && l.Parent == d.dev && l.ParentNode == d.node
	}
	child, parent := a, b
	if on(lb, a) {
		child, parent = b, a
	}
	switch {
	case on(la, b), on(lb, a):
		return Verdict{
			Node: child.node, Object: child.dev, Reason: ReasonMacvlanParent,
			Text: fmt.Sprintf("%s in %s is a macvlan on %s in %s, and a macvlan and its own parent do not hear each other",
				child.dev, child.node, parent.dev, parent.node),
		}, true
	case la.Kind == "macvlan" && lb.Kind == "macvlan" && la.Parent != "" && la.Parent == lb.Parent && la.ParentNode == lb.ParentNode:
		for i, l := range []*observe.Link{la, lb} {
			if l.Mode == "private" || l.Mode == "vepa" {
				d := []device{a, b}[i]
				return Verdict{
					Node: d.node, Object: d.dev, Reason: ReasonMacvlanPrivate,
					Text: fmt.Sprintf("%s in %s is a macvlan in mode %s, which hears nothing from others on the same parent %s", d.dev, d.node, l.Mode, l.Parent),
				}, true
			}
		}
	}
	return Verdict{}, false
}

// plugged explains by how devices are plugged that a question did not get to
// the one who has the address.
func (c *examination) plugged(near, t device, f, asked *flight) Verdict {
	s, loose, ok := c.segmentAt(near)
	if !ok {
		return none
	}
	if loose != nil {
		return Verdict{
			Node: s.node, Object: loose.Name, Reason: ReasonNoBridgePort,
			Text: fmt.Sprintf("%s in %s, the other end of %s in %s, is a port of no bridge", loose.Name, s.node, near.dev, near.node),
		}
	}
	if c.elsewhere(near, t) {
		return Verdict{
			Node: near.node, Object: fmt.Sprintf("neighbour %s on %s", addressOf(asked, f), near.dev), Reason: ReasonElsewhere,
			Text: fmt.Sprintf("that address is on %s in %s, which is on another network", t.dev, t.node),
		}
	}
	about := f
	var mac string
	if asked != nil {
		about = asked
		mac = broadcast
	}
	if b := c.link(s.node, s.bridge); b != nil && !b.AdminUp {
		return Verdict{Node: s.node, Object: b.Name, Reason: ReasonBridgeDown, Text: fmt.Sprintf("the bridge %s in %s is down", b.Name, s.node)}
	}
	return c.apart(s, t, &flight{dir: f.dir, arp: true, packet: about.packet}, nil, mac)
}

const broadcast = "ff:ff:ff:ff:ff:ff"

func addressOf(asked, f *flight) netip.Addr {
	if asked != nil {
		return asked.packet.dst
	}
	return f.packet.dst
}
