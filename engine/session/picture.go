package session

import (
	"context"
	"errors"
	"net/netip"

	"underlay/engine"
	"underlay/engine/observe"
)

// fallbacks are devices that the kernel itself puts into every namespace once a
// tunnel module is loaded. Nobody made them, and down as they are they do nothing.
var fallbacks = map[string]bool{
	"tunl0": true, "gre0": true, "gretap0": true, "erspan0": true, "ip_vti0": true,
	"ip6_vti0": true, "sit0": true, "ip6tnl0": true, "ip6gre0": true,
}

// Picture reads the links and addresses of all nodes.
func (s *Session) Picture(context.Context) (engine.Picture, error) {
	p, err := s.live()
	if err != nil {
		return engine.Picture{}, err
	}
	states, err := p.reader.Snapshot(nil, observe.Links|observe.Addrs, nil)
	if err != nil {
		return engine.Picture{}, err
	}
	byName := make(map[string]*observe.State, len(states))
	for i := range states {
		byName[states[i].Node] = &states[i]
	}
	floods, err := p.floods(states)
	if err != nil {
		return engine.Picture{}, err
	}
	pic := engine.Picture{Nodes: make([]engine.PictureNode, 0, len(states))}
	for _, n := range s.lab.Topology.Nodes {
		node := engine.PictureNode{Name: n.Name, Kind: n.Kind, Title: n.Title}
		if st := byName[n.Name]; st != nil {
			node.Devices = devices(st, floods)
			if err := errors.Join(st.Errs[observe.Links], st.Errs[observe.Addrs]); err != nil {
				node.Problem = err.Error()
			}
		}
		pic.Nodes = append(pic.Nodes, node)
	}
	return pic, nil
}

// floods are the addresses that vxlan devices without a remote of their own send
// to those whom they do not know: their forwarding entries for the MAC address
// of zeros. They are read only where there is such a device.
func (p *instance) floods(states []observe.State) (map[engine.DeviceRef][]string, error) {
	var nodes []string
	for i := range states {
		for _, l := range states[i].Links {
			if l.Kind == "vxlan" && l.Remote == "" {
				nodes = append(nodes, states[i].Node)
				break
			}
		}
	}
	if nodes == nil {
		return nil, nil
	}
	read, err := p.reader.Snapshot(nodes, observe.FDB, nil)
	if err != nil {
		return nil, err
	}
	out := map[engine.DeviceRef][]string{}
	for i := range read {
		for _, e := range read[i].FDB {
			if e.Dst.IsValid() && e.MAC == "00:00:00:00:00:00" {
				ref := engine.DeviceRef{Node: read[i].Node, Name: e.Dev}
				out[ref] = append(out[ref], e.Dst.String())
			}
		}
	}
	return out, nil
}

func devices(st *observe.State, floods map[engine.DeviceRef][]string) []engine.Device {
	addrs := map[string][]netip.Prefix{}
	for _, a := range st.Addrs {
		addrs[a.Dev] = append(addrs[a.Dev], a.Prefix)
	}
	var out []engine.Device
	for _, l := range st.Links {
		if fallbacks[l.Name] && !l.AdminUp && addrs[l.Name] == nil {
			continue
		}
		d := engine.Device{
			Name: l.Name, Kind: l.Kind, State: deviceState(&l), Addrs: addrs[l.Name], Master: l.Master, Mode: l.Mode,
			Peer: engine.DeviceRef{Node: l.PeerNode, Name: l.PeerName}, Parent: engine.DeviceRef{Node: l.ParentNode, Name: l.Parent},
			VNI: l.VNI, Port: l.Port, Local: l.Local, Remotes: floods[engine.DeviceRef{Node: st.Node, Name: l.Name}],
			Received: l.RxPackets, Sent: l.TxPackets, Dropped: l.RxDropped + l.TxDropped,
		}
		if l.Remote != "" && !isMulticast(l.Remote) {
			d.Remotes = append([]string{l.Remote}, d.Remotes...)
		}
		out = append(out, d)
	}
	return out
}

func isMulticast(addr string) bool {
	a, err := netip.ParseAddr(addr)
	return err == nil && a.IsMulticast()
}

func deviceState(l *observe.Link) engine.DeviceState {
	switch {
	case !l.AdminUp:
		return engine.DeviceDown
	case !l.Carrier:
		return engine.DeviceNoCarrier
	}
	return engine.DeviceUp
}
