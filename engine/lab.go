package engine

import "time"

// Lab is one exercise: a world to start in, tasks to do in it, and what must
// be seen for each task to count as done.
type Lab struct {
	ID      string
	Title   string
	Module  string // id of the module it belongs to, as in lessons/
	Summary string // one sentence: what the learner builds or repairs
	Minutes int    // what it takes a first-time learner, roughly

	// Requires names what the machine must offer, in preflight's words:
	// kernel features ("veth", "bridge", "nat") and tools ("iptables").
	Requires []string

	Topology   Topology
	Tasks      []Task
	Collateral []Collateral

	Solution     Script
	Alternatives []Script
	Mistakes     []Script

	Seed int64 // the seed the parameters were drawn with; 0 is the canonical lab
}

// Task returns the task with this id, or nil.
func (l *Lab) Task(id string) *Task {
	for i := range l.Tasks {
		if l.Tasks[i].ID == id {
			return &l.Tasks[i]
		}
	}
	return nil
}

// Script is a sequence of shell lines as a learner would type them.
type Script struct {
	Name string // file name without .sh: "solve", "pure-nft", "no-up"
	Node string // node whose shell it is typed into; "" means the lab's first shell
	Text string

	// Fails names the tasks that a mistake leaves undone, and Misconception
	// the id that must answer it. Both are empty for right solutions. They
	// come from "# fails: a, b" and "# misconception: id" comment lines.
	Fails         []string
	Misconception string
}

// Topology is the world as it is before the learner's first command.
type Topology struct {
	Nodes     []Node
	Links     []Link
	Workloads []Workload
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
	Name    string
	Kind    Kind
	Title   string // a few words for the picture: "the Docker host"
	Shell   bool   // a shell tab is opened for it
	Bridges []Bridge
	Routes  []Route
	Sysctls []Sysctl          // set after links are up, in this order
	Hosts   map[string]string // name → address, for /etc/hosts
	DNS     []string          // nameservers for resolv.conf
	Setup   []string          // shell lines run in the node once links, routes and sysctls are set
}

// Bridge is a bridge device in a node.
type Bridge struct {
	Name    string
	Address []string // CIDR
	MAC     string
	Down    bool
}

// Link is a veth pair between two nodes.
type Link struct{ A, B End }

// End is one end of a link.
type End struct {
	Node    string
	Name    string   // interface name
	Address []string // CIDR
	MAC     string
	MTU     int
	Bridge  string // enslave to this bridge of the same node
	Down    bool   // leave it down
}

// Route is one static route of the main table.
type Route struct {
	To  string // CIDR or "default"
	Via string
	Dev string
}

// Sysctl is one kernel setting, by its dotted name.
type Sysctl struct{ Name, Value string }

// Workload is a small server that runs in a node from the start.
type Workload struct {
	Node   string
	Kind   string // http, tcp, udp, dns
	Name   string // what it calls itself in its answers; the node's name unless given
	Listen string // "[ADDR]:PORT"
	// Records are a dns workload's answers: name → values (A or AAAA addresses).
	Records map[string][]string
}

// Mode says when a task counts as done.
type Mode string

// The modes of a task: Now must hold whenever it is looked at, Once latches.
const (
	Now  Mode = "now"
	Once Mode = "once"
)

// Task is one goal. It is done when all its checks pass and every task in
// After is done.
type Task struct {
	ID             string
	Goal           string
	After          []string
	Mode           Mode
	Checks         []Check
	Hints          Hints
	Misconceptions []Misconception
}

// Hints go from the gentlest to the answer itself.
type Hints struct{ Symptom, Layer, Command, Solution string }

// Tiers returns the hints in the order in which they are given.
func (h Hints) Tiers() []string { return []string{h.Symptom, h.Layer, h.Command, h.Solution} }

// Misconception is a wrong idea that can be recognised from the live state.
// The first of a task whose When passes is what the learner is told.
type Misconception struct {
	ID   string
	When []Check // all must pass
	Says string
}

// Collateral is something that works, or must not work, before and after.
type Collateral struct {
	Goal  string
	Check Check
}

// Check is one assertion on the live lab. Exactly one field other than Because
// is set.
type Check struct {
	Traffic   *TrafficCheck
	Link      *LinkCheck
	Addr      *AddrCheck
	Route     *RouteCheck
	Rule      *RuleCheck
	Neigh     *NeighCheck
	FDB       *FDBCheck
	Sysctl    *SysctlCheck
	Socket    *SocketCheck
	NAT       *NATCheck
	Filter    *FilterCheck
	Conntrack *ConntrackCheck
	Netns     *NetnsCheck
	Capture   *CaptureCheck
	DNS       *DNSCheck
	Answer    *AnswerCheck

	All []Check
	Any []Check
	Not *Check

	// Because is the author's explanation of a failure, shown as its why.
	// Without it the check explains itself.
	Because string
}

// Expect is how a connection attempt ends.
type Expect string

// The ways in which an attempt ends. Refused is a TCP RST or an ICMP port
// unreachable, Timeout is silence, Unreachable any other ICMP error or a
// missing route: the three are never mixed up.
const (
	OK          Expect = "ok"
	Refused     Expect = "refused"
	Timeout     Expect = "timeout"
	Unreachable Expect = "unreachable"
)

// TrafficCheck sends traffic and says how it must end.
type TrafficCheck struct {
	From    string
	To      string // address, or name resolved in From
	Port    int
	Proto   string // icmp, tcp, udp, http
	Path    string // http only; "/" unless given
	Host    string // http only; Host header
	Expect  Expect
	SeenAs  string        // peer address that the server must report (tcp, udp, http workloads)
	Served  string        // name of the workload that must answer
	Body    string        // text the reply must contain
	Within  time.Duration // how long to wait for an answer; 0 is the default
	Hold    time.Duration // must stay true for so long
	Purpose string        // "c1 fetches c2": used in got and want
}

// LinkCheck looks for an interface. Empty fields do not matter.
type LinkCheck struct {
	Node   string
	Name   string
	Kind   string // veth, bridge, vxlan, macvlan …
	State  string // up (admin up and carrier), down, admin-up
	Master string // name of the bridge it is a port of; "none" for no master
	Peer   string // node that holds the other end of the veth
	MTU    int
}

// AddrCheck looks for an address on a device. With Addr empty, any IPv4
// address counts; a bare address without a prefix length matches any length.
type AddrCheck struct{ Node, Dev, Addr string }

// RouteCheck asks the routing tables of a node which way a destination leaves,
// as the kernel would decide it. Via "none" means directly connected.
// Expect "unreachable" asks that there is no way.
type RouteCheck struct {
	Node, To, From, Via, Dev string
	Expect                   Expect
}

// RuleCheck looks for a policy-routing rule.
type RuleCheck struct {
	Node, From, To string
	Table          int
	Priority       int
	Mark           int
}

// NeighCheck looks for a neighbour entry (ARP or NDP).
type NeighCheck struct {
	Node, Dev, Addr, MAC string
	State                string // reachable (any usable state), permanent, failed
}

// FDBCheck looks for a forwarding entry of a bridge or a VXLAN device.
type FDBCheck struct {
	Node, Dev string
	MAC       string // literal, or "NODE/IFACE" for the MAC that interface has
	Dst       string // VXLAN: remote VTEP
}

// SysctlCheck compares a kernel setting.
type SysctlCheck struct{ Node, Name, Is string }

// SocketCheck looks for a listening socket.
type SocketCheck struct {
	Node, Proto, Addr string
	Port              int
}

// NATCheck looks for a rule that translates addresses, whichever tool made it
// (nft, iptables-nft or iptables-legacy).
type NATCheck struct {
	Node  string
	Hook  string // prerouting, output, postrouting, input; "" any
	Does  string // masquerade, snat, dnat, redirect
	To    string // target address or address:port
	Match string // regular expression on the rule's text, the last resort
}

// FilterCheck looks for a rule or chain policy that lets pass or stops.
type FilterCheck struct {
	Node   string
	Hook   string // forward, input, output, prerouting, postrouting
	Does   string // accept, drop, reject
	Policy bool   // the chain's policy rather than a rule
	Match  string
}

// ConntrackCheck looks for a tracked flow. Empty fields do not matter.
type ConntrackCheck struct {
	Node, Proto        string
	OrigSrc, OrigDst   string
	OrigDPort          int
	ReplySrc, ReplyDst string
	ReplySPort         int
}

// NetnsCheck compares namespaces: that Node exists, that it is the same as
// SameAs, or that it holds just these interfaces.
type NetnsCheck struct {
	Node, SameAs string
	Links        []string
}

// CaptureCheck watches an interface while traffic is sent.
type CaptureCheck struct {
	Node, Dev string
	Filter    string // "tcp dport 80 src 172.17.0.2": words of engine/probe, not BPF
	Sees      bool   // whether a packet must, or must not, be seen
	During    *TrafficCheck
}

// DNSCheck asks a name server from a node.
type DNSCheck struct {
	From, Server, Name, Type string // Server "" uses the node's resolv.conf
	Answer                   []string
	Rcode                    string // NOERROR, NXDOMAIN, SERVFAIL
	MaxQueries               int
}

// AnswerCheck compares what the learner typed with the live state.
type AnswerCheck struct {
	Prompt string
	Of     string // mac:NODE/IFACE, addr:NODE/IFACE, ifindex:NODE/IFACE, peer:NODE/IFACE, mtu:NODE/IFACE
}
