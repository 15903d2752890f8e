package engine

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Topology is the world as it is before the learner's first command.
type Topology struct {
	Nodes     []Node     `yaml:"nodes" lab:"required,unless=cluster"`
	Links     []Link     `yaml:"links"`
	Workloads []Workload `yaml:"workloads"`
}

// Node returns the node with this name, or nil.
func (t *Topology) Node(name string) *Node {
	for i := range t.Nodes {
		if t.Nodes[i].Name == name {
			return &t.Nodes[i]
		}
	}
	return nil
}

// Built returns the part of the topology that is built from it: all but pods,
// which a cluster makes.
func (t *Topology) Built() *Topology {
	out := *t
	out.Nodes = slices.DeleteFunc(slices.Clone(t.Nodes), func(n Node) bool { return n.Pod != nil })
	return &out
}

// Only returns the part of the topology that has these nodes and the links among
// them.
func (t *Topology) Only(names ...string) *Topology {
	var out Topology
	for _, n := range t.Nodes {
		if slices.Contains(names, n.Name) {
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, l := range t.Links {
		if slices.Contains(names, l.A.Node) && slices.Contains(names, l.B.Node) {
			out.Links = append(out.Links, l)
		}
	}
	return &out
}

// Without returns the topology without what Only returns.
func (t *Topology) Without(names ...string) *Topology {
	out := *t
	out.Nodes = slices.DeleteFunc(slices.Clone(t.Nodes), func(n Node) bool { return slices.Contains(names, n.Name) })
	out.Links = slices.DeleteFunc(slices.Clone(t.Links), func(l Link) bool {
		return slices.Contains(names, l.A.Node) && slices.Contains(names, l.B.Node)
	})
	return &out
}

// NodeNames returns the nodes' names in their order.
func (t *Topology) NodeNames() []string {
	names := make([]string, 0, len(t.Nodes))
	for _, n := range t.Nodes {
		names = append(names, n.Name)
	}
	return names
}

// FirstShell names the node whose shell scripts are typed into unless they name
// another: the first for which a tab is opened, else the first of all.
func (t *Topology) FirstShell() string {
	for _, n := range t.Nodes {
		if n.Shell {
			return n.Name
		}
	}
	if len(t.Nodes) == 0 {
		return ""
	}
	return t.Nodes[0].Name
}

// Interface is what an author gives of one interface, whatever it is. Its pointers
// lead into the topology.
type Interface struct {
	Node      string
	Name, MAC *string
	Bridge    *string // of which it is a port, "" for none; nil for what cannot be one
	Address   []string
	Duplicate *bool
	Device    *NodeDevice // nil for a bridge and for a link's end
}

// Interfaces returns those that the topology makes: each node's bridges and devices,
// then the ends of links.
func (t *Topology) Interfaces() []Interface {
	var out []Interface
	for i := range t.Nodes {
		n := &t.Nodes[i]
		for j := range n.Bridges {
			b := &n.Bridges[j]
			out = append(out, Interface{Node: n.Name, Name: &b.Name, MAC: &b.MAC, Address: b.Address, Duplicate: &b.Duplicate})
		}
		for j := range n.Devices {
			d := &n.Devices[j]
			out = append(out, Interface{Node: n.Name, Name: &d.Name, MAC: &d.MAC, Bridge: &d.Bridge, Address: d.Address, Duplicate: &d.Duplicate, Device: d})
		}
	}
	for i := range t.Links {
		for _, e := range []*End{&t.Links[i].A, &t.Links[i].B} {
			out = append(out, Interface{Node: e.Node, Name: &e.Name, MAC: &e.MAC, Bridge: &e.Bridge, Address: e.Address, Duplicate: &e.Duplicate})
		}
	}
	return out
}

// Kind says what a node stands for. It changes how it is drawn, not what it is:
// each is a network namespace with a hostname and an /etc of its own.
type Kind string

// The kinds of node.
const (
	KindHost      Kind = "host"
	KindContainer Kind = "container"
	KindRouter    Kind = "router"
	KindSwitch    Kind = "switch"
	KindRemote    Kind = "remote"
)

// Node is one named network namespace.
type Node struct {
	Name    string            `yaml:"name" lab:"required,nodename"`
	Kind    Kind              `yaml:"kind" lab:"required,one=host|container|router|switch|remote"`
	Title   string            `yaml:"title"` // a few words for the picture: "the Docker host"
	Shell   bool              `yaml:"shell"` // a shell tab is opened for it
	Bare    bool              `yaml:"bare"`  // lo is left down, as `ip netns add` leaves it; otherwise it is up
	Bridges []Bridge          `yaml:"bridges"`
	Devices []NodeDevice      `yaml:"devices"`
	Routes  []Route           `yaml:"routes"`
	Sysctls []Sysctl          `yaml:"sysctls"`          // set after links are up, in this order
	Hosts   map[string]string `yaml:"hosts" lab:"addr"` // name → address, for /etc/hosts
	DNS     []string          `yaml:"dns" lab:"addr"`   // nameservers for resolv.conf
	// DNSSearch and DNSOptions are resolv.conf's search list and its options.
	DNSSearch  []string `yaml:"dns_search" lab:"domain"`
	DNSOptions []string `yaml:"dns_options" lab:"dnsoption"`
	Setup      []string `yaml:"setup"` // shell lines run in the node once links, routes and sysctls are set

	// Pod is the pod that the node is; nil for a node that is built from here.
	// Such a node is there only while its pod is.
	Pod *Pod `yaml:"-"`
}

// Bridge is a bridge device in a node.
type Bridge struct {
	Name    string   `yaml:"name" lab:"required,ifname"`
	Address []string `yaml:"address" lab:"cidr"`
	MAC     string   `yaml:"mac" lab:"mac"`
	Down    bool     `yaml:"down"`
	// Duplicate allows an address or MAC that another interface of its network has, too.
	Duplicate bool `yaml:"duplicate"`
}

// NodeDevice is a link other than a bridge or a cable: `ip link add NAME type KIND`.
type NodeDevice struct {
	Name string `yaml:"name" lab:"required,ifname"`
	Kind string `yaml:"kind" lab:"required,one=vxlan|macvlan|ipvlan|vlan|dummy|tun|tap"`
	// Parent is what it is made on: IFACE of the same node, or NODE/IFACE of another. A
	// macvlan, ipvlan or vlan has one, and a vxlan may, for its multicast and its MTU.
	Parent string `yaml:"parent" lab:"iface"`
	// Mode of a macvlan (bridge unless given, private, vepa, passthru) or an ipvlan (l2 unless given, l3, l3s).
	Mode    string   `yaml:"mode" lab:"one=bridge|private|vepa|passthru|l2|l3|l3s"`
	ID      int      `yaml:"id" lab:"vni"`      // VNI of a vxlan, VLAN id of a vlan
	Local   string   `yaml:"local" lab:"addr"`  // of a vxlan: the address that it sends from
	Remote  string   `yaml:"remote" lab:"addr"` // of a vxlan: where it sends what it has no entry for; a multicast group needs a parent
	Port    int      `yaml:"port" lab:"port"`   // of a vxlan: its UDP port; 4789 unless given
	Address []string `yaml:"address" lab:"cidr"`
	MAC     string   `yaml:"mac" lab:"mac"`
	MTU     int      `yaml:"mtu" lab:"mtu"`
	Bridge  string   `yaml:"bridge" lab:"ifname"` // enslave to this bridge of the same node
	Down    bool     `yaml:"down"`                // leave it down
	// Duplicate allows an address or MAC that another interface of its network has, too.
	Duplicate bool `yaml:"duplicate"`
}

// DefaultVXLANPort is the UDP port of a vxlan that is given no other (RFC 7348, 4.1).
const DefaultVXLANPort = 4789

// On returns what the device of a node is made on: a node and its interface, both
// empty if it is made on none.
func (d *NodeDevice) On(node string) (parentNode, name string) {
	if d.Parent == "" {
		return "", ""
	}
	if other, name, found := strings.Cut(d.Parent, "/"); found {
		return other, name
	}
	return node, d.Parent
}

// Link is a veth pair between two nodes.
type Link struct {
	A End `yaml:"a" lab:"required"`
	B End `yaml:"b" lab:"required"`
}

// End is one end of a link.
type End struct {
	Node    string   `yaml:"node" lab:"required,node"`
	Name    string   `yaml:"name" lab:"required,ifname"`
	Address []string `yaml:"address" lab:"cidr"`
	MAC     string   `yaml:"mac" lab:"mac"`
	MTU     int      `yaml:"mtu" lab:"mtu"`
	Bridge  string   `yaml:"bridge" lab:"ifname"` // enslave to this bridge of the same node
	Down    bool     `yaml:"down"`                // leave it down
	// Rate limits what this end sends, with a token bucket.
	Rate Rate `yaml:"rate" lab:"rate"`
	// Duplicate allows an address or MAC that another interface of its network has, too.
	Duplicate bool `yaml:"duplicate"`
}

// Rate is how much an interface may send in a second, as tc(8) writes it: "10mbit".
type Rate string

var rates = map[string]uint64{"bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}

// Bits returns a rate in bit per second, and whether it is one.
func (r Rate) Bits() (uint64, bool) {
	digits := strings.TrimRight(string(r), "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.ParseUint(digits, 10, 32)
	unit := rates[string(r)[len(digits):]]
	return n * unit, err == nil && unit > 0 && n*unit >= minRate && n*unit <= maxRate
}

// A rate below minRate would let a full frame wait for more than a second; above
// maxRate a veth carries no more anyway. Both in bit per second.
const minRate, maxRate = 16e3, 10e9

// Route is one static route of the main table.
type Route struct {
	To  string `yaml:"to" lab:"required,dest"` // CIDR or "default"
	Via string `yaml:"via" lab:"addr"`
	Dev string `yaml:"dev" lab:"ifname"`
}

// Sysctl is one kernel setting, by its dotted name.
type Sysctl struct{ Name, Value string }

// Workload is a small server that runs in a node from the start.
type Workload struct {
	Node   string `yaml:"node" lab:"required,node"`
	Kind   string `yaml:"kind" lab:"required,one=http|https|tcp|udp|dns|relay"`
	Name   string `yaml:"name"`                         // what it calls itself in its answers; the node's name unless given
	Listen string `yaml:"listen" lab:"required,listen"` // "[ADDR]:PORT"
	// Records are a dns workload's answers: name → values, as package zone reads them.
	Records map[string][]string `yaml:"records"`
	Delay   time.Duration       `yaml:"delay"` // of a dns workload: how long it takes to answer
	// To is where a relay leads, and Protocol by what: tcp unless given.
	To       string `yaml:"to" lab:"endpoint"`
	Protocol string `yaml:"protocol" lab:"one=tcp|udp"`
	// Certs are the certificates of an https workload, by the lab's own authority, which
	// all nodes trust: who asks for a name gets the one that is for it, everybody else the
	// first. Unless given there is one for the node's name.
	Certs []Cert `yaml:"certs"`
	// AnswersFrom is the address that a udp workload answers from, whichever was asked.
	AnswersFrom string `yaml:"answers_from" lab:"addr"`
}

// Cert is a certificate of a server.
type Cert struct {
	Names []string `yaml:"names" lab:"required,target"` // host names and addresses that it is for
	// Problem is what is wrong with it: it has expired, begins in a day, is signed with its
	// own key or by an authority that nobody trusts, or comes without the certificate of
	// the authority that signed it.
	Problem string `yaml:"problem" lab:"one=expired|not-yet|self-signed|untrusted|incomplete"`
}
