package preflight

import (
	"slices"
	"strings"
)

// feature is something that the kernel can do.
type feature struct {
	id       string
	title    string
	module   string // kernel module that has it
	required bool   // most labs need it
	try      func(*trial) error
}

// features lists what can be tried, in the order in which it is: some build on
// those before them.
func features() []feature {
	return []feature{
		{"veth", "Virtual cables (veth)", "veth", true, tryVeth},
		{"bridge", "Virtual switches (bridge)", "bridge", true, tryBridge},
		{"nf-tables", "Packet filter (nftables)", "nf_tables", true, tryFilter},
		{"nat", "Address translation (NAT, masquerade)", "nft_masq", true, tryNAT},
		{"conntrack", "Connection tracking", "nft_ct", true, tryConntrack},
		{"forwarding", "Routing between interfaces (ip_forward)", "", true, tryForwarding},
		{"capture", "Packet capture", "af_packet", true, tryCapture},
		{"iptables", "iptables on this kernel", "nft_compat", false, tryIptables},
		{"br-netfilter", "Filtering of bridged packets (br_netfilter)", "br_netfilter", false, tryBridgeNetfilter},
		{"vxlan", "Overlay tunnels (VXLAN)", "vxlan", false, tryVXLAN},
		{"macvlan", "Extra MAC addresses (macvlan)", "macvlan", false, tryMacvlan},
		{"ipvlan", "Extra addresses on one MAC (ipvlan)", "ipvlan", false, tryIPvlan},
		{"vlan", "VLAN interfaces (802.1Q)", "8021q", false, tryVLAN},
		{"vlan-filtering", "VLANs on a bridge", "", false, tryVLANFiltering},
		{"dummy", "Dummy interfaces", "dummy", false, tryDummy},
		{"vrf", "Routing domains (VRF)", "vrf", false, tryVRF},
		{"bond", "Link bundles (bond)", "bonding", false, tryBond},
		{"ipip", "IP-in-IP tunnels", "ipip", false, tryIPIP},
		{"gre", "GRE tunnels", "ip_gre", false, tryGRE},
		{"geneve", "Geneve tunnels", "geneve", false, tryGeneve},
		{"wireguard", "WireGuard tunnels", "wireguard", false, tryWireGuard},
		{"ipv6", "IPv6", "ipv6", false, tryIPv6},
		{"nft-bridge", "nftables on bridges", "nf_tables", false, tryNftBridge},
		{"policy-routing", "Policy routing rules", "", false, tryPolicyRouting},
		{"ipset", "Address sets (ipset)", "ip_set_hash_ip", false, tryIPSet},
		{"ipvs", "Load balancing (IPVS)", "ip_vs", false, tryIPVS},
		{"netem", "Simulated delay and loss (netem)", "sch_netem", false, tryNetem},
		{"tbf", "Rate limits (tbf)", "sch_tbf", false, tryTBF},
		{"tun", "Tunnels to programs (/dev/net/tun)", "tun", false, tryTun},
	}
}

// word is a name as labs write it, in the one form that is used here.
func word(name string) string { return strings.ReplaceAll(name, "_", "-") }

func featureNamed(name string) (feature, bool) {
	all := features()
	i := slices.IndexFunc(all, func(f feature) bool { return f.id == word(name) })
	if i < 0 {
		return feature{}, false
	}
	return all[i], true
}

// Known says whether a lab may require this: whether it is the name of a kernel
// feature or of a tool, or Kubernetes.
func Known(name string) bool {
	_, isFeature := featureNamed(name)
	_, isTool := toolNamed(name)
	return isFeature || isTool || word(name) == Kubernetes
}

// Words lists all names that a lab may require, sorted.
func Words() []string {
	words := []string{Kubernetes}
	for _, f := range features() {
		words = append(words, f.id)
	}
	for _, t := range tools() {
		words = append(words, t.name)
	}
	slices.Sort(words)
	return slices.Compact(words)
}
