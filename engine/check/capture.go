package check

import (
	"context"
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
		s += orElse(during(c.During.Purpose), " during the test "+trafficSubject(*c.During))
	}
	return s
}

// during says when, by what somebody does; "" if that is not known.
func during(purpose string) string {
	if purpose == "" {
		return ""
	}
	return " while " + purpose
}

// judgeCapture evaluates a capture; equal ones are evaluated once.
func judgeCapture(ctx context.Context, r *run, s scope, c engine.CaptureCheck) verdict {
	return remember(&r.asked, c, func() verdict {
		st, bad := s.facts.node(c.Node, observe.Links)
		if bad != nil {
			return *bad
		}
		if c.Dev != "" && c.Dev != "any" && findLink(st, c.Dev) == nil {
			return noInterface(st, c.Dev)
		}
		return r.watch(ctx, c)
	})
}

// watch captures while the traffic is sent. The traffic must end as expected
// if the author says how; otherwise its end does not matter.
func (r *run) watch(ctx context.Context, c engine.CaptureCheck) verdict {
	if c.During == nil {
		return broken("capture.no-traffic", args{})
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
		return erred(a.err, c.During.From, "traffic.unable", args{Attempt: trafficSubject(*c.During)})
	case err != nil:
		return erred(err, c.Node, "capture.unable", args{Node: c.Node, Device: c.Dev})
	case a.out.Ended == "":
		return broken("capture.not-sent", args{Node: c.Node, Device: c.Dev})
	}
	if c.During.Expect != "" {
		if v := r.judge(*c.During, a); v.State != engine.Pass {
			v.Want = describeTraffic(*c.During)
			return v
		}
	}
	if len(seen) > 0 {
		v := passIf(c.Sees, "capture.seen", args{Count: len(seen), Value: seen[0]})
		return v.about(flow(*c.During), "")
	}
	if !c.Sees {
		return pass("capture.none", args{})
	}
	v := r.unseen(c, a.out).about(flow(*c.During), a.out.Ended)
	v.adds = true
	return v
}

// unseen fails for packets that a capture did not see, and says why they cannot come by it
// where that takes no autopsy.
func (r *run) unseen(c engine.CaptureCheck, out probe.Outcome) verdict {
	to, err := netip.ParseAddr(orElse(out.Address, c.During.To))
	sc := r.scene()
	if err != nil || sc == nil {
		return fail("capture.none", args{})
	}
	to = to.Unmap()
	if !sc.holds(c.During.From, to) || sc.redirects(c.During.From) {
		return fail("capture.none", args{})
	}
	return fail("capture.own-address", args{Address: to.String(), Node: c.During.From})
}
