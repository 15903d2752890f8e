package session

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"

	"underlay/engine"
	"underlay/engine/observe"
)

var fingerprintSeed = maphash.MakeSeed()

// pollChanged looks at the polled state and reports whether it differs from what was
// seen of it before. Where it cannot be read it is as it was.
func (s *Session) pollChanged() bool {
	now, ok := s.polledState()
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.polled
	s.polled = now
	s.trying.tried = s.trying.tried || s.trying.typed && before != now
	return before != now
}

// polledState is a fingerprint of what changes without a kernel event: sockets,
// settings, rules made with iptables-legacy, and how names are resolved.
func (s *Session) polledState() (uint64, bool) {
	p, err := s.live()
	if err != nil {
		return 0, false
	}
	states, err := p.reader.Snapshot(nil, p.polledFacets(), s.sysctls)
	if err != nil {
		return 0, false
	}
	var h maphash.Hash
	h.SetSeed(fingerprintSeed)
	for i := range states {
		addPolled(&h, &states[i])
	}
	s.addNames(context.Background(), p, &h)
	return h.Sum64(), true
}

// deepState is a fingerprint of all that decides what becomes of a packet and of
// which no event tells for sure: the polled state, every setting that an autopsy
// may name, and what was entered by hand among what traffic teaches. It takes up
// to a millisecond a node, and less once ctx ends.
func (s *Session) deepState(ctx context.Context, p *instance) (uint64, error) {
	links, err := p.reader.Snapshot(nil, observe.Links, nil)
	if err != nil {
		return 0, err
	}
	var h maphash.Hash
	h.SetSeed(fingerprintSeed)
	for i := range links {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		names := append(deviceSettings(&links[i]), s.sysctls...)
		states, err := p.reader.Snapshot([]string{links[i].Node}, p.polledFacets()|observe.Neighs|observe.FDB, names)
		if err != nil {
			return 0, err
		}
		addPolled(&h, &states[0])
		addLasting(&h, &states[0])
	}
	s.addNames(ctx, p, &h)
	return h.Sum64(), nil
}

// deviceSettings are the settings of a node's devices that decide about packets.
func deviceSettings(st *observe.State) (names []string) {
	for _, l := range st.Links {
		for _, what := range []string{"forwarding", "rp_filter", "arp_ignore", "route_localnet"} {
			names = append(names, "net/ipv4/conf/"+l.Name+"/"+what)
		}
		names = append(names, "net/ipv6/conf/"+l.Name+"/forwarding")
	}
	return names
}

func (p *instance) polledFacets() observe.Facet {
	what := observe.Sockets | observe.Sysctls
	if p.usesLegacy() {
		what |= observe.Firewall
	}
	return what
}

// addPolled leaves out our own sockets, and what listing the rules of iptables-legacy
// makes: a table whose chains are empty and accept all.
func addPolled(h *maphash.Hash, st *observe.State) {
	sockets := slices.DeleteFunc(st.Sockets, func(s observe.Socket) bool { return engine.TestPort(s.Port) })
	fmt.Fprintln(h, st.Node, sockets, st.Sysctls)
	for _, r := range st.Firewall {
		if r.Backend == observe.BackendIptablesLegacy && (!r.Policy || r.Does != "accept") {
			fmt.Fprintln(h, r.Backend, r.Table, r.Chain, r.Policy, r.Does, r.Text)
		}
	}
}

// addLasting adds what was entered by hand. The kernel lists it in an order that
// changes with what it learns besides.
func addLasting(h *maphash.Hash, st *observe.State) {
	var lasting []string
	for _, n := range st.Neighs {
		if n.State == "permanent" {
			lasting = append(lasting, fmt.Sprint(n))
		}
	}
	for _, e := range st.FDB {
		if e.State != "learned" {
			lasting = append(lasting, fmt.Sprint(e))
		}
	}
	slices.Sort(lasting)
	fmt.Fprintln(h, lasting)
}

// usesLegacy reports whether iptables-legacy has been used, and from then on has
// its rules read: an ordinary user's kernel does not say which tables there are.
func (p *instance) usesLegacy() bool {
	if !p.world.UsedLegacyIptables() {
		return false
	}
	p.legacy.Do(func() {
		for _, n := range p.nodes {
			// The only error is an unknown node, and these are the reader's own.
			_ = p.reader.AssumeLegacy(n.Name, "ip", "filter", "nat")
		}
	})
	return true
}
