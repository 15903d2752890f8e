package topology

import (
	"slices"

	"underlay/engine"
)

// kind is what a line between two devices is.
type kind uint8

const (
	cable  kind = iota // a veth pair
	stack              // a macvlan, an ipvlan or a VLAN on a device of another node
	tunnel             // two vxlan devices that send to each other
)

// link is a line to be drawn. A loose one has no known other end.
type link struct {
	kind         kind
	a, b         engine.DeviceRef
	loose        bool
	aDown, bDown bool // that end is switched off
	dead         bool // nothing passes
	path         bool
}

// linksOf finds the lines between different devices of a picture, each once, in
// the order of its nodes and their devices.
func linksOf(p *engine.Picture, path []engine.DeviceRef) []link {
	var out []link
	for i := range p.Nodes {
		n := &p.Nodes[i]
		for k := range n.Devices {
			d := &n.Devices[k]
			here := engine.DeviceRef{Node: n.Name, Name: d.Name}
			switch d.Kind {
			case "veth":
				out = append(out, cableOf(p, here, d, out)...)
			case "vxlan":
				out = append(out, tunnelsOf(p, here, d, out)...)
			}
			if d.Kind != "vxlan" && d.Parent.Node != "" && d.Parent.Node != n.Name && p.Device(d.Parent) != nil {
				out = append(out, between(p, stack, d.Parent, here))
			}
		}
	}
	for i := range out {
		for h := 1; h < len(path); h++ {
			out[i].path = out[i].path || out[i].joins(path[h-1], path[h])
		}
	}
	return out
}

func (l *link) joins(x, y engine.DeviceRef) bool {
	return l.a == x && l.b == y || l.a == y && l.b == x
}

// between is a link with what its ends' states say about it.
func between(p *engine.Picture, k kind, a, b engine.DeviceRef) link {
	da, db := p.Device(a), p.Device(b)
	return link{
		kind: k, a: a, b: b, aDown: da.State == engine.DeviceDown, bDown: db.State == engine.DeviceDown,
		dead: da.State != engine.DeviceUp || db.State != engine.DeviceUp,
	}
}

func cableOf(p *engine.Picture, here engine.DeviceRef, d *engine.Device, have []link) []link {
	if p.Device(d.Peer) == nil {
		return []link{{kind: cable, a: here, loose: true, dead: true, aDown: d.State == engine.DeviceDown}}
	}
	if d.Peer == here || slices.ContainsFunc(have, func(l link) bool { return l.joins(here, d.Peer) }) {
		return nil
	}
	return []link{between(p, cable, here, d.Peer)}
}

// tunnelsOf finds the vxlan devices to which this one sends, by the addresses
// of the nodes that hold them. A tunnel that only one side knows of counts.
func tunnelsOf(p *engine.Picture, here engine.DeviceRef, d *engine.Device, have []link) []link {
	var out []link
	for _, r := range d.Remotes {
		far := farEnd(p, r, d.VNI, here)
		known := func(l link) bool { return l.joins(here, far) }
		if far.Name == "" || slices.ContainsFunc(have, known) || slices.ContainsFunc(out, known) {
			continue
		}
		out = append(out, between(p, tunnel, here, far))
	}
	return out
}

// farEnd is the vxlan device with this VNI in the node that has this address.
func farEnd(p *engine.Picture, address string, vni int, but engine.DeviceRef) engine.DeviceRef {
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if !hasAddress(n, address) {
			continue
		}
		for k := range n.Devices {
			ref := engine.DeviceRef{Node: n.Name, Name: n.Devices[k].Name}
			if n.Devices[k].Kind == "vxlan" && n.Devices[k].VNI == vni && ref != but {
				return ref
			}
		}
	}
	return engine.DeviceRef{}
}

func hasAddress(n *engine.PictureNode, address string) bool {
	for k := range n.Devices {
		for _, a := range n.Devices[k].Addrs {
			if a.Addr().String() == address {
				return true
			}
		}
	}
	return false
}
