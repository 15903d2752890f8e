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

// walk follows a packet that did not make it from node to node.
type walk struct {
	*run
	scene  scene
	check  engine.TrafficCheck
	ended  engine.Expect
	called netip.Addr // whom the sender called
	// watched is where the packet was to be seen, nil if it was to be answered.
	watched *holder

	to      netip.Addr // whom the packet is addressed to by now
	port    int
	passed  []string // nodes gone through, the first is where it came from
	leg     []string // those gone through with this destination
	suspect string   // what on the way may have stopped it
}

// newWalk returns a walk that has not begun, nil if nothing can be found out.
func (r *run) newWalk(c engine.TrafficCheck, out probe.Outcome) *walk {
	to, err := netip.ParseAddr(orElse(out.Address, c.To))
	sc := r.scene()
	if err != nil || sc == nil {
		return nil
	}
	return &walk{run: r, scene: sc, check: c, ended: out.Ended, called: to.Unmap(), to: to.Unmap(), port: request(c).Port}
}

func (w *walk) follow(ctx context.Context) string {
	here := w.check.From
	for range maxHops {
		w.passed = append(w.passed, here)
		why, known := w.enter(ctx, here)
		if why != "" || !known {
			return orElse(why, w.suspect)
		}
		if w.holds(here) {
			return orElse(w.arrival(ctx, here), w.suspect)
		}
		watched := w.watched != nil && w.watched.node == here
		if watched && !w.leavesBy(ctx, here, w.watched.dev) {
			return w.suspect
		}
		if why := w.forward(here); why != "" {
			return why
		}
		why, next := w.hop(ctx, here)
		if why != "" || next == "" || watched {
			return orElse(why, w.suspect)
		}
		w.leg = append(w.leg, here)
		here = next
	}
	return w.suspect
}

// enter follows the packet through the first rules that a node has for it, and
// reports whether it is known what they do.
func (w *walk) enter(ctx context.Context, here string) (why string, known bool) {
	if len(w.passed) > 1 {
		return "", w.translate(here, "prerouting")
	}
	if !w.holds(here) { // the route is looked up before the output rules are asked
		if why, _ := w.hop(ctx, here); why != "" {
			return why, true
		}
	}
	w.suspicion(w.stops(here, "output"))
	return "", w.translate(here, "output")
}

// forward says what keeps a node from passing the packet on.
func (w *walk) forward(here string) string {
	if len(w.passed) == 1 {
		return ""
	}
	if setting := w.scene.forwardingOff(here, w.to); setting != "" {
		return fmt.Sprintf("%s is 0 in %s, so %s does not forward.", setting, here, here)
	}
	w.suspicion(w.stops(here, "forward"))
	if slices.Contains(w.leg, here) {
		return fmt.Sprintf("%s and %s send packets for %s to each other.", w.leg[len(w.leg)-1], here, w.to)
	}
	return ""
}

func (w *walk) suspicion(s string) { w.suspect = orElse(w.suspect, s) }

// does is what a rule does to packets that end as this one did.
func (w *walk) does() string {
	if w.ended == engine.Timeout {
		return "drop"
	}
	return "reject"
}

func (w *walk) stops(node, hook string) string { return w.scene.stops(node, hook, w.does(), w.to) }

// holds reports whether the packet is addressed to this node.
func (w *walk) holds(node string) bool {
	return w.to.IsLoopback() ||
		slices.ContainsFunc(w.scene.holders(w.to), func(h holder) bool { return h.node == node })
}

func (w *walk) leavesBy(ctx context.Context, here, dev string) bool {
	d := w.routeGet(ctx, here, w.to.String(), "")
	return d.err == nil && (d.Unreachable || d.Dev == dev)
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
	from := holder{here, d.Dev}
	if w.scene.unanswered(here, d.Dev, gate) {
		return w.explainSilence(from, gate), ""
	}
	to, ok := w.scene.holder(gate)
	if !ok {
		return "", ""
	}
	if why := w.scene.isolated(from, to); why != "" {
		return why, ""
	}
	w.suspicion(w.scene.stopsFrames(from, to, w.does()))
	w.suspicion(w.scene.stopsBridged(from, to, w.does(), w.to))
	return "", to.node
}

// arrival says what goes wrong at the node that has the address.
func (w *walk) arrival(ctx context.Context, here string) string {
	switch {
	case w.watched != nil:
		return ""
	case w.ended == engine.Refused:
		return w.deaf(here)
	case w.ended == engine.Unreachable:
		return w.stops(here, "input")
	case w.ended == engine.Timeout:
		why := orElse(w.noWayBack(ctx, here), w.stops(here, "input"))
		w.suspicion(w.stops(here, "output"))
		w.suspicion(w.stops(w.check.From, "input"))
		return why
	}
	return ""
}

// deaf says that no server takes the connection.
func (w *walk) deaf(here string) string {
	kind := w.proto()
	st, ok := w.scene.known(here, observe.Sockets)
	if !ok || kind == "icmp" {
		return ""
	}
	var bound []string
	for _, s := range st.Sockets {
		if s.Proto != kind || s.Port != w.port {
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
		return fmt.Sprintf("In %s the server on port %d is bound to %s only.", here, w.port, list(bound))
	}
	return fmt.Sprintf("Nothing in %s %s port %d.", here, socketWords(kind), w.port)
}

// noWayBack says that answers have no route, if nothing on the way can have
// rewritten the address that they go to.
func (w *walk) noWayBack(ctx context.Context, here string) string {
	if here == w.check.From || slices.ContainsFunc(w.passed, w.scene.masks) {
		return ""
	}
	d := w.routeGet(ctx, w.check.From, w.called.String(), "")
	if d.err != nil || d.Src == "" {
		return ""
	}
	if back := w.routeGet(ctx, here, d.Src, ""); back.err == nil && back.Unreachable {
		return fmt.Sprintf("The way back is missing: %s has no route to %s.", here, d.Src)
	}
	return ""
}
