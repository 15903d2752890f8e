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

// maxHops bounds how far a packet is followed.
const maxHops = 8

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
	to, err := netip.ParseAddr(orElse(out.Address, c.To))
	if err != nil {
		return ""
	}
	w := walk{run: r, scene: r.scene(), check: c, ended: out.Ended, to: to.Unmap()}
	if w.scene == nil {
		return ""
	}
	return w.follow(ctx)
}

// walk follows a packet that did not make it from node to node.
type walk struct {
	*run
	scene  scene
	check  engine.TrafficCheck
	ended  engine.Expect
	to     netip.Addr
	passed []string // nodes gone through, the first is where it came from
}

func (w *walk) follow(ctx context.Context) string {
	here, dropper := w.check.From, ""
	for range maxHops {
		w.passed = append(w.passed, here)
		if h, ok := w.scene.holder(w.to); ok && h.node == here {
			return orElse(w.arrival(ctx, here), dropper)
		}
		if len(w.passed) > 1 && w.redirected(here) {
			return dropper // where it goes from here is another address's matter
		}
		why, next := w.hop(ctx, here)
		if why != "" || next == "" || w.redirected(here) {
			return orElse(why, dropper)
		}
		if h, ok := w.scene.holder(w.to); !ok || h.node != next {
			if setting := w.scene.forwardingOff(next, w.to); setting != "" {
				return fmt.Sprintf("%s is 0 in %s, so %s does not forward.", setting, next, next)
			}
			if dropper == "" && w.ended == engine.Timeout {
				dropper = w.scene.stops(next, "forward")
			}
		}
		if slices.Contains(w.passed, next) {
			return fmt.Sprintf("%s and %s send packets for %s to each other.", here, next, w.to)
		}
		here = next
	}
	return dropper
}

// redirected reports whether a node on the way may send the packet to another
// address than the one it was sent to.
func (w *walk) redirected(here string) bool {
	if here == w.check.From {
		return w.scene.redirects(here, "output")
	}
	return w.scene.redirects(here, "prerouting")
}

// hop says what keeps the packet from leaving a node, or the node it gets to.
func (w *walk) hop(ctx context.Context, here string) (why, next string) {
	d := w.routeGet(ctx, here, w.to.String(), "")
	if d.err != nil {
		return "", ""
	}
	if d.Unreachable {
		return orElse(w.explainNoRoute(here, w.to.String()), reasonWords(here, w.to, d.Reason)), ""
	}
	if l := w.scene.link(here, d.Dev); l != nil {
		if got, more := stateDiffers(w.scene.link, "up", *l); got != "" {
			return join(fmt.Sprintf("In %s %s.", here, got), " ", more), ""
		}
	}
	gate := w.to
	if d.Via != "" {
		via, err := netip.ParseAddr(d.Via)
		if err != nil {
			return "", ""
		}
		gate = via.Unmap()
	}
	if w.scene.unanswered(here, d.Dev, gate) {
		return w.explainSilence(holder{here, d.Dev}, gate), ""
	}
	h, _ := w.scene.holder(gate)
	return "", h.node
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
	if why := sc.unplugged(from, h); why != "" {
		return silence + ": " + why
	}
	return silence + "."
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
	if b := s.link(nearNode, near.Master); b != nil && !b.AdminUp {
		return fmt.Sprintf("the bridge %s is down.", on(b.Name, nearNode))
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

// arrival says what goes wrong at the node that has the address.
func (w *walk) arrival(ctx context.Context, here string) string {
	if w.redirected(here) {
		return ""
	}
	switch w.ended {
	case engine.Refused:
		return w.deaf(here)
	case engine.Timeout:
		if why := w.noWayBack(ctx, here); why != "" {
			return why
		}
		return w.scene.stops(here, "input")
	}
	return ""
}

// deaf says that no server takes the connection.
func (w *walk) deaf(here string) string {
	req := request(w.check)
	st, ok := w.scene.known(here, observe.Sockets)
	if !ok || req.Proto == "icmp" {
		return ""
	}
	kind := "tcp"
	if req.Proto == "udp" {
		kind = "udp"
	}
	var bound []string
	for _, s := range st.Sockets {
		if s.Proto != kind || s.Port != req.Port {
			continue
		}
		if s.Addr.IsUnspecified() || s.Addr.Unmap() == w.to {
			if w.scene.has(here, false, []string{"reject"}, "input", "output") {
				return fmt.Sprintf("A server is there, but %s has a reject rule.", here)
			}
			return ""
		}
		bound = append(bound, s.Addr.String())
	}
	if len(bound) > 0 {
		return fmt.Sprintf("In %s the server on port %d is bound to %s only.", here, req.Port, list(bound))
	}
	return fmt.Sprintf("Nothing in %s %s port %d.", here, socketWords(kind), req.Port)
}

// noWayBack says that answers have no route, if nothing on the way can have
// rewritten the address that they go to.
func (w *walk) noWayBack(ctx context.Context, here string) string {
	if here == w.check.From || slices.ContainsFunc(w.passed, w.scene.masks) {
		return ""
	}
	d := w.routeGet(ctx, w.check.From, w.to.String(), "")
	if d.err != nil || d.Src == "" {
		return ""
	}
	if back := w.routeGet(ctx, here, d.Src, ""); back.err == nil && back.Unreachable {
		return fmt.Sprintf("The way back is missing: %s has no route to %s.", here, d.Src)
	}
	return ""
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
