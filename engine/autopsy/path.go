package autopsy

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// maxHops bounds a path that a routing loop would make endless.
const maxHops = 32

// side reports whether a sighting is off the packet's way: a bridge that does
// not know where an address is sends a frame everywhere, and those that it is not
// for look away.
func (s *scene) side(x sighting) bool {
	l := s.linkAt(x.node, x.index)
	switch {
	case l == nil || x.carrier != nil:
		return false
	case x.outgoing:
		return false
	case l.Kind == "bridge":
		return x.others || asks(x.packet) && !s.has(x.node, x.packet.dst)
	case asks(x.packet) && l.Master == "" && !s.has(x.node, x.packet.dst):
		return s.addressed(x.node, l.Name) // it has an address of its own, and looks away
	}
	return x.others && l.Master == "" && !s.parents(x.node, l.Name, x.dst)
}

// asks reports whether a packet asks for an address, and so goes to everybody.
func asks(p *packet) bool { return p.proto == "arp" && p.kind == 1 }

// parents reports whether a device has a macvlan with this MAC address on it.
func (s *scene) parents(node, dev, mac string) bool {
	return slices.ContainsFunc(s.macHolders(mac), func(d device) bool {
		l := s.link(d.node, d.dev)
		return l.Parent == dev && l.ParentNode == node
	})
}

// way returns the sightings that lie on a packet's way, in order: without those
// that are off it, and without the ports by which it went only there.
func (s *scene) way(f *flight) (way []sighting) {
	lost := map[device]bool{} // ports of bridges that led to nobody
	for _, x := range f.sightings {
		if !s.side(x) {
			continue
		}
		if peer, node := s.peer(s.linkAt(x.node, x.index)); peer != nil {
			lost[device{node, peer.Name}] = true
		}
	}
	seen := map[passing]bool{} // what is sent again goes the same way again
	for _, x := range f.sightings {
		l := s.linkAt(x.node, x.index)
		at := passing{x.node, x.index, x.outgoing, x.packet.ttl, x.carrier != nil}
		if seen[at] {
			continue
		}
		seen[at] = true
		if s.side(x) || x.outgoing && l != nil && l.Master != "" && lost[device{x.node, l.Name}] {
			continue
		}
		way = append(way, x)
	}
	return s.straight(way)
}

// passing is a packet's passing of a device; in a loop its time to live differs.
type passing struct {
	node     string
	index    int
	outgoing bool
	ttl      int
	wrapped  bool
}

// straight leaves out what a flood copied to places that the way did not go on
// from, where it went on at all: of a frame that left by several ports those by
// which it got to a device that took it in.
func (s *scene) straight(way []sighting) []sighting {
	arrived := map[device]bool{}
	for _, x := range way {
		if !x.outgoing {
			arrived[device{x.node, s.nameOf(x.node, x.index)}] = true
		}
	}
	ports := 0
	for _, x := range way {
		if l := s.linkAt(x.node, x.index); x.outgoing && l != nil && l.Master != "" {
			ports++
		}
	}
	if ports < 2 {
		return way
	}
	return slices.DeleteFunc(slices.Clone(way), func(x sighting) bool {
		l := s.linkAt(x.node, x.index)
		if !x.outgoing || l == nil || l.Master == "" {
			return false
		}
		peer, node := s.peer(l)
		return peer != nil && !arrived[device{node, peer.Name}]
	})
}

// hops are a flight's path as it is reported.
func (s *scene) hops(f *flight, start time.Time) (out []Hop) {
	for _, x := range s.way(f) {
		name := s.nameOf(x.node, x.index)
		last := len(out) - 1
		fresh := last < 0 || out[last].Node != x.node
		if fresh && len(out) == maxHops {
			break
		}
		if fresh {
			out = append(out, Hop{
				Node: x.node, Direction: f.dir, Packet: f.packet.describe(), Header: x.packet.header(),
				AtMS: float64(x.when.Sub(start).Microseconds()) / 1000,
			})
			last++
			if x.carrier != nil {
				out[last].Inside = fmt.Sprintf("%s, %s", x.carrier.describe(), x.carrier.header())
			}
		}
		pass(&out[last], name, x.outgoing, fresh)
	}
	if len(out) == 0 && len(f.events) > 0 {
		h := Hop{Node: f.events[0].node, Direction: f.dir, Packet: f.packet.describe(), Header: f.packet.header()}
		h.AtMS = max(float64(f.first().Sub(start).Microseconds())/1000, 0)
		out = append(out, h)
	}
	s.tellRules(f, out)
	return out
}

// pass adds a device to a hop.
func pass(h *Hop, dev string, outgoing, fresh bool) {
	switch {
	case fresh && !outgoing:
		h.In = dev
		return
	case h.Out != "" && h.Out != dev && h.Out != h.In && !slices.Contains(h.Through, h.Out):
		h.Through = append(h.Through, h.Out)
	}
	if outgoing {
		h.Out = dev
	} else {
		h.Out = ""
		if dev != h.In && !slices.Contains(h.Through, dev) {
			h.Through = append(h.Through, dev)
		}
	}
}

// hooksOf are the hooks of IP that passages are of, each once.
func hooksOf(ps []*passage) (out []string) {
	for _, p := range ps {
		if p.family == unix.NFPROTO_INET && !slices.Contains(out, p.hook) {
			out = append(out, p.hook)
		}
	}
	return out
}

// tellRules tells at each hop what rules did there, once for each node.
func (s *scene) tellRules(f *flight, hops []Hop) {
	done := map[string]bool{}
	for i := range hops {
		node := hops[i].Node
		if done[node] {
			continue
		}
		done[node] = true
		hops[i].Hooks = hooksOf(passages(f.eventsIn(node)))
		told := map[string]bool{}
		for _, one := range append([]*flight{f}, f.carriers...) {
			for _, p := range passages(one.eventsIn(node)) {
				for _, d := range s.decisions(node, p) {
					text := fmt.Sprint(d.Hook, d.Table, d.Chain, d.Rule, d.Does)
					if d.After != nil { // conntrack does again what a rule did to the first packet
						text = fmt.Sprint(d.Hook, d.Before, d.After)
					}
					if !told[text] {
						told[text] = true
						hops[i].Decisions = append(hops[i].Decisions, d)
					}
				}
			}
		}
	}
}
