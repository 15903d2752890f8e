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
	answer := "ARP reply"
	if hop.Is6() {
		answer = "neighbour advertisement"
	}
	return behind("symptom.no-answer", args{Node: node, Answer: answer, Address: hop.String(), Device: dev}, v)
}

func (c *examination) unanswered(node, dev string, hop netip.Addr, f *flight) Verdict {
	near := device{node, dev}
	if l := c.link(node, dev); l != nil && l.Master != "" {
		return say("address-on-port", spot{node, dev, f.dir}, args{Device: dev, Bridge: l.Master})
	}
	all := c.holders(hop)
	if len(all) == 0 {
		return say("nobody-has-address", spot{node, fmt.Sprintf("neighbour %s on %s", hop, dev), f.dir}, args{Address: hop.String()})
	}
	t, ok := only(all)
	if !ok {
		return none
	}
	if v, ok := c.macvlans(near, t); ok {
		return v
	}
	if l := c.link(t.node, t.dev); l != nil && !l.AdminUp {
		return say("link-down.holder", spot{t.node, t.dev, f.dir}, args{Device: t.dev})
	}
	asked := c.flights.asked(node, hop)
	c.arp = asked
	if asked != nil && c.heard(asked, t.node) {
		return c.unsaid(asked, t, hop)
	}
	if l := c.link(node, dev); asked != nil && l != nil && !c.seenLeaving(asked, node, l.Index) {
		if v, ok := c.downHere(node, l, f.dir); ok {
			return v
		}
		if v, ok := c.atDevice(asked, node, l); ok {
			return v
		}
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
			if v := c.arrivedAt(asked, x, passages(asked.eventsIn(x.node))); v.Reason != ReasonUnknown {
				return v
			}
		}
	}
	names := []string{"net.ipv4.conf.all.arp_ignore", "net/ipv4/conf/" + in + "/arp_ignore"}
	values := c.sysctls(t.node, names...)
	for i, name := range names {
		if v := values[name]; v != "" && v != "0" && (v == "8" || in != t.dev) {
			object := []string{names[0], "net.ipv4.conf." + in + ".arp_ignore"}[i]
			return say("arp-ignored", spot{t.node, object, asked.dir}, args{In: in, Setting: object, Value: v})
		}
	}
	q := observe.RouteQuery{To: hop, From: asked.packet.src, IIF: in}
	d, ok := c.decide(t.node, q)
	if !ok || !d.Unreachable {
		return none
	}
	if v, ok := c.sourceRefused(t.node, asked.dir, q, d); ok {
		return v
	}
	if d.Errno == unix.ENETUNREACH {
		return say("no-return-route.asked", spot{t.node, "route to " + asked.packet.src.String(), asked.dir}, args{Address: asked.packet.src.String()})
	}
	return none
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
		return say("macvlan-parent", spot{node: child.node, object: child.dev}, args{Device: child.dev, Peer: parent.dev, PeerNode: parent.node}), true
	case la.Kind == "macvlan" && lb.Kind == "macvlan" && la.Parent != "" && la.Parent == lb.Parent && la.ParentNode == lb.ParentNode:
		for i, l := range []*observe.Link{la, lb} {
			if l.Mode == "private" || l.Mode == "vepa" {
				d := []device{a, b}[i]
				return say("macvlan-private", spot{node: d.node, object: d.dev}, args{Device: d.dev, Kind: l.Mode, Peer: l.Parent}), true
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
		return say("not-enslaved.peer", spot{s.node, loose.Name, f.dir}, args{Device: loose.Name, Peer: near.dev, PeerNode: near.node})
	}
	if asked != nil && c.endsLoose(asked) {
		return c.stopped(asked)
	}
	if c.elsewhere(near, t) {
		hop := addressOf(asked, f)
		return say("address-elsewhere", spot{near.node, fmt.Sprintf("neighbour %s on %s", hop, near.dev), f.dir},
			args{Address: hop.String(), Peer: t.dev, PeerNode: t.node})
	}
	about := f
	var mac string
	if asked != nil {
		about = asked
		mac = broadcast
	}
	if b := c.link(s.node, s.bridge); b != nil && !b.AdminUp {
		return say("bridge-down.bridge", spot{s.node, b.Name, f.dir}, args{Bridge: b.Name})
	}
	return c.apart(s, t, &flight{dir: f.dir, arp: true, packet: about.packet}, nil, mac)
}

// endsLoose reports whether a question came to a device that nothing takes it in by.
func (c *examination) endsLoose(asked *flight) bool {
	way := c.way(asked)
	if len(way) == 0 {
		return false
	}
	last := way[len(way)-1]
	l := c.linkAt(last.node, last.index)
	return l != nil && !last.outgoing && c.isLoose(last.node, l)
}

const broadcast = "ff:ff:ff:ff:ff:ff"

func addressOf(asked, f *flight) netip.Addr {
	if asked != nil {
		return asked.packet.dst
	}
	return f.packet.dst
}
