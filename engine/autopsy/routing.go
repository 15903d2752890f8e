package autopsy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/observe"
)

// arrivedAt explains a packet that came in by a device and was not seen to go on.
func (c *examination) arrivedAt(f *flight, x sighting, ps []*passage) Verdict {
	l := c.linkAt(x.node, x.index)
	if l == nil {
		return none
	}
	if l.Master != "" {
		b := c.link(x.node, l.Master)
		if b == nil || b.Kind != "bridge" {
			return none
		}
		return c.enteredBridge(f, x, b, l, ps)
	}
	if c.isLoose(x.node, l) && (f.arp || !c.has(x.node, x.packet.dst)) {
		return say("not-enslaved.device", spot{x.node, l.Name, f.dir}, args{Packet: packetWord(f), Device: l.Name})
	}
	if f.arp {
		if c.fenced[x.node][unix.NFPROTO_ARP] && reached(ps, unix.NFPROTO_ARP, "input") == nil && reached(ps, unix.NFPROTO_INET, "prerouting") == nil {
			return c.atIngress(f, x, l)
		}
		return none
	}
	if c.ledToLoopback(x) {
		return c.keptToItself(f, x, l.Name)
	}
	if v := c.foreign(f, x); v.Reason != ReasonUnknown {
		return v
	}
	if !c.has(x.node, x.packet.dst) && !c.meant(f, x) {
		return none
	}
	pre := reached(ps, unix.NFPROTO_INET, "prerouting")
	switch {
	case !c.traced(x.node):
		if v, ok := c.counted(f, x.node, "prerouting", "forward"); ok {
			return v
		}
		if v := c.routed(f, x.node, l.Name, x.packet, 0); v.Reason != ReasonUnknown {
			return v
		}
		return c.waiting(x.node, &flight{dir: f.dir, packet: x.packet, sightings: f.sightings})
	case pre == nil:
		return c.atIngress(f, x, l)
	case pre.left == nil:
		return none
	}
	in, fwd := reached(ps, unix.NFPROTO_INET, "input"), reached(ps, unix.NFPROTO_INET, "forward")
	if in != nil || fwd != nil && fwd.left == nil {
		return none
	}
	return c.routed(f, x.node, l.Name, packetOf(pre.left, x.packet), pre.left.mark)
}

// keptToItself explains a packet that a node sent through its own lo, though it is for
// another.
func (c *examination) keptToItself(f *flight, x sighting, lo string) Verdict {
	to := x.packet.dst
	at := spot{x.node, "route to " + to.String(), f.dir}
	a := args{Packet: packetWord(f), Address: to.String(), Device: lo}
	if d, ok := c.decide(x.node, observe.RouteQuery{To: to}); !ok || !d.Local {
		return say("route-to-itself", at, a)
	}
	for _, own := range c.before[x.node].Addrs {
		if own.Dev == lo && own.Prefix.Contains(to) {
			at.object, a.Source, a.Prefix = own.Prefix.String()+" on "+lo, own.Prefix.String(), own.Prefix.Masked().String()
			return say("route-to-itself.address", at, a)
		}
	}
	return say("route-to-itself.local", at, a)
}

// enteredBridge explains a frame that came in by a port and was seen neither at another port
// nor at the bridge itself. It is bridged: though its packet comes by iptables' hooks, it is
// routed only where one of them gave it another destination.
func (c *examination) enteredBridge(f *flight, x sighting, b, in *observe.Link, ps []*passage) Verdict {
	if !b.AdminUp {
		return say("bridge-down.frame", spot{x.node, b.Name, f.dir}, args{Bridge: b.Name})
	}
	if v, ok := c.blocked(x.node, in, f.dir); ok {
		return v
	}
	if c.fenced[x.node][unix.NFPROTO_BRIDGE] && reached(ps, unix.NFPROTO_BRIDGE, "prerouting") == nil {
		if v := c.atIngress(f, x, in); v.Reason != ReasonUnknown {
			return v
		}
	}
	if p := reached(ps, unix.NFPROTO_INET, "prerouting"); p != nil && reached(ps, unix.NFPROTO_BRIDGE, "forward") == nil {
		if before, after := p.rewritten(); before != nil && before.Dst != after.Dst {
			if v := c.routed(f, x.node, b.Name, p.left.packet, p.left.mark); v.Reason != ReasonUnknown {
				return v
			}
		}
	}
	if v, ok := c.turnedAround(f, x, b, in, ps); ok {
		return v
	}
	return c.bridged(f, x, b, in)
}

// turnedAround explains a bridged packet that was given another destination and
// so another port to leave by.
func (c *examination) turnedAround(f *flight, x sighting, b, in *observe.Link, ps []*passage) (Verdict, bool) {
	p := reached(ps, unix.NFPROTO_INET, "prerouting")
	if p == nil || p.left == nil || p.left.packet == nil {
		return Verdict{}, false
	}
	before, after := p.rewritten()
	if before == nil || before.Dst == after.Dst {
		return Verdict{}, false
	}
	hop := c.nextHop(x.node, b.Name, &flight{packet: p.left.packet})
	t, ok := only(c.holders(hop))
	l := c.link(t.node, t.dev)
	if !ok || l == nil {
		return Verdict{}, false
	}
	v := c.apart(segment{x.node, b.Name, in.Name}, t, f, p.left.packet, l.MAC)
	return v, v.Reason != ReasonUnknown
}

// meant reports whether who sent a frame to a node meant that node to have it: as the next
// hop, or because it answers for others.
func (c *examination) meant(f *flight, x sighting) bool {
	sender, hop, ok := c.sender(f, x)
	if !ok || sender.node == x.node {
		return true
	}
	return c.has(x.node, hop) || c.answersForOthers(device{x.node, c.nameOf(x.node, x.index)})
}

// atIngress explains a packet that a device took in and that came to no hook: a
// filter at the device itself, of which the kernel tells nothing.
func (c *examination) atIngress(f *flight, x sighting, l *observe.Link) Verdict {
	before, after := c.before[x.node], c.after[x.node]
	if before == nil || after == nil {
		return none
	}
	hit := onlyHit(before, after, "ingress")
	if hit == nil {
		if v, ok := c.counting(f, x.node, l, true); ok {
			return v
		}
		const counter = "IpExt.InCsumErrors"
		if n := c.grew(x.node, counter); n > 0 {
			return say("checksum.header", spot{x.node, "InCsumErrors", f.dir}, args{Packet: packetWord(f), In: l.Name, Counter: counter, Count: n})
		}
		return none
	}
	return c.ruleVerdict(f, x.node, "ingress", hit, l.Index, 0)
}

// routed explains a packet that a node took in and neither kept nor sent on, by
// asking the node's kernel about just such a packet.
func (c *examination) routed(f *flight, node, dev string, p *packet, mark uint32) Verdict {
	q := observe.RouteQuery{To: p.dst, From: p.src, IIF: dev, Mark: mark}
	d, ok := c.decide(node, q)
	if !ok {
		return none
	}
	if d.Unreachable {
		return c.noWay(node, f.dir, q, d)
	}
	if d.Local {
		return none
	}
	out := c.link(node, d.Dev)
	switch {
	case p.ttl == 1:
		return c.loop(f, node)
	case out != nil && (p.size > out.MTU || d.MTU > 0 && p.size > d.MTU):
		return overRoute(node, out, d, f, p.size)
	}
	return none
}

// loop explains that a packet's time to live ran out: it went round, or it had
// little left when it came.
func (c *examination) loop(f *flight, node string) Verdict {
	visits, other := 0, ""
	for _, x := range c.way(f) {
		switch {
		case x.outgoing || c.isPort(x):
		case x.node == node:
			visits++
		default:
			other = x.node
		}
	}
	to := f.packet.dst.String()
	if visits > 1 && other != "" {
		return say("routing-loop", spot{node, "route to " + to, f.dir}, args{Packet: packetWord(f), PeerNode: other, Address: to})
	}
	return say("ttl-exceeded", spot{node, "time to live", f.dir}, args{Packet: packetWord(f), Address: to})
}

// noWay words the kernel's refusal to route a packet.
func (c *examination) noWay(node string, dir Direction, q observe.RouteQuery, d observe.RouteDecision) Verdict {
	at := spot{node, "route to " + q.To.String(), dir}
	if q.IIF != "" {
		if v, ok := c.sourceRefused(node, dir, q, d); ok {
			return v
		}
		if v, ok := c.notForwarding(node, dir, q); ok && d.Errno == unix.EHOSTUNREACH {
			return v
		}
	}
	if v, ok := c.refusingRoute(node, dir, q, d); ok {
		return v
	}
	if d.Errno != unix.ENETUNREACH {
		return Verdict{Node: node, Object: at.object, Direction: dir, Reason: ReasonUnknown}
	}
	if v, ok := c.becauseDown(node, dir, q.To); ok {
		return v
	}
	if dir == Reply {
		return say("no-return-route.reply", at, args{Address: q.To.String()})
	}
	return c.lacking(at, q.To)
}

// lacking words that a node has no route to an address, and whether that is for want of an
// address of its own or of a default route.
func (c *examination) lacking(at spot, to netip.Addr) Verdict {
	st := c.before[at.node]
	a := args{Address: to.String()}
	own := func(a observe.Addr) bool {
		return a.Dev != "lo" && a.Prefix.Addr().Is4() == to.Is4() && !a.Prefix.Addr().IsLinkLocalUnicast()
	}
	everywhere := func(r observe.Route) bool { return r.To.Bits() == 0 && r.To.Addr().Is4() == to.Is4() }
	switch {
	case st == nil || slices.ContainsFunc(st.Routes, everywhere):
		return say("no-route.any", at, a)
	case slices.ContainsFunc(st.Addrs, own):
		return say("no-route.no-default", at, a)
	}
	a.Family = "IPv4"
	if to.Is6() {
		a.Family = "IPv6"
	}
	return say("no-route.no-address", at, a)
}

// becauseDown looks for the device whose being down took the route away.
func (c *examination) becauseDown(node string, dir Direction, to netip.Addr) (Verdict, bool) {
	if lo := c.link(node, "lo"); to.IsLoopback() && lo != nil && !lo.AdminUp {
		return say("link-down.lo", spot{node, lo.Name, dir}, args{Device: lo.Name}), true
	}
	for _, a := range c.before[node].Addrs {
		l := c.link(node, a.Dev)
		if l == nil || l.AdminUp || a.Dev == "lo" {
			continue
		}
		if a.Prefix.Contains(to) {
			return say("link-down.route", spot{node, a.Dev, dir}, args{Device: a.Dev, Prefix: a.Prefix.Masked().String()}), true
		}
	}
	up := 0
	var down []string
	for _, l := range c.before[node].Links {
		switch {
		case l.Name == "lo":
		case l.AdminUp:
			up++
		default:
			down = append(down, l.Name)
		}
	}
	if up == 0 && len(down) == 1 {
		return say("link-down.only", spot{node, down[0], dir}, args{Address: to.String(), Device: down[0]}), true
	}
	return Verdict{}, false
}

// sourceRefused explains a packet that the kernel does not take from where it
// says that it comes from.
func (c *examination) sourceRefused(node string, dir Direction, q observe.RouteQuery, d observe.RouteDecision) (Verdict, bool) {
	switch {
	case d.Errno == unix.EINVAL && q.From.IsLoopback():
		return say("martian.loopback-source", spot{node, "source " + q.From.String(), dir}, args{In: q.IIF, Source: q.From.String()}), true
	case d.Errno == unix.EINVAL && c.has(node, q.From):
		if v, ok := c.callersAddress(node, dir, q); ok {
			return v, true
		}
		return say("martian.own-source", spot{node, "source " + q.From.String(), dir}, args{In: q.IIF, Source: q.From.String()}), true
	case d.Errno == unix.EINVAL && q.To.IsLoopback():
		setting := "net.ipv4.conf." + q.IIF + ".route_localnet"
		return say("martian.loopback", spot{node, setting, dir}, args{In: q.IIF, Address: q.To.String(), Setting: setting, Value: "0"}), true
	case d.Errno == unix.EXDEV || d.Errno == unix.EINVAL:
		return c.pathFilter(node, dir, q)
	}
	return Verdict{}, false
}

// pathFilter reports whether the reverse path filter drops a packet: it is on,
// and the way back to the packet's source is another than that by which it came.
// Since Linux 6.13 the kernel's answer to RTM_GETROUTE does not tell it from a
// blackhole any more.
func (c *examination) pathFilter(node string, dir Direction, q observe.RouteQuery) (Verdict, bool) {
	all, one := "net.ipv4.conf.all.rp_filter", "net/ipv4/conf/"+q.IIF+"/rp_filter"
	values := c.sysctls(node, all, one)
	mode := max(values[all], values[one]) // one digit each: the stricter of the two counts
	if q.To.Is6() || mode == "" || mode == "0" {
		return Verdict{}, false
	}
	back, ok := c.decide(node, observe.RouteQuery{To: q.From, Mark: q.Mark})
	if !ok || !back.Unreachable && (mode == "2" || back.Dev == q.IIF) {
		return Verdict{}, false
	}
	a := args{Setting: all, Value: mode, Source: q.From.String(), In: q.IIF}
	if values[one] != "0" {
		a.Setting = strings.ReplaceAll(one, "/", ".")
	}
	at := spot{node, a.Setting, dir}
	if back.Unreachable {
		return say("rp-filter.no-way-back", at, a), true
	}
	a.Out = back.Dev
	return say("rp-filter.other-way-back", at, a), true
}

// notForwarding reports whether a node does not forward what comes in by a device.
func (c *examination) notForwarding(node string, dir Direction, q observe.RouteQuery) (Verdict, bool) {
	all, one := "net.ipv4.ip_forward", "net/ipv4/conf/"+q.IIF+"/forwarding"
	if q.To.Is6() {
		all, one = "net.ipv6.conf.all.forwarding", "net/ipv6/conf/"+q.IIF+"/forwarding"
	}
	values := c.sysctls(node, all, one)
	if values[one] != "0" {
		return Verdict{}, false
	}
	setting := all
	if values[all] != "0" {
		setting = strings.ReplaceAll(one, "/", ".")
	}
	return say("forwarding-off", spot{node, setting, dir}, args{Setting: setting, Value: "0", Address: q.To.String(), In: q.IIF}), true
}

// refusingRoute finds the route or the policy rule that refuses packets.
func (c *examination) refusingRoute(node string, dir Direction, q observe.RouteQuery, d observe.RouteDecision) (Verdict, bool) {
	kinds := map[unix.Errno]struct{ name, route, rule string }{
		unix.EINVAL:       {"blackhole", "route-blackhole.route", "route-blackhole.rule"},
		unix.EHOSTUNREACH: {"unreachable", "route-unreachable.route", "route-unreachable.rule"},
		unix.EACCES:       {"prohibit", "route-prohibit.route", "route-prohibit.rule"},
	}
	kind, ok := kinds[d.Errno]
	// An unreachable rule or route may answer like a missing one.
	if !ok {
		kind = kinds[unix.EHOSTUNREACH]
	}
	var best *observe.Route
	for i, r := range c.before[node].Routes {
		if r.Type == kind.name && r.To.Contains(q.To) && (best == nil || r.To.Bits() > best.To.Bits()) {
			best = &c.before[node].Routes[i]
		}
	}
	if best != nil && (ok || !c.better(node, q.To, best)) {
		return say(kind.route, spot{node, fmt.Sprintf("route %s %s", kind.name, routeWord(best.To)), dir},
			args{Kind: kind.name, Prefix: routeWord(best.To), Address: q.To.String()}), true
	}
	for _, r := range c.before[node].Rules {
		if r.Action == kind.name && (!r.To.IsValid() || r.To.Contains(q.To)) && (!r.From.IsValid() || r.From.Contains(q.From)) {
			return say(kind.rule, spot{node, fmt.Sprintf("ip rule %d %s", r.Priority, kind.name), dir},
				args{Priority: r.Priority, Kind: kind.name, Address: q.To.String()}), true
		}
	}
	return Verdict{}, false
}

// better reports whether a node has a more specific route than r.
func (c *examination) better(node string, to netip.Addr, r *observe.Route) bool {
	for _, o := range c.before[node].Routes {
		if o.To.Contains(to) && o.To.Bits() > r.To.Bits() {
			return true
		}
	}
	return false
}

func routeWord(p netip.Prefix) string {
	if p.Bits() == 0 {
		return "default"
	}
	return p.String()
}
