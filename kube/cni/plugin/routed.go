package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/plugins/pkg/ip"
	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/containernetworking/plugins/pkg/utils/sysctl"
	"github.com/vishvananda/netlink"
)

// linkLocal is the gateway that every pod has and nobody: the node answers for
// it on the pod's veth, by proxy ARP.
var linkLocal = net.IPv4(169, 254, 1, 1)

// routedConf is the configuration of the routed plugin, which connects a pod as
// Calico does: no bridge, a /32 address, and a route on the node for each pod.
type routedConf struct {
	types.NetConf
	MTU int `json:"mtu"`
}

// podArgs are what a kubelet says of the pod in CNI_ARGS.
type podArgs struct {
	types.CommonArgs
	K8S_POD_NAMESPACE types.UnmarshallableString //nolint:revive,staticcheck // the protocol's name
	K8S_POD_NAME      types.UnmarshallableString //nolint:revive,staticcheck // the protocol's name
}

// vethName is the name of the node's end: cali and eleven digits that depend on
// the pod's name alone, so that it is the same each time.
func vethName(args *skel.CmdArgs) string {
	var pod podArgs
	key := args.ContainerID
	if types.LoadArgs(args.Args, &pod) == nil && pod.K8S_POD_NAME != "" {
		key = string(pod.K8S_POD_NAMESPACE + "." + pod.K8S_POD_NAME)
	}
	sum := sha256.Sum256([]byte(key))
	return "cali" + hex.EncodeToString(sum[:])[:11]
}

func routedAdd(args *skel.CmdArgs) (err error) {
	var conf routedConf
	if err := json.Unmarshal(args.StdinData, &conf); err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	h, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer h.Close()
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
	var host, peer current.Interface
	defer func() {
		if err != nil {
			release()
			if host.Name != "" {
				_ = h.LinkDel(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: host.Name}})
			}
		}
	}()
	// One left by a pod that was killed has this name too.
	_ = h.LinkDel(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: vethName(args)}})
	err = podNS.Do(func(nodeNS ns.NetNS) error {
		hostVeth, podVeth, err := ip.SetupVethWithName(args.IfName, vethName(args), conf.MTU, "", nodeNS)
		host = current.Interface{Name: hostVeth.Name, Mac: hostVeth.HardwareAddr.String()}
		peer = current.Interface{Name: podVeth.Name, Mac: podVeth.HardwareAddr.String(), Sandbox: args.Netns}
		if err != nil {
			return err
		}
		return configureRouted(args.IfName, result)
	})
	if err != nil {
		return err
	}
	if err := routeToPod(h, host.Name, result); err != nil {
		return err
	}
	result.Interfaces = []*current.Interface{&host, &peer}
	result.Routes = []*types.Route{{Dst: net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}, GW: linkLocal}}
	return types.PrintResult(result, conf.CNIVersion)
}

// configureRouted gives the pod its addresses and the one gateway. It is called
// in the pod's namespace.
func configureRouted(name string, result *current.Result) error {
	h, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	for _, ipc := range result.IPs {
		if ipc.Address.IP.To4() == nil {
			return fmt.Errorf("%s: only IPv4 addresses are routed", ipc.Address.IP)
		}
		ipc.Address.Mask, ipc.Gateway, ipc.Interface = net.CIDRMask(32, 32), linkLocal, current.Int(1)
		if err := h.AddrAdd(link, &netlink.Addr{IPNet: &ipc.Address}); err != nil {
			return fmt.Errorf("address %s: %w", &ipc.Address, err)
		}
	}
	if err := h.LinkSetUp(link); err != nil {
		return err
	}
	gateway := &net.IPNet{IP: linkLocal, Mask: net.CIDRMask(32, 32)}
	routes := []netlink.Route{
		{LinkIndex: link.Attrs().Index, Dst: gateway, Scope: netlink.SCOPE_LINK},
		{LinkIndex: link.Attrs().Index, Gw: linkLocal},
	}
	for i := range routes {
		if err := h.RouteAdd(&routes[i]); err != nil {
			return fmt.Errorf("route %s: %w", routes[i], err)
		}
	}
	return nil
}

// routeToPod makes the node answer for the gateway on the pod's veth, and send
// there what is for the pod.
func routeToPod(h *netlink.Handle, name string, result *current.Result) error {
	for key, value := range map[string]string{"proxy_arp": "1", "forwarding": "1"} {
		if _, err := sysctl.Sysctl("net/ipv4/conf/"+name+"/"+key, value); err != nil {
			return err
		}
	}
	// The kernel waits up to 0.8 s before it answers for others.
	if _, err := sysctl.Sysctl("net/ipv4/neigh/"+name+"/proxy_delay", "0"); err != nil {
		return err
	}
	link, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	for _, ipc := range result.IPs {
		route := netlink.Route{LinkIndex: link.Attrs().Index, Dst: &ipc.Address, Scope: netlink.SCOPE_LINK}
		if err := h.RouteReplace(&route); err != nil {
			return fmt.Errorf("route to the pod: %w", err)
		}
	}
	return ip.EnableIP4Forward()
}
