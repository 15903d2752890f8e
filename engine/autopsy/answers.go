package autopsy

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/observe"
)

// errorAbout returns the first ICMP error about a packet, nil if there is none.
func (c *examination) errorAbout(f *flight) *flight {
	for _, e := range c.flights.of(Error) {
		q := e.packet.quoted
		if q == nil || len(e.sightings) == 0 && len(e.events) == 0 {
			continue
		}
		if d := c.flights.direction(q); d == f.dir || d == "" && q.id != 0 {
			return e
		}
	}
	return nil
}

// origin is the node that made a packet.
func (f *flight) origin() string {
	if len(f.sightings) > 0 {
		return f.sightings[0].node
	}
	return f.events[0].node
}

// turnedAway explains a packet by the ICMP error that a node made of it.
func (c *examination) turnedAway(f *flight, e *flight) Verdict {
	const unreachable, exceeded, fragment, host, net, admin = 3, 11, 4, 1, 0, 13
	node := e.origin()
	kind, code := e.packet.kind, e.packet.code
	if e.packet.proto == "icmp6" {
		kind, code = map[byte]byte{1: unreachable, 2: unreachable, 3: exceeded}[kind], map[[2]byte]byte{
			{1, 0}: net, {1, 1}: admin, {1, 3}: host, {1, 4}: 3, {2, 0}: fragment,
		}[[2]byte{kind, code}]
	}
	q := observe.RouteQuery{To: f.packet.dst}
	if e.packet.quoted != nil {
		q.To, q.From = e.packet.quoted.dst, e.packet.quoted.src
	}
	for _, x := range c.way(f) {
		if x.node == node && !x.outgoing && !c.isPort(x) && x.carrier == nil {
			q.IIF = c.nameOf(node, x.index)
		}
	}
	switch {
	case kind == exceeded:
		return c.loop(f, node)
	case kind == unreachable && code == fragment:
		return c.tooBig(f, e, node, q)
	case kind != unreachable:
		return none
	}
	d, ok := c.decide(node, q)
	if !ok {
		return none
	}
	if d.Unreachable {
		return c.noWay(node, f.dir, q, d)
	}
	if code == host {
		return c.egress(node, d.Dev, &flight{dir: f.dir, packet: &packet{proto: f.packet.proto, src: q.From, dst: q.To}, sightings: f.sightings, events: f.events})
	}
	return none
}

// tooBig words that a node could not send a packet on without fragmenting it.
func (c *examination) tooBig(f, e *flight, node string, q observe.RouteQuery) Verdict {
	if way := c.way(f); len(way) > 0 {
		last := way[len(way)-1]
		if l := c.linkAt(last.node, last.index); l != nil && l.Kind == "vxlan" && last.outgoing {
			at, a := spot{last.node, l.Name, f.dir}, args{Packet: packetWord(f), Bytes: last.packet.size, Device: l.Name}
			if last.packet.dst.Is6() {
				return say("packet-too-big.tunnel-ipv6", at, a)
			}
			return say("packet-too-big.tunnel", at, a)
		}
	}
	q.IIF = ""
	if !c.has(node, q.From) {
		q.From = netip.Addr{}
	}
	d, ok := c.decide(node, q)
	l := c.link(node, d.Dev)
	if !ok || l == nil {
		return none
	}
	size := f.packet.size
	if e.packet.quoted != nil {
		size = e.packet.quoted.size
	}
	return overRoute(node, l, d, f, size)
}

// overRoute words that a packet is larger than the MTU of the route that it was to take, or
// that of the route's device if the route has none of its own.
func overRoute(node string, l *observe.Link, d observe.RouteDecision, f *flight, size int) Verdict {
	if d.MTU == 0 || d.MTU >= l.MTU {
		return overMTU(node, l, f, size)
	}
	to := f.packet.dst.String()
	at, a := spot{node, "route to " + to, f.dir}, args{Packet: packetWord(f), Bytes: size, Address: to, MTU: d.MTU}
	if f.packet.dst.Is6() {
		return say("packet-too-big.route-ipv6", at, a)
	}
	return say("packet-too-big.route", at, a)
}

// overMTU words that a packet is larger than the MTU of the device that it was to leave on.
func overMTU(node string, l *observe.Link, f *flight, size int) Verdict {
	at, a := spot{node, l.Name, f.dir}, args{Packet: packetWord(f), Bytes: size, Device: l.Name, MTU: l.MTU}
	if f.packet.dst.Is6() {
		return say("packet-too-big.device-ipv6", at, a)
	}
	return say("packet-too-big.device", at, a)
}

// arrived explains a flow of which all packets got where they were sent.
func (c *examination) arrived() Verdict {
	request := c.flights.of(Request)[0]
	node, p := c.arrival(request)
	if node == "" {
		return none
	}
	if v, ok := c.unseenRule(request, node); ok {
		return v
	}
	if v, ok := c.wrongSum(node, p, request); ok {
		return v
	}
	if replies := c.flights.of(Reply); len(replies) > 0 {
		if v, ok := c.wrongSum(c.flow.From, replies[0].packet, replies[0]); ok {
			return v
		}
	}
	if c.out.Ended == engine.Refused {
		return c.refusedBy(node, p)
	}
	if len(c.flights.of(Reply)) > 0 {
		return c.hungUp(node, p)
	}
	q := observe.RouteQuery{To: p.src, From: p.dst}
	if d, ok := c.decide(node, q); ok && d.Unreachable {
		return c.noWay(node, Reply, q, d)
	}
	if v := c.waiting(node, &flight{dir: Reply, packet: &packet{proto: p.proto, src: p.dst, dst: p.src}}); v.Reason != ReasonUnknown {
		return v
	}
	return c.silent(node, p)
}

// unseenRule finds what counters tell of rules that could not be traced, where
// the request ended or its answer.
func (c *examination) unseenRule(request *flight, node string) (Verdict, bool) {
	if !c.traced(node) {
		if v, ok := c.counted(request, node, "prerouting", "input"); ok {
			return v, true
		}
	}
	replies := c.flights.of(Reply)
	if len(replies) == 0 && !c.traced(node) {
		return c.counted(&flight{dir: Reply, packet: request.packet}, node, "output", "postrouting")
	}
	if len(replies) > 0 && !c.traced(c.flow.From) {
		return c.counted(replies[0], c.flow.From, "prerouting", "input")
	}
	return Verdict{}, false
}

// waiting explains a packet of a node whose rules could not be traced by the
// neighbour that the node asked for in vain.
func (c *examination) waiting(node string, f *flight) Verdict {
	d, ok := c.decide(node, observe.RouteQuery{To: f.packet.dst})
	if !ok || d.Unreachable || d.Local || c.traced(node) {
		return none
	}
	n := c.neigh(node, d.Dev, c.nextHop(node, d.Dev, f))
	if n == nil || n.State != "incomplete" && n.State != "failed" {
		return none
	}
	return c.egress(node, d.Dev, f)
}

// arrival is the node where a packet ended, and the packet as it was then.
func (c *examination) arrival(f *flight) (string, *packet) {
	for i := len(f.events) - 1; i >= 0; i-- {
		e := &f.events[i]
		if hook, end := e.fence(); e.ours() && hook == "input" && end == fenceLast && e.packet != nil && e.family == 1 {
			return e.node, e.packet
		}
	}
	if way := c.way(f); len(way) > 0 {
		return way[len(way)-1].node, way[len(way)-1].packet
	}
	return "", nil
}

// refusedBy says why a node turned a packet away that was for it.
func (c *examination) refusedBy(node string, p *packet) Verdict {
	at := spot{node, fmt.Sprintf("socket %s/%d", p.proto, p.dport), Request}
	var elsewhere []string
	for _, s := range c.listening(node, p) {
		switch {
		case s.Dev != 0:
			return say("bound-to-device", at, args{Proto: p.proto, Port: p.dport, Device: c.nameOf(node, s.Dev)})
		case s.Addr.IsUnspecified() || s.Addr.Unmap() == p.dst:
			return c.hungUp(node, p) // it is there: the end of the connection came later
		}
		elsewhere = append(elsewhere, s.Addr.String())
	}
	if len(elsewhere) > 0 {
		return say("bound-elsewhere", at, args{Proto: p.proto, Port: p.dport, Addresses: elsewhere, Address: p.dst.String()})
	}
	return say("no-listener", at, args{Proto: p.proto, Port: p.dport})
}

// listening are the sockets that wait on a packet's port.
func (c *examination) listening(node string, p *packet) (out []observe.Socket) {
	for _, s := range c.before[node].Sockets {
		if s.Proto == p.proto && s.Port == p.dport && (!s.V6Only || p.dst.Is6()) {
			out = append(out, s)
		}
	}
	return out
}

// hungUp words that a server took the connection and gave no answer on it. Only
// http waits for one; that others were not answered has another reason.
func (c *examination) hungUp(node string, p *packet) Verdict {
	if c.flow.Proto != "http" {
		return none
	}
	return say("server-silent.connection", spot{node, fmt.Sprintf("socket %s/%d", p.proto, p.dport), Reply},
		args{Proto: p.proto, Port: p.dport, Detail: c.out.Detail})
}

// silent explains that a packet came to its end and nothing came of it.
func (c *examination) silent(node string, p *packet) Verdict {
	unknown := Verdict{Node: node, Direction: Request, Reason: ReasonUnknown}
	if p.proto == "icmp" {
		name := "net.ipv4.icmp_echo_ignore_all"
		if c.sysctls(node, name)[name] == "1" {
			return say("echo-ignored", spot{node, name, Request}, args{Setting: name, Value: "1"})
		}
		return unknown
	}
	for _, s := range c.listening(node, p) {
		if p.proto == "udp" && c.traced(node) && s.Dev == 0 && (s.Addr.IsUnspecified() || s.Addr.Unmap() == p.dst) {
			return say("server-silent.datagram", spot{node, fmt.Sprintf("socket udp/%d", p.dport), Request}, args{Proto: p.proto, Port: p.dport})
		}
	}
	return unknown
}

// untranslated finds an answer that came from another address than was called, nil
// if there is none.
func (c *examination) untranslated() (*flight, Verdict) {
	for _, f := range c.flights.of(Reply) {
		p := reached(passages(f.eventsIn(c.flow.From)), unix.NFPROTO_INET, "input")
		if p == nil || p.left == nil || p.left.packet == nil {
			continue
		}
		got := p.left.packet // as the socket got it, whatever was rewritten before
		if got.src != c.flights.signature.To || c.flow.Proto != "icmp" && got.sport != c.port() {
			return f, c.untranslatedFrom(f, got)
		}
	}
	return nil, none
}

// port is the flow's port; http has one if none is given.
func (c *examination) port() int {
	if c.flow.Port == 0 && c.flow.Proto == "http" {
		return 80
	}
	return c.flow.Port
}

// untranslatedFrom words it: the node that had rewritten the request's
// destination did not get to rewrite the answer's source.
func (c *examination) untranslatedFrom(f *flight, got *packet) Verdict {
	server := f.origin()
	by := c.translator()
	at := spot{server, "source " + got.src.String(), Reply}
	a := args{Server: server, Source: got.src.String(), Client: c.flow.From, Address: c.flights.signature.To.String(), Translator: by}
	if by == "" {
		return say("reply-other-source", at, a)
	}
	for _, s := range f.sightings {
		l := c.linkAt(s.node, s.index)
		if s.node != by || l == nil || l.Master == "" {
			continue
		}
		a.Bridge = l.Master
		const call = "net.bridge.bridge-nf-call-iptables"
		if c.sysctls(by, call)[call] == "0" {
			a.Setting, a.Value = call, "0"
			return say("reply-untranslated.bridge-nf-off", spot{by, l.Master, Reply}, a)
		}
		return say("reply-untranslated.bridged", spot{by, l.Master, Reply}, a)
	}
	return say("reply-untranslated.around", at, a)
}

// translator is the node that rewrote the request's destination.
func (c *examination) translator() string {
	for _, f := range c.flights.of(Request) {
		nodes := map[string]bool{}
		for _, e := range f.events {
			if nodes[e.node] {
				continue
			}
			nodes[e.node] = true
			for _, p := range passages(f.eventsIn(e.node)) {
				if b, a := p.rewritten(); b != nil && b.Dst != a.Dst {
					return e.node
				}
			}
		}
	}
	return ""
}
