package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"underlay/engine/observe"
)

// unhooked stands, in place of a hook, for chains that nothing jumps to.
const unhooked = "none"

// rules returns what is known of a node's firewall, and the pattern that a check's rule
// has to match.
func (f *facts) rules(node, match string) (observe.State, *regexp.Regexp, *verdict) {
	st, bad := f.node(node, observe.Firewall)
	if bad != nil {
		return st, nil, bad
	}
	pattern, err := compiled(match)
	if err != nil {
		v := broken("firewall.pattern", args{Detail: err.Error()})
		return st, nil, &v
	}
	return st, pattern, nil
}

// atHooks reports whether packets at this hook get to the rule; "" is any hook,
// but a chain that nothing jumps to is at none.
func atHooks(r observe.FirewallRule, hook string) bool {
	switch hook {
	case "":
		return r.Hook != ""
	case unhooked:
		return r.Hook == ""
	}
	return slices.Contains(hooks(r), hook)
}

// ofFamily reports whether a rule sees packets of a family; "" is any. Tables of inet see
// those of both versions of IP.
func ofFamily(r observe.FirewallRule, family string) bool {
	return family == "" || r.Family == family || r.Family == "inet" && (family == "ip" || family == "ip6")
}

func hooks(r observe.FirewallRule) []string {
	if r.Hook == "" {
		return nil
	}
	return strings.Split(r.Hook, ",")
}

// noRule fails for the lack of a rule at a hook, with those that are like it, and says if
// they sit where the packets do not pass.
func noRule(node, kind string, near []observe.FirewallRule, hook string) verdict {
	if len(near) == 0 {
		return fail("firewall.none", args{Node: node, Kind: kind})
	}
	a := args{Node: node, Found: firewallList(near)}
	if hook == unhooked {
		return fail("firewall", a)
	}
	if i := slices.IndexFunc(near, func(r observe.FirewallRule) bool { return r.Hook == "" }); i >= 0 {
		a.Name = near[i].Chain
		return fail("firewall.unreached", a)
	}
	if hook == "" || slices.ContainsFunc(near, func(r observe.FirewallRule) bool { return slices.Contains(hooks(r), hook) }) {
		return fail("firewall", a)
	}
	a.Hook = hook
	return fail("firewall.other-hook", a)
}

func atHook(hook string) string {
	if hook == unhooked {
		return " in a chain that nothing jumps to"
	}
	return prefixIf(" at ", hook)
}

func firewallWords(r observe.FirewallRule) string {
	s := article(orElse(r.Does, "counting")) + " rule"
	if r.To != "" {
		s += " to " + r.To
	}
	if r.Hook == "" {
		return s + " in chain " + r.Chain
	}
	return s + " at " + list(hooks(r))
}

// shown is how many rules a sentence lists.
const shown = 3

func firewallList(rules []observe.FirewallRule) []string {
	var words []string
	for _, r := range rules {
		if w := firewallWords(r); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	if more := len(words) - shown; more > 0 {
		words = append(words[:shown:shown], fmt.Sprintf("%d more", more))
	}
	return words
}
