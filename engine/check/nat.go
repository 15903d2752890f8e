package check

import (
	"fmt"
	"net/netip"

	"underlay/engine"
	"underlay/engine/observe"
)

var natKind = spec[engine.NATCheck]{
	of:       func(c *engine.Check) *engine.NATCheck { return c.NAT },
	needs:    func(n *needs, c engine.NATCheck) { n.read(c.Node, observe.Firewall) },
	judge:    byFacts(judgeNAT),
	describe: describeNAT,
}.kind()

func describeNAT(c engine.NATCheck) string {
	s := fmt.Sprintf("%s has %s rule", c.Node, article(orElse(c.Does, "NAT")))
	if c.To != "" {
		s += " to " + c.To
	}
	return s + atHook(c.Hook) + matching(c.Match)
}

func judgeNAT(f *facts, c engine.NATCheck) verdict {
	st, pattern, bad := f.rules(c.Node, c.Match)
	if bad != nil {
		return *bad
	}
	var near []observe.FirewallRule
	for _, r := range st.Firewall {
		if r.Policy || !translates(r.Does) || c.Does != "" && r.Does != c.Does {
			continue
		}
		if atHooks(r, c.Hook) && targetMatches(c.To, r.To) && pattern.MatchString(r.Text) {
			return pass("firewall", args{Node: c.Node, Found: []string{firewallWords(r)}})
		}
		near = append(near, r)
	}
	return noRule(c.Node, orElse(c.Does, "NAT"), near, c.Hook)
}

func translates(does string) bool {
	return does == "masquerade" || does == "snat" || does == "dnat" || does == "redirect"
}

// targetMatches compares a translation's target; an address alone fits
// whatever port comes with it.
func targetMatches(want, got string) bool {
	if want == "" || want == got {
		return true
	}
	if ap, err := netip.ParseAddrPort(got); err == nil {
		return sameAddr(want, ap.Addr().String())
	}
	return sameAddr(want, got)
}
