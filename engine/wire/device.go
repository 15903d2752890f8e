package wire

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

// devices makes the nodes' devices, each after what it is made on.
func (b *builder) devices() error {
	type todo struct {
		node string
		*engine.NodeDevice
	}
	var left []todo
	for i := range b.t.Nodes {
		n := &b.t.Nodes[i]
		for j := range n.Devices {
			left = append(left, todo{n.Name, &n.Devices[j]})
		}
	}
	for len(left) > 0 {
		var wait []todo
		for _, d := range left {
			parent, there := b.parent(d.node, d.NodeDevice)
			if !there {
				wait = append(wait, d)
				continue
			}
			if err := b.device(d.node, d.NodeDevice, parent); err != nil {
				return fmt.Errorf("make %s %s: %w", d.Kind, port{d.node, d.Name}, err)
			}
		}
		if len(wait) == len(left) {
			return fmt.Errorf("make %s %s: there is no %s", wait[0].Kind, port{wait[0].node, wait[0].Name}, wait[0].Parent)
		}
		left = wait
	}
	return nil
}

// parent returns the index of what a device is made on, 0 for one that is made on
// nothing, and whether that is there.
func (b *builder) parent(node string, d *engine.NodeDevice) (index int, there bool) {
	if d.Parent == "" {
		return 0, true
	}
	parentNode, name := d.On(node)
	index, there = b.index[port{parentNode, name}]
	return index, there
}

// device makes one device. What is made on another node's is made there and goes to
// its own in the same request.
func (b *builder) device(node string, d *engine.NodeDevice, parent int) error {
	p, h := port{node, d.Name}, b.handles[node]
	tun := d.Kind == "tun" || d.Kind == "tap"
	if tun {
		if err := netns.Do(b.ns[node], func() error { return makeTun(d) }); err != nil {
			return err
		}
	} else {
		link, err := newDevice(d, parent)
		if err != nil {
			return err
		}
		maker := h
		if parentNode, _ := d.On(node); parentNode != "" && parentNode != node {
			maker, link.Attrs().Namespace = b.handles[parentNode], netlink.NsFd(b.ns[node])
			link.Attrs().Name = madeAs
		}
		if err := maker.LinkAdd(link); err != nil {
			return err
		}
		if err := rename(h, link.Attrs().Name, d.Name); err != nil {
			return err
		}
	}
	made, err := h.LinkByName(d.Name)
	if err != nil {
		return err
	}
	b.index[p] = made.Attrs().Index
	if tun {
		if err := describe(h, made, d); err != nil {
			return err
		}
	}
	if d.Bridge != "" {
		master, err := b.master(engine.End{Node: node, Bridge: d.Bridge})
		if err != nil {
			return err
		}
		if err := h.LinkSetMasterByIndex(made, master); err != nil {
			return err
		}
	}
	if !d.Down {
		if err := h.LinkSetUp(made); err != nil {
			return err
		}
	}
	return b.addresses(p, d.Address)
}

// madeAs is what a device is called that is made in one node for another, until it is
// there: kernels such as 6.1 demand that its name is free in the former, too.
const madeAs = "underlay-made"

func rename(h *netlink.Handle, from, to string) error {
	if from == to {
		return nil
	}
	link, err := h.LinkByName(from)
	if err != nil {
		return err
	}
	return h.LinkSetName(link, to)
}

var (
	macvlanModes = map[string]netlink.MacvlanMode{
		"": netlink.MACVLAN_MODE_BRIDGE, "bridge": netlink.MACVLAN_MODE_BRIDGE, "private": netlink.MACVLAN_MODE_PRIVATE,
		"vepa": netlink.MACVLAN_MODE_VEPA, "passthru": netlink.MACVLAN_MODE_PASSTHRU,
	}
	ipvlanModes = map[string]netlink.IPVlanMode{
		"": netlink.IPVLAN_MODE_L2, "l2": netlink.IPVLAN_MODE_L2, "l3": netlink.IPVLAN_MODE_L3, "l3s": netlink.IPVLAN_MODE_L3S,
	}
)

// newDevice describes a device that rtnetlink makes, down.
func newDevice(d *engine.NodeDevice, parent int) (netlink.Link, error) {
	attrs, err := newAttrs(d.Name, d.MAC, d.MTU, false)
	if err != nil {
		return nil, err
	}
	switch d.Kind {
	case "vxlan":
		return &netlink.Vxlan{
			LinkAttrs: attrs, VxlanId: d.ID, VtepDevIndex: parent, Learning: true,
			SrcAddr: net.ParseIP(d.Local), Group: net.ParseIP(d.Remote), Port: cmp.Or(d.Port, engine.DefaultVXLANPort),
		}, nil
	case "dummy":
		return &netlink.Dummy{LinkAttrs: attrs}, nil
	}
	attrs.ParentIndex = parent
	switch d.Kind {
	case "macvlan":
		return &netlink.Macvlan{LinkAttrs: attrs, Mode: macvlanModes[d.Mode]}, nil
	case "ipvlan":
		return &netlink.IPVlan{LinkAttrs: attrs, Mode: ipvlanModes[d.Mode]}, nil
	case "vlan":
		return &netlink.Vlan{LinkAttrs: attrs, VlanId: d.ID, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}, nil
	}
	return nil, fmt.Errorf("a device of kind %q is not known", d.Kind)
}

// makeTun makes a tun or tap device, to which no program is attached yet, in the
// namespace of the calling thread.
func makeTun(d *engine.NodeDevice) error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nothing has been written
	request, err := unix.NewIfreq(d.Name)
	if err != nil {
		return err
	}
	mode := uint16(unix.IFF_TUN)
	if d.Kind == "tap" {
		mode = unix.IFF_TAP
	}
	request.SetUint16(mode | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(int(f.Fd()), unix.TUNSETIFF, request); err != nil {
		return os.NewSyscallError("TUNSETIFF", err)
	}
	return os.NewSyscallError("TUNSETPERSIST", unix.IoctlSetInt(int(f.Fd()), unix.TUNSETPERSIST, 1))
}

// describe gives a device the MTU and MAC that it was not made with.
func describe(h *netlink.Handle, link netlink.Link, d *engine.NodeDevice) error {
	if d.MTU != 0 {
		if err := h.LinkSetMTU(link, d.MTU); err != nil {
			return err
		}
	}
	if d.MAC == "" {
		return nil
	}
	mac, err := net.ParseMAC(d.MAC)
	if err != nil {
		return err
	}
	return h.LinkSetHardwareAddr(link, mac)
}

// What a token bucket holds, as time at its rate: what is sent at once, and for how
// long a frame may wait before more are dropped.
const (
	bucketBurst = 10 * time.Millisecond
	bucketWait  = 50 * time.Millisecond
)

// limit puts a token bucket where an end sends, if it has a rate. The bucket holds two
// frames at least, because a smaller one would never pass one, and ten may wait.
func (b *builder) limit(e engine.End) error {
	if e.Rate == "" {
		return nil
	}
	bits, ok := e.Rate.Bits()
	if !ok {
		return fmt.Errorf("%s/%s: %q is no rate", e.Node, e.Name, e.Rate)
	}
	rate, frame := bits/8, uint64(cmp.Or(e.MTU, etherMTU)+ethernetHeader)
	in := func(t time.Duration) uint64 { return rate * uint64(t/time.Millisecond) / 1000 }
	burst := max(in(bucketBurst), 2*frame)
	qdisc := &netlink.Tbf{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: b.index[port{e.Node, e.Name}], Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT},
		Rate:       rate, Limit: uint32(burst + max(in(bucketWait), 10*frame)), Buffer: netlink.Xmittime(rate, uint32(burst)),
	}
	if err := b.handles[e.Node].QdiscAdd(qdisc); err != nil {
		return fmt.Errorf("%s/%s: rate %s: %w", e.Node, e.Name, e.Rate, err)
	}
	return nil
}

// ethernetHeader is what a frame is longer than what it carries, in bytes, without a
// VLAN tag and without its checksum.
const ethernetHeader = 14
