package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

var routeKind = spec[engine.RouteCheck]{
	of: func(c *engine.Check) *engine.RouteCheck { return c.Route },
	needs: func(n *needs, c engine.RouteCheck) {
		n.watches[c.Node] |= routing
		if isDefault(c.To) {
			n.reads[c.Node] |= observe.Routes
		}
	},
	judge:    judgeRoute,
	describe: describeRoute,
}.kind()

// routing are the facets that decide which way a packet leaves a node.
const routing = observe.Links | observe.Addrs | observe.Routes | observe.Rules

const mainTable = 254

func isDefault(to string) bool { return to == "default" || to == "0.0.0.0/0" || to == "::/0" }

func describeRoute(c engine.RouteCheck) string {
	how := ""
	switch c.Via {
	case "":
	case "none":
		how = " directly"
	default:
		how = " via " + c.Via
	}
	if c.Dev != "" {
		how += " by " + c.Dev
	}
	source := ""
	if c.From != "" {
		source = " from " + c.From
	}
	none := c.Expect == engine.Unreachable
	switch {
	case isDefault(c.To) && none:
		return c.Node + " has no default route"
	case isDefault(c.To):
		return c.Node + " has a default route" + how
	case none:
		return fmt.Sprintf("%s has no route to %s%s", c.Node, c.To, source)
	}
	return fmt.Sprintf("%s sends to %s%s%s", c.Node, c.To, source, how)
}

func judgeRoute(ctx context.Context, r *run, s scope, c engine.RouteCheck) verdict {
	if isDefault(c.To) {
		return judgeDefault(s.facts, c)
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

type routeKey struct{ node, to, from string }

type routeAnswer struct {
	RouteDecision
	err error
}

func (r *run) routeGet(ctx context.Context, node, to, from string) routeAnswer {
	return remember(&r.asked, routeKey{node, to, from}, func() routeAnswer {
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

// judgeDefault looks for a default route in the main table, since no single
// destination stands for all others.
func judgeDefault(f *facts, c engine.RouteCheck) verdict {
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

// explainNoRoute says why a node has no route to an address.
func (r *run) explainNoRoute(node, addr string) string {
	to, err := netip.ParseAddr(addr)
	sc := r.scene()
	if err != nil || sc == nil {
		return ""
	}
	st, ok := sc.known(node, observe.Links|observe.Addrs|observe.Routes)
	if !ok {
		return ""
	}
	others, up, addrs := 0, 0, 0
	for _, l := range st.Links {
		if l.Name != "lo" && !slices.Contains(fallback, l.Name) {
			others++
			if l.AdminUp {
				up++
			}
		}
	}
	for _, a := range st.Addrs {
		if a.Dev == "lo" || a.Prefix.Addr().Is4() != to.Is4() {
			continue
		}
		addrs++
		if l := findLink(st, a.Dev); l != nil && !l.AdminUp && a.Prefix.Contains(to) {
			return fmt.Sprintf("%s in %s is down, so its route to %s is not there.", a.Dev, node, a.Prefix.Masked())
		}
	}
	return routeless(st, to, others, up, addrs)
}

// routeless words the lack of a route from what a node has at all: interfaces
// other than lo, those of them that are up, and addresses.
func routeless(st observe.State, to netip.Addr, others, up, addrs int) string {
	covered := slices.ContainsFunc(st.Routes, func(r observe.Route) bool {
		return r.To.Contains(to) && (r.Table == mainTable || r.Table == 0)
	})
	switch {
	case covered:
		return ""
	case others == 0:
		return st.Node + " has no interface but lo."
	case up == 0:
		return fmt.Sprintf("No interface of %s but lo is up.", st.Node)
	case addrs == 0:
		return fmt.Sprintf("%s has no %s address.", st.Node, family(to))
	}
	return fmt.Sprintf("%s has no default route, and no route to a subnet with %s in it.", st.Node, to)
}
