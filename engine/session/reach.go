package session

import (
	"slices"

	"underlay/engine"
	"underlay/engine/internal/phrase"
	"underlay/engine/observe"
)

// untranslated is the reason of a verdict of the session's own: the packet was lost where the
// learner has no shell, because a node before, where they have one, sent it there. Nobody has
// the address, so that node had to translate it.
const untranslated engine.Reason = "untranslated"

const untranslatedText = "{node} sent the {packet} for {address} out on {out}[, to {peer_node}]: " +
	"no rule in {node} translated that address, and no node has it"

// inReach is the verdict of an autopsy as it is told to a learner: about a node that they can
// reach, where that let the packet go on. In a cluster pods may have the address that are no
// nodes of the lab.
func (s *Session) inReach(p *instance, a *engine.Autopsy, v engine.Verdict) engine.Verdict {
	if s.lab.Cluster != nil || !s.outOfReach(v.Node) || v.Direction != engine.DirectionRequest && v.Direction != engine.DirectionARP {
		return v
	}
	hops := slices.DeleteFunc(slices.Clone(a.Hops), func(h engine.Hop) bool { return h.Direction != engine.DirectionRequest })
	last := -1
	for i, h := range hops {
		if h.Out != "" && s.lab.Topology.Node(h.Node) != nil && !s.outOfReach(h.Node) {
			last = i
		}
	}
	if last < 0 || leaving(hops[last]) != a.Address || a.Address == "" || s.held(p, a.Address) {
		return v
	}
	h := hops[last]
	args := engine.VerdictArgs{Node: h.Node, Packet: "packet", Address: a.Address, Out: h.Out}
	if last+1 < len(hops) {
		args.PeerNode = hops[last+1].Node
	}
	return engine.Verdict{
		Node: h.Node, Object: h.Out, Reason: untranslated, Direction: engine.DirectionRequest,
		Code: string(untranslated), Args: args, Text: phrase.Render(untranslatedText, args),
	}
}

// outOfReach reports whether a node of the lab has no shell.
func (s *Session) outOfReach(node string) bool {
	n := s.lab.Topology.Node(node)
	return n != nil && !n.Shell
}

// leaving is the destination with which a packet left a node.
func leaving(h engine.Hop) string {
	to := h.Header.Dst
	for _, d := range h.Decisions {
		if d.After != nil {
			to = d.After.Dst
		}
	}
	return to
}

// held reports whether a node has an address. Where that cannot be read, one may.
func (s *Session) held(p *instance, addr string) bool {
	states, err := p.reader.Snapshot(nil, observe.Addrs, nil)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(states, func(st observe.State) bool {
		return slices.ContainsFunc(st.Addrs, func(a observe.Addr) bool { return a.Prefix.Addr().String() == addr })
	})
}
