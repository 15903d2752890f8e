package autopsy

import (
	"cmp"
	"slices"

	"underlay/engine/observe"
)

// ether is the stretch of Ethernet that a device is on: all devices that a frame of it could
// get to through cables, bridges, VXLANs and macvlans, were all of them up and open.
func (s *scene) ether(d device) map[device]bool {
	on := map[device]bool{d: true}
	for todo := []device{d}; len(todo) > 0; todo = todo[1:] {
		for _, n := range s.joined(todo[0]) {
			if !on[n] {
				on[n] = true
				todo = append(todo, n)
			}
		}
	}
	return on
}

// joined are the devices that a device hands frames to as they are.
func (s *scene) joined(d device) (out []device) {
	l := s.link(d.node, d.dev)
	if l == nil {
		return nil
	}
	if peer, at := s.peer(l); peer != nil {
		out = append(out, device{at, peer.Name})
	}
	if b := s.link(d.node, l.Master); b != nil && b.Kind == "bridge" {
		out = append(out, device{d.node, b.Name})
	}
	if l.Kind == "macvlan" && l.Parent != "" {
		out = append(out, device{l.ParentNode, l.Parent})
	}
	for name, st := range s.before {
		for i := range st.Links {
			o := &st.Links[i]
			switch {
			case l.Kind == "bridge" && name == d.node && o.Master == d.dev,
				l.Kind == "vxlan" && o.Kind == "vxlan" && o.VNI == l.VNI && name != d.node,
				o.Kind == "macvlan" && o.Parent == d.dev && o.ParentNode == d.node:
				out = append(out, device{name, o.Name})
			}
		}
	}
	return out
}

// exit is the port of a bridge behind which a device is, nil if none leads to it.
func (s *scene) exit(from segment, t device) *observe.Link {
	st := s.before[from.node]
	if st == nil || from.bridge == "" {
		return nil
	}
	for i := range st.Links {
		port := &st.Links[i]
		if port.Master != from.bridge {
			continue
		}
		start := device{from.node, port.Name}
		seen := map[device]bool{start: true, {from.node, from.bridge}: true}
		for todo := []device{start}; len(todo) > 0; todo = todo[1:] {
			for _, n := range s.joined(todo[0]) {
				if n == t {
					return port
				}
				if !seen[n] {
					seen[n] = true
					todo = append(todo, n)
				}
			}
		}
	}
	return nil
}

// onEther are those of some devices that are on the same stretch of Ethernet as another.
func (s *scene) onEther(near device, ds []device) []device {
	on := s.ether(near)
	return slices.DeleteFunc(slices.Clone(ds), func(d device) bool { return !on[d] })
}

// twins are the devices on a stretch of Ethernet that have a MAC address, each of another
// node, if they are more than one. A bridge has the address of one of its ports, and an
// ipvlan or a VLAN device that of its parent: these are no twins.
func (s *scene) twins(near device, mac string) []device {
	var out []device
	for _, d := range s.onEther(near, s.macHolders(mac)) {
		l := s.link(d.node, d.dev)
		if l.Kind == "ipvlan" || l.Kind == "vlan" || slices.ContainsFunc(out, func(o device) bool { return o.node == d.node }) {
			continue
		}
		out = append(out, d)
	}
	if len(out) < 2 {
		return nil
	}
	return out
}

// entries are what a bridge knows about where a MAC address is, as of after the attempt.
func (s *scene) entries(node, bridge, mac string) (out []observe.FDBEntry) {
	st := cmp.Or(s.after[node], s.before[node])
	if st == nil {
		return nil
	}
	for _, e := range st.FDB {
		if e.Bridge == bridge && e.MAC == mac {
			out = append(out, e)
		}
	}
	return out
}

// vlanOf is the VLAN that a bridge puts a frame in that a port takes in without a tag; ok is
// false if the port takes none such. A bridge that does not filter has one for all.
func (s *scene) vlanOf(node string, b *observe.Link, port string) (vid int, ok bool) {
	if !b.VLANFiltering {
		return 0, true
	}
	for _, v := range s.vlans(node) {
		if v.Dev == port && v.PVID {
			return v.VID, true
		}
	}
	return 0, false
}

// hasVLAN reports whether a port passes on frames of a VLAN.
func (s *scene) hasVLAN(node string, b *observe.Link, port string, vid int) bool {
	return !b.VLANFiltering || slices.ContainsFunc(s.vlans(node), func(v observe.PortVLAN) bool {
		return v.Dev == port && v.VID == vid
	})
}
