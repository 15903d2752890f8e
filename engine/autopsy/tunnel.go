package autopsy

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine/observe"
)

// tunnelled explains a packet that was last seen in a tunnel's packet, by what
// became of that; ok is false if it was not.
func (c *examination) tunnelled(f *flight, way []sighting) (Verdict, bool) {
	if len(way) == 0 || way[len(way)-1].carrier == nil {
		return Verdict{}, false
	}
	last := way[len(way)-1]
	carrier := c.flights.byKey[carrierKey(last.carrier)]
	if carrier == nil {
		return Verdict{}, false
	}
	if !c.delivered(carrier) && !c.kernelTook(carrier, last) {
		v := c.stopped(carrier)
		v.Direction = f.dir
		return v, true
	}
	return c.unwrapped(f, last), true
}

// kernelTook reports whether a tunnel's packet came to a node that has its address
// and that no rule stopped.
func (c *examination) kernelTook(carrier *flight, last sighting) bool {
	return !c.traced(last.node) && !last.outgoing && c.has(last.node, carrier.packet.dst)
}

// unwrapped explains a tunnel's packet that came to its end and was not opened.
func (c *examination) unwrapped(f *flight, x sighting) Verdict {
	p := x.carrier
	var ends []*observe.Link
	for i := range c.before[x.node].Links {
		if l := &c.before[x.node].Links[i]; l.Kind == "vxlan" {
			ends = append(ends, l)
		}
	}
	if len(ends) == 0 {
		return say("no-tunnel-end", spot{x.node, fmt.Sprintf("socket udp/%d", p.dport), f.dir}, args{Port: p.dport})
	}
	if i := slices.IndexFunc(ends, func(l *observe.Link) bool { return l.Port == p.dport && l.VNI == p.vni }); i >= 0 {
		if l := ends[i]; !l.AdminUp {
			return say("link-down.tunnel", spot{x.node, l.Name, f.dir}, args{Device: l.Name, VNI: p.vni})
		}
		v, _ := c.wrongSum(x.node, p, f)
		return v
	}
	l := ends[0]
	if i := slices.IndexFunc(ends, func(l *observe.Link) bool { return l.Port == p.dport }); i >= 0 {
		l = ends[i]
		return say("vxlan-vni-mismatch", spot{x.node, l.Name, f.dir}, args{Device: l.Name, VNI: l.VNI, PacketVNI: p.vni})
	}
	return say("vxlan-port-mismatch", spot{x.node, l.Name, f.dir}, args{Device: l.Name, Port: l.Port, PacketPort: p.dport})
}

// encapsulated explains a packet that left by a VXLAN device and was not seen in
// a tunnel's packet.
func (c *examination) encapsulated(f *flight, x sighting, l *observe.Link) Verdict {
	remotes := c.remotes(x.node, l, x.dst)
	if len(remotes) == 0 {
		return say("vxlan-no-remote.nowhere", spot{x.node, l.Name, f.dir}, args{Device: l.Name, MAC: x.dst})
	}
	remote, ok := onlyAddr(remotes)
	if !ok {
		return none
	}
	outer := c.outer(f, x.node, l, remote)
	if v, ok := c.ruled(outer); ok {
		return v
	}
	if v, ok := c.lostInHook(outer, x.node, passages(outer.events)); ok {
		return v
	}
	q := observe.RouteQuery{To: remote}
	if a, err := netip.ParseAddr(l.Local); err == nil {
		q.From = a
	}
	d, ok := c.decide(x.node, q)
	switch {
	case !ok:
		return none
	case d.Unreachable:
		v := c.noWay(x.node, Request, q, d)
		v.Direction = f.dir
		return behind("symptom.tunnel-lost", args{Node: x.node, Device: l.Name}, v)
	case c.has(x.node, remote):
		return say("vxlan-no-remote.itself", spot{x.node, l.Name, f.dir}, args{Device: l.Name, Address: remote.String()})
	}
	return c.egress(x.node, d.Dev, outer)
}

// remotes are the nodes to which a VXLAN device sends what is for a MAC address.
func (c *examination) remotes(node string, l *observe.Link, mac string) (out []netip.Addr) {
	const anyMAC = "00:00:00:00:00:00"
	for _, want := range []string{mac, anyMAC} {
		for _, e := range c.before[node].FDB {
			if e.Dev == l.Name && e.MAC == want && e.Dst.IsValid() && !slices.Contains(out, e.Dst) {
				out = append(out, e.Dst)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	if a, err := netip.ParseAddr(l.Remote); err == nil {
		out = append(out, a)
	}
	return out
}

func onlyAddr(as []netip.Addr) (netip.Addr, bool) {
	if len(as) != 1 {
		return netip.Addr{}, false
	}
	return as[0], true
}

// outer is the tunnel's packet, which was seen at no device, by what the kernel
// told of it: the UDP packets that the node itself sent to the other end.
func (c *examination) outer(f *flight, node string, l *observe.Link, remote netip.Addr) *flight {
	out := &flight{dir: f.dir, packet: &packet{proto: "udp", dst: remote, dport: l.Port, inner: f.packet, vni: l.VNI}}
	if a, err := netip.ParseAddr(l.Local); err == nil {
		out.packet.src = a
	}
	current := map[uint32]bool{}
	for _, e := range c.flights.told {
		if e.node != node {
			continue
		}
		if p := e.packet; p != nil {
			current[e.id] = p.proto == "udp" && p.dport == l.Port && p.dst == remote && (e.iif == 0 || e.iif == l.Index)
		}
		if current[e.id] && e.family != unix.NFPROTO_BRIDGE {
			out.events = append(out.events, e)
			if e.packet != nil {
				out.packet.size = e.packet.size
			}
		}
	}
	return out
}
