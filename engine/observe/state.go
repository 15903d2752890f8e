// Package observe reads the kernel: snapshots of what a node holds, and the
// stream of events that say when to look again. It changes nothing, and apart
// from engine/wire nothing else of this module talks netlink.
package observe

import "net/netip"

// Facet is one part of a node's state, so that a snapshot reads only what
// somebody asks for. Facets combine with |.
type Facet uint32

// The facets of a snapshot.
const (
	Links Facet = 1 << iota
	Addrs
	Routes
	Rules
	Neighs
	FDB
	Sysctls
	Sockets
	Conntrack
	Firewall
	VLANs
	Groups
	Counters

	// All is what lasts: not what only counts, nor what only an autopsy asks for.
	All = Links | Addrs | Routes | Rules | Neighs | FDB | Sysctls | Sockets | Conntrack | Firewall
)

// Node names a network namespace and holds it by an open descriptor.
type Node struct {
	Name string
	NS   int
}

// State is what was read of one node. A facet that was not asked for is empty;
// one that could not be read has its error in Errs.
type State struct {
	Node      string
	Inode     uint64 // of the network namespace: equal means the same one
	Links     []Link
	Addrs     []Addr
	Routes    []Route
	Rules     []Rule
	Neighs    []Neigh
	FDB       []FDBEntry
	Sysctls   map[string]string // dotted name → value, those asked for
	Sockets   []Socket          // listening (tcp) or bound (udp)
	Conntrack []Flow
	Firewall  []FirewallRule // rules and chain policies, in the order of their tables
	VLANs     []PortVLAN
	Groups    []Group
	Qdiscs    []Qdisc           // with Counters
	Counters  map[string]uint64 // the kernel's own, as in /proc/net/snmp: "Udp.InCsumErrors"
	Errs      map[Facet]error
}

// Link is an interface.
type Link struct {
	Index   int
	Name    string
	Kind    string // "veth", "bridge", "loopback" …
	MAC     string
	MTU     int
	AdminUp bool
	Carrier bool   // lower layer up
	Oper    string // up, down, lowerlayerdown, unknown
	Master  string // name of the bridge it is a port of
	// PeerIndex is the other end's index in PeerNS, 0 if the link has no peer.
	PeerIndex int
	// PeerNode is the node that holds the other end, "" if no known node does.
	PeerNode string
	PeerName string
	// Parent is the device below a macvlan, macvtap, ipvlan or VLAN device,
	// ParentNode the node that holds it; "" if there is none or no known node does.
	Parent     string
	ParentNode string
	VNI        int    // vxlan
	Port       int    // vxlan: UDP destination port
	Remote     string // vxlan
	Local      string // vxlan
	Mode       string // macvlan
	Isolated   bool   // bridge port
	Hairpin    bool   // bridge port
	PortState  string // bridge port: disabled, listening, learning, forwarding, blocking
	Locked     bool   // bridge port: takes frames only of machines that it has an entry for
	// Withholds is what a bridge port keeps to itself of what goes everywhere: unknown,
	// multicast and broadcast frames.
	Withholds Flood
	// VLANFiltering says of a bridge that its ports pass only the VLANs that they have.
	VLANFiltering bool

	RxPackets, TxPackets, RxDropped, TxDropped uint64
}

// Flood is the frames that a bridge sends everywhere, by sort.
type Flood struct{ Unknown, Multicast, Broadcast bool }

// PortVLAN is a VLAN that a bridge or one of its ports has.
type PortVLAN struct {
	Dev      string
	VID      int
	PVID     bool // frames without a tag are of this VLAN when they come in
	Untagged bool // its frames leave without a tag
}

// Group is a multicast group that a device has joined.
type Group struct {
	Dev  string
	Addr netip.Addr
}

// Qdisc is a queue of a device, with what it counted.
type Qdisc struct {
	Dev     string
	Kind    string // pfifo_fast, tbf, ingress …
	Parent  string // root, ingress, or the class that it is below: "1:10"
	Dropped uint64 // packets
	Queued  uint64 // packets that wait in it now
}

// Addr is an address on a device.
type Addr struct {
	Dev    string
	Prefix netip.Prefix
	Scope  string // global, link, host
}

// Route is an entry of a routing table. A route with several next hops is
// given as one Route for each.
type Route struct {
	To     netip.Prefix // 0.0.0.0/0 for the default route
	Via    netip.Addr   // invalid if directly connected
	Dev    string
	Src    netip.Addr
	Table  int
	Scope  string
	Proto  string // kernel, boot, static …
	Metric int
	Type   string // unicast, blackhole, unreachable, prohibit …
	Onlink bool
}

// Rule is a policy-routing rule.
type Rule struct {
	Family   string // ip, ip6
	Priority int
	From, To netip.Prefix
	IIF, OIF string
	Mark     uint32
	Table    int
	// Action is what the rule does: lookup (in Table), goto, nop, blackhole,
	// unreachable, prohibit.
	Action string
}

// Neigh is an ARP or NDP entry.
type Neigh struct {
	Dev   string
	Addr  netip.Addr
	MAC   string
	State string // reachable, stale, delay, probe, permanent, noarp, incomplete, failed
}

// FDBEntry is a forwarding entry of a bridge or a VXLAN device.
type FDBEntry struct {
	Dev    string // port, or the vxlan device
	Bridge string
	MAC    string
	Dst    netip.Addr
	State  string // learned, permanent, static
}

// Socket is a socket that waits for traffic.
type Socket struct {
	Proto string // tcp, udp
	Addr  netip.Addr
	Port  int
	// V6Only says that a socket bound to :: serves no IPv4.
	V6Only bool
	// Dev is the index of the only device it serves (SO_BINDTODEVICE), 0 for all.
	Dev int
}

// Tuple is one direction of a flow.
type Tuple struct {
	Src, Dst     netip.Addr
	SPort, DPort int
}

// Flow is a conntrack entry. Reply is what the reply is expected to look like
// before it is translated back.
type Flow struct {
	Proto       string
	Orig, Reply Tuple
	State       string // tcp state, "" otherwise
	Assured     bool
	Mark        uint32
}

// FirewallRule is one rule, or one base chain's policy, whichever of nft,
// iptables-nft and iptables-legacy made it.
type FirewallRule struct {
	Backend string // nft, iptables-nft, iptables-legacy
	Family  string // ip, ip6, inet, bridge, arp, netdev
	Table   string
	Chain   string
	Hook    string // of the base chain: prerouting, input, forward, output, postrouting; of other chains, the hooks from which they are reached, joined with ","
	Type    string // filter, nat, route; "" for chains without a hook
	Policy  bool   // this entry is the chain's policy
	Does    string // accept, drop, reject, masquerade, snat, dnat, redirect, jump, return, "" (counts only)
	To      string // target of dnat/snat, or of jump
	Text    string // the rule as its tool prints it, or close to it
	Packets uint64
	// Handle is by what nf_tables tells the rules of a table apart; 0 for policies
	// and in iptables-legacy.
	Handle uint64
}
