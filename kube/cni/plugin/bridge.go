package plugin

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/plugins/pkg/ip"
	"github.com/containernetworking/plugins/pkg/ipam"
	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// bridgeConf is the configuration of the bridge plugin: those fields of the CNI
// project's plugin of this name that a cluster needs, with the same meaning.
type bridgeConf struct {
	types.NetConf
	Bridge           string `json:"bridge"`
	IsDefaultGateway bool   `json:"isDefaultGateway"` // the bridge has the gateway's address, pods a route to it
	HairpinMode      bool   `json:"hairpinMode"`      // a port may send back what came from it
	MTU              int    `json:"mtu"`
}

func bridgeAdd(args *skel.CmdArgs) (err error) {
	conf := bridgeConf{Bridge: "cni0"}
	if err := json.Unmarshal(args.StdinData, &conf); err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	h, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer h.Close()
	br, err := ensureBridge(h, conf.Bridge, conf.MTU)
	if err != nil {
		return err
	}
	result, release, err := allocate(conf.IPAM.Type, args)
	if err != nil {
		return err
	}
	podNS, err := ns.GetNS(args.Netns)
	if err != nil {
		release()
		return err
	}
	defer podNS.Close() //nolint:errcheck // only entered
	host, peer, err := plug(h, br, podNS, args.IfName, conf)
	defer func() {
		if err != nil {
			release()
			if host.Name != "" {
				_ = h.LinkDel(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: host.Name}})
			}
		}
	}()
	if err != nil {
		return err
	}
	peer.Sandbox = args.Netns
	result.Interfaces = []*current.Interface{{Name: conf.Bridge, Mac: br.Attrs().HardwareAddr.String()}, &host, &peer}
	for _, ipc := range result.IPs {
		ipc.Interface = current.Int(2)
		if conf.IsDefaultGateway {
			if err := addGateway(h, br, ipc, result); err != nil {
				return err
			}
		}
	}
	if err := podNS.Do(func(ns.NetNS) error { return ipam.ConfigureIface(args.IfName, result) }); err != nil {
		return err
	}
	return types.PrintResult(result, conf.CNIVersion)
}

// plug makes a veth pair from the pod's namespace to the bridge.
func plug(h *netlink.Handle, br netlink.Link, podNS ns.NetNS, name string, conf bridgeConf) (host, peer current.Interface, err error) {
	err = podNS.Do(func(nodeNS ns.NetNS) error {
		hostVeth, podVeth, err := ip.SetupVeth(name, conf.MTU, "", nodeNS)
		host = current.Interface{Name: hostVeth.Name, Mac: hostVeth.HardwareAddr.String()}
		peer = current.Interface{Name: podVeth.Name, Mac: podVeth.HardwareAddr.String()}
		return err
	})
	if err != nil {
		return host, peer, err
	}
	link, err := h.LinkByName(host.Name) // its index has changed with the namespace
	if err != nil {
		return host, peer, err
	}
	if err := h.LinkSetMaster(link, br); err != nil {
		return host, peer, fmt.Errorf("connect %s to %s: %w", host.Name, conf.Bridge, err)
	}
	return host, peer, h.LinkSetHairpin(link, conf.HairpinMode)
}

// addGateway gives the bridge the gateway's address, and the pod a default route
// by way of it.
func addGateway(h *netlink.Handle, br netlink.Link, ipc *current.IPConfig, result *current.Result) error {
	if ipc.Gateway == nil {
		ipc.Gateway = ip.NextIP(ipc.Address.IP.Mask(ipc.Address.Mask))
	}
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: ipc.Gateway, Mask: ipc.Address.Mask}}
	if err := h.AddrReplace(br, addr); err != nil {
		return fmt.Errorf("gateway %s: %w", addr.IPNet, err)
	}
	if ipc.Gateway.To4() == nil {
		if err := ip.EnableIP6Forward(); err != nil {
			return err
		}
	} else if err := ip.EnableIP4Forward(); err != nil {
		return err
	}
	bits := 8 * len(ipc.Gateway)
	if ipc.Gateway.To4() != nil {
		bits = 32
	}
	all := net.IPNet{IP: make(net.IP, bits/8), Mask: net.CIDRMask(0, bits)}
	there := slices.ContainsFunc(result.Routes, func(r *types.Route) bool { return r.Dst.String() == all.String() })
	if !there {
		result.Routes = append(result.Routes, &types.Route{Dst: all, GW: ipc.Gateway})
	}
	return nil
}

// ensureBridge returns the bridge, made and brought up if need be. It gets a MAC
// address of its own: otherwise it would have the lowest of its ports', and
// pods that know it as their gateway would lose it whenever others come or go.
func ensureBridge(h *netlink.Handle, name string, mtu int) (netlink.Link, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = name, mtu, randomMAC()
	br := &netlink.Bridge{LinkAttrs: attrs}
	if err := h.LinkAdd(br); err != nil && !errors.Is(err, unix.EEXIST) {
		return nil, fmt.Errorf("make bridge %s: %w", name, err)
	}
	link, err := h.LinkByName(name)
	if err != nil {
		return nil, err
	}
	if link.Type() != "bridge" {
		return nil, fmt.Errorf("%s exists but is not a bridge", name)
	}
	return link, h.LinkSetUp(link)
}

// randomMAC returns a unicast address that is administered locally.
func randomMAC() net.HardwareAddr {
	mac := make(net.HardwareAddr, 6)
	_, _ = rand.Read(mac) // never fails
	mac[0] = mac[0]&^1 | 2
	return mac
}
