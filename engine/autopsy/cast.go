package autopsy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/observe"
)

// many says whether an address is for more than one device, and what such an object is
// called. A broadcast address is one of a network that some device of the lab is on.
func (c *examination) many(a netip.Addr) (object string, ok bool) {
	switch {
	case a.IsMulticast():
		return "group " + a.String(), true
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || len(c.broadcasters(a)) > 0:
		return "address " + a.String(), true
	}
	return "", false
}

// broadcasters are the devices on a network whose broadcast address this is.
func (c *examination) broadcasters(a netip.Addr) (out []device) {
	for _, name := range c.names() {
		for _, have := range c.before[name].Addrs {
			if p := have.Prefix; a.Is4() && p.Addr().Is4() && p.Bits() < 31 && p.Contains(a) && lastOf(p) == a {
				out = append(out, device{name, have.Dev})
			}
		}
	}
	return out
}

// lastOf is the last address of an IPv4 network.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}

// names are the nodes' names, in the lab's order.
func (c *examination) names() (out []string) {
	for _, n := range c.instance.Nodes {
		if c.before[n.Name] != nil {
			out = append(out, n.Name)
		}
	}
	return out
}

// cast explains a flow to a group or a broadcast address, which goes to all who are on the
// sender's network and want it; ok is false if the flow is none such.
func (c *examination) cast() (v Verdict, ok bool) {
	to, err := netip.ParseAddr(c.out.Address)
	if err != nil {
		return none, false
	}
	object, ok := c.many(to)
	if !ok {
		return none, false
	}
	at := spot{c.flow.From, object, Request}
	if c.flights.proto == "tcp" {
		return say("tcp-to-many", at, args{Address: to.String()}), true
	}
	fs := c.flights.of(Request)
	if len(fs) == 0 {
		return c.unsent(), true
	}
	f := fs[0]
	if c.delivered(f) && len(c.flights.of(Reply)) > 0 {
		return none, false // what matters is what became of the answers
	}
	if v, ok := c.ruled(f); ok {
		return v, true
	}
	near, ok := c.sentBy(f)
	if !ok {
		return c.stopped(f), true
	}
	if to.IsMulticast() {
		return c.toGroup(f, near, at, to), true
	}
	return c.toAll(f, near, at, to), true
}

// sentBy is the device that a packet left its node by.
func (c *examination) sentBy(f *flight) (device, bool) {
	for _, x := range f.sightings {
		if x.node == c.flow.From && x.outgoing && !c.isPort(x) {
			return device{x.node, c.nameOf(x.node, x.index)}, true
		}
	}
	return device{}, false
}

// toGroup explains a flow to a multicast group.
func (c *examination) toGroup(f *flight, near device, at spot, to netip.Addr) Verdict {
	var members []device
	for _, name := range c.names() {
		for _, g := range c.groups(name) {
			if g.Addr == to && name != near.node && g.Dev != "lo" {
				members = append(members, device{name, g.Dev})
			}
		}
	}
	if len(members) == 0 {
		return say("not-joined", at, args{Address: to.String(), Device: near.dev})
	}
	here := c.onEther(near, members)
	if len(here) == 0 {
		return c.notCarried(f, near, at, to, members)
	}
	return c.amongMany(f, here, args{Address: to.String()}, "no-listener.group")
}

// notCarried explains that no router takes a group's packets to who has joined it.
func (c *examination) notCarried(f *flight, near device, at spot, to netip.Addr, members []device) Verdict {
	a := args{Address: to.String(), Nodes: nodesOf(members), Client: near.node}
	if f.packet.ttl == 1 && f.packet.dst.Is6() || strings.HasPrefix(to.String(), "224.0.0.") || to.IsLinkLocalMulticast() {
		return say("multicast-not-forwarded.link-local", at, a)
	}
	setting := "net.ipv4.conf.all.mc_forwarding"
	if to.Is6() {
		setting = "net.ipv6.conf.all.mc_forwarding"
	}
	on := c.ether(near)
	for _, name := range c.names() {
		for i := range c.before[name].Links {
			if l := &c.before[name].Links[i]; name == near.node || !on[device{name, l.Name}] || !c.addressed(name, l.Name) || !c.leads(name, members) {
				continue
			}
			if c.sysctls(name, setting)[setting] == "0" {
				a.Setting, a.Value = setting, "0"
				return say("multicast-not-forwarded.router", spot{name, setting, f.dir}, a)
			}
			if f.packet.ttl == 1 {
				return say("multicast-not-forwarded.ttl", spot{name, "time to live", f.dir}, a)
			}
			return none // it routes multicast: by which rules only its daemon knows
		}
	}
	return say("multicast-not-forwarded.nobody", at, a)
}

// leads reports whether a node has a device on the network of one of some devices.
func (c *examination) leads(node string, to []device) bool {
	for i := range c.before[node].Links {
		l := &c.before[node].Links[i]
		if c.addressed(node, l.Name) && len(c.onEther(device{node, l.Name}, to)) > 0 {
			return true
		}
	}
	return false
}

func nodesOf(ds []device) (out []string) {
	for _, d := range ds {
		if !slices.Contains(out, d.node) {
			out = append(out, d.node)
		}
	}
	return out
}

// toAll explains a flow to a broadcast address.
func (c *examination) toAll(f *flight, near device, at spot, to netip.Addr) Verdict {
	limited := to == netip.AddrFrom4([4]byte{255, 255, 255, 255})
	var all []device
	on := c.ether(near)
	for _, name := range c.names() {
		for i := range c.before[name].Links {
			if d := (device{name, c.before[name].Links[i].Name}); name != near.node && on[d] && c.addressed(name, d.dev) {
				all = append(all, d)
			}
		}
	}
	theirs := c.broadcasters(to)
	if !limited && len(c.onEther(near, theirs)) == 0 {
		return c.directed(f, to, theirs)
	}
	if len(all) == 0 {
		return say("nobody-on-network", at, args{Address: to.String(), Device: near.dev})
	}
	return c.amongMany(f, all, args{Address: to.String()}, "no-listener.broadcast")
}

// directed explains a packet for the broadcast address of a network that it must be routed
// to.
func (c *examination) directed(f *flight, to netip.Addr, theirs []device) Verdict {
	way := c.way(f)
	for i := len(way) - 1; i >= 0; i-- {
		x := way[i]
		if x.outgoing || c.isPort(x) || !slices.Contains(nodesOf(theirs), x.node) {
			continue
		}
		in := c.nameOf(x.node, x.index)
		all, one := "net.ipv4.conf.all.bc_forwarding", "net/ipv4/conf/"+in+"/bc_forwarding"
		values := c.sysctls(x.node, all, one)
		setting := all
		if values[all] != "0" { // both must be on
			setting = "net.ipv4.conf." + in + ".bc_forwarding"
		}
		if values[all] == "0" || values[one] == "0" {
			return say("broadcast-not-forwarded", spot{x.node, setting, f.dir}, args{Address: to.String(), In: in, Setting: setting, Value: "0"})
		}
	}
	return c.stopped(f)
}

// amongMany explains a packet that all of some devices should have got: by the first, in
// the lab's order, that it did not reach, else by what the first did with it.
func (c *examination) amongMany(f *flight, all []device, a args, unheard string) Verdict {
	var took []device
	for _, d := range all {
		if c.took(f, d.node) {
			took = append(took, d)
		}
	}
	for _, d := range all {
		if slices.Contains(took, d) {
			continue
		}
		if v := c.keptFrom(f, d); v.Reason != ReasonUnknown {
			return v
		}
	}
	if len(took) == 0 {
		return none
	}
	node := took[0].node
	setting := "net.ipv4.icmp_echo_ignore_broadcasts"
	if f.packet.dst.Is6() {
		setting = "net.ipv6.icmp.echo_ignore_multicast"
	}
	if f.packet.proto != "udp" {
		if c.sysctls(node, setting)[setting] == "1" {
			return say("echo-ignored", spot{node, setting, f.dir}, args{Setting: setting, Value: "1"})
		}
		return c.silent(node, f.packet)
	}
	for _, d := range took {
		if len(c.listening(d.node, f.packet)) > 0 {
			return c.silent(d.node, f.packet)
		}
	}
	a.Proto, a.Port = f.packet.proto, f.packet.dport
	if len(took) > 1 {
		a.Nodes = nodesOf(took)
	}
	return say(unheard, spot{node, fmt.Sprintf("socket udp/%d", f.packet.dport), f.dir}, a)
}

// took reports whether a node's kernel took a packet in.
func (c *examination) took(f *flight, node string) bool {
	if c.traced(node) {
		p := reached(passages(f.eventsIn(node)), unix.NFPROTO_INET, "input")
		return p != nil && p.left != nil
	}
	return slices.ContainsFunc(f.sightings, func(x sighting) bool { return x.node == node && !x.outgoing && !c.isPort(x) })
}

// keptFrom explains that a packet for many did not come to one of them.
func (c *examination) keptFrom(f *flight, d device) Verdict {
	l := c.link(d.node, d.dev)
	if l == nil {
		return none
	}
	if v, ok := c.downHere(d.node, l, f.dir); ok {
		return v
	}
	for i := len(f.sightings) - 1; i >= 0; i-- {
		x := f.sightings[i]
		in := c.linkAt(x.node, x.index)
		if in == nil || x.outgoing {
			continue
		}
		var b *observe.Link
		if in.Kind == "bridge" {
			b, in = in, nil
		} else if b = c.link(x.node, in.Master); b == nil || b.Kind != "bridge" {
			continue
		}
		if v, ok := c.blocked(x.node, in, f.dir); ok {
			return v
		}
		from := segment{node: x.node, bridge: b.Name}
		if in != nil {
			from.port = in.Name
		}
		if v := c.apart(from, d, f, x.packet, x.dst); v.Reason != ReasonUnknown {
			return v
		}
	}
	return none
}
