package autopsy

import (
	"fmt"
	"net/netip"

	"underlay/engine/observe"
)

// bridged explains a frame that a bridge got, by a port or with in nil from its
// own node, and did not pass on to where it was meant for.
func (c *examination) bridged(f *flight, x sighting, b, in *observe.Link) Verdict {
	if !b.AdminUp {
		return Verdict{
			Node: x.node, Object: b.Name, Reason: ReasonBridgeDown, Direction: f.dir,
			Text: fmt.Sprintf("dropped in %s: the bridge %s is down", x.node, b.Name),
		}
	}
	if v, ok := c.blocked(x.node, in, f.dir); ok {
		return v
	}
	target, ok := c.target(f, x)
	if !ok {
		return none
	}
	from := segment{node: x.node, bridge: b.Name}
	if in != nil {
		from.port = in.Name
	}
	return c.apart(from, target, f, x.packet, x.dst)
}

// blocked reports whether a port takes and gives nothing.
func (c *examination) blocked(node string, port *observe.Link, dir Direction) (Verdict, bool) {
	if port == nil || port.PortState == "" || port.PortState == "forwarding" || !port.AdminUp || !port.Carrier {
		return Verdict{}, false
	}
	return Verdict{
		Node: node, Object: port.Name, Reason: ReasonPortBlocked, Direction: dir,
		Text: fmt.Sprintf("dropped in %s: the port %s of %s is %s, not forwarding", node, port.Name, port.Master, port.PortState),
	}, true
}

// target is the device that a frame is meant for: the one with its MAC address
// or, for a question about an address, the one that has that.
func (c *examination) target(f *flight, x sighting) (device, bool) {
	if f.arp && f.packet.kind == 1 {
		return only(c.holders(f.packet.dst))
	}
	return only(c.macHolders(x.dst))
}

func only(ds []device) (device, bool) {
	if len(ds) != 1 {
		return device{}, false
	}
	return ds[0], true
}

// segment is a stretch of Ethernet: a bridge, or with bridge "" one cable, by
// one of its ends. port is where it was entered.
type segment struct{ node, bridge, port string }

// segmentAt returns the segment that a device is on. If its cable ends in
// a device that is nothing's port and has no address, that end is loose.
func (c *examination) segmentAt(d device) (s segment, loose *observe.Link, ok bool) {
	l := c.link(d.node, d.dev)
	if l == nil {
		return s, nil, false
	}
	if l.Kind == "bridge" {
		return segment{node: d.node, bridge: d.dev}, nil, true
	}
	if l.Master != "" {
		return segment{d.node, l.Master, d.dev}, nil, true
	}
	peer, at := c.peer(l)
	if peer == nil {
		return s, nil, false
	}
	if peer.Master != "" {
		return segment{at, peer.Master, peer.Name}, nil, true
	}
	s = segment{node: at, port: peer.Name}
	if c.isLoose(at, peer) {
		return s, peer, true
	}
	return s, nil, true
}

// isLoose reports whether nothing takes what comes in by a device: it is
// nothing's port, it has no address, and no other device is built on it.
func (c *examination) isLoose(node string, l *observe.Link) bool {
	if l.Kind == "loopback" || l.Kind == "bridge" || l.Master != "" || c.addressed(node, l.Name) {
		return false
	}
	for _, st := range c.before {
		for _, child := range st.Links {
			if child.Parent == l.Name && child.ParentNode == node {
				return false
			}
		}
	}
	return true
}

// apart says what keeps a segment and a device from each other, by how they are
// plugged. A frame was seen on the segment, or was not answered there.
func (c *examination) apart(from segment, t device, f *flight, p *packet, mac string) Verdict {
	to, loose, ok := c.segmentAt(t)
	tl := c.link(t.node, t.dev)
	if !ok || tl == nil {
		return none
	}
	what := fmt.Sprintf("%s in %s", t.dev, t.node)
	switch {
	case loose != nil && (loose.Name != from.port || to.node != from.node || from.bridge != ""):
		return Verdict{
			Node: to.node, Object: loose.Name, Reason: ReasonNoBridgePort, Direction: f.dir,
			Text: fmt.Sprintf("%s, the other end of %s, is a port of no bridge", loose.Name, what),
		}
	case to.bridge != "" && from.bridge != "" && to.node == from.node && to.bridge != from.bridge:
		return Verdict{
			Node: to.node, Object: to.port, Reason: ReasonOtherBridge, Direction: f.dir,
			Text: fmt.Sprintf("in %s, %s is a port of %s, but the %s is on %s", to.node, to.port, to.bridge, packetWord(f), from.bridge),
		}
	case to.bridge == "" || to.node != from.node || to.bridge != from.bridge:
		return c.unbridgedTunnel(from, f)
	}
	port := c.link(to.node, to.port)
	in := c.link(from.node, from.port)
	if port == nil {
		return none
	}
	switch {
	case !port.AdminUp:
		return Verdict{
			Node: to.node, Object: port.Name, Reason: ReasonLinkDown, Direction: f.dir,
			Text: fmt.Sprintf("%s in %s, the port of %s towards %s, is down", port.Name, to.node, to.bridge, t.node),
		}
	case !tl.AdminUp:
		return Verdict{
			Node: t.node, Object: t.dev, Reason: ReasonPeerDown, Direction: f.dir,
			Text: fmt.Sprintf("%s is down", what),
		}
	}
	if v, ok := c.blocked(to.node, port, f.dir); ok {
		return v
	}
	return c.kept(in, port, f, p, mac, to)
}

// kept says why a bridge keeps a frame from a port that could take it.
func (c *examination) kept(in, port *observe.Link, f *flight, p *packet, mac string, on segment) Verdict {
	switch {
	case in != nil && in.Name != port.Name && in.Isolated && port.Isolated:
		return Verdict{
			Node: on.node, Object: on.bridge, Reason: ReasonIsolated, Direction: f.dir,
			Text: fmt.Sprintf("dropped in %s: %s and %s are isolated ports of %s, which passes nothing from one to the other", on.node, in.Name, port.Name, on.bridge),
		}
	case in != nil && in.Name == port.Name && !port.Hairpin:
		return Verdict{
			Node: on.node, Object: port.Name, Reason: ReasonHairpinOff, Direction: f.dir,
			Text: fmt.Sprintf("dropped in %s: the %s would have to leave by %s, by which it came, and hairpin is off there", on.node, packetWord(f), port.Name),
		}
	case p != nil && p.size > port.MTU:
		return Verdict{
			Node: on.node, Object: port.Name, Reason: ReasonMTUMismatch, Direction: f.dir,
			Text: fmt.Sprintf("dropped in %s: the %s has %d bytes, but the MTU of the port %s is %d, and a bridge does not fragment",
				on.node, packetWord(f), p.size, port.Name, port.MTU),
		}
	}
	for _, e := range c.before[on.node].FDB {
		if e.MAC == mac && e.Bridge == on.bridge && e.Dev != port.Name && e.State != "learned" {
			return Verdict{
				Node: on.node, Object: fmt.Sprintf("fdb %s on %s", e.MAC, on.bridge), Reason: ReasonFDB, Direction: f.dir,
				Text: fmt.Sprintf("a forwarding entry of %s in %s made by hand says that %s is at %s, but it is at %s", on.bridge, on.node, mac, e.Dev, port.Name),
			}
		}
	}
	return none
}

// unbridgedTunnel says that a tunnel which could carry a segment on is not a port
// of its bridge.
func (c *examination) unbridgedTunnel(from segment, f *flight) Verdict {
	if from.bridge == "" {
		return none
	}
	var loose *observe.Link
	for i, l := range c.before[from.node].Links {
		if l.Kind != "vxlan" {
			continue
		}
		if l.Master == from.bridge {
			if v, ok := c.downHere(from.node, &c.before[from.node].Links[i], f.dir); ok {
				return v
			}
			return none
		}
		if l.Master == "" && !c.addressed(from.node, l.Name) {
			loose = &c.before[from.node].Links[i]
		}
	}
	if loose == nil {
		return none
	}
	return Verdict{
		Node: from.node, Object: loose.Name, Reason: ReasonNoBridgePort, Direction: f.dir,
		Text: fmt.Sprintf("%s in %s is a port of no bridge, so it carries nothing of %s", loose.Name, from.node, from.bridge),
	}
}

// elsewhere reports whether an address is on a device that is on another network
// than a node's device, with routers between them.
func (c *examination) elsewhere(near device, t device) bool {
	a, looseA, okA := c.segmentAt(near)
	b, looseB, okB := c.segmentAt(t)
	if !okA || !okB || looseA != nil || looseB != nil {
		return false
	}
	if a.bridge == "" && b.bridge == "" {
		return a.node != t.node || a.port != t.dev
	}
	return a.bridge == "" && b.bridge != "" || a.bridge != "" && b.bridge == "" ||
		a.node != b.node && !c.hasTunnel(a) && !c.hasTunnel(b)
}

func (c *examination) hasTunnel(s segment) bool {
	for _, l := range c.before[s.node].Links {
		if l.Kind == "vxlan" {
			return true
		}
	}
	return false
}

func family(a netip.Addr) string {
	if a.Is6() {
		return "neighbour discovery"
	}
	return "ARP"
}
