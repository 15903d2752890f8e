package check

import (
	"fmt"
	"net/netip"

	"underlay/engine"
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
