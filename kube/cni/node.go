package cni

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"
	vns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"underlay/kube/internal/netns"
)

// Parameters of flannel's device, which are flannel's own.
const (
	vxlanName     = "flannel.1"
	vxlanID       = 1
	vxlanPort     = 8472
	vxlanOverhead = 50 // bytes
)

// protoBIRD marks the routes that Calico's speaker makes (RTPROT_BIRD).
const protoBIRD = 12

// Prepare makes the node forward, and gives it the way to the other nodes' pods.
// For calico a BGP speaker runs until ctx ends; failed gets what is wrong with it.
func (n *Network) Prepare(ctx context.Context, failed func(error)) error {
	if n.config.Kind == None {
		return nil
	}
	if err := netns.Do(n.netns, func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }); err != nil {
		return fmt.Errorf("let %s forward: %w", n.config.Self.Name, err)
	}
	ns, err := vns.GetFromPath(n.netns)
	if err != nil {
		return err
	}
	defer ns.Close() //nolint:errcheck // only entered
	h, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	switch n.config.Kind {
	case Bridge:
		err = n.staticRoutes(h)
	case Flannel:
		err = n.overlay(h)
	case Calico:
		if err = n.reserveBlock(h); err == nil {
			go n.speak(ctx, failed)
		}
	}
	if err != nil {
		return err
	}
	return n.masquerade(ctx)
}

// staticRoutes sends what is for another node's pods to that node.
func (n *Network) staticRoutes(h *netlink.Handle) error {
	for _, p := range n.config.Peers {
		route := &netlink.Route{Dst: ipNet(p.PodCIDR), Gw: p.Address.AsSlice(), Protocol: unix.RTPROT_STATIC}
		if err := h.RouteReplace(route); err != nil {
			return fmt.Errorf("route to the pods of %s via %s: %w (static routes need nodes on one link)", p.Name, p.Address, err)
		}
	}
	return nil
}

// overlay makes flannel's VXLAN device and tells it of every other node: which
// node to send to, which MAC address to use, which pods are there.
func (n *Network) overlay(h *netlink.Handle) error {
	self := n.config.Self
	parent, err := linkOf(h, self.Address)
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = vxlanName
	attrs.HardwareAddr = vtepMAC(self)
	attrs.MTU = parent.Attrs().MTU - vxlanOverhead
	device := &netlink.Vxlan{
		LinkAttrs: attrs, VxlanId: vxlanID, Port: vxlanPort,
		SrcAddr: self.Address.AsSlice(), VtepDevIndex: parent.Attrs().Index,
	}
	if err := h.LinkAdd(device); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("make %s: %w", vxlanName, err)
	}
	link, err := h.LinkByName(vxlanName)
	if err != nil {
		return err
	}
	vtep := &net.IPNet{IP: self.PodCIDR.Masked().Addr().AsSlice(), Mask: net.CIDRMask(32, 32)}
	if err := h.AddrReplace(link, &netlink.Addr{IPNet: vtep}); err != nil {
		return fmt.Errorf("address of %s: %w", vxlanName, err)
	}
	if err := h.LinkSetUp(link); err != nil {
		return err
	}
	for _, p := range n.config.Peers {
		if err := overlayPeer(h, link.Attrs().Index, p); err != nil {
			return fmt.Errorf("%s to %s: %w", vxlanName, p.Name, err)
		}
	}
	return nil
}

func overlayPeer(h *netlink.Handle, index int, p Node) error {
	vtep := net.IP(p.PodCIDR.Masked().Addr().AsSlice())
	fdb := &netlink.Neigh{
		LinkIndex: index, Family: unix.AF_BRIDGE, State: netlink.NUD_PERMANENT, Flags: netlink.NTF_SELF,
		IP: p.Address.AsSlice(), HardwareAddr: vtepMAC(p),
	}
	arp := &netlink.Neigh{
		LinkIndex: index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, Type: unix.RTN_UNICAST,
		IP: vtep, HardwareAddr: vtepMAC(p),
	}
	route := &netlink.Route{LinkIndex: index, Dst: ipNet(p.PodCIDR), Gw: vtep, Flags: int(netlink.FLAG_ONLINK)}
	return errors.Join(h.NeighSet(fdb), h.NeighSet(arp), h.RouteReplace(route))
}

// vtepMAC is the MAC address of a node's VXLAN device. Flannel lets the kernel
// draw it and tells it to others by way of the node's annotations; here it
// follows from the node's address, so all know it.
func vtepMAC(n Node) net.HardwareAddr {
	a := n.Address.As4()
	return net.HardwareAddr{0x0e, 0x58, a[0], a[1], a[2], a[3]}
}

// Annotations are what the kind of network says of the node on its Node object.
func (n *Network) Annotations() map[string]string {
	switch n.config.Kind {
	case Flannel:
		return map[string]string{
			"flannel.alpha.coreos.com/backend-type":        "vxlan",
			"flannel.alpha.coreos.com/backend-data":        fmt.Sprintf(`{"VNI":%d,"VtepMAC":"%s"}`, vxlanID, vtepMAC(n.config.Self)),
			"flannel.alpha.coreos.com/public-ip":           n.config.Self.Address.String(),
			"flannel.alpha.coreos.com/kube-subnet-manager": "true",
		}
	case Calico:
		return map[string]string{"projectcalico.org/IPv4Address": n.config.Self.Address.String()}
	}
	return nil
}

// reserveBlock makes packets for addresses of this node's block that no pod has
// end here instead of leaving by the default route.
func (n *Network) reserveBlock(h *netlink.Handle) error {
	route := &netlink.Route{Dst: ipNet(n.config.Self.PodCIDR), Type: unix.RTN_BLACKHOLE, Protocol: protoBIRD}
	if err := h.RouteReplace(route); err != nil {
		return fmt.Errorf("reserve %s: %w", n.config.Self.PodCIDR, err)
	}
	return nil
}

// masquerade hides pods behind the node towards all that is not of the cluster.
func (n *Network) masquerade(ctx context.Context) error {
	inside := []string{n.config.Self.PodCIDR.Masked().String(), n.config.Self.Address.String()}
	for _, p := range n.config.Peers {
		inside = append(inside, p.PodCIDR.Masked().String(), p.Address.String())
	}
	rules := fmt.Sprintf(`table ip pod-network
delete table ip pod-network
table ip pod-network {
	set cluster {
		type ipv4_addr
		flags interval
		elements = { %s }
	}
	chain leaving {
		type nat hook postrouting priority 100; policy accept;
		ip saddr %s ip daddr != @cluster ip daddr != 224.0.0.0/4 masquerade
	}
}
`, strings.Join(inside, ", "), n.config.Self.PodCIDR.Masked())
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := netns.Do(n.netns, cmd.Run); err != nil {
		return fmt.Errorf("masquerade for pods: nft: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}

// linkOf finds the interface that has this address.
func linkOf(h *netlink.Handle, addr netip.Addr) (netlink.Link, error) {
	addrs, err := h.AddrList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if a.IP.Equal(addr.AsSlice()) {
			return h.LinkByIndex(a.LinkIndex)
		}
	}
	return nil, fmt.Errorf("no interface of the node has its address %s", addr)
}

func ipNet(p netip.Prefix) *net.IPNet {
	p = p.Masked()
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
