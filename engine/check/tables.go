package check

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

const mainTable = 254

func (r *run) route(ctx context.Context, f *facts, c engine.RouteCheck) verdict {
	if isDefault(c.To) {
		return checkDefault(f, c)
	}
	to, err := destination(c.To)
	if err != nil {
		return brokenf("%q is no destination.", c.To)
	}
	d := r.routeGet(ctx, c.Node, to, c.From)
	if d.err != nil {
		return erred(d.err, c.Node, "ask "+c.Node+" for its route to "+to)
	}
	got := decisionWords(c.Node, to, d.RouteDecision)
	if d.Unreachable {
		if c.Expect == engine.Unreachable {
			return passed(got)
		}
		return failed(got, r.explainNoRoute(c.Node, to))
	}
	if c.Expect == engine.Unreachable || !wayMatches(c, d.Via, d.Dev) {
		return failed(got, "")
	}
	return passed(got)
}

// destination returns an address inside what a route check names.
func destination(to string) (string, error) {
	if p, err := netip.ParsePrefix(to); err == nil {
		if p.IsSingleIP() {
			return p.Addr().String(), nil
		}
		return p.Masked().Addr().Next().String(), nil
	}
	a, err := netip.ParseAddr(to)
	return a.String(), err
}

func (r *run) routeGet(ctx context.Context, node, to, from string) routeAnswer {
	return r.routes.do(routeKey{node, to, from}, func() routeAnswer {
		d, err := r.w.RouteGet(ctx, node, to, from)
		return routeAnswer{d, err}
	})
}

func wayMatches(c engine.RouteCheck, via, dev string) bool {
	if c.Dev != "" && c.Dev != dev {
		return false
	}
	switch c.Via {
	case "":
		return true
	case "none":
		return via == ""
	}
	return via != "" && sameAddr(via, c.Via)
}

func decisionWords(node, to string, d RouteDecision) string {
	if d.Unreachable {
		return fmt.Sprintf("%s has no route to %s", node, to)
	}
	return fmt.Sprintf("%s sends to %s %s", node, to, wayWords(d.Via, d.Dev))
}

func wayWords(via, dev string) string {
	if via == "" {
		return "directly by " + dev
	}
	return "via " + via + " by " + dev
}

// checkDefault looks for a default route in the main table, since no single
// destination stands for all others.
func checkDefault(f *facts, c engine.RouteCheck) verdict {
	st, bad := f.node(c.Node, observe.Routes)
	if bad != nil {
		return *bad
	}
	var best *observe.Route
	for i, rt := range st.Routes {
		six := c.To == "::/0" || strings.Contains(c.Via, ":")
		if rt.Table != mainTable && rt.Table != 0 || rt.To.Bits() != 0 || rt.To.Addr().Is6() != six {
			continue
		}
		if best == nil || rt.Metric < best.Metric {
			best = &st.Routes[i]
		}
	}
	if best == nil || best.Type != "" && best.Type != "unicast" {
		if c.Expect == engine.Unreachable {
			return passed(c.Node + " has no default route")
		}
		return failed(c.Node+" has no default route", "")
	}
	via := ""
	if best.Via.IsValid() {
		via = best.Via.String()
	}
	got := fmt.Sprintf("the default route of %s leads %s", c.Node, wayWords(via, best.Dev))
	if c.Expect == engine.Unreachable || !wayMatches(c, via, best.Dev) {
		return failed(got, "")
	}
	return passed(got)
}

func checkRule(f *facts, c engine.RuleCheck) verdict {
	st, bad := f.node(c.Node, observe.Rules)
	if bad != nil {
		return *bad
	}
	var own []string
	for _, rule := range st.Rules {
		if ruleMatches(c, rule) {
			return passed(c.Node + " has the rule " + observedRule(rule))
		}
		if rule.Priority != 0 && rule.Priority != 32766 && rule.Priority != 32767 {
			own = append(own, observedRule(rule))
		}
	}
	if len(own) == 0 {
		return failed(c.Node+" has only the rules that every namespace starts with", "")
	}
	return failed(c.Node+" has "+list(own), "")
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

func checkNeigh(f *facts, c engine.NeighCheck) verdict {
	st, bad := f.node(c.Node, observe.Neighs)
	if bad != nil {
		return *bad
	}
	mac, bad := f.mac(c.MAC)
	if bad != nil {
		return *bad
	}
	var near []string
	for _, n := range st.Neighs {
		if c.Dev != "" && n.Dev != c.Dev || c.Addr != "" && !sameAddr(n.Addr.String(), c.Addr) {
			continue
		}
		words := strings.TrimSpace(fmt.Sprintf("%s on %s is %s %s", n.Addr, n.Dev, n.State, n.MAC))
		if neighState(c.State, n.State) && (mac == "" || sameMAC(mac, n.MAC)) {
			return passed(words)
		}
		near = append(near, words)
	}
	if len(near) == 0 {
		return failed(on(c.Dev, c.Node)+" has no neighbour entry"+prefixIf(" for ", c.Addr), "")
	}
	return failed(list(near), "")
}

// neighState compares states; "reachable" is any that can be sent to.
func neighState(want, got string) bool {
	switch want {
	case "", got:
		return true
	case "reachable":
		return got == "stale" || got == "delay" || got == "probe" || got == "permanent" || got == "noarp"
	case "failed":
		return got == "incomplete"
	}
	return false
}

// mac returns the MAC that a check means: literal, or of "NODE/IFACE".
func (f *facts) mac(want string) (string, *verdict) {
	node, iface, ok := strings.Cut(want, "/")
	if !ok {
		return want, nil
	}
	st, bad := f.node(node, observe.Links)
	if bad != nil {
		return "", bad
	}
	l := findLink(st, iface)
	if l == nil {
		v := failed(fmt.Sprintf("%s has no interface %s", node, iface), haveLinks(st))
		return "", &v
	}
	return l.MAC, nil
}

func sameMAC(a, b string) bool {
	fold := func(s string) string { return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ":")) }
	return fold(a) == fold(b)
}

func checkFDB(f *facts, c engine.FDBCheck) verdict {
	st, bad := f.node(c.Node, observe.FDB)
	if bad != nil {
		return *bad
	}
	mac, bad := f.mac(c.MAC)
	if bad != nil {
		return *bad
	}
	var near []string
	for _, e := range st.FDB {
		if c.Dev != "" && e.Dev != c.Dev && e.Bridge != c.Dev || mac != "" && !sameMAC(mac, e.MAC) {
			continue
		}
		words := "MAC " + e.MAC + " on " + e.Dev
		if e.Dst.IsValid() {
			words += " to " + e.Dst.String()
		}
		if c.Dst == "" || e.Dst.IsValid() && sameAddr(e.Dst.String(), c.Dst) {
			return passed(on(c.Dev, c.Node) + " forwards " + words)
		}
		near = append(near, words)
	}
	if len(near) == 0 {
		return failed(on(c.Dev, c.Node)+" has no forwarding entry"+prefixIf(" for MAC ", mac), "")
	}
	return failed(on(c.Dev, c.Node)+" forwards "+list(near), "")
}
