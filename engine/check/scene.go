package check

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"underlay/engine/observe"
)

// sceneFacets are what an explanation may draw on.
const sceneFacets = observe.Links | observe.Addrs | observe.Routes | observe.Neighs |
	observe.Sysctls | observe.Sockets | observe.Firewall

const (
	forward4 = "net.ipv4.ip_forward"
	forward6 = "net.ipv6.conf.all.forwarding"
	callIP   = "net.bridge.bridge-nf-call-iptables"
)

// scene is all nodes as they are after traffic has failed. Explanations are
// drawn from it; what it does not hold is not explained.
type scene map[string]observe.State

// survey reads the scene, nil if that fails: a check that has failed has done
// so whether it can be explained or not.
func (r *run) survey(ctx context.Context) scene {
	states, err := r.w.Snapshot(ctx, nil, sceneFacets, []string{forward4, forward6, callIP})
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

func (s scene) link(node, name string) *observe.Link {
	st, ok := s.known(node, observe.Links)
	if !ok {
		return nil
	}
	return findLink(st, name)
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

// unanswered reports whether a node has asked for a neighbour on a device in
// vain, so far or for good.
func (s scene) unanswered(node, dev string, a netip.Addr) bool {
	st, ok := s.known(node, observe.Neighs)
	if !ok {
		return false
	}
	return slices.ContainsFunc(st.Neighs, func(n observe.Neigh) bool {
		return n.Dev == dev && n.Addr == a && (n.State == "failed" || n.State == "incomplete")
	})
}

// has reports whether a node has a rule that does one of these at one of these
// hooks. unknown stands for what is not known: it is returned in its place.
func (s scene) has(node string, unknown bool, does []string, at ...string) bool {
	st, ok := s.known(node, observe.Firewall)
	if !ok {
		return unknown
	}
	return slices.ContainsFunc(st.Firewall, func(r observe.FirewallRule) bool {
		return !r.Policy && slices.Contains(does, r.Does) &&
			slices.ContainsFunc(at, func(hook string) bool { return atHooks(r, hook) })
	})
}

// masks reports whether a node may rewrite source addresses.
func (s scene) masks(node string) bool {
	return s.has(node, true, []string{"snat", "masquerade"}, "postrouting", "input")
}

// stops says how a node's filter may drop or reject packets of an address's
// family at a hook, "" if it is not known to.
func (s scene) stops(node, hook, does string, a netip.Addr) string {
	st, ok := s.known(node, observe.Firewall)
	if !ok {
		return ""
	}
	rule := ""
	for _, r := range st.Firewall {
		if r.Does != does || r.Type == "nat" || !atHooks(r, hook) || !carries(r.Family, a) {
			continue
		}
		if r.Policy {
			return fmt.Sprintf("The %s policy of %s is %s.", hook, node, does)
		}
		rule = fmt.Sprintf("%s has %s rule at %s.", node, article(does), hook)
	}
	return rule
}

// carries reports whether packets to an address meet the rules of a family.
func carries(family string, a netip.Addr) bool {
	switch family {
	case "", "inet":
		return true
	case "ip":
		return a.Is4()
	}
	return family == "ip6" && a.Is6()
}

// forwardingOff names the setting that keeps a node from forwarding, "" if none
// is known to.
func (s scene) forwardingOff(node string, a netip.Addr) string {
	st, ok := s.known(node, observe.Sysctls)
	if !ok {
		return ""
	}
	name := forward4
	if a.Is6() {
		name = forward6
	}
	if st.Sysctls[name] == "0" {
		return name
	}
	return ""
}
