package world

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	nodens "underlay/kube/internal/netns"
)

// Fabric is the network namespace with the bridge that nodes are attached to.
// It is also their router, at the first address of Subnet.
const Fabric = "fabric"

// Subnet has the nodes' addresses.
var Subnet = netip.MustParsePrefix("192.168.50.0/24")

// A Node is a network namespace with an interface eth0 on the fabric and a
// default route through it.
type Node struct {
	Name    string
	Address netip.Addr
	PodCIDR netip.Prefix
}

// Nodes makes a fabric and nodes of the given names on it. They are taken away
// when the test ends.
func Nodes(t testing.TB, names ...string) []Node {
	t.Helper()
	router := Subnet.Addr().Next()
	if err := namespace(t, Fabric, func(h *netlink.Handle) error {
		return addBridge(h, router)
	}); err != nil {
		t.Fatalf("fabric: %v", err)
	}
	var nodes []Node
	for i, name := range names {
		node := Node{Name: name,
			Address: netip.AddrFrom4([4]byte{192, 168, 50, byte(10 + i)}),
			PodCIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, byte(i), 0}), 24),
		}
		if err := namespace(t, name, func(h *netlink.Handle) error { return attach(h, node, router) }); err != nil {
			t.Fatalf("node %s: %v", name, err)
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// Attach makes a network namespace of the given name that is routed by a node,
// as a pod's is, and taken away when the test ends.
func Attach(t testing.TB, node Node, name string, address netip.Addr) {
	t.Helper()
	gateway := net.IPv4(169, 254, 1, 1)
	err := namespace(t, name, func(h *netlink.Handle) error {
		home, err := netns.GetFromName(node.Name)
		if err != nil {
			return err
		}
		defer func() { _ = home.Close() }()
		eth0, err := cable(h, home, name)
		if err != nil {
			return err
		}
		index := eth0.Attrs().Index
		return errors.Join(
			h.AddrAdd(eth0, &netlink.Addr{IPNet: netlink.NewIPNet(address.AsSlice())}), h.LinkSetUp(eth0),
			adopt(home, name, address),
			nodens.Do(nodens.Path(node.Name), func() error { return proxyARP(name) }),
			h.RouteAdd(&netlink.Route{LinkIndex: index, Dst: netlink.NewIPNet(gateway), Scope: netlink.SCOPE_LINK}),
			h.RouteAdd(&netlink.Route{LinkIndex: index, Gw: gateway}))
	})
	if err != nil {
		t.Fatalf("attach %s: %v", name, err)
	}
}

// Adopt lets the node of the given namespace answer for the gateway of what is
// at the other end of a cable, and route to it.
func adopt(home netns.NsHandle, name string, address netip.Addr) error {
	h, err := netlink.NewHandleAt(home, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	port, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	return errors.Join(h.LinkSetUp(port), h.RouteAdd(&netlink.Route{
		LinkIndex: port.Attrs().Index, Dst: netlink.NewIPNet(address.AsSlice()), Scope: netlink.SCOPE_LINK,
	}))
}

// ProxyARP makes an interface of the calling thread's namespace answer for
// whatever it can route to.
func proxyARP(name string) error {
	return os.WriteFile("/proc/sys/net/ipv4/conf/"+name+"/proxy_arp", []byte("1"), 0)
}

// Cable makes eth0 in the namespace of the handle, and its other end, of the
// given name, in another.
func cable(h *netlink.Handle, other netns.NsHandle, name string) (netlink.Link, error) {
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: name, PeerNamespace: netlink.NsFd(other)}
	if err := h.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("add eth0: %w", err)
	}
	return h.LinkByName("eth0")
}

// Namespace makes a network namespace with its loopback up, binds it to its
// name, and lets wire do the rest from inside.
func namespace(t testing.TB, name string, wire func(*netlink.Handle) error) error {
	path := nodens.Path(name)
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return err
			}
			if err := os.WriteFile(path, nil, 0o444); err != nil {
				return err
			}
			if err := unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, ""); err != nil {
				return err
			}
			h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
			if err != nil {
				return err
			}
			defer h.Close()
			lo, err := h.LinkByName("lo")
			if err != nil {
				return err
			}
			return errors.Join(h.LinkSetUp(lo), os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0), wire(h))
		}()
	}()
	err := <-done
	t.Cleanup(func() {
		if err := errors.Join(unix.Unmount(path, unix.MNT_DETACH), os.Remove(path)); err != nil {
			t.Errorf("take away %s: %v", name, err)
		}
	})
	return err
}

const bridge = "br0"

func addBridge(h *netlink.Handle, address netip.Addr) error {
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridge}}
	if err := h.LinkAdd(br); err != nil {
		return err
	}
	return errors.Join(h.AddrAdd(br, ipNet(address)), h.LinkSetUp(br))
}

// Attach gives the node of the handle's namespace eth0 on the fabric's bridge.
func attach(h *netlink.Handle, node Node, router netip.Addr) error {
	fabric, err := netns.GetFromName(Fabric)
	if err != nil {
		return err
	}
	defer func() { _ = fabric.Close() }()
	eth0, err := cable(h, fabric, node.Name)
	if err != nil {
		return err
	}
	if err := errors.Join(h.AddrAdd(eth0, ipNet(node.Address)), h.LinkSetUp(eth0), plug(fabric, node.Name)); err != nil {
		return err
	}
	return h.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: router.AsSlice()})
}

// Plug attaches the fabric's end of a node's cable to the bridge.
func plug(fabric netns.NsHandle, name string) error {
	h, err := netlink.NewHandleAt(fabric, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	br, err := h.LinkByName(bridge)
	if err != nil {
		return err
	}
	port, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	return errors.Join(h.LinkSetMaster(port, br), h.LinkSetUp(port))
}

func ipNet(address netip.Addr) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(Subnet.Bits(), 32)}}
}
