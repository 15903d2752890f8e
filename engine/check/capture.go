package check

import (
	"context"
	"fmt"
	"net/netip"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

var captureKind = spec[engine.CaptureCheck]{
	of:       func(c *engine.Check) *engine.CaptureCheck { return c.Capture },
	needs:    func(n *needs, c engine.CaptureCheck) { n.read(c.Node, observe.Links) },
	judge:    judgeCapture,
	describe: describeCapture,
}.kind()

func describeCapture(c engine.CaptureCheck) string {
	packets := "packets"
	if !c.Sees {
		packets = "no packets"
	}
	s := packets + matching(c.Filter) + " are seen on " + on(c.Dev, c.Node)
	if c.During != nil {
		s += " while " + trafficSubject(*c.During) + " is tried"
	}
	return s
}

// judgeCapture evaluates a capture; equal ones are evaluated once.
func judgeCapture(ctx context.Context, r *run, s scope, c engine.CaptureCheck) verdict {
	return remember(&r.asked, c, func() verdict {
		st, bad := s.facts.node(c.Node, observe.Links)
		if bad != nil {
			return *bad
		}
		if c.Dev != "" && c.Dev != "any" && findLink(st, c.Dev) == nil {
			return failed(fmt.Sprintf("%s has no interface %s", c.Node, c.Dev), haveLinks(st))
		}
		return r.watch(ctx, c)
	})
}

// watch captures while the traffic is sent. The traffic must end as expected
// if the author says how; otherwise its end does not matter.
func (r *run) watch(ctx context.Context, c engine.CaptureCheck) verdict {
	if c.During == nil {
		return brokenf("This check says of no traffic that it is to be watched.")
	}
	var a attempt
	r.wire.Lock()
	seen, err := r.w.Capture(ctx, c.Node, c.Dev, c.Filter, func(ctx context.Context) error {
		a.out, a.err = r.w.Probe(ctx, request(*c.During))
		return a.err
	})
	r.wire.Unlock()
	switch {
	case a.err != nil:
		return erred(a.err, c.During.From, "try "+trafficSubject(*c.During))
	case err != nil:
		return erred(err, c.Node, "watch "+on(c.Dev, c.Node))
	case a.out.Ended == "":
		return brokenf("No traffic was sent while %s was watched.", on(c.Dev, c.Node))
	}
	if c.During.Expect != "" {
		if v := r.judge(*c.During, a); v.State != engine.Pass {
			v.Want = describeTraffic(*c.During)
			return v
		}
	}
	got := "no such packet was seen"
	if len(seen) > 0 {
		got = fmt.Sprintf("%s seen: %s", count(len(seen), "packet", "packets"), seen[0])
	}
	switch {
	case (len(seen) > 0) == c.Sees:
		return passed(got)
	case c.Sees:
		v := failed(got, r.explainUnseen(c, a.out)).about(flow(*c.During), a.out.Ended)
		v.adds = true
		return v
	}
	return failed(got, "").about(flow(*c.During), "")
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
