// Package cni is the pod network of a node: it prepares the node so that pods
// of all nodes reach each other, and connects pods by executing CNI plugins in
// the node's network namespace.
//
// There are four kinds. They differ in how a packet for another node's pods gets
// there:
//
//	bridge   pods on a bridge; static routes to the other nodes
//	flannel  pods on a bridge; a VXLAN device with static entries for each node
//	calico   no bridge, a route for each pod; nodes tell each other by BGP
//	none     not at all: a pod has lo, and somebody wires it by hand
package cni

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"

	"underlay/kube/internal/netns"
)

// The kinds of network.
const (
	Bridge  = "bridge"
	Flannel = "flannel"
	Calico  = "calico"
	None    = "none"
)

// Kinds lists the kinds of network.
func Kinds() []string { return []string{Bridge, Flannel, Calico, None} }

const (
	cniVersion = "1.0.0"
	// interfaceName is what a pod's interface is called.
	interfaceName = "eth0"
)

// Node is a node of the cluster.
type Node struct {
	Name    string
	Address netip.Addr
	PodCIDR netip.Prefix
}

// Config says what network a node is on.
type Config struct {
	Kind string
	// Dir is the network's own directory: plugins, configuration, addresses given.
	Dir string
	// Plugins is the program that is every CNI plugin.
	Plugins string
	// Speaker is the program whose first argument bgp makes it a BGP speaker. Only
	// calico needs it.
	Speaker string
	Self    Node
	Peers   []Node
}

// Network is the pod network as one node sees it.
type Network struct {
	config Config
	netns  string // path of the node's network namespace
	list   *libcni.NetworkConfigList
	cni    *libcni.CNIConfig
}

// Pod is a pod to connect.
type Pod struct {
	ID              string // of its sandbox
	NetNS           string // path
	Namespace, Name string
	UID             string
}

// New writes the configuration of the network below its directory. Nothing is
// done to the node yet.
func New(c Config) (*Network, error) {
	if !slices.Contains(Kinds(), c.Kind) {
		return nil, fmt.Errorf("CNI %q: want one of %v", c.Kind, Kinds())
	}
	n := &Network{config: c, netns: netns.Path(c.Self.Name)}
	if c.Kind == None {
		return n, nil
	}
	bin := filepath.Join(c.Dir, "bin")
	if err := linkPlugins(bin, c.Plugins); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(n.conflist(), "", "  ")
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(c.Dir, "net.d")
	if err := os.MkdirAll(conf, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(conf, "10-"+c.Kind+".conflist"), append(text, '\n'), 0o644); err != nil {
		return nil, err
	}
	if n.list, err = libcni.NetworkConfFromBytes(text); err != nil {
		return nil, err
	}
	n.cni = libcni.NewCNIConfigWithCacheDir([]string{bin}, filepath.Join(c.Dir, "cache"), &inNode{netns: n.netns})
	return n, nil
}

// conflist is the configuration that plugins get.
func (n *Network) conflist() map[string]any {
	ipam := map[string]any{
		"type":    "host-local",
		"ranges":  [][]map[string]string{{{"subnet": n.config.Self.PodCIDR.String()}}},
		"dataDir": filepath.Join(n.config.Dir, "addresses"),
	}
	plugin := map[string]any{"type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "hairpinMode": true, "ipam": ipam}
	switch n.config.Kind {
	case Flannel:
		plugin["mtu"] = 1500 - vxlanOverhead
	case Calico:
		plugin = map[string]any{"type": "routed", "ipam": ipam}
	}
	return map[string]any{"cniVersion": cniVersion, "name": n.config.Kind, "plugins": []any{plugin}}
}

func linkPlugins(dir, program string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"bridge", "routed", "host-local"} {
		err := os.Symlink(program, filepath.Join(dir, name))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// Add connects a pod and returns its address, which is not valid for a network
// of kind none.
func (n *Network) Add(ctx context.Context, p Pod) (netip.Addr, error) {
	if n.list == nil {
		return netip.Addr{}, nil
	}
	r, err := n.cni.AddNetworkList(ctx, n.list, p.runtimeConf())
	if err != nil {
		return netip.Addr{}, err
	}
	result, err := current.NewResultFromResult(r)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, ipc := range result.IPs {
		if addr, ok := netip.AddrFromSlice(ipc.Address.IP); ok {
			return addr.Unmap(), nil
		}
	}
	return netip.Addr{}, errors.New("the CNI plugin gave the pod no address")
}

// Del undoes Add. It may be called twice.
func (n *Network) Del(ctx context.Context, p Pod) error {
	if n.list == nil {
		return nil
	}
	return n.cni.DelNetworkList(ctx, n.list, p.runtimeConf())
}

// Clear disconnects all pods that are connected still. It is for the kubelet that
// follows one which ended without doing so, before it connects any.
func (n *Network) Clear(ctx context.Context) error {
	if n.list == nil {
		return nil
	}
	return n.cni.GCNetworkList(ctx, n.list, nil)
}

func (p Pod) runtimeConf() *libcni.RuntimeConf {
	return &libcni.RuntimeConf{
		ContainerID: p.ID, NetNS: p.NetNS, IfName: interfaceName,
		Args: [][2]string{
			{"IgnoreUnknown", "1"},
			{"K8S_POD_NAMESPACE", p.Namespace},
			{"K8S_POD_NAME", p.Name},
			{"K8S_POD_INFRA_CONTAINER_ID", p.ID},
			{"K8S_POD_UID", p.UID},
		},
	}
}

// inNode executes plugins in a network namespace.
type inNode struct {
	invoke.RawExec
	version.PluginDecoder
	netns string
}

func (e *inNode) ExecPlugin(ctx context.Context, path string, stdin []byte, env []string) (out []byte, err error) {
	err = netns.Do(e.netns, func() error {
		out, err = e.RawExec.ExecPlugin(ctx, path, stdin, env)
		return err
	})
	return out, err
}
