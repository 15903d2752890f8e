package undo

import (
	"bytes"
	"hash/fnv"
	"regexp"
	"slices"
	"strings"

	"underlay/engine"
)

// CompareBuilds says what differs between two builds of one lab, as Compare does,
// apart from what the kernel draws anew each time: the MACs of interfaces that
// the lab gives none, the IPv6 addresses that are made of these, the seeds of ipsets,
// and from what a cluster makes of its objects.
func CompareBuilds(lab *engine.Lab, a, b *State) []engine.Change {
	t := &lab.Topology
	return Compare(a.underCluster(lab).undrawn(t), b.underCluster(lab).undrawn(t))
}

// undrawn is the state with each drawn MAC replaced by one that is made of the
// names of its node and interface, wherever it stands.
func (s *State) undrawn(t *engine.Topology) *State {
	given := givenMACs(t)
	drawn := func(l *link) bool {
		return len(l.mac) == 6 && !bytes.Equal(l.mac, make([]byte, 6)) && !given[macText(l.mac)]
	}
	var all []swap
	for _, n := range s.nodes {
		for _, l := range n.links {
			if drawn(&l) && l.kind != "bridge" { // a bridge has the MAC of one of its ports
				all = append(all, swap{l.mac, named(n.name, l.name)})
			}
		}
	}
	out := *s
	out.nodes = slices.Clone(s.nodes)
	for i := range out.nodes {
		n := &out.nodes[i]
		n.links, n.things, n.ipsets = slices.Clone(n.links), slices.Clone(n.things), slices.Clone(n.ipsets)
		own := map[string]swap{}
		for k := range n.links {
			if l := &n.links[k]; drawn(l) {
				own[l.name] = swap{l.mac, named(n.name, l.name)}
				l.mac = own[l.name].stands
			}
		}
		// Which of its ports gave a bridge its MAC decides about its entries for these.
		n.things = slices.DeleteFunc(n.things, func(th thing) bool { return th.kind == kindFDB && th.own })
		for k := range n.things {
			n.things[k].swap(append([]swap{own[n.things[k].dev]}, all...))
		}
		for k := range n.ipsets {
			n.ipsets[k].create = ipsetSeed.ReplaceAllString(n.ipsets[k].create, "")
		}
	}
	return &out
}

var ipsetSeed = regexp.MustCompile(` initval 0x[0-9a-f]+`)

// givenMACs are those that the lab's author has chosen.
func givenMACs(t *engine.Topology) map[string]bool {
	given := map[string]bool{}
	for _, i := range t.Interfaces() {
		given[strings.ToLower(*i.MAC)] = true
	}
	return given
}

// swap is a drawn MAC and what stands for it.
type swap struct{ drawn, stands []byte }

// named is a MAC made of names; its first byte says that it is local.
func named(node, dev string) []byte {
	h := fnv.New64a()
	h.Write([]byte(node + "/" + dev)) //nolint:errcheck // a hash never fails
	return append([]byte{2}, h.Sum(nil)[:5]...)
}

// swap replaces MACs in a thing, its own device's first.
func (t *thing) swap(swaps []swap) {
	for _, s := range swaps {
		if s.drawn == nil {
			continue
		}
		t.body = bytes.ReplaceAll(t.body, s.drawn, s.stands)
		t.body = bytes.ReplaceAll(t.body, eui64(s.drawn), eui64(s.stands))
		for _, text := range []*string{&t.text, &t.key} {
			*text = strings.ReplaceAll(*text, macText(s.drawn), macText(s.stands))
			*text = strings.ReplaceAll(*text, linkLocal(s.drawn), linkLocal(s.stands))
		}
	}
}

// eui64 is the second half of an IPv6 address that is made of a MAC.
func eui64(mac []byte) []byte {
	return []byte{mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]}
}

func linkLocal(mac []byte) string {
	return addrText(append([]byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0}, eui64(mac)...))
}
