package autopsy

import (
	"golang.org/x/sys/unix"

	"underlay/engine/observe"
)

// passage is a packet's way through one hook of one node.
type passage struct {
	hook    string
	family  byte // of the fence: inet, bridge, arp
	entered *event
	left    *event  // nil if it never came out
	met     []event // what rules of others did
}

// passages puts the events of a flight in a node in order. Where a bridge has
// its frames filtered as IP packets, the passages of inet lie within those of bridge.
func passages(events []event) (out []*passage) {
	for i := range events {
		e := &events[i]
		if !e.ours() {
			if p := innermost(out, e.id); p != nil {
				p.met = append(p.met, *e)
			}
			continue
		}
		hook, end := e.fence()
		open := openAt(out, e, hook)
		switch {
		case end == fenceLast && open != nil:
			open.left = e
		case end == fenceFirst && open == nil && !repeated(out, e, hook):
			out = append(out, &passage{hook: hook, family: e.family, entered: e})
		}
	}
	return out
}

// repeated reports whether a packet enters a hook only to leave it at once: what was
// filtered as IP while it was bridged is not filtered again when the bridge hands
// it to its own node. The kernel sees to that (ip_sabotage_in) right after our fence.
func repeated(ps []*passage, e *event, hook string) bool {
	n := len(ps)
	if hook != "prerouting" || e.family != unix.NFPROTO_INET || n < 2 {
		return false
	}
	bridge, before := ps[n-1], ps[n-2]
	return bridge.family == unix.NFPROTO_BRIDGE && bridge.hook == "input" && before.family == e.family && before.hook == hook && before.left != nil
}

func openAt(ps []*passage, e *event, hook string) *passage {
	for i := len(ps) - 1; i >= 0; i-- {
		if p := ps[i]; p.left == nil && p.hook == hook && p.family == e.family && p.entered.id == e.id {
			return p
		}
	}
	return nil
}

// innermost is the passage that a packet is in, which need not be the last one:
// packets of one flight that a bridge copied go side by side.
func innermost(ps []*passage, id uint32) *passage {
	for i := len(ps) - 1; i >= 0; i-- {
		if ps[i].left == nil && ps[i].entered.id == id {
			return ps[i]
		}
	}
	return nil
}

// reached returns the last passage of a hook, nil if the packet never came to it.
func reached(ps []*passage, family byte, hook string) *passage {
	for i := len(ps) - 1; i >= 0; i-- {
		if ps[i].family == family && ps[i].hook == hook {
			return ps[i]
		}
	}
	return nil
}

// rewritten returns the header before and after, both nil if it did not change.
func (p *passage) rewritten() (before, after *Header) {
	if p.left == nil || p.entered.packet == nil || p.left.packet == nil || p.family == unix.NFPROTO_ARP {
		return nil, nil
	}
	b, a := p.entered.packet.header(), p.left.packet.header()
	if a == b {
		return nil, nil
	}
	return &b, &a
}

// decisions are what is worth telling of a passage.
func (s *scene) decisions(node string, p *passage) (out []Decision) {
	before, after := p.rewritten()
	translated := false
	for i := range p.met {
		e := &p.met[i]
		r := s.rule(e)
		if r == nil {
			continue
		}
		d := decision(r, p.hook)
		switch {
		case e.drops() && r.Does != "reject":
			d.Does = "drop"
		case e.drops():
		case isTranslation(r.Does):
			if before == nil {
				continue
			}
			d.Before, d.After, translated = before, after, true
		case r.Policy || r.Does != "accept" || r.Type == "nat":
			continue
		}
		out = append(out, d)
	}
	if before != nil && !translated && p.family != unix.NFPROTO_BRIDGE {
		out = append(out, s.translation(node, p.hook, before, after))
	}
	return out
}

// translation names what rewrote a header without the kernel's telling: a rule of
// iptables-legacy that counted it, or conntrack, which remembers what a rule
// did to the first packet of a flow.
func (s *scene) translation(node, hook string, before, after *Header) Decision {
	d := Decision{Hook: hook, Does: "translate"}
	if hits := s.hits(node, hook, onlyLegacy, "dnat", "snat", "masquerade", "redirect"); len(hits) == 1 {
		d = decision(&hits[0], hook)
	}
	d.Before, d.After = before, after
	return d
}

func isTranslation(does string) bool {
	switch does {
	case "dnat", "snat", "masquerade", "redirect":
		return true
	}
	return false
}

func decision(r *observe.FirewallRule, hook string) Decision {
	d := Decision{Hook: hook, Backend: r.Backend, Family: r.Family, Table: r.Table, Chain: r.Chain, Does: r.Does}
	if !r.Policy {
		d.Rule = r.Text
	}
	return d
}

// ruleObject names a rule's or policy's chain as its tool does.
func ruleObject(r *observe.FirewallRule) string {
	switch {
	case r.Backend == observe.BackendNft:
		return "nft " + r.Family + " " + r.Table + " " + r.Chain
	case r.Family == "ip6":
		return "ip6tables " + r.Table + " " + r.Chain
	}
	return "iptables " + r.Table + " " + r.Chain
}
