package check

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// unchanged in DNAT.To stands for a destination that nobody has rewritten.
const unchanged = "none"

func dnatWords(d engine.DNAT) string {
	if slices.Contains(d.To, unchanged) {
		return d.Node + " leaves the destination as it is"
	}
	return d.Node + " rewrites the destination to " + strings.Join(d.To, " or ")
}

// tracked makes an attempt and looks at what connection tracking made of it.
func (r *run) tracked(ctx context.Context, c engine.TrafficCheck) verdict {
	var a attempt
	flows, err := r.w.Flows(ctx, c.DNAT.Node, func(ctx context.Context) error {
		a = r.attempt(ctx, c)
		return nil
	})
	if err != nil {
		return erred(err, c.DNAT.Node, "traffic.unable", args{Attempt: trafficSubject(c)})
	}
	v := r.judge(c, a)
	if v.State != engine.Pass {
		return v
	}
	if wrong := r.destined(c, a.out, flows); wrong.State == engine.Fail {
		return wrong.about(flow(c), a.out.Ended)
	}
	return v
}

// destined fails for an attempt whose connection leads elsewhere than it should; it is no
// verdict if all is well. What is not tracked was not rewritten.
func (r *run) destined(c engine.TrafficCheck, out probe.Outcome, flows []observe.Flow) verdict {
	f, found := began(c, out, flows)
	to := endpoint(f.Reply.Src.String(), f.Reply.SPort)
	rewritten := found && (f.Reply.Src != f.Orig.Dst || f.Reply.SPort != f.Orig.DPort)
	a := args{Node: c.DNAT.Node}
	switch {
	case slices.Contains(c.DNAT.To, unchanged):
		if !rewritten {
			return verdict{}
		}
		a.Attempt, a.Value = c.From+" → "+trafficTarget(c), to
		return fail("traffic.dnat.rewritten", a)
	case !found:
		return fail("traffic.dnat.untracked", a)
	case slices.ContainsFunc(c.DNAT.To, func(p string) bool { return within(f.Reply.Src, p) }):
		return verdict{}
	case !rewritten:
		a.Address = f.Orig.Dst.String()
		return fail("traffic.dnat.kept", a)
	}
	a.Value = to
	if r.scene().holds(c.DNAT.Node, f.Reply.Src) {
		a.Address, a.At = f.Reply.Src.String(), c.DNAT.Node
	}
	return fail("traffic.dnat.other", a)
}

// began returns the flow that an attempt has begun. An echo request is known by where it
// goes alone: rules do not look at its identifier.
func began(c engine.TrafficCheck, out probe.Outcome, flows []observe.Flow) (observe.Flow, bool) {
	req := request(c)
	transport := req.Proto
	if transport == "http" {
		transport = "tcp"
	}
	to, err := netip.ParseAddr(out.Address)
	i := slices.IndexFunc(flows, func(f observe.Flow) bool {
		return f.Proto == transport && f.Orig.Dst == to &&
			(transport == "icmp" || f.Orig.SPort == out.SPort && f.Orig.DPort == req.Port)
	})
	if err != nil || i < 0 {
		return observe.Flow{}, false
	}
	return flows[i], true
}

// within reports whether an address is the one that is written, or in that network.
func within(a netip.Addr, written string) bool {
	if p, err := netip.ParsePrefix(written); err == nil {
		return p.Contains(a)
	}
	return sameAddr(a.String(), written)
}
