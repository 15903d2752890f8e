package autopsy

import (
	"fmt"
	"net/netip"
	"strings"

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
			return Verdict{
				Node: last.node, Object: l.Name, Reason: ReasonTooBig, Direction: f.dir,
				Text: fmt.Sprintf("dropped in %s: the %s has %d bytes and may not be fragmented, and wrapped by %s it is larger than the MTU of the way to the tunnel's other end",
					last.node, packetWord(f), last.packet.size, l.Name),
			}
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
	return Verdict{
		Node: node, Object: l.Name, Reason: ReasonTooBig, Direction: f.dir,
		Text: fmt.Sprintf("dropped in %s: the %s has %d bytes and may not be fragmented, but the MTU of %s is %d", node, packetWord(f), size, l.Name, l.MTU),
	}
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
	name := fmt.Sprintf("%s/%d", p.proto, p.dport)
	v := Verdict{Node: node, Object: "socket " + name, Direction: Request, Reason: ReasonNoListener}
	var elsewhere []string
	for _, s := range c.listening(node, p) {
		switch {
		case s.Dev != 0:
			v.Reason = ReasonWrongDevice
			v.Text = fmt.Sprintf("refused by %s: the server on %s takes only what comes in by %s", node, name, c.nameOf(node, s.Dev))
			return v
		case s.Addr.IsUnspecified() || s.Addr.Unmap() == p.dst:
			return c.hungUp(node, p) // it is there: the end of the connection came later
		}
		elsewhere = append(elsewhere, s.Addr.String())
	}
	if len(elsewhere) > 0 {
		v.Reason = ReasonWrongAddress
		v.Text = fmt.Sprintf("refused by %s: the server on %s is bound to %s only, and the packet was for %s", node, name, strings.Join(elsewhere, " and "), p.dst)
		return v
	}
	v.Text = fmt.Sprintf("refused by %s: nothing there listens on %s", node, name)
	return v
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
	return Verdict{
		Node: node, Object: fmt.Sprintf("socket %s/%d", p.proto, p.dport), Reason: ReasonSilent, Direction: Reply,
		Text: fmt.Sprintf("%s took the connection and its server on %s/%d did not answer: %s", node, p.proto, p.dport, c.out.Detail),
	}
}

// silent explains that a packet came to its end and nothing came of it.
func (c *examination) silent(node string, p *packet) Verdict {
	v := Verdict{Node: node, Direction: Request, Reason: ReasonUnknown}
	if p.proto == "icmp" {
		name := "net.ipv4.icmp_echo_ignore_all"
		if c.sysctls(node, name)[name] == "1" {
			v.Object, v.Reason = name, ReasonEchoIgnored
			v.Text = fmt.Sprintf("%s got the echo request and does not answer any: %s is 1", node, name)
		}
		return v
	}
	for _, s := range c.listening(node, p) {
		if p.proto == "udp" && c.traced(node) && s.Dev == 0 && (s.Addr.IsUnspecified() || s.Addr.Unmap() == p.dst) {
			v.Object, v.Reason = fmt.Sprintf("socket udp/%d", p.dport), ReasonSilent
			v.Text = fmt.Sprintf("%s got the packet and its server on udp/%d did not answer", node, p.dport)
			return v
		}
	}
	return v
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
	v := Verdict{Node: server, Object: "source " + got.src.String(), Reason: ReasonUntranslated, Direction: Reply}
	v.Text = fmt.Sprintf("the reply left %s with source %s un-translated, but %s had called %s", server, got.src, c.flow.From, c.flights.signature.To)
	by := c.translator()
	if by == "" {
		v.Reason = ReasonOtherSource
		v.Text = fmt.Sprintf("the reply left %s with source %s, but %s had called %s and takes an answer from no other", server, got.src, c.flow.From, c.flights.signature.To)
		return v
	}
	for _, s := range f.sightings {
		l := c.linkAt(s.node, s.index)
		if s.node != by || l == nil || l.Master == "" {
			continue
		}
		v.Node, v.Object = by, l.Master
		v.Text = fmt.Sprintf("the reply left %s with source %s un-translated: it was switched on the bridge %s in %s and never passed conntrack", server, got.src, l.Master, by)
		const call = "net.bridge.bridge-nf-call-iptables"
		if c.sysctls(by, call)[call] == "0" {
			v.Text += " (bridge-nf-call-iptables=0)"
		}
		return v
	}
	v.Text += fmt.Sprintf(": it did not come back through %s, which had rewritten the request's destination", by)
	return v
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
