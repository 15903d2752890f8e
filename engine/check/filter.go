package check

import (
	"fmt"
	"regexp"

	"underlay/engine"
	"underlay/engine/observe"
)

var filterKind = spec[engine.FilterCheck]{
	of:       func(c *engine.Check) *engine.FilterCheck { return c.Filter },
	needs:    func(n *needs, c engine.FilterCheck) { n.read(c.Node, observe.Firewall) },
	judge:    byFacts(judgeFilter),
	describe: describeFilter,
}.kind()

func describeFilter(c engine.FilterCheck) string {
	if c.Policy {
		return fmt.Sprintf("the %spolicy of %s%s is %s", prefixed(c.Hook), c.Node, prefixIf(" for family ", c.Family), c.Does) + matching(c.Match)
	}
	return fmt.Sprintf("%s has %s rule", c.Node, article(orElse(c.Does, "filter"))) + prefixIf(" for family ", c.Family) + atHook(c.Hook) + matching(c.Match)
}

func prefixed(hook string) string {
	if hook == "" {
		return ""
	}
	return hook + " "
}

func judgeFilter(f *facts, c engine.FilterCheck) verdict {
	st, pattern, bad := f.rules(c.Node, c.Match)
	if bad != nil {
		return *bad
	}
	if c.Policy && c.Hook == unhooked {
		return broken("firewall.unhooked", args{})
	}
	if c.Policy {
		return judgePolicy(st, c, pattern)
	}
	var near []observe.FirewallRule
	for _, r := range st.Firewall {
		if r.Policy || !ofFamily(r, c.Family) || !filters(r.Does) || r.Type == "nat" || c.Does != "" && r.Does != c.Does {
			continue
		}
		if atHooks(r, c.Hook) && pattern.MatchString(r.Text) {
			return pass("firewall", args{Node: c.Node, Found: []string{firewallWords(r)}})
		}
		near = append(near, r)
	}
	return noRule(c.Node, orElse(c.Does, "filter"), near, c.Hook)
}

func filters(does string) bool { return does == "accept" || does == "drop" || does == "reject" }

// judgePolicy judges what becomes of packets that no rule decides. Every base
// chain of a hook has its say: one drop is enough, and accept holds only if all
// accept. A hook without a chain accepts.
func judgePolicy(st observe.State, c engine.FilterCheck, pattern *regexp.Regexp) verdict {
	effective := "accept"
	found := false
	for _, r := range st.Firewall {
		if !r.Policy || !ofFamily(r, c.Family) || r.Type == "nat" || !atHooks(r, c.Hook) || !pattern.MatchString(r.Text) {
			continue
		}
		found = true
		if r.Does == "drop" {
			effective = "drop"
		}
	}
	ok := c.Does == "" || c.Does == effective
	if !found {
		return passIf(ok && c.Match == "", "firewall.no-policy", args{Node: st.Node, Hook: c.Hook})
	}
	return passIf(ok, "firewall.policy", args{Node: st.Node, Hook: c.Hook, Value: effective})
}
