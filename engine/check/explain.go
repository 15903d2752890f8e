package check

import (
	"net/netip"

	"underlay/engine"
	"underlay/engine/probe"
)

// explain returns the code for an ending that tells something by itself, where another was
// expected. Where the packet was lost an autopsy finds out, which sends it once more.
func explain(c engine.TrafficCheck, out probe.Outcome, code string) string {
	switch want := expected(c); {
	case want == engine.Refused && out.Ended == engine.Timeout:
		return "traffic.lost"
	case want == engine.Timeout && out.Ended == engine.Refused:
		return "traffic.refused-not-dropped"
	}
	return code
}

// seenAs fails for the address that the server saw, and says whose it is.
func (r *run) seenAs(c engine.TrafficCheck, out probe.Outcome) verdict {
	a := args{Address: out.SeenAs}
	seen, err := netip.ParseAddr(out.SeenAs)
	sc := r.scene()
	if err != nil || sc == nil {
		return fail("traffic.seen-as", a)
	}
	h, ok := sc.holder(seen.Unmap())
	if !ok {
		return fail("traffic.seen-as", a)
	}
	a.At = h.String()
	if h.node == c.From {
		return fail("traffic.seen-as.not-rewritten", a)
	}
	return fail("traffic.seen-as.rewritten", a)
}
