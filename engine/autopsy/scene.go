package autopsy

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"underlay/engine/internal/nl"
	"underlay/engine/observe"
)

// facets are what explanations draw on.
const (
	facetsBefore = observe.Links | observe.Addrs | observe.Routes | observe.Rules | observe.Neighs |
		observe.FDB | observe.Sockets | observe.Firewall
	facetsAfter = observe.Neighs | observe.FDB | observe.Firewall
)

// scene is the lab's state around the attempt, asked for what the packets
// themselves do not tell.
type scene struct {
	instance Instance
	before   map[string]*observe.State
	after    map[string]*observe.State // its rules and neighbours only if the attempt failed
}

// take reads the state of all nodes. What could not be read of one is as if it
// was not there: what it would have explained is then not determined.
func take(p Instance, what observe.Facet) (map[string]*observe.State, error) {
	states, err := p.Reader.Snapshot(nil, what, nil)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*observe.State, len(states))
	for i := range states {
		out[states[i].Node] = &states[i]
	}
	return out, nil
}

// count adds to states what the kernel counted in their nodes, a few at a time for as long as
// ctx lasts. What could not be read explains nothing.
func (s *scene) count(ctx context.Context, states map[string]*observe.State) {
	const few = 4
	for names := range slices.Chunk(slices.Collect(maps.Keys(states)), few) {
		if ctx.Err() != nil {
			return
		}
		got, err := s.instance.Reader.Snapshot(names, observe.Counters, nil)
		if err != nil {
			return
		}
		for i := range got {
			st := states[got[i].Node]
			st.Qdiscs, st.Counters = got[i].Qdiscs, got[i].Counters
		}
	}
}

// groups are the multicast groups that a node's devices have joined.
func (s *scene) groups(node string) []observe.Group {
	got, err := s.instance.Reader.Snapshot([]string{node}, observe.Groups, nil)
	if err != nil {
		return nil
	}
	return got[0].Groups
}

// vlans are the VLANs of a node's bridges and their ports.
func (s *scene) vlans(node string) []observe.PortVLAN {
	got, err := s.instance.Reader.Snapshot([]string{node}, observe.VLANs, nil)
	if err != nil {
		return nil
	}
	return got[0].VLANs
}

func (s *scene) node(name string) (observe.Node, bool) {
	i := slices.IndexFunc(s.instance.Nodes, func(n observe.Node) bool { return n.Name == name })
	if i < 0 {
		return observe.Node{}, false
	}
	return s.instance.Nodes[i], true
}

// link returns a device by its name, nil if there is none.
func (s *scene) link(node, name string) *observe.Link {
	return s.linkWhere(node, func(l *observe.Link) bool { return l.Name == name })
}

func (s *scene) linkAt(node string, index int) *observe.Link {
	return s.linkWhere(node, func(l *observe.Link) bool { return l.Index == index })
}

func (s *scene) linkWhere(node string, is func(*observe.Link) bool) *observe.Link {
	st := s.before[node]
	if st == nil {
		return nil
	}
	for i := range st.Links {
		if is(&st.Links[i]) {
			return &st.Links[i]
		}
	}
	return nil
}

func (s *scene) nameOf(node string, index int) string {
	if l := s.linkAt(node, index); l != nil {
		return l.Name
	}
	return ""
}

// device is a device of a node.
type device struct{ node, dev string }

// peer returns the other end of a veth, nil if no known node has it.
func (s *scene) peer(l *observe.Link) (*observe.Link, string) {
	if l == nil || l.PeerNode == "" || l.PeerName == "" {
		return nil, ""
	}
	return s.link(l.PeerNode, l.PeerName), l.PeerNode
}

// holders are the devices that have an address, by node name.
func (s *scene) holders(a netip.Addr) (out []device) {
	for name, st := range s.before {
		for _, have := range st.Addrs {
			if have.Prefix.Addr() == a {
				out = append(out, device{name, have.Dev})
			}
		}
	}
	slices.SortFunc(out, func(a, b device) int { return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.dev, b.dev)) })
	return out
}

// has reports whether a node has an address.
func (s *scene) has(node string, a netip.Addr) bool {
	return a.IsLoopback() || slices.ContainsFunc(s.holders(a), func(d device) bool { return d.node == node })
}

// addressed reports whether a device has an address of its own.
func (s *scene) addressed(node, dev string) bool {
	st := s.before[node]
	return st != nil && slices.ContainsFunc(st.Addrs, func(a observe.Addr) bool {
		return a.Dev == dev && !a.Prefix.Addr().IsLinkLocalUnicast()
	})
}

// macHolders are the devices that have a MAC address.
func (s *scene) macHolders(mac string) (out []device) {
	for name, st := range s.before {
		for i := range st.Links {
			if st.Links[i].MAC == mac && st.Links[i].Kind != "loopback" {
				out = append(out, device{name, st.Links[i].Name})
			}
		}
	}
	slices.SortFunc(out, func(a, b device) int { return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.dev, b.dev)) })
	return out
}

// neigh returns a neighbour entry as it was after the attempt, nil if none.
func (s *scene) neigh(node, dev string, a netip.Addr) *observe.Neigh {
	for _, states := range []map[string]*observe.State{s.after, s.before} {
		st := states[node]
		if st == nil {
			continue
		}
		for i := range st.Neighs {
			if st.Neighs[i].Dev == dev && st.Neighs[i].Addr == a {
				return &st.Neighs[i]
			}
		}
	}
	return nil
}

// sysctls reads kernel settings of a node now.
func (s *scene) sysctls(node string, names ...string) map[string]string {
	states, err := s.instance.Reader.Snapshot([]string{node}, observe.Sysctls, names)
	if err != nil || len(states) != 1 {
		return nil
	}
	return states[0].Sysctls
}

// decide asks a node's kernel where a packet would go; ok is false if it cannot say.
func (s *scene) decide(node string, q observe.RouteQuery) (d observe.RouteDecision, ok bool) {
	n, known := s.node(node)
	if !known || !q.To.IsValid() {
		return d, false
	}
	if q.IIF != "" && s.link(node, q.IIF) == nil {
		return d, false
	}
	d, err := observe.Decide(n, q)
	return d, err == nil
}

// rule returns the rule that a trace names, nil if it is not there.
func (s *scene) rule(e *event) *observe.FirewallRule {
	st := s.before[e.node]
	if st == nil {
		return nil
	}
	family := nl.TableFamily(e.family)
	for i := range st.Firewall {
		r := &st.Firewall[i]
		if r.Family != family || r.Table != e.table || r.Chain != e.chain {
			continue
		}
		if e.handle != 0 && r.Handle == e.handle || e.handle == 0 && r.Policy {
			return r
		}
	}
	return nil
}

// Which rules hits looks at.
const (
	onlyLegacy = true
	anyBackend = false
)

// hits are the rules and policies at a hook that counted packets during the attempt
// and do one of these. Rules of nft count only where they are told to.
func (s *scene) hits(node, hook string, legacy bool, does ...string) (out []observe.FirewallRule) {
	before, after := s.before[node], s.after[node]
	if before == nil || after == nil || len(before.Firewall) != len(after.Firewall) {
		return nil
	}
	for i, r := range after.Firewall {
		was := before.Firewall[i]
		if legacy && r.Backend != observe.BackendIptablesLegacy || was.Text != r.Text || was.Chain != r.Chain || was.Table != r.Table {
			continue
		}
		if r.Packets > was.Packets && slices.Contains(does, r.Does) && slices.Contains(strings.Split(r.Hook, ","), hook) {
			out = append(out, r)
		}
	}
	return out
}
