package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A Config says what a cluster is made of. Its namespaces exist and are wired:
// each node has its address and a default route.
type Config struct {
	// Dir is for sockets, logs, keys and admin.conf; it is made.
	Dir     string  `json:"dir"`
	Control Control `json:"control"`
	Nodes   []Node  `json:"nodes"`

	ServiceCIDR netip.Prefix `json:"serviceCIDR"`
	// DNSService is the ClusterIP of the cluster's DNS.
	DNSService netip.Addr `json:"dnsService"`
	Domain     string     `json:"domain"`

	Proxy  string `json:"proxy"` // nftables, iptables or none
	CNI    string `json:"cni"`   // bridge, flannel, calico or none
	Policy bool   `json:"policy"`
	DNS    bool   `json:"dns"`
	// Upstream is where DNS asks about names outside of the cluster. Without
	// it, there are none.
	Upstream netip.Addr `json:"upstream,omitzero"`

	// Manifests are files of objects to apply once the nodes are ready.
	Manifests []string `json:"manifests"`
	// PodBinary is the path of underlay-pod.
	PodBinary string `json:"podBinary"`

	// Compaction is how often the store forgets earlier revisions, such as "5s".
	// Unless given it is as often as in any Kubernetes.
	Compaction metav1.Duration `json:"compaction,omitzero"`
}

// Control is where the API server listens, on port 6443.
type Control struct {
	Node    string     `json:"node"` // a network namespace; it may be that of a worker
	Address netip.Addr `json:"address"`
}

// A Node is a worker.
type Node struct {
	Name    string       `json:"name"` // also its network namespace below /run/netns
	Address netip.Addr   `json:"address"`
	PodCIDR netip.Prefix `json:"podCIDR"`
}

// Load reads a config from a file of JSON and checks it. Fields that it does
// not know are refused.
func Load(path string) (Config, error) {
	c := Config{
		Dir:         "/run/kube",
		ServiceCIDR: netip.MustParsePrefix("10.96.0.0/16"),
		DNSService:  netip.MustParseAddr("10.96.0.10"),
		Domain:      "cluster.local",
		Proxy:       "nftables", CNI: "bridge", Policy: true, DNS: true,
	}
	file, err := os.Open(path)
	if err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Config{}, fmt.Errorf("config %s: %w", path, err)
	}
	if err := c.check(); err != nil {
		return Config{}, fmt.Errorf("config %s: %w", path, err)
	}
	return c, nil
}

var nodeName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// Check joins everything that is wrong with the config.
func (c Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	choice := func(field, value string, choices ...string) {
		if !slices.Contains(choices, value) {
			wrong("%s is %q, which is none of %q", field, value, choices)
		}
	}
	choice("proxy", c.Proxy, "nftables", "iptables", "none")
	choice("cni", c.CNI, "bridge", "flannel", "calico", "none")
	if c.Control.Node == "" || !c.Control.Address.Is4() {
		wrong("control needs a node and its IPv4 address")
	}
	if !c.ServiceCIDR.IsValid() || !c.ServiceCIDR.Addr().Is4() {
		wrong("serviceCIDR is not an IPv4 range")
	} else if c.DNS && !c.ServiceCIDR.Contains(c.DNSService) {
		wrong("dnsService %s is not in serviceCIDR %s", c.DNSService, c.ServiceCIDR)
	}
	if len(c.Nodes) == 0 {
		wrong("there are no nodes")
	}
	for i, node := range c.Nodes {
		if !nodeName.MatchString(node.Name) {
			wrong("node name %q: it has small letters, digits and hyphens", node.Name)
		}
		if !node.Address.Is4() || !node.PodCIDR.IsValid() || !node.PodCIDR.Addr().Is4() {
			wrong("node %s needs an IPv4 address and an IPv4 podCIDR", node.Name)
			continue
		}
		for _, other := range c.Nodes[:i] {
			if other.Name == node.Name || other.Address == node.Address || other.PodCIDR.Overlaps(node.PodCIDR) {
				wrong("nodes %s and %s share a name, an address or pod addresses", other.Name, node.Name)
			}
		}
		if node.PodCIDR.Overlaps(c.ServiceCIDR) {
			wrong("podCIDR %s of %s overlaps with serviceCIDR %s", node.PodCIDR, node.Name, c.ServiceCIDR)
		}
	}
	if c.PodBinary == "" {
		wrong("podBinary is not set")
	}
	return errors.Join(errs...)
}
