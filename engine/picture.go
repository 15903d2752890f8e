package engine

import (
	"context"
	"net/netip"
)

// Picture is what the kernel holds of a running lab: its nodes, in the order of
// the lab's file, with the devices that are in them now.
type Picture struct {
	Nodes []PictureNode
}

// PictureNode is a node and what is in it.
type PictureNode struct {
	Name    string
	Kind    Kind
	Title   string
	Devices []Device // in the kernel's order
	Problem string   // why its devices are not known, in words; "" when they are
}

// Device is a network device as the kernel describes it.
type Device struct {
	Name  string
	Kind  string // "veth", "bridge", "loopback", "vxlan" …; "" for one without a kind
	State DeviceState
	Addrs []netip.Prefix

	Master string // the bridge in the same node that it is a port of
	// Peer is a veth's other end. Its Node is empty when no node holds that end.
	Peer DeviceRef
	// Parent is the device that a macvlan, an ipvlan or a VLAN sits on. Its Node
	// is empty when there is none, or no node holds it.
	Parent DeviceRef
	Mode   string // of a macvlan: bridge, private, vepa, passthru, source

	VNI     int      // of a vxlan
	Port    int      // of a vxlan: UDP
	Local   string   // of a vxlan: address it sends from
	Remotes []string // of a vxlan: addresses it sends to whom it does not know, unicast

	Received, Sent, Dropped uint64 // packets; Dropped counts both directions
}

// DeviceRef names a device by the node that holds it. Node alone, with an
// empty Name, is the node itself.
type DeviceRef struct{ Node, Name string }

// DeviceState says whether a device can carry packets.
type DeviceState string

// The states of a device. NoCarrier is switched on, but what it is plugged into
// is not.
const (
	DeviceUp        DeviceState = "up"
	DeviceDown      DeviceState = "down"
	DeviceNoCarrier DeviceState = "no carrier"
)

// Viewer gives pictures. Each call reads the kernel once and costs nothing
// afterwards. It may fail while the lab is being reset.
type Viewer interface {
	Picture(context.Context) (Picture, error)
}

// Node returns the node with this name, or nil.
func (p *Picture) Node(name string) *PictureNode {
	for i := range p.Nodes {
		if p.Nodes[i].Name == name {
			return &p.Nodes[i]
		}
	}
	return nil
}

// Device returns the device that r names, or nil.
func (p *Picture) Device(r DeviceRef) *Device {
	n := p.Node(r.Node)
	if n == nil {
		return nil
	}
	for i := range n.Devices {
		if n.Devices[i].Name == r.Name {
			return &n.Devices[i]
		}
	}
	return nil
}
