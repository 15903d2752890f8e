package autopsy

import (
	"net/netip"
	"strings"

	"underlay/engine/observe"
)

// The numbers of the tables of routes that there are without anybody's doing.
const (
	tableDefault, tableMain, tableLocal = 253, 254, 255
)

// byPolicy tells before a verdict that the packet which died had been sent another way than
// the main table's by a policy routing rule.
func (c *examination) byPolicy(subject *flight, v Verdict) Verdict {
	if subject == nil || v.Reason == ReasonUnknown {
		return v
	}
	for _, x := range c.way(subject) {
		if x.outgoing && x.carrier == nil && !c.isPort(x) {
			if a, ok := c.policy(x.node, x.packet, c.nameOf(x.node, x.index)); ok {
				a.Packet = packetWord(subject)
				return behind("symptom.policy-route", a, v)
			}
		}
	}
	if len(subject.sightings) == 0 && len(subject.events) > 0 { // it waits in the node that made it
		if d, ok := c.decide(v.Node, observe.RouteQuery{To: subject.packet.dst, From: subject.packet.src}); ok && !d.Unreachable {
			if a, ok := c.policy(v.Node, subject.packet, d.Dev); ok {
				a.Packet = packetWord(subject)
				return behind("symptom.policy-route", a, v)
			}
		}
	}
	return v
}

// policy finds the rule by which a packet leaves a node on a device that the main table does
// not have it leave on.
func (c *examination) policy(node string, p *packet, out string) (args, bool) {
	st := c.before[node]
	usual := c.covering(node, p.dst, tableMain)
	if st == nil || usual == nil || usual.Dev == out {
		return args{}, false
	}
	for _, r := range st.Rules {
		switch {
		case r.Action != "lookup" || r.Table == tableDefault || r.Table == tableMain || r.Table == tableLocal,
			r.To.IsValid() && !r.To.Contains(p.dst), r.From.IsValid() && !r.From.Contains(p.src):
			continue
		}
		if by := c.covering(node, p.dst, r.Table); by != nil && by.Dev == out {
			return args{Node: node, Address: p.dst.String(), Out: out, Peer: usual.Dev, Priority: r.Priority, Table: r.Table}, true
		}
	}
	return args{}, false
}

// covering is the most specific route of a table to an address, nil if there is none.
func (c *examination) covering(node string, to netip.Addr, table int) (best *observe.Route) {
	for i := range c.before[node].Routes {
		r := &c.before[node].Routes[i]
		if r.Table == table && r.To.Addr().Is4() == to.Is4() && r.To.Contains(to) && (best == nil || r.To.Bits() > best.To.Bits()) {
			best = r
		}
	}
	return best
}

// stale finds what conntrack remembers of the address that was called and no rule does any
// more: who called before, from the same port, is still sent where they were sent then.
func (c *examination) stale() (Verdict, bool) {
	to, err := netip.ParseAddr(c.out.Address)
	if err != nil {
		return none, false
	}
	for _, node := range c.names() {
		st, after := c.before[node], c.after[node]
		if after == nil {
			continue
		}
		for _, f := range after.Conntrack {
			if f.Proto != c.flights.proto || f.Orig.Dst != to || f.Orig.DPort != c.port() || f.Reply.Src == to || c.sendsTo(st, f.Reply.Src) {
				continue
			}

			return say("delivered.stale-entry", spot{object: "conntrack in " + node}, args{
				Server: c.destination(), Node: node, Source: netip.AddrPortFrom(f.Orig.Src, uint16(f.Orig.SPort)).String(), Address: to.String(), Old: f.Reply.Src.String(),
			}), true
		}
	}
	return none, false
}

// sendsTo reports whether a rule of a node's may send packets to an address.
func (c *examination) sendsTo(st *observe.State, a netip.Addr) bool {
	for _, r := range st.Firewall {
		if r.Does == "redirect" || isTranslation(r.Does) && strings.Contains(r.Text, a.String()) || r.Does == "dnat" && r.To == "" {
			return true
		}
	}
	return false
}
