package autopsy

import (
	"slices"
	"strings"

	"underlay/engine/observe"
)

// atDevice explains a packet that was to leave by a device and was not seen on it: a filter
// on its way out, or its queue.
func (c *examination) atDevice(f *flight, node string, l *observe.Link) (Verdict, bool) {
	before, after := c.before[node], c.after[node]
	if before == nil || after == nil {
		return none, false
	}
	if hit := onlyHit(before, after, "egress"); hit != nil {
		return c.ruleVerdict(f, node, "egress", hit, 0, l.Index), true
	}
	return c.counting(f, node, l, false)
}

// onlyHit is the one rule of nft at a device's own hook that dropped packets during the
// attempt, nil if there is none or more than one.
func onlyHit(before, after *observe.State, hook string) (hit *observe.FirewallRule) {
	if len(before.Firewall) != len(after.Firewall) {
		return nil
	}
	for i := range after.Firewall {
		r := &after.Firewall[i]
		if r.Does != "drop" || !strings.Contains(r.Hook, hook) || r.Packets <= before.Firewall[i].Packets {
			continue
		}
		if hit != nil {
			return nil
		}
		hit = r
	}
	return hit
}

// counting finds the qdisc of a device that dropped packets during the attempt, or still
// holds some: one for packets that come in, or for those that go out.
func (c *examination) counting(f *flight, node string, l *observe.Link, incoming bool) (Verdict, bool) {
	before, after := c.before[node], c.after[node]
	if before == nil || after == nil {
		return none, false
	}
	for _, q := range after.Qdiscs {
		if q.Dev != l.Name || (q.Kind == "ingress") != incoming && q.Kind != "clsact" {
			continue
		}
		var was observe.Qdisc
		if i := slices.IndexFunc(before.Qdiscs, func(o observe.Qdisc) bool {
			return o.Dev == q.Dev && o.Kind == q.Kind && o.Parent == q.Parent
		}); i >= 0 {
			was = before.Qdiscs[i]
		}
		at := spot{node, "qdisc " + q.Kind + " on " + l.Name, f.dir}
		a := args{Device: l.Name, Kind: q.Kind, Packet: packetWord(f)}
		switch {
		case q.Dropped > was.Dropped:
			a.Count = int(q.Dropped - was.Dropped)
			return say("queue.dropped", at, a), true
		case q.Queued > 0:
			a.Count = int(q.Queued)
			return say("queue.waiting", at, a), true
		}
	}
	return none, false
}
