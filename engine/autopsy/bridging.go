package autopsy

import (
	"fmt"
	"net"
	"slices"

	"underlay/engine/observe"
)

// bridged explains a frame that a bridge got, by a port or with in nil from its
// own node, and did not pass on to where it was meant for.
func (c *examination) bridged(f *flight, x sighting, b, in *observe.Link) Verdict {
	if !b.AdminUp {
		return say("bridge-down.frame", spot{x.node, b.Name, f.dir}, args{Bridge: b.Name})
	}
	if v, ok := c.blocked(x.node, in, f.dir); ok {
		return v
	}
	if v, ok := c.unadmitted(f, x, b, in); ok {
		return v
	}
	if v, ok := c.twice(f, x, b); ok {
		return v
	}
	target, ok := c.target(f, x)
	if !ok {
		return c.misaddressed(f, x)
	}
	from := segment{node: x.node, bridge: b.Name}
	if in != nil {
		from.port = in.Name
	}
	return c.apart(from, target, f, x.packet, x.dst)
}

// unadmitted explains a frame that a port does not take in from who sent it.
func (c *examination) unadmitted(f *flight, x sighting, b, in *observe.Link) (Verdict, bool) {
	if in == nil {
		return none, false
	}
	at, a := spot{x.node, in.Name, f.dir}, args{Device: in.Name, Bridge: b.Name, Packet: packetWord(f), MAC: x.src}
	knows := slices.ContainsFunc(c.entries(x.node, b.Name, x.src), func(e observe.FDBEntry) bool { return e.Dev == in.Name })
	if in.Locked && !knows {
		return say("port-locked", at, a), true
	}
	if _, ok := c.vlanOf(x.node, b, in.Name); !ok && x.vid == 0 {
		return say("vlan-filtered.in", at, a), true
	}
	return none, false
}

// blocked reports whether a port takes and gives nothing.
func (c *examination) blocked(node string, port *observe.Link, dir Direction) (Verdict, bool) {
	if port == nil || port.PortState == "" || port.PortState == "forwarding" || !port.AdminUp || !port.Carrier {
		return none, false
	}
	return say("port-not-forwarding.port", spot{node, port.Name, dir}, args{Device: port.Name, Bridge: port.Master, State: port.PortState}), true
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
	switch {
	case loose != nil && (loose.Name != from.port || to.node != from.node || from.bridge != ""):
		return say("not-enslaved.peer", spot{to.node, loose.Name, f.dir}, args{Device: loose.Name, Peer: t.dev, PeerNode: t.node})
	case to.bridge != "" && from.bridge != "" && to.node == from.node && to.bridge != from.bridge:
		return say("different-bridges", spot{to.node, to.port, f.dir}, args{Device: to.port, Bridge: to.bridge, PeerBridge: from.bridge, Packet: packetWord(f)})
	case to.bridge == "" || to.node != from.node || to.bridge != from.bridge:
		if port := c.exit(from, t); port != nil {
			return c.through(from, port, f, p, mac)
		}
		return c.unbridgedTunnel(from, f)
	}
	port := c.link(to.node, to.port)
	in := c.link(from.node, from.port)
	if port == nil {
		return none
	}
	switch {
	case !port.AdminUp:
		return say("link-down.port", spot{to.node, port.Name, f.dir}, args{Device: port.Name, Bridge: to.bridge, PeerNode: t.node})
	case !tl.AdminUp:
		return say("peer-down.target", spot{t.node, t.dev, f.dir}, args{Device: t.dev})
	}
	if v, ok := c.blocked(to.node, port, f.dir); ok {
		return v
	}
	return c.kept(in, port, f, p, mac, to)
}

// through says why a frame does not leave a bridge by the port that leads on to where it is
// meant for.
func (c *examination) through(from segment, port *observe.Link, f *flight, p *packet, mac string) Verdict {
	if v, ok := c.downHere(from.node, port, f.dir); ok {
		return v
	}
	if v, ok := c.blocked(from.node, port, f.dir); ok {
		return v
	}
	return c.kept(c.link(from.node, from.port), port, f, p, mac, from)
}

// kept says why a bridge keeps a frame from a port that could take it.
func (c *examination) kept(in, port *observe.Link, f *flight, p *packet, mac string, on segment) Verdict {
	b := c.link(on.node, on.bridge)
	if b == nil {
		return none
	}
	entries := c.entries(on.node, on.bridge, mac)
	for _, e := range entries {
		if v, ok := c.pinned(e, f, port, on); ok {
			return v
		}
	}
	way := args{Packet: packetWord(f), Device: port.Name, Bridge: on.bridge, MAC: mac}
	from := on.bridge
	if in != nil {
		from = in.Name
	}
	vid, _ := c.vlanOf(on.node, b, from)
	switch {
	case in != nil && in.Name != port.Name && in.Isolated && port.Isolated:
		return say("ports-isolated", spot{on.node, on.bridge, f.dir}, args{In: in.Name, Out: port.Name, Bridge: on.bridge})
	case in != nil && in.Name == port.Name && !port.Hairpin:
		return say("hairpin-off", spot{on.node, port.Name, f.dir}, args{Packet: packetWord(f), Device: port.Name})
	case !c.hasVLAN(on.node, b, port.Name, vid):
		way.VLAN = vid
		return say("vlan-filtered.out", spot{on.node, port.Name, f.dir}, way)
	case mac == broadcast && port.Withholds.Broadcast:
		return say("not-flooded.broadcast", spot{on.node, port.Name, f.dir}, way)
	case isGroup(mac) && mac != broadcast && port.Withholds.Multicast:
		return say("not-flooded.multicast", spot{on.node, port.Name, f.dir}, way)
	case mac != "" && !isGroup(mac) && len(entries) == 0 && port.Withholds.Unknown:
		return say("not-flooded.unknown", spot{on.node, port.Name, f.dir}, way)
	case p != nil && p.size > port.MTU:
		return say("mtu-mismatch.port", spot{on.node, port.Name, f.dir}, args{Packet: packetWord(f), Bytes: p.size, Device: port.Name, MTU: port.MTU})
	}
	v, _ := c.atDevice(f, on.node, port)
	return v
}

// pinned explains by a forwarding entry that is wrong.
func (c *examination) pinned(e observe.FDBEntry, f *flight, port *observe.Link, on segment) (Verdict, bool) {
	at := spot{on.node, fmt.Sprintf("fdb %s on %s", e.MAC, on.bridge), f.dir}
	a := args{Bridge: on.bridge, MAC: e.MAC, Device: e.Dev, Out: port.Name, Packet: packetWord(f)}
	l := c.link(on.node, e.Dev)
	switch {
	case l == nil:
		return none, false
	case e.State == "learned" && e.Dev != port.Name:
		return say("fdb-wrong-port.learned", at, a), true
	case e.State == "learned":
		return none, false
	case e.State == "permanent" && l.MAC != e.MAC: // not that of the port itself
		return say("fdb-wrong-port.local", at, a), true
	case e.State != "permanent" && e.Dev != port.Name:
		return say("fdb-wrong-port.elsewhere", at, a), true
	}
	return none, false
}

// isGroup reports whether a MAC address is that of more than one device.
func isGroup(mac string) bool {
	b, err := net.ParseMAC(mac)
	return err == nil && b[0]&1 != 0
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
	return say("not-enslaved.tunnel", spot{from.node, loose.Name, f.dir}, args{Device: loose.Name, Bridge: from.bridge})
}

// elsewhere reports whether an address is on a device that is on another network
// than a node's device, with routers between them.
func (c *examination) elsewhere(near device, t device) bool {
	a, looseA, okA := c.segmentAt(near)
	b, looseB, okB := c.segmentAt(t)
	if !okA || !okB || looseA != nil || looseB != nil || c.ether(near)[t] {
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
