package autopsy

import (
	"fmt"
	"net/netip"
	"slices"

	"underlay/engine/observe"
)

// twice explains a frame whose MAC address two devices of its stretch of Ethernet have: a
// bridge sends it to the one that it heard last.
func (c *examination) twice(f *flight, x sighting, b *observe.Link) (Verdict, bool) {
	twins := c.twins(device{x.node, c.nameOf(x.node, x.index)}, x.dst)
	if len(twins) == 0 {
		return none, false
	}
	at := spot{x.node, "MAC address " + x.dst, f.dir}
	for _, s := range f.sightings { // the bridge that had to choose
		if l := c.linkAt(s.node, s.index); b == nil && l != nil && s.dst == x.dst && l.Master != "" {
			at.node, b = s.node, c.link(s.node, l.Master)
		}
	}
	if b != nil {
		at.object = fmt.Sprintf("fdb %s on %s", x.dst, b.Name)
	}
	return say("duplicate-mac", at, args{
		Node: twins[0].node, Device: twins[0].dev, Peer: twins[1].dev, PeerNode: twins[1].node, MAC: x.dst, Packet: packetWord(f),
	}), true
}

// shared is an address that several devices of a stretch of Ethernet have.
type shared struct {
	addr        netip.Addr
	asker       device // who needs its MAC address
	used, other device // the one whose MAC address the asker has, and another
	answered    []string
}

// sharedArgs are what messages say of it.
func (c *examination) sharedArgs(s shared) args {
	a := args{
		Address: s.addr.String(), Client: s.asker.node, Node: s.used.node, Device: s.used.dev,
		Peer: s.other.dev, PeerNode: s.other.node, Nodes: s.answered,
	}
	if l := c.link(s.used.node, s.used.dev); l != nil {
		a.MAC = l.MAC
	}
	if l := c.link(s.other.node, s.other.dev); l != nil {
		a.PeerMAC = l.MAC
	}
	return a
}

// sharedOnWay finds an address that a flight's packet was handed to on its way and that
// devices of two nodes have.
func (c *examination) sharedOnWay(f *flight) (shared, bool) {
	for _, x := range c.way(f) {
		if !x.outgoing || x.carrier != nil || c.isPort(x) {
			continue
		}
		near := device{x.node, c.nameOf(x.node, x.index)}
		hop := c.nextHop(near.node, near.dev, &flight{dir: f.dir, packet: x.packet})
		if s, ok := c.sharedAt(near, hop); ok {
			return s, true
		}
	}
	return shared{}, false
}

func (c *examination) sharedAt(near device, addr netip.Addr) (shared, bool) {
	if !addr.IsValid() || addr.IsMulticast() || addr.IsLoopback() {
		return shared{}, false
	}
	var ds []device
	for _, d := range c.onEther(near, c.holders(addr)) {
		if d.node != near.node && !slices.ContainsFunc(ds, func(o device) bool { return o.node == d.node }) {
			ds = append(ds, d)
		}
	}
	if len(ds) < 2 {
		return shared{}, false
	}
	s := shared{addr: addr, asker: near, used: ds[0], other: ds[1]}
	if n := c.neigh(near.node, near.dev, addr); n != nil {
		for _, d := range ds[1:] {
			if l := c.link(d.node, d.dev); l != nil && l.MAC == n.MAC {
				s.used, s.other = d, ds[0]
			}
		}
	}
	for _, d := range ds {
		if c.answeredARP(d.node, addr) {
			s.answered = append(s.answered, d.node)
		}
	}
	return s, true
}

// callersAddress explains that a node does not take a packet in because it has its source
// address itself, and so has who sent it.
func (c *examination) callersAddress(node string, dir Direction, q observe.RouteQuery) (Verdict, bool) {
	var mine, theirs device
	for _, d := range c.onEther(device{node, q.IIF}, c.holders(q.From)) {
		if d.node == node {
			mine = d
		} else {
			theirs = d
		}
	}
	l, other := c.link(mine.node, mine.dev), c.link(theirs.node, theirs.dev)
	if l == nil || other == nil {
		return none, false
	}
	return say("duplicate-address.source", spot{node, q.From.String(), dir}, args{
		Address: q.From.String(), Device: mine.dev, MAC: l.MAC, Peer: theirs.dev, PeerNode: theirs.node, PeerMAC: other.MAC,
	}), true
}

// answeredARP reports whether a node answered a question about an address.
func (c *examination) answeredARP(node string, addr netip.Addr) bool {
	for _, f := range c.flights.all {
		if !f.arp || f.packet.kind != 2 || f.packet.src != addr {
			continue
		}
		for _, x := range f.sightings {
			if x.node == node && x.outgoing && !c.isPort(x) {
				return true
			}
		}
	}
	return false
}

// doubled puts an address that two nodes have before what it led to: the packet, or its
// answer, came to one of them, and that one did with it what it would.
func (c *examination) doubled(v Verdict) Verdict {
	for _, dir := range []Direction{Request, Reply} {
		for _, f := range c.flights.of(dir) {
			s, ok := c.sharedOnWay(f)
			if !ok {
				continue
			}
			way := c.way(f)
			last := way[len(way)-1]
			reached := last.node == s.used.node && !last.outgoing
			if !reached || v.Reason != ReasonUnknown && (dir == Request && v.Node != last.node || dir == Reply && v.Node == c.flow.From) {
				continue
			}
			return because(v, say("duplicate-address", spot{last.node, s.addr.String(), dir}, c.sharedArgs(s)))
		}
	}
	return v
}

// answeredTwice words that a flow was delivered though two nodes have an address on its way.
func (c *examination) answeredTwice() (Verdict, bool) {
	for _, dir := range []Direction{Request, Reply} {
		for _, f := range c.flights.of(dir) {
			if s, ok := c.sharedOnWay(f); ok {
				a := c.sharedArgs(s)
				a.Server = c.destination()
				return say("delivered.duplicate-address", spot{object: s.addr.String()}, a), true
			}
		}
	}
	return none, false
}
