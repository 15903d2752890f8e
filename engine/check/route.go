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
		return broken("route.malformed", args{Value: c.To})
	}
	d := r.routeGet(ctx, c.Node, to, c.From)
	if d.err != nil {
		return erred(d.err, c.Node, "route.unable", args{Node: c.Node, Address: to})
	}
	switch {
	case d.Unreachable && c.Expect == engine.Unreachable:
		return pass("route.none", args{Node: c.Node, Address: to})
	case d.Unreachable:
		return r.noRoute(c.Node, to)
	}
	a := args{Node: c.Node, Address: to, Gateway: d.Via, Device: d.Dev}
	return passIf(wayFits(c, d.Via, d.Dev), byGateway(d.Via, "route.via", "route.direct"), a)
}

// wayFits reports whether a route goes the way that is asked for.
func wayFits(c engine.RouteCheck, via, dev string) bool {
	return c.Expect != engine.Unreachable && wayMatches(c, via, dev)
}

// byGateway is one code for a route that has a next hop, and another for one that has none.
func byGateway(via, through, direct string) string {
	if via == "" {
		return direct
	}
	return through
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
		return passIf(c.Expect == engine.Unreachable, "route.no-default", args{Node: c.Node})
	}
	via := ""
	if best.Via.IsValid() {
		via = best.Via.String()
	}
	a := args{Node: c.Node, Gateway: via, Device: best.Dev}
	return passIf(wayFits(c, via, best.Dev), byGateway(via, "route.default.via", "route.default.direct"), a)
}

// noRoute fails for a route to an address that a node does not have, and says why.
func (r *run) noRoute(node, addr string) verdict {
	about := args{Node: node, Address: addr}
	to, err := netip.ParseAddr(addr)
	sc := r.scene()
	if err != nil || sc == nil {
		return fail("route.none", about)
	}
	st, ok := sc.known(node, observe.Links|observe.Addrs|observe.Routes)
	if !ok {
		return fail("route.none", about)
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
			about.Device, about.Value = a.Dev, a.Prefix.Masked().String()
			return fail("route.interface-down", about)
		}
	}
	code := routeless(st, to, others, up, addrs)
	if code == "route.no-address" {
		about.Kind = family(to)
	}
	return fail(code, about)
}

// routeless returns the code for the lack of a route by what a node has at all: interfaces
// other than lo, those of them that are up, and addresses.
func routeless(st observe.State, to netip.Addr, others, up, addrs int) string {
	covered := slices.ContainsFunc(st.Routes, func(r observe.Route) bool {
		return r.To.Contains(to) && (r.Table == mainTable || r.Table == 0)
	})
	switch {
	case covered:
		return "route.none"
	case others == 0:
		return "route.no-interface"
	case up == 0:
		return "route.all-down"
	case addrs == 0:
		return "route.no-address"
	}
	return "route.no-subnet"
}
