package engine

import (
	"context"
	"slices"
	"strings"
)

// Ending is how a flow ended.
type Ending string

// The endings. EndingUndetermined means that the flow failed and it could not be
// found out where.
const (
	EndingDelivered    Ending = "delivered"
	EndingRefused      Ending = "refused"
	EndingDropped      Ending = "dropped"
	EndingUnreachable  Ending = "unreachable"
	EndingUndetermined Ending = "not determined"
)

// Direction is which way a packet of the flow went.
type Direction string

// The directions. An error is an ICMP error about a packet of the flow, ARP the
// question about a neighbour (or its answer) that a packet of the flow waited for.
const (
	DirectionRequest Direction = "request"
	DirectionReply   Direction = "reply"
	DirectionError   Direction = "error"
	DirectionARP     Direction = "arp"
)

// Autopsy is what an autopsy found. Its JSON is stable.
type Autopsy struct {
	Flow    Flow    `json:"flow"`
	Address string  `json:"address,omitempty"` // that was tried
	Outcome Ending  `json:"outcome"`
	Verdict Verdict `json:"verdict"`
	// Hops are the nodes that the packet and its answer went through, in order.
	Hops []Hop `json:"hops"`
	// Tracked is what conntrack remembers of the flow, by node.
	Tracked []Tracking `json:"tracked,omitempty"`
	// Detail is how the sender saw it end, in the words of a probe.
	Detail string `json:"detail"`
	// Blind says what could not be watched, one sentence each.
	Blind []string `json:"blind,omitempty"`
	// TookMS is how long all of it took.
	TookMS float64 `json:"took_ms"`
}

// Verdict names one object and one reason.
type Verdict struct {
	Node   string `json:"node,omitempty"`   // where the packet died, "" if it did not
	Object string `json:"object,omitempty"` // what ate it: "iptables filter FORWARD", "docker0", "socket tcp/80"
	Reason Reason `json:"reason"`
	// Direction is the packet's that died.
	Direction Direction `json:"direction,omitempty"`
	// Code is the message that Text is made of: the reason and, where it has several
	// messages, a dot and what tells them apart. engine/autopsy has the list.
	Code string      `json:"code"`
	Args VerdictArgs `json:"args"` // what Code's message is filled with
	// Symptoms are what the reason led to, the one farthest from it first. Text tells them
	// before the reason.
	Symptoms []Symptom `json:"symptoms,omitempty"`
	// Text is the whole in one sentence without a capital or a full stop.
	Text string `json:"text"`
}

// Symptom is what the reason of a verdict led to, as a message of its own: a packet in a
// tunnel waits for a neighbour, whose answer was lost.
type Symptom struct {
	Code string      `json:"code"`
	Args VerdictArgs `json:"args"`
}

// VerdictArgs are the arguments of a message. Each message has its own; the others are
// left out. A name that begins with peer_ is that of the second of two.
type VerdictArgs struct {
	Node       string `json:"node,omitempty"`        // the one that the message is about
	Device     string `json:"device,omitempty"`      // of Node
	Bridge     string `json:"bridge,omitempty"`      // of Node
	In         string `json:"in,omitempty"`          // device of Node that the packet came in on
	Out        string `json:"out,omitempty"`         // device of Node that it leaves on, or would
	Peer       string `json:"peer,omitempty"`        // device that Device is set against: its other end, its parent
	PeerNode   string `json:"peer_node,omitempty"`   // the node that has Peer, or that Node deals with
	PeerBridge string `json:"peer_bridge,omitempty"` // of Node, besides Bridge

	Packet string `json:"packet,omitempty"` // what died, in words: "packet", "reply", "ARP request for 10.0.0.2"
	Bytes  int    `json:"bytes,omitempty"`  // of Packet, from its IP header on
	Way    string `json:"way,omitempty"`    // where in Node a rule met it, in words made of In, Out and Hook
	Hook   string `json:"hook,omitempty"`   // prerouting, input, forward, output, postrouting, ingress
	Chain  string `json:"chain,omitempty"`  // as the tool names it: "iptables filter FORWARD", "nft inet f fw"
	Rule   string `json:"rule,omitempty"`   // its text

	Address   string   `json:"address,omitempty"`   // IP address that the message is about, most often where the packet was going
	Addresses []string `json:"addresses,omitempty"` // that a server is bound to
	Source    string   `json:"source,omitempty"`    // IP address that a packet came from
	Prefix    string   `json:"prefix,omitempty"`    // of a route: "10.2.0.0/24", "default"
	MAC       string   `json:"mac,omitempty"`
	PeerMAC   string   `json:"peer_mac,omitempty"` // of Peer
	Answer    string   `json:"answer,omitempty"`   // that did not come: "ARP reply", "neighbour advertisement"
	Family    string   `json:"family,omitempty"`   // IPv4, IPv6

	MTU        int    `json:"mtu,omitempty"`      // of Device, in bytes
	PeerMTU    int    `json:"peer_mtu,omitempty"` // of Peer, in bytes
	VNI        int    `json:"vni,omitempty"`      // of Device
	PacketVNI  int    `json:"packet_vni,omitempty"`
	VLAN       int    `json:"vlan,omitempty"`  // that a bridge puts the packet in
	Proto      string `json:"proto,omitempty"` // tcp, udp
	Port       int    `json:"port,omitempty"`
	PacketPort int    `json:"packet_port,omitempty"` // where Port is not the packet's

	Setting  string `json:"setting,omitempty"`  // of the kernel: "net.ipv4.ip_forward"
	Value    string `json:"value,omitempty"`    // of Setting
	State    string `json:"state,omitempty"`    // of a bridge port or a neighbour entry, in the kernel's word
	Kind     string `json:"kind,omitempty"`     // of a route, a policy routing rule, a macvlan or a qdisc, in the tool's word
	Priority int    `json:"priority,omitempty"` // of a policy routing rule
	Table    int    `json:"table,omitempty"`    // of routes, by its number
	Old      string `json:"old,omitempty"`      // address that conntrack remembers
	Counter  string `json:"counter,omitempty"`  // of the kernel: "InCsumErrors"
	Count    int    `json:"count,omitempty"`    // by how much a counter grew

	Client     string   `json:"client,omitempty"`     // node that sent the request
	Server     string   `json:"server,omitempty"`     // node that sent the reply, or address of a name server
	Translator string   `json:"translator,omitempty"` // node that rewrote the request's destination
	Name       string   `json:"name,omitempty"`       // that was looked up
	Nodes      []string `json:"nodes,omitempty"`      // that did what the message says
	RuledOut   []string `json:"ruled_out,omitempty"`  // what was looked at and does not explain it
	Suspects   []string `json:"suspects,omitempty"`   // counters of the kernel that grew: "UdpInErrors +1"
	Command    string   `json:"command,omitempty"`    // to run next
	Detail     string   `json:"detail,omitempty"`     // how the sender saw it end, in the words of a probe
}

// openers are the words that a verdict's text may begin with. What else it begins
// with is a name, which is written as it is spelt.
var openers = []string{"a", "delivered", "dropped", "in", "lost", "not", "refused", "rejected", "the", "two"}

// Sentence is the verdict's text with a capital and a full stop, "" if it has none.
func (v Verdict) Sentence() string {
	first, _, _ := strings.Cut(v.Text, " ")
	text := v.Text
	if slices.Contains(openers, strings.TrimRight(first, ":,")) && first != v.Node {
		text = strings.ToUpper(text[:1]) + text[1:]
	}
	if text == "" || strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// Reason is why a flow ended as it did: a stable word for programs, such as
// "policy-drop". engine/autopsy has the list; engine/session adds "untranslated".
type Reason string

// Header is what tells a packet's ends.
type Header struct {
	Src   string `json:"src"`
	Dst   string `json:"dst"`
	SPort int    `json:"sport,omitempty"`
	DPort int    `json:"dport,omitempty"`
}

// String is "10.0.0.1:4000 → 10.0.0.2:80".
func (h Header) String() string {
	return endpoint(h.Src, h.SPort) + " → " + endpoint(h.Dst, h.DPort)
}

// Hop is a packet's way through one node.
type Hop struct {
	Node      string    `json:"node"`
	Direction Direction `json:"direction"`
	In        string    `json:"in,omitempty"`      // device it came in by, "" if it was made here
	Out       string    `json:"out,omitempty"`     // device it left by, "" if it did not leave
	Through   []string  `json:"through,omitempty"` // devices between the two, such as a bridge
	Packet    string    `json:"packet"`            // "tcp SYN", "icmp echo request", "ICMP host unreachable"
	Header    Header    `json:"header"`            // as it came
	Inside    string    `json:"inside,omitempty"`  // what it came wrapped in: "VXLAN 42, 192.168.0.1 → 192.168.0.2"
	// Hooks are those of IP that the packet came to in the node, in order, with a rule or without.
	Hooks []string `json:"hooks,omitempty"`
	// Decisions are those that a rule took, and every rewriting of the header.
	Decisions []Decision `json:"decisions,omitempty"`
	AtMS      float64    `json:"at_ms"` // since the first packet
	Died      bool       `json:"died"`  // it got no further than this
}

// Tracking is a conntrack entry: the flow as it came, and the answer as it is
// expected to come back.
type Tracking struct {
	Node  string `json:"node"`
	Orig  Header `json:"orig"`
	Reply Header `json:"reply"`
	State string `json:"state,omitempty"` // of tcp, in conntrack's words
}

// Decision is what happened to a packet at a hook.
type Decision struct {
	Hook    string  `json:"hook"`             // prerouting, input, forward, output, postrouting
	Backend string  `json:"backend"`          // nft, iptables-nft, iptables-legacy; "" where no rule is known to have done it, as with what conntrack remembers
	Family  string  `json:"family,omitempty"` // as in nft: ip, inet, bridge …
	Table   string  `json:"table,omitempty"`
	Chain   string  `json:"chain,omitempty"`
	Rule    string  `json:"rule,omitempty"` // its text; "" for a chain's policy
	Does    string  `json:"does"`           // accept, drop, reject, dnat, snat, masquerade, redirect, translate
	Before  *Header `json:"before,omitempty"`
	After   *Header `json:"after,omitempty"` // both set if the header was rewritten
}

// Tracer follows packets. Each call sends one flow and changes nothing else; it
// takes as long as the flow does to end, and a little more. The error is for
// what could not be found out at all: a flow that makes no sense, a node that
// is not there (ErrNotFound), a lab that was reset meanwhile.
type Tracer interface {
	Trace(ctx context.Context, flow Flow) (*Autopsy, error)
}
