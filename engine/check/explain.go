package check

import (
	"fmt"
	"net/netip"
	"slices"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// explain says what a way of ending tells by itself. Where the packet was lost
// an autopsy finds out, which sends it once more.
func explain(c engine.TrafficCheck, out probe.Outcome) string {
	switch want := expected(c); {
	case want == engine.Refused && out.Ended == engine.Timeout:
		return "A refusal is an answer that comes back; here the packet or its answer was lost or dropped."
	case want == engine.Timeout && out.Ended == engine.Refused:
		return "A refusal is an answer: the packet was turned away, not dropped."
	}
	return ""
}

// explainUnseen says why the packets of an attempt cannot come by a capture,
// where that takes no autopsy.
func (r *run) explainUnseen(c engine.CaptureCheck, out probe.Outcome) string {
	to, err := netip.ParseAddr(orElse(out.Address, c.During.To))
	sc := r.scene()
	if err != nil || sc == nil {
		return ""
	}
	to = to.Unmap()
	if !sc.holds(c.During.From, to) || sc.redirects(c.During.From) {
		return ""
	}
	return fmt.Sprintf("%s is an address of %s itself, so the packet does not leave it.", to, c.During.From)
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

// explainSeen says whose address the server saw.
func (r *run) explainSeen(c engine.TrafficCheck, out probe.Outcome) string {
	seen, err := netip.ParseAddr(out.SeenAs)
	sc := r.scene()
	if err != nil || sc == nil {
		return ""
	}
	h, ok := sc.holder(seen.Unmap())
	if !ok {
		return ""
	}
	if h.node == c.From {
		return fmt.Sprintf("%s is the address of %s itself: nothing on the way rewrote the source.", out.SeenAs, h)
	}
	return fmt.Sprintf("%s is the address of %s: the source was rewritten there, or a process there made the connection.", out.SeenAs, h)
}
