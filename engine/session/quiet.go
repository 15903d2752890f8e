package session

import (
	"context"
	"fmt"
	"hash/maphash"

	"underlay/engine/observe"
)

var quietSeed = maphash.MakeSeed()

// quietState is a fingerprint of what changes without a kernel event: sockets,
// settings, and rules made with iptables-legacy.
func (s *Session) quietState() (uint64, bool) {
	p, err := s.here()
	if err != nil {
		return 0, false
	}
	states, err := p.reader.Snapshot(nil, p.quietFacets(), s.sysctls)
	if err != nil {
		return 0, false
	}
	h := newHash()
	for i := range states {
		h.addQuiet(&states[i])
	}
	return h.Sum64(), true
}

// deepState is a fingerprint of all that decides what becomes of a packet and of
// which no event tells for sure: the quiet state, every setting that an autopsy
// may name, and what was entered by hand among what traffic teaches. It takes up
// to a millisecond a node, and less once ctx ends.
func (s *Session) deepState(ctx context.Context, p *place) (uint64, error) {
	links, err := p.reader.Snapshot(nil, observe.Links, nil)
	if err != nil {
		return 0, err
	}
	h := newHash()
	for i := range links {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		names := append(deviceSettings(&links[i]), s.sysctls...)
		states, err := p.reader.Snapshot([]string{links[i].Node}, p.quietFacets()|observe.Neighs|observe.FDB, names)
		if err != nil {
			return 0, err
		}
		h.addQuiet(&states[0])
		h.addLasting(&states[0])
	}
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

func (p *place) quietFacets() observe.Facet {
	what := observe.Sockets | observe.Sysctls
	if p.usesLegacy() {
		what |= observe.Firewall
	}
	return what
}

// hash is a fingerprint in the making.
type hash struct{ *maphash.Hash }

func newHash() hash {
	h := hash{new(maphash.Hash)}
	h.SetSeed(quietSeed)
	return h
}

func (h hash) addQuiet(st *observe.State) {
	fmt.Fprintln(h, st.Node, st.Sockets, st.Sysctls)
	for _, r := range st.Firewall {
		fmt.Fprintln(h, r.Backend, r.Table, r.Chain, r.Policy, r.Does, r.Text)
	}
}

// addLasting adds what was entered by hand.
func (h hash) addLasting(st *observe.State) {
	for _, n := range st.Neighs {
		if n.State == "permanent" {
			fmt.Fprintln(h, n)
		}
	}
	for _, e := range st.FDB {
		if e.State != "learned" {
			fmt.Fprintln(h, e)
		}
	}
}

// usesLegacy reports whether iptables-legacy has been used, and from then on has
// its rules read: an ordinary user's kernel does not say which tables there are.
func (p *place) usesLegacy() bool {
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
