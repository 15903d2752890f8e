// Package autopsy sends a packet in a live lab, follows it from device to
// device and hook to hook, there and back, and names the one object that ate it
// and the one reason.
//
// What it says rests on what was seen: packet sockets in every node, and the
// kernel's own trace of the rules that the packet met (nftrace, which covers
// iptables-nft too). State (routes, neighbours, ports of bridges, sockets,
// settings, counters of iptables-legacy) only explains why the packet was not
// seen any further. Where it does not, the verdict is "not determined, last
// seen at …": never a guess.
//
// An autopsy changes nothing that a learner could meet. Its tables belong to its
// netlink sockets (NFT_TABLE_F_OWNER), so that the kernel takes them away when
// the sockets close, however the program ends; they hold filter chains without
// conntrack expressions, which leave conntrack off where it was off. Snapshots
// and events of engine/observe leave them out.
//
// The package knows no sandbox, no session and no check.
package autopsy

import (
	"fmt"
	"net/netip"
	"time"

	"underlay/engine/observe"
	"underlay/engine/probe"
)

// Flow is what is sent.
type Flow struct {
	From  string        `json:"from"`  // node
	To    string        `json:"to"`    // address, or a name that From looks up
	Proto string        `json:"proto"` // icmp, tcp, udp or http
	Port  int           `json:"port,omitempty"`
	Size  int           `json:"size,omitempty"` // bytes of payload at least (icmp, udp); 0 for a few
	Wait  time.Duration `json:"-"`              // how long silence is listened to; 0 is probe.DefaultWait
}

// String is the flow as `underlay trace` takes it: "c1 → 10.0.0.2:80/tcp".
func (f Flow) String() string {
	to := f.To
	if f.Port != 0 && f.Proto != "icmp" {
		if a, err := netip.ParseAddr(f.To); err == nil {
			to = netip.AddrPortFrom(a, uint16(f.Port)).String()
		} else {
			to = fmt.Sprintf("%s:%d", f.To, f.Port)
		}
	}
	return fmt.Sprintf("%s → %s/%s", f.From, to, f.Proto)
}

// Place is the lab as an autopsy sees it.
type Place struct {
	Nodes []observe.Node
	// Reader reads these nodes. Failed neighbour entries are to be forgotten
	// before (wire.ForgetUnresolved), or the kernel does not ask again.
	Reader *observe.Reader
	// Hosts and DNS are what the sending node knows of names.
	Hosts map[string]string
	DNS   []string
}

// Outcome is how the flow ended.
type Outcome string

// The outcomes. Undetermined means that the flow failed and it could not be
// found out where.
const (
	Delivered    Outcome = "delivered"
	Refused      Outcome = "refused"
	Dropped      Outcome = "dropped"
	Unreachable  Outcome = "unreachable"
	Undetermined Outcome = "not determined"
)

// Direction is which way a packet of the flow went.
type Direction string

// The directions. An Error is an ICMP error about a packet of the flow, ARP the
// question about a neighbour (or its answer) that a packet of the flow waited for.
const (
	Request Direction = "request"
	Reply   Direction = "reply"
	Error   Direction = "error"
	ARP     Direction = "arp"
)

// Report is what an autopsy found. Its JSON is stable.
type Report struct {
	Flow    Flow    `json:"flow"`
	Address string  `json:"address,omitempty"` // that was tried
	Outcome Outcome `json:"outcome"`
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

	outcome probe.Outcome
}

// Verdict names one object and one reason.
type Verdict struct {
	Node   string `json:"node,omitempty"`   // where the packet died, "" if it did not
	Object string `json:"object,omitempty"` // what ate it: "iptables filter FORWARD", "docker0", "socket tcp/80"
	Reason Reason `json:"reason"`
	// Direction is the packet's that died.
	Direction Direction `json:"direction,omitempty"`
	// Text is the whole in one sentence without a capital or a full stop.
	Text string `json:"text"`
}

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

func endpoint(addr string, port int) string {
	a, err := netip.ParseAddr(addr)
	if err != nil || port == 0 {
		return addr
	}
	return netip.AddrPortFrom(a, uint16(port)).String()
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
