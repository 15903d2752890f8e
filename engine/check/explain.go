package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// explain says why an attempt did not end as expected, from what the kernel
// holds. It returns "" rather than a guess.
func (r *run) explain(ctx context.Context, c engine.TrafficCheck, out probe.Outcome) string {
	switch want := expected(c); {
	case want == engine.OK:
		return r.explainFailure(ctx, c, out)
	case want == engine.Refused && out.Ended == engine.Timeout:
		return "A refusal is an answer that comes back; here the packet or its answer was lost or dropped."
	case want == engine.Timeout && out.Ended == engine.Refused:
		return "A refusal is an answer: the packet was turned away, not dropped."
	}
	return ""
}

func (r *run) explainFailure(ctx context.Context, c engine.TrafficCheck, out probe.Outcome) string {
	if w := r.newWalk(c, out); w != nil {
		return w.follow(ctx)
	}
	return ""
}

// explainUnseen says why the packets of an attempt did not come by a capture.
func (r *run) explainUnseen(ctx context.Context, c engine.CaptureCheck, out probe.Outcome) string {
	w := r.newWalk(*c.During, out)
	switch {
	case w == nil:
		return ""
	case w.holds(c.During.From) && !w.scene.has(c.During.From, true, []string{"dnat", "redirect"}, "output"):
		return fmt.Sprintf("%s is an address of %s itself, so the packet does not leave it.", w.to, c.During.From)
	case out.Ended == engine.OK:
		return ""
	}
	w.watched = &holder{c.Node, c.Dev}
	return w.follow(ctx)
}

func reasonWords(node string, to netip.Addr, reason string) string {
	if reason == "" {
		return fmt.Sprintf("%s has no route to %s.", node, to)
	}
	return fmt.Sprintf("%s has no way to %s: %s.", node, to, reason)
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

// explainSilence says why nobody answers ARP (or neighbour discovery) for an
// address on a device.
func (r *run) explainSilence(from holder, gate netip.Addr) string {
	sc := r.scene()
	silence := fmt.Sprintf("ARP for %s gets no answer on %s", gate, from)
	if gate.Is6() {
		silence = fmt.Sprintf("Neighbour discovery for %s gets no answer on %s", gate, from)
	}
	all := sc.holders(gate)
	if len(all) == 0 {
		return silence + ": no node has that address."
	}
	if len(all) > 1 {
		return silence + "."
	}
	h := all[0]
	if l := sc.link(h.node, h.dev); l != nil {
		if got, _ := stateDiffers(sc.link, "up", *l); got != "" {
			return fmt.Sprintf("%s: it is on %s, and %s.", silence, h, got)
		}
	}
	why := orElse(sc.unplugged(from, h), sc.isolated(from, h))
	if why != "" {
		return silence + ": " + why
	}
	return join(silence+".", " ", sc.stopsFrames(from, h, "drop"))
}

// unplugged says where the wire between two devices is not joined.
func (s scene) unplugged(from, to holder) string {
	near, nearNode := s.port(from)
	far, farNode := s.port(to)
	if near == nil {
		return ""
	}
	toLink := s.link(to.node, to.dev)
	switch {
	case nearNode == to.node && near.Name == to.dev:
		return "" // the two ends of one veth
	case toLink != nil && toLink.Kind == "bridge" && nearNode == to.node:
		if near.Master != to.dev {
			return fmt.Sprintf("%s, the other end, is not a port of %s.", on(near.Name, nearNode), to.dev)
		}
	case near.Master == "":
		return fmt.Sprintf("%s, the other end, is a port of no bridge.", on(near.Name, nearNode))
	case far != nil && farNode == nearNode && far.Master == "":
		return fmt.Sprintf("%s, the other end of %s, is a port of no bridge.", on(far.Name, farNode), to)
	case far != nil && farNode == nearNode && far.Master != near.Master:
		return fmt.Sprintf("%s is a port of %s, but %s is a port of %s.", near.Name, near.Master, far.Name, far.Master)
	}
	switch b := s.link(nearNode, near.Master); {
	case b == nil:
	case !b.AdminUp:
		return fmt.Sprintf("the bridge %s is down.", on(b.Name, nearNode))
	case !b.Carrier:
		return fmt.Sprintf("none of the ports of %s is forwarding.", on(b.Name, nearNode))
	}
	return ""
}

// port returns the other end of a veth and the node that holds it.
func (s scene) port(h holder) (*observe.Link, string) {
	l := s.link(h.node, h.dev)
	if l == nil || l.PeerNode == "" || l.PeerName == "" {
		return nil, ""
	}
	return s.link(l.PeerNode, l.PeerName), l.PeerNode
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
