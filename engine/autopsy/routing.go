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
		if p := reached(ps, unix.NFPROTO_INET, "prerouting"); p != nil && p.left != nil && reached(ps, unix.NFPROTO_BRIDGE, "forward") == nil {
			if v := c.routed(f, x.node, b.Name, packetOf(p.left, x.packet), p.left.mark); v.Reason != ReasonUnknown {
				return v
			}
		}
		if v, ok := c.turnedAround(f, x, b, l, ps); ok {
			return v
		}
		return c.bridged(f, x, b, l)
	}
	if c.isLoose(x.node, l) && (f.arp || !c.has(x.node, x.packet.dst)) {
		return Verdict{
			Node: x.node, Object: l.Name, Reason: ReasonNoBridgePort, Direction: f.dir,
			Text: fmt.Sprintf("the %s came to %s in %s, which is a port of no bridge and has no address", packetWord(f), l.Name, x.node),
		}
	}
	if f.arp {
		return none
	}
	if c.ledToLoopback(x) {
		return Verdict{
			Node: x.node, Object: "route to " + x.packet.dst.String(), Reason: ReasonToItself, Direction: f.dir,
			Text: fmt.Sprintf("%s sends the %s for %s to itself: its route there leads to %s", x.node, packetWord(f), x.packet.dst, l.Name),
		}
	}
	if v := c.foreign(f, x); v.Reason != ReasonUnknown {
		return v
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

// atIngress explains a packet that a device took in and that came to no hook: a
// filter at the device itself, of which the kernel tells nothing.
func (c *examination) atIngress(f *flight, x sighting, l *observe.Link) Verdict {
	before, after := c.before[x.node], c.after[x.node]
	if before == nil || after == nil || len(before.Firewall) != len(after.Firewall) {
		return none
	}
	var hit *observe.FirewallRule
	for i := range after.Firewall {
		r := &after.Firewall[i]
		if r.Does != "drop" || !strings.Contains(r.Hook, "ingress") || r.Packets <= before.Firewall[i].Packets {
			continue
		}
		if hit != nil {
			return none
		}
		hit = r
	}
	if hit == nil {
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
	case out != nil && p.size > out.MTU:
		return Verdict{
			Node: node, Object: out.Name, Reason: ReasonTooBig, Direction: f.dir,
			Text: fmt.Sprintf("dropped in %s: the %s has %d bytes and may not be fragmented, but the MTU of %s, by which it was to leave, is %d",
				node, packetWord(f), p.size, out.Name, out.MTU),
		}
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
	if visits > 1 && other != "" {
		return Verdict{
			Node: node, Object: "route to " + f.packet.dst.String(), Reason: ReasonLoop, Direction: f.dir,
			Text: fmt.Sprintf("the %s went round until its time to live ran out: %s and %s send packets for %s to each other", packetWord(f), node, other, f.packet.dst),
		}
	}
	return Verdict{
		Node: node, Object: "time to live", Reason: ReasonTTL, Direction: f.dir,
		Text: fmt.Sprintf("dropped in %s: the %s's time to live ran out there, before it got to %s", node, packetWord(f), f.packet.dst),
	}
}

// noWay words the kernel's refusal to route a packet.
func (c *examination) noWay(node string, dir Direction, q observe.RouteQuery, d observe.RouteDecision) Verdict {
	v := Verdict{Node: node, Object: "route to " + q.To.String(), Direction: dir, Reason: ReasonUnknown}
	if q.IIF != "" {
		if w, ok := c.sourceRefused(v, q, d); ok {
			return w
		}
		if w, ok := c.notForwarding(v, q); ok && d.Errno == unix.EHOSTUNREACH {
			return w
		}
	}
	if w, ok := c.refusingRoute(v, q, d); ok {
		return w
	}
	if d.Errno != unix.ENETUNREACH {
		return v
	}
	v.Reason = ReasonNoRoute
	v.Text = fmt.Sprintf("%s has no route to %s", node, q.To)
	if dir == Reply {
		v.Reason = ReasonNoReturnRoute
		v.Text = fmt.Sprintf("the way back is missing: %s has no route to %s", node, q.To)
	} else {
		v.Text += c.lacking(node, q.To)
	}
	return c.becauseDown(v, q)
}

// lacking says what of an address or a route a node has none, so that it has no
// route to another address; "" if it has some of both.
func (c *examination) lacking(node string, to netip.Addr) string {
	st := c.before[node]
	own := func(a observe.Addr) bool {
		return a.Dev != "lo" && a.Prefix.Addr().Is4() == to.Is4() && !a.Prefix.Addr().IsLinkLocalUnicast()
	}
	everywhere := func(r observe.Route) bool { return r.To.Bits() == 0 && r.To.Addr().Is4() == to.Is4() }
	switch {
	case st == nil || slices.ContainsFunc(st.Routes, everywhere):
		return ""
	case slices.ContainsFunc(st.Addrs, own):
		return ": neither a default route nor one to a subnet with that address"
	case to.Is4():
		return ": it has no IPv4 address"
	}
	return ": it has no IPv6 address"
}

// becauseDown looks for the device whose being down took the route away.
func (c *examination) becauseDown(v Verdict, q observe.RouteQuery) Verdict {
	if lo := c.link(v.Node, "lo"); q.To.IsLoopback() && lo != nil && !lo.AdminUp {
		v.Object, v.Reason = lo.Name, ReasonLinkDown
		v.Text = fmt.Sprintf("lo in %s is down, so it has no way to itself", v.Node)
		return v
	}
	for _, a := range c.before[v.Node].Addrs {
		l := c.link(v.Node, a.Dev)
		if l == nil || l.AdminUp || a.Dev == "lo" {
			continue
		}
		if a.Prefix.Contains(q.To) {
			v.Object, v.Reason = a.Dev, ReasonLinkDown
			v.Text = fmt.Sprintf("%s in %s is down, so its route to %s is not there", a.Dev, v.Node, a.Prefix.Masked())
			return v
		}
	}
	up := 0
	var down []string
	for _, l := range c.before[v.Node].Links {
		switch {
		case l.Name == "lo":
		case l.AdminUp:
			up++
		default:
			down = append(down, l.Name)
		}
	}
	if up == 0 && len(down) == 1 {
		v.Object, v.Reason = down[0], ReasonLinkDown
		v.Text = fmt.Sprintf("%s has no route to %s: %s, its only device, is down", v.Node, q.To, down[0])
	}
	return v
}

// sourceRefused explains a packet that the kernel does not take from where it
// says that it comes from.
func (c *examination) sourceRefused(v Verdict, q observe.RouteQuery, d observe.RouteDecision) (Verdict, bool) {
	switch {
	case d.Errno == unix.EINVAL && c.has(v.Node, q.From):
		v.Object, v.Reason = "source "+q.From.String(), ReasonMartian
		v.Text = fmt.Sprintf("dropped in %s as a martian: a packet came in by %s with %s's own address %s as its source", v.Node, q.IIF, v.Node, q.From)
	case d.Errno == unix.EINVAL && q.To.IsLoopback():
		v.Object, v.Reason = "net.ipv4.conf."+q.IIF+".route_localnet", ReasonMartian
		v.Text = fmt.Sprintf("dropped in %s as a martian: a packet for %s came in by %s, which takes none for loopback addresses (route_localnet=0)", v.Node, q.To, q.IIF)
	case d.Errno == unix.EXDEV || d.Errno == unix.EINVAL:
		return c.pathFilter(v, q)
	default:
		return v, false
	}
	return v, true
}

// pathFilter reports whether the reverse path filter drops a packet: it is on,
// and the way back to the packet's source is another than that by which it came.
// Since Linux 6.13 the kernel's answer to RTM_GETROUTE does not tell it from a
// blackhole any more.
func (c *examination) pathFilter(v Verdict, q observe.RouteQuery) (Verdict, bool) {
	all, one := "net.ipv4.conf.all.rp_filter", "net/ipv4/conf/"+q.IIF+"/rp_filter"
	values := c.sysctls(v.Node, all, one)
	mode := max(values[all], values[one]) // one digit each: the stricter of the two counts
	if q.To.Is6() || mode == "" || mode == "0" {
		return v, false
	}
	back, ok := c.decide(v.Node, observe.RouteQuery{To: q.From, Mark: q.Mark})
	if !ok || !back.Unreachable && (mode == "2" || back.Dev == q.IIF) {
		return v, false
	}
	v.Object, v.Reason = all, ReasonRPFilter
	if values[one] != "0" {
		v.Object = strings.ReplaceAll(one, "/", ".")
	}
	v.Text = fmt.Sprintf("dropped in %s by the reverse path filter (%s is %s): a packet from %s came in by %s, but the way back to it leads by %s",
		v.Node, v.Object, mode, q.From, q.IIF, back.Dev)
	if back.Unreachable {
		v.Text = fmt.Sprintf("dropped in %s by the reverse path filter (%s is %s): a packet from %s came in, and there is no way back to it", v.Node, v.Object, mode, q.From)
	}
	return v, true
}

// notForwarding reports whether a node does not forward what comes in by a device.
func (c *examination) notForwarding(v Verdict, q observe.RouteQuery) (Verdict, bool) {
	all, one := "net.ipv4.ip_forward", "net/ipv4/conf/"+q.IIF+"/forwarding"
	if q.To.Is6() {
		all, one = "net.ipv6.conf.all.forwarding", "net/ipv6/conf/"+q.IIF+"/forwarding"
	}
	values := c.sysctls(v.Node, all, one)
	if values[one] != "0" {
		return v, false
	}
	v.Object, v.Reason = all, ReasonForwardingOff
	if values[all] != "0" {
		v.Object = strings.ReplaceAll(one, "/", ".")
	}
	v.Text = fmt.Sprintf("dropped in %s: %s is 0, so %s does not forward; the packet for %s came in by %s", v.Node, v.Object, v.Node, q.To, q.IIF)
	return v, true
}

// refusingRoute finds the route or the policy rule that refuses packets.
func (c *examination) refusingRoute(v Verdict, q observe.RouteQuery, d observe.RouteDecision) (Verdict, bool) {
	kinds := map[unix.Errno]struct {
		name   string
		reason Reason
	}{
		unix.EINVAL:       {"blackhole", ReasonBlackhole},
		unix.EHOSTUNREACH: {"unreachable", ReasonRouteDenied},
		unix.EACCES:       {"prohibit", ReasonProhibit},
	}
	kind, ok := kinds[d.Errno]
	// An unreachable rule or route may answer like a missing one.
	if !ok {
		kind = kinds[unix.EHOSTUNREACH]
	}
	var best *observe.Route
	for i, r := range c.before[v.Node].Routes {
		if r.Type == kind.name && r.To.Contains(q.To) && (best == nil || r.To.Bits() > best.To.Bits()) {
			best = &c.before[v.Node].Routes[i]
		}
	}
	if best != nil && (ok || !c.better(v.Node, q.To, best)) {
		v.Object, v.Reason = fmt.Sprintf("route %s %s", best.Type, routeWord(best.To)), kind.reason
		v.Text = fmt.Sprintf("%s has a route of type %s for %s, which refuses packets for %s", v.Node, best.Type, routeWord(best.To), q.To)
		return v, true
	}
	for _, r := range c.before[v.Node].Rules {
		if r.Action == kind.name && (!r.To.IsValid() || r.To.Contains(q.To)) && (!r.From.IsValid() || r.From.Contains(q.From)) {
			v.Object, v.Reason = fmt.Sprintf("ip rule %d %s", r.Priority, r.Action), kind.reason
			v.Text = fmt.Sprintf("%s has the policy routing rule %d, which is %s for packets for %s", v.Node, r.Priority, r.Action, q.To)
			return v, true
		}
	}
	return v, false
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
