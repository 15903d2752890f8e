package autopsy

import (
	"fmt"
	"net/netip"

	"underlay/engine/observe"
)

// egress explains a packet that a node decided to send by a device and that was
// not seen on it.
func (c *examination) egress(node, dev string, f *flight) Verdict {
	l := c.link(node, dev)
	if l == nil {
		return none
	}
	if v, ok := c.downHere(node, l, f.dir); ok {
		return v
	}
	if f.packet.size > l.MTU && l.MTU > 0 && f.packet.df {
		return overMTU(node, l, f, f.packet.size)
	}
	hop := c.nextHop(node, dev, f)
	if !hop.IsValid() {
		return none
	}
	if n := c.neigh(node, dev, hop); n != nil && n.State != "incomplete" && n.State != "failed" && n.State != "none" {
		v, _ := c.atDevice(f, node, l)
		return v
	}
	return c.neighbour(node, dev, hop, f)
}

// nextHop is to whom a node hands a packet that leaves by a device.
func (c *examination) nextHop(node, dev string, f *flight) netip.Addr {
	q := observe.RouteQuery{To: f.packet.dst}
	if c.has(node, f.packet.src) {
		q.From = f.packet.src
	}
	d, ok := c.decide(node, q)
	if !ok || d.Unreachable || d.Dev != dev {
		if d, ok = c.decide(node, observe.RouteQuery{To: f.packet.dst}); !ok || d.Unreachable || d.Dev != dev {
			return f.packet.dst
		}
	}
	if via, err := netip.ParseAddr(d.Via); err == nil {
		return via
	}
	return f.packet.dst
}

// downHere explains by a device or cable that is down, seen from the device.
func (c *examination) downHere(node string, l *observe.Link, dir Direction) (Verdict, bool) {
	if !l.AdminUp {
		if l.Kind == "bridge" {
			return say("bridge-down.bridge", spot{node, l.Name, dir}, args{Bridge: l.Name}), true
		}
		return say("link-down.device", spot{node, l.Name, dir}, args{Device: l.Name}), true
	}
	if l.Carrier {
		return Verdict{}, false
	}
	peer, at := c.peer(l)
	if peer != nil && !peer.AdminUp {
		return say("peer-down.carrier", spot{at, peer.Name, dir}, args{Device: peer.Name, Peer: l.Name, PeerNode: node}), true
	}
	if l.Kind == "bridge" {
		return c.bridgeWithoutCarrier(node, l, dir), true
	}
	// A macvlan loses its carrier with its parent: what that lost it by is the cause.
	if parent := c.link(l.ParentNode, l.Parent); parent != nil {
		if v, ok := c.downHere(l.ParentNode, parent, dir); ok {
			return behind("symptom.no-carrier", args{Node: node, Device: l.Name}, v), true
		}
	}
	return say("link-down.carrier", spot{node, l.Name, dir}, args{Device: l.Name}), true
}

// bridgeWithoutCarrier has no port that forwards.
func (c *examination) bridgeWithoutCarrier(node string, l *observe.Link, dir Direction) Verdict {
	at := spot{node, l.Name, dir}
	var ports []observe.Link
	for _, p := range c.before[node].Links {
		if p.Master == l.Name {
			ports = append(ports, p)
		}
	}
	switch {
	case len(ports) == 0:
		return say("not-enslaved.bridge", at, args{Bridge: l.Name})
	case len(ports) == 1:
		if down, ok := c.downHere(node, &ports[0], dir); ok {
			return behind("symptom.no-port-up", args{Node: node, Bridge: l.Name}, down)
		}
	}
	return say("port-not-forwarding.bridge", at, args{Bridge: l.Name})
}

// wire explains a frame that left by a device and was not seen at its other end.
func (c *examination) wire(f *flight, x sighting) Verdict {
	l := c.linkAt(x.node, x.index)
	if l == nil {
		return none
	}
	switch l.Kind {
	case "bridge":
		return c.bridged(f, x, l, c.cameInBy(f, x.node, l.Name))
	case "vxlan":
		return c.encapsulated(f, x, l)
	case "macvlan":
		return none
	}
	peer, at := c.peer(l)
	if peer == nil {
		return none
	}
	switch {
	case !peer.AdminUp:
		return say("peer-down.cable", spot{at, peer.Name, f.dir}, args{Device: peer.Name, Peer: l.Name, PeerNode: x.node})
	case x.packet.size > peer.MTU || x.carrier != nil && x.carrier.size > peer.MTU:
		size := x.packet.size
		if x.carrier != nil {
			size = x.carrier.size
		}
		return say("mtu-mismatch.cable", spot{at, peer.Name, f.dir}, args{
			Packet: packetWord(f), Bytes: size, Device: peer.Name, MTU: peer.MTU, Peer: l.Name, PeerNode: x.node, PeerMTU: l.MTU,
		})
	}
	return none
}

// cameInBy is the port by which a bridge got a frame that it seems to send itself:
// one that was given another destination while it was bridged. nil if the node
// itself made or routed it.
func (c *examination) cameInBy(f *flight, node, bridge string) (in *observe.Link) {
	for _, x := range f.sightings {
		l := c.linkAt(x.node, x.index)
		if x.node != node || x.outgoing || l == nil {
			continue
		}
		if l.Name == bridge {
			return nil
		}
		if l.Master == bridge {
			in = l
		}
	}
	return in
}

// foreign explains a frame that a device took in whose MAC address is another's.
func (c *examination) foreign(f *flight, x sighting) Verdict {
	if v, ok := c.twice(f, x, nil); ok {
		return v
	}
	if v, ok := c.wrongPort(f, x); ok {
		return v
	}
	return c.misaddressed(f, x)
}

// sender is the device that chose the MAC address a frame is for, the first that the frame
// was seen on with it, and the next hop that it is the address of.
func (c *examination) sender(f *flight, x sighting) (d device, hop netip.Addr, ok bool) {
	for _, s := range f.sightings {
		if s.dst == x.dst {
			d = device{s.node, c.nameOf(s.node, s.index)}
			return d, c.nextHop(d.node, d.dev, &flight{dir: f.dir, packet: s.packet}), true
		}
	}
	return device{}, netip.Addr{}, false
}

// misaddressed explains a frame by the neighbour entry of who sent it, if that has a MAC
// address that is not the next hop's.
func (c *examination) misaddressed(f *flight, x sighting) Verdict {
	sender, hop, ok := c.sender(f, x)
	if !ok {
		return none
	}
	n := c.neigh(sender.node, sender.dev, hop)
	if n == nil || n.MAC != x.dst {
		return none
	}
	holders := c.macHolders(x.dst)
	for _, h := range holders {
		// The address is right, and the frame came here because it was sent
		// everywhere; or a router answers ARP for another.
		if c.has(h.node, hop) || n.State != "permanent" && n.State != "noarp" && (c.answersForOthers(h) || len(c.holders(hop)) == 0) {
			return none
		}
	}
	at := spot{sender.node, fmt.Sprintf("neighbour %s on %s", hop, sender.dev), f.dir}
	a := args{Packet: packetWord(f), MAC: x.dst, Address: hop.String(), State: n.State}
	if len(holders) == 0 {
		return say("wrong-mac.nobody", at, a)
	}
	a.Peer, a.PeerNode = holders[0].dev, holders[0].node
	return say("wrong-mac.other", at, a)
}

// answersForOthers reports whether a device answers ARP for addresses that it has not.
func (c *examination) answersForOthers(d device) bool {
	for _, v := range c.sysctls(d.node, "net.ipv4.conf.all.proxy_arp", "net/ipv4/conf/"+d.dev+"/proxy_arp", "net/ipv4/conf/"+d.dev+"/proxy_arp_pvlan") {
		if v != "0" {
			return true
		}
	}
	return false
}

// wrongPort finds the bridge that sent a frame to a port behind which its MAC
// address is not, because an entry that was made by hand says so.
func (c *examination) wrongPort(f *flight, x sighting) (Verdict, bool) {
	for _, s := range f.sightings {
		l := c.linkAt(s.node, s.index)
		if !s.outgoing || l == nil || l.Master == "" || s.dst != x.dst {
			continue
		}
		peer, at := c.peer(l)
		if peer == nil || at != x.node || peer.Index != x.index {
			continue
		}
		for _, e := range c.before[s.node].FDB {
			if e.MAC == x.dst && e.Dev == l.Name && e.Bridge == l.Master && e.State != "learned" && len(c.macHolders(x.dst)) > 0 {
				return say("fdb-wrong-port.sent", spot{s.node, fmt.Sprintf("fdb %s on %s", e.MAC, l.Master), f.dir},
					args{Bridge: l.Master, Packet: packetWord(f), Device: l.Name, MAC: e.MAC}), true
			}
		}
	}
	return Verdict{}, false
}
