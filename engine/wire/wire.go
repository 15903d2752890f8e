// Package wire builds a lab's topology in namespaces that are there already:
// links, bridges, other devices, addresses, routes and kernel settings, over one netlink socket
// per node and without starting a process. It is the only writer to netlink.
package wire

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

// etherMTU is the MTU of an Ethernet device that is given no other.
const etherMTU = 1500

// loopback is the index of lo, the first device of every network namespace.
const loopback = 1

// Build makes everything of the topology but its workloads and setup lines.
// ns holds a descriptor of each node's network namespace. The first failure
// ends it; the namespaces are then of no further use.
//
// Links may lead to nodes that are not in the topology but in ns: they, and the
// bridges that are named there, have been made before.
func Build(t *engine.Topology, ns map[string]int) error {
	b := builder{t: t, ns: ns, handles: map[string]*netlink.Handle{}, index: map[port]int{}}
	defer b.close()
	if err := b.open(); err != nil {
		return err
	}
	for _, step := range []func() error{b.prepare, b.bridges, b.links, b.devices, b.routes, b.sysctls} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// port names an interface of a node.
type port struct{ node, name string }

func (p port) String() string { return p.node + "/" + p.name }

type builder struct {
	t       *engine.Topology
	ns      map[string]int
	handles map[string]*netlink.Handle
	index   map[port]int
}

func (b *builder) open() error {
	names := b.t.NodeNames()
	for _, l := range b.t.Links {
		names = append(names, l.A.Node, l.B.Node)
	}
	for _, name := range names {
		if b.handles[name] != nil {
			continue
		}
		fd, ok := b.ns[name]
		if !ok {
			return fmt.Errorf("node %s has no namespace", name)
		}
		var h *netlink.Handle
		err := netns.Do(fd, func() (err error) {
			h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
			return err
		})
		if err != nil {
			return fmt.Errorf("netlink in %s: %w", name, err)
		}
		b.handles[name] = h
	}
	return nil
}

func (b *builder) close() {
	for _, h := range b.handles {
		h.Close()
	}
}

// prepare brings lo up and, in a lab that has no IPv6 address, keeps IPv6 from
// filling every capture with neighbour discovery.
func (b *builder) prepare() error {
	quiet := []engine.Sysctl{
		{Name: "net.ipv6.conf.all.disable_ipv6", Value: "1"},
		{Name: "net.ipv6.conf.default.disable_ipv6", Value: "1"},
	}
	if usesIPv6(b.t) {
		quiet = []engine.Sysctl{{Name: "net.ipv6.conf.default.accept_dad", Value: "0"}}
	}
	for _, n := range b.t.Nodes {
		if err := setSysctls(b.ns[n.Name], quiet, true); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		if n.Bare {
			continue
		}
		lo := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: loopback}}
		if err := b.handles[n.Name].LinkSetUp(lo); err != nil {
			return fmt.Errorf("%s/lo: %w", n.Name, err)
		}
	}
	return nil
}

func usesIPv6(t *engine.Topology) bool {
	return slices.ContainsFunc(t.Interfaces(), func(i engine.Interface) bool {
		return slices.ContainsFunc(i.Address, func(a string) bool { return strings.Contains(a, ":") })
	})
}

func (b *builder) bridges() error {
	for _, n := range b.t.Nodes {
		for _, br := range n.Bridges {
			p := port{n.Name, br.Name}
			attrs, err := newAttrs(br.Name, br.MAC, 0, !br.Down)
			if err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
			link := &netlink.Bridge{LinkAttrs: attrs}
			if err := b.handles[n.Name].LinkAdd(link); err != nil {
				return fmt.Errorf("make bridge %s: %w", p, err)
			}
			b.index[p] = link.Index
			if err := b.addresses(p, br.Address); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *builder) links() error {
	for _, l := range b.t.Links {
		if err := b.veth(l); err != nil {
			return fmt.Errorf("link %s to %s: %w", port{l.A.Node, l.A.Name}, port{l.B.Node, l.B.Name}, err)
		}
	}
	return nil
}

// veth makes both ends in their own namespaces in one call: neither is ever
// seen elsewhere under a temporary name.
func (b *builder) veth(l engine.Link) error {
	attrs, err := newAttrs(l.A.Name, l.A.MAC, l.A.MTU, !l.A.Down)
	if err != nil {
		return err
	}
	if attrs.MasterIndex, err = b.master(l.A); err != nil {
		return err
	}
	link := &netlink.Veth{
		LinkAttrs: attrs, PeerName: l.B.Name, PeerNamespace: netlink.NsFd(b.ns[l.B.Node]),
		PeerMTU: uint32(cmp.Or(l.B.MTU, etherMTU)), // or it would have this end's
	}
	if l.B.MAC != "" {
		if link.PeerHardwareAddr, err = net.ParseMAC(l.B.MAC); err != nil {
			return err
		}
	}
	if err := b.handles[l.A.Node].LinkAdd(link); err != nil {
		return err
	}
	b.index[port{l.A.Node, l.A.Name}] = link.Index
	if err := b.finishPeer(l.B); err != nil {
		return err
	}
	return errors.Join(
		b.seeCarrier(l.A), b.seeCarrier(l.B), b.limit(l.A), b.limit(l.B),
		b.addresses(port{l.A.Node, l.A.Name}, l.A.Address),
		b.addresses(port{l.B.Node, l.B.Name}, l.B.Address))
}

// seeCarrier has the kernel act on a bridge port's carrier now. By itself it does so
// up to a second after the cable's other end is up where both ends have the same
// index (linkwatch_urgent_event in net/core/link_watch.c), and until then the bridge
// passes nothing on to the port. Asked for the one device it does it at once
// (rtnl_getlink, linkwatch_sync_dev).
func (b *builder) seeCarrier(e engine.End) error {
	if e.Bridge == "" {
		return nil
	}
	_, err := b.handles[e.Node].LinkByIndex(b.index[port{e.Node, e.Name}])
	return err
}

// finishPeer does for the far end what the call that makes a veth cannot.
func (b *builder) finishPeer(e engine.End) error {
	h := b.handles[e.Node]
	peer, err := h.LinkByName(e.Name)
	if err != nil {
		return err
	}
	b.index[port{e.Node, e.Name}] = peer.Attrs().Index
	if e.Bridge != "" {
		master, err := b.master(e)
		if err != nil {
			return err
		}
		if err := h.LinkSetMasterByIndex(peer, master); err != nil {
			return err
		}
	}
	if e.Down {
		return nil
	}
	return h.LinkSetUp(peer)
}

func (b *builder) master(e engine.End) (int, error) {
	if e.Bridge == "" {
		return 0, nil
	}
	p := port{e.Node, e.Bridge}
	if index, ok := b.index[p]; ok {
		return index, nil
	}
	link, err := b.handles[e.Node].LinkByName(e.Bridge)
	if err != nil {
		return 0, fmt.Errorf("%s has no bridge %s: %w", e.Node, e.Bridge, err)
	}
	b.index[p] = link.Attrs().Index
	return b.index[p], nil
}

func (b *builder) addresses(p port, addrs []string) error {
	for _, a := range addrs {
		addr, err := netlink.ParseAddr(a)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		dev := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: b.index[p]}}
		if err := b.handles[p.node].AddrAdd(dev, addr); err != nil {
			return fmt.Errorf("%s: address %s: %w", p, a, err)
		}
	}
	return nil
}

func newAttrs(name, mac string, mtu int, up bool) (netlink.LinkAttrs, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = name, mtu
	if up {
		attrs.Flags = net.FlagUp
	}
	if mac == "" {
		return attrs, nil
	}
	hw, err := net.ParseMAC(mac)
	attrs.HardwareAddr = hw
	return attrs, err
}
