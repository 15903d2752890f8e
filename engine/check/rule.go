package check

import (
	"fmt"
	"net/netip"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

var ruleKind = spec[engine.RuleCheck]{
	of:    func(c *engine.Check) *engine.RuleCheck { return c.Rule },
	needs: func(n *needs, c engine.RuleCheck) { n.read(c.Node, observe.Rules) },
	judge: byFacts(judgeRule),
	describe: func(c engine.RuleCheck) string {
		return c.Node + " has a policy-routing rule" + prefixIf(": ", ruleWords(c))
	},
}.kind()

func ruleWords(c engine.RuleCheck) string {
	var w []string
	add := func(set bool, format string, arg any) {
		if set {
			w = append(w, fmt.Sprintf(format, arg))
		}
	}
	add(c.From != "", "from %s", c.From)
	add(c.To != "", "to %s", c.To)
	add(c.Mark != 0, "mark %#x", c.Mark)
	add(c.Table != 0, "table %d", c.Table)
	add(c.Priority != 0, "priority %d", c.Priority)
	return strings.Join(w, ", ")
}

func judgeRule(f *facts, c engine.RuleCheck) verdict {
	st, bad := f.node(c.Node, observe.Rules)
	if bad != nil {
		return *bad
	}
	var own []string
	for _, rule := range st.Rules {
		if ruleMatches(c, rule) {
			return pass("rule", args{Node: c.Node, Value: observedRule(rule)})
		}
		if rule.Priority != 0 && rule.Priority != 32766 && rule.Priority != 32767 {
			own = append(own, observedRule(rule))
		}
	}
	if len(own) == 0 {
		return fail("rule.none", args{Node: c.Node})
	}
	return fail("rule.other", args{Node: c.Node, Found: own})
}

func ruleMatches(c engine.RuleCheck, r observe.Rule) bool {
	return samePrefix(c.From, r.From) && samePrefix(c.To, r.To) &&
		(c.Table == 0 || c.Table == r.Table) &&
		(c.Priority == 0 || c.Priority == r.Priority) &&
		(c.Mark == 0 || uint32(c.Mark) == r.Mark)
}

// samePrefix compares what an author wrote ("", "all", an address or a CIDR)
// with a rule's selector; "" fits all, "all" only a rule without selector.
func samePrefix(want string, got netip.Prefix) bool {
	switch want {
	case "":
		return true
	case "all":
		return !got.IsValid() || got.Bits() == 0
	}
	p, err := netip.ParsePrefix(want)
	if err != nil {
		a, err := netip.ParseAddr(want)
		if err != nil {
			return false
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	return got.IsValid() && p.Masked() == got.Masked()
}

func observedRule(r observe.Rule) string {
	c := engine.RuleCheck{Table: r.Table, Priority: r.Priority, Mark: int(r.Mark)}
	if r.From.IsValid() && r.From.Bits() > 0 {
		c.From = r.From.String()
	}
	if r.To.IsValid() && r.To.Bits() > 0 {
		c.To = r.To.String()
	}
	return "(" + ruleWords(c) + ")"
}
