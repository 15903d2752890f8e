package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"

	"underlay/engine/companion"
)

// Load reads a config from a file of JSON and checks it. Fields that it does
// not know are refused.
func Load(path string) (companion.Config, error) {
	c := companion.Default()
	file, err := os.Open(path)
	if err != nil {
		return companion.Config{}, fmt.Errorf("config: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return companion.Config{}, fmt.Errorf("config %s: %w", path, err)
	}
	if err := check(c); err != nil {
		return companion.Config{}, fmt.Errorf("config %s: %w", path, err)
	}
	return c, nil
}

var nodeName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// Check joins everything that is wrong with the config.
func check(c companion.Config) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	choice := func(field, value string, choices ...string) {
		if !slices.Contains(choices, value) {
			wrong("%s is %q, not one of %q", field, value, choices)
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
			wrong("node name %q: use lower-case letters, digits and hyphens", node.Name)
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
