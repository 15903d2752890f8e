package check

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"underlay/engine/observe"
)

// sceneFacets are what an explanation may draw on.
const sceneFacets = observe.Links | observe.Addrs | observe.Routes | observe.Firewall

// scene is all nodes as they are after traffic has failed. Explanations are
// drawn from it; what it does not hold is not explained.
type scene map[string]observe.State

// survey reads the scene, nil if that fails: a check that has failed has done
// so whether it can be explained or not.
func (r *run) survey(ctx context.Context) scene {
	states, err := r.w.Snapshot(ctx, nil, sceneFacets, nil)
	if err != nil {
		return nil
	}
	return states
}

// known returns a node's state if these facets of it were read.
func (s scene) known(node string, what observe.Facet) (observe.State, bool) {
	st, ok := s[node]
	if !ok {
		return st, false
	}
	for facet, err := range st.Errs {
		if err != nil && facet&what != 0 {
			return st, false
		}
	}
	return st, true
}

// holder is a device that has an address.
type holder struct{ node, dev string }

func (h holder) String() string { return on(h.dev, h.node) }

// holders returns the devices that have an address, in the order of node names.
func (s scene) holders(a netip.Addr) []holder {
	var out []holder
	for node, st := range s {
		for _, have := range st.Addrs {
			if have.Prefix.Addr() == a {
				out = append(out, holder{node, have.Dev})
			}
		}
	}
	slices.SortStableFunc(out, func(x, y holder) int { return cmp.Compare(x.node, y.node) })
	return out
}

// holder returns the one device that has an address, if it is just one.
func (s scene) holder(a netip.Addr) (holder, bool) {
	h := s.holders(a)
	if len(h) != 1 {
		return holder{}, false
	}
	return h[0], true
}

// holds reports whether a node has an address.
func (s scene) holds(node string, a netip.Addr) bool {
	return a.IsLoopback() || slices.ContainsFunc(s.holders(a), func(h holder) bool { return h.node == node })
}

// redirects reports whether a node may give packets of its own another
// destination. Where its rules are not known, it may.
func (s scene) redirects(node string) bool {
	st, ok := s.known(node, observe.Firewall)
	return !ok || slices.ContainsFunc(st.Firewall, func(r observe.FirewallRule) bool {
		return !r.Policy && (r.Does == "dnat" || r.Does == "redirect") && atHooks(r, "output")
	})
}
