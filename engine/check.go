package engine

import "time"

// Check is one assertion on the live lab. Exactly one field other than Because
// is set.
//
// All, Any and Not make it of other checks; Walk goes through those. Each other
// field is a kind, which package check knows how to judge.
type Check struct {
	Traffic   *TrafficCheck   `yaml:"traffic"`
	Link      *LinkCheck      `yaml:"link"`
	Addr      *AddrCheck      `yaml:"addr"`
	Route     *RouteCheck     `yaml:"route"`
	Rule      *RuleCheck      `yaml:"rule"`
	Neigh     *NeighCheck     `yaml:"neigh"`
	FDB       *FDBCheck       `yaml:"fdb"`
	Sysctl    *SysctlCheck    `yaml:"sysctl"`
	Socket    *SocketCheck    `yaml:"socket"`
	NAT       *NATCheck       `yaml:"nat"`
	Filter    *FilterCheck    `yaml:"filter"`
	Conntrack *ConntrackCheck `yaml:"conntrack"`
	Netns     *NetnsCheck     `yaml:"netns"`
	Capture   *CaptureCheck   `yaml:"capture"`
	DNS       *DNSCheck       `yaml:"dns"`
	Resolve   *ResolveCheck   `yaml:"resolve"`
	Answer    *AnswerCheck    `yaml:"answer"`
	Object    *ObjectCheck    `yaml:"object"`
	Choice    *ChoiceCheck    `yaml:"-"` // not for lab.yaml: Faulted makes it

	All []Check `yaml:"all"`
	Any []Check `yaml:"any"`
	Not *Check  `yaml:"not"`

	// Because is the author's explanation of a failure, shown as its why.
	// Without it the check explains itself.
	Because string `yaml:"because"`
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

// NoAnswer is what a check expects that takes any ending but OK.
const NoAnswer Expect = "none"

// Met reports whether an attempt that ended so is what was expected.
func (e Expect) Met(ended Expect) bool {
	return ended == e || e == NoAnswer && ended != OK && ended != ""
}

// Resolver is a C library whose rules a name is resolved by.
type Resolver string

// The resolvers.
const (
	Glibc Resolver = "glibc"
	Musl  Resolver = "musl"
)

// TrafficCheck sends traffic and says how it must end.
type TrafficCheck struct {
	From   string        `yaml:"from" lab:"required,node"`
	To     string        `yaml:"to" lab:"required,target"` // address, or name resolved in From
	Port   int           `yaml:"port" lab:"port"`
	Proto  string        `yaml:"proto" lab:"required,one=icmp|tcp|udp|http"`
	Path   string        `yaml:"path"`                                                 // http only; "/" unless given
	Host   string        `yaml:"host"`                                                 // http only; Host header
	Expect Expect        `yaml:"expect" lab:"one=ok|refused|timeout|unreachable|none"` // "none" is any but ok
	SeenAs string        `yaml:"seen_as" lab:"addr"`                                   // peer address that the server must report (tcp, udp, http workloads)
	Served string        `yaml:"served"`                                               // name of the workload that must answer; "web-*" for any pod of a Deployment web
	Body   string        `yaml:"body"`                                                 // text the reply must contain
	Within time.Duration `yaml:"within"`                                               // how long to wait for an answer; 0 is the default
	Hold   time.Duration `yaml:"hold"`                                                 // must stay true for so long
	Size   int           `yaml:"size" lab:"size"`                                      // bytes: of icmp and udp how many a packet carries, of tcp and http how many are sent on the connection, which our servers return
	SPort  int           `yaml:"sport" lab:"port"`                                     // tcp, udp and http: the source port; 0 is one of those that tests come from
	HTTP   *HTTP         `yaml:"http"`                                                 // http only: more of the request, and what the reply must be
	TLS    *TLS          `yaml:"tls"`                                                  // http only: it is sent over TLS
	Via    string        `yaml:"via" lab:"addr"`                                       // udp only: the neighbour that From hands the packet to, whatever its routes say
	DNAT   *DNAT         `yaml:"dnat"`                                                 // which destination a node's connection tracking must have given it
	Spread *Spread       `yaml:"spread"`                                               // many attempts instead of one, and who must answer how many of them
	Sweep  *Sweep        `yaml:"sweep"`                                                // many attempts instead of one, at other ports and addresses and by other protocols; all must end as expected
	// Resolver is the C library by whose rules From resolves the name in To: glibc unless
	// given.
	Resolver Resolver `yaml:"resolver" lab:"one=glibc|musl"`
	Purpose  string   `yaml:"purpose"` // "c1 fetches c2": used in got and want
}

// HTTP is what a request over HTTP says beyond its path and host, and how the reply must
// be: its status and headers, and what of the request's headers got to the server, which
// a lab's own servers tell. A header's value is compared as a whole; "none" stands for one
// that must not be there, "*" for any value.
type HTTP struct {
	Method  string  `yaml:"method" lab:"method"` // GET unless given, and POST with a size
	Headers Headers `yaml:"headers"`             // sent with the request
	Status  int     `yaml:"status" lab:"status"` // of the reply; any unless given
	Reply   Headers `yaml:"reply"`               // headers that the reply must have
	Seen    Headers `yaml:"seen"`                // request headers that the server must see
}

// TLS is what is special about traffic over TLS. A client that verifies certificates goes on
// only where there is no problem: the check passes if the certificate has the problem that
// it names, and none if it names none.
type TLS struct {
	// Name is the name that the server is asked for (SNI) and that its certificate must be
	// for; unless given the request's host, or where it goes.
	Name    string      `yaml:"name" lab:"target"`
	Problem CertProblem `yaml:"problem" lab:"one=expired|not-yet|wrong-name|self-signed|untrusted"`
	Names   []string    `yaml:"names" lab:"target"` // more that the certificate must be for
}

// CertProblem is why a client does not go on with a server because of its certificate.
type CertProblem string

// The problems.
const (
	CertExpired    CertProblem = "expired"
	CertNotYet     CertProblem = "not-yet"
	CertWrongName  CertProblem = "wrong-name"
	CertSelfSigned CertProblem = "self-signed"
	CertUntrusted  CertProblem = "untrusted"
)

// Headers are header fields of HTTP, name → value. Of several with one name the values
// are joined with ", " (RFC 9110, 5.3).
type Headers map[string]string

// What a header's value may be in place of a text.
const (
	NoHeader  = "none"
	AnyHeader = "*"
)

// Spread is over which servers many equal attempts must be spread. Each of
// them must answer its share, and nobody else may answer any.
type Spread struct {
	Over []string `yaml:"over" lab:"required"` // names of workloads; "none" stands for attempts that end in no answer
	// Servers is how many servers the name with a * in Over stands for, "web-*" for
	// the pods of a Deployment web: just so many must answer. 0 is any number.
	Servers int `yaml:"servers" lab:"tries"`
	Tries   int `yaml:"tries" lab:"required,tries"` // how many attempts
	// Each is the least that each must answer. Unless given it is the most that
	// choosing at random, all alike, falls short of less than once in a million
	// times.
	Each int `yaml:"each" lab:"tries"`
}

// DNAT is where the connection leads that the traffic itself makes, as a node's connection
// tracking has it. Whatever a program does in between, it takes this connection and makes
// another one.
type DNAT struct {
	Node string   `yaml:"node" lab:"required,node"`
	To   []string `yaml:"to" lab:"required,dnat"` // addresses or networks, one of which the destination became; "none" if it must be what it was
}

// Sweep is many attempts, all of which must end as the check expects. Ports and addresses
// are drawn for each seed: those that the check names, their neighbours, those in common
// use, the ends of ranges, and others from all over the range.
type Sweep struct {
	Ports  int      `yaml:"ports" lab:"tries"`             // how many ports of the check's address, by each protocol
	Protos []string `yaml:"protos" lab:"one=icmp|tcp|udp"` // more protocols than the check's own
	To     []string `yaml:"to" lab:"prefix"`               // more addresses, and networks to draw some from; of each are tried the ports that the check names
	But    []string `yaml:"but" lab:"flow"`                // what is left out: "80/tcp" at every address, "10.0.0.1" altogether, "10.0.0.1:80/tcp", "icmp"
}

// LinkCheck looks for an interface. Empty fields do not matter.
type LinkCheck struct {
	Node   string `yaml:"node" lab:"required,node"`
	Name   string `yaml:"name" lab:"ifname"`
	Kind   string `yaml:"kind"`                             // veth, bridge, vxlan, macvlan …
	State  string `yaml:"state" lab:"one=up|down|admin-up"` // up (admin up and carrier), down, admin-up
	Master string `yaml:"master" lab:"ifname"`              // name of the bridge it is a port of; "none" for no master
	Peer   string `yaml:"peer" lab:"node"`                  // node that holds the other end of the veth
	// PeerMaster is the bridge that the veth's other end is a port of, in
	// whichever node that end is; "none" for no master. It asks how a
	// container is plugged in without asking what the host calls the plug.
	// It is given together with Peer.
	PeerMaster string `yaml:"peer_master" lab:"ifname"`
	MTU        int    `yaml:"mtu" lab:"mtu"`
}

// AddrCheck looks for an address on a device. With Addr empty, any IPv4
// address counts; a bare address without a prefix length matches any length.
// Peer asks for an end of a cable without asking what the learner calls it.
type AddrCheck struct {
	Node string `yaml:"node" lab:"required,node"`
	Dev  string `yaml:"dev" lab:"ifname"`
	Peer string `yaml:"peer" lab:"node"` // only devices that are veth ends whose other end is in this node
	Addr string `yaml:"addr" lab:"prefix"`
}

// RouteCheck asks the routing tables of a node which way a destination leaves,
// as the kernel would decide it. Via "none" means directly connected.
// Expect "unreachable" asks that there is no way.
type RouteCheck struct {
	Node   string `yaml:"node" lab:"required,node"`
	To     string `yaml:"to" lab:"required,addr"`
	From   string `yaml:"from" lab:"addr"`
	Via    string `yaml:"via" lab:"via"`
	Dev    string `yaml:"dev" lab:"ifname"`
	Expect Expect `yaml:"expect" lab:"one=ok|unreachable"`
}

// RuleCheck looks for a policy-routing rule.
type RuleCheck struct {
	Node     string `yaml:"node" lab:"required,node"`
	From     string `yaml:"from" lab:"prefix"`
	To       string `yaml:"to" lab:"prefix"`
	Table    int    `yaml:"table"`
	Priority int    `yaml:"priority"`
	Mark     int    `yaml:"mark"`
}

// NeighCheck looks for a neighbour entry (ARP or NDP).
type NeighCheck struct {
	Node  string `yaml:"node" lab:"required,node"`
	Dev   string `yaml:"dev" lab:"ifname"`
	Addr  string `yaml:"addr" lab:"addr"`
	MAC   string `yaml:"mac" lab:"macref"`                           // literal, or "NODE/IFACE" as in FDBCheck
	State string `yaml:"state" lab:"one=reachable|permanent|failed"` // reachable (any usable state), permanent, failed
}

// FDBCheck looks for a forwarding entry of a bridge or a VXLAN device.
type FDBCheck struct {
	Node string `yaml:"node" lab:"required,node"`
	Dev  string `yaml:"dev" lab:"ifname"`
	MAC  string `yaml:"mac" lab:"required,macref"` // literal, or "NODE/IFACE" for the MAC that interface has
	Dst  string `yaml:"dst" lab:"addr"`            // VXLAN: remote VTEP
}

// SysctlCheck compares a kernel setting.
type SysctlCheck struct {
	Node string `yaml:"node" lab:"required,node"`
	Name string `yaml:"name" lab:"required,sysctl"`
	Is   string `yaml:"is" lab:"required,scalar"`
}

// SocketCheck looks for a listening socket.
type SocketCheck struct {
	Node  string `yaml:"node" lab:"required,node"`
	Proto string `yaml:"proto" lab:"one=tcp|udp"`
	Addr  string `yaml:"addr" lab:"addr"`
	Port  int    `yaml:"port" lab:"required,port"`
}

// NATCheck looks for a rule that translates addresses, whichever tool made it
// (nft, iptables-nft or iptables-legacy). With Hook "none" it looks in the
// chains that no packet gets to, because nothing jumps to them.
type NATCheck struct {
	Node  string `yaml:"node" lab:"required,node"`
	Hook  string `yaml:"hook" lab:"one=prerouting|output|postrouting|input|none"` // "" any but none
	Does  string `yaml:"does" lab:"one=masquerade|snat|dnat|redirect"`
	To    string `yaml:"to"`                 // target address or address:port
	Match string `yaml:"match" lab:"regexp"` // regular expression on the rule's text, the last resort
}

// FilterCheck looks for a rule or chain policy that lets pass or stops. Hook is
// as in NATCheck; a chain with Hook "none" has no policy.
type FilterCheck struct {
	Node   string `yaml:"node" lab:"required,node"`
	Hook   string `yaml:"hook" lab:"one=forward|input|output|prerouting|postrouting|none"`
	Does   string `yaml:"does" lab:"one=accept|drop|reject"`
	Policy bool   `yaml:"policy"`                         // the chain's policy rather than a rule
	Family string `yaml:"family" lab:"one=ip|ip6|bridge"` // what packets its table is for: ip and ip6 include inet's
	Match  string `yaml:"match" lab:"regexp"`
}

// ConntrackCheck looks for a tracked flow. Empty fields do not matter.
type ConntrackCheck struct {
	Node       string `yaml:"node" lab:"required,node"`
	Proto      string `yaml:"proto" lab:"one=tcp|udp|icmp"`
	OrigSrc    string `yaml:"orig_src" lab:"addr"`
	OrigDst    string `yaml:"orig_dst" lab:"addr"`
	OrigDPort  int    `yaml:"orig_dport" lab:"port"`
	ReplySrc   string `yaml:"reply_src" lab:"addr"`
	ReplyDst   string `yaml:"reply_dst" lab:"addr"`
	ReplySPort int    `yaml:"reply_sport" lab:"port"`
}

// NetnsCheck compares namespaces: that Node exists, that it is the same as
// SameAs, or that it holds just these interfaces.
type NetnsCheck struct {
	Node   string   `yaml:"node" lab:"required,node"`
	SameAs string   `yaml:"same_as" lab:"node"`
	Links  []string `yaml:"links" lab:"ifname"`
}

// CaptureCheck watches an interface while traffic is sent.
type CaptureCheck struct {
	Node   string        `yaml:"node" lab:"required,node"`
	Dev    string        `yaml:"dev" lab:"required,ifname"`
	Filter string        `yaml:"filter" lab:"required"` // "tcp dport 80 src 172.17.0.2": words of engine/probe, not BPF
	Sees   bool          `yaml:"sees" lab:"required"`   // whether a packet must, or must not, be seen
	During *TrafficCheck `yaml:"during" lab:"required"`
}

// DNSCheck asks a name server from a node.
type DNSCheck struct {
	From   string   `yaml:"from" lab:"required,node"`
	Server string   `yaml:"server" lab:"addr"` // "" uses the node's resolv.conf
	Name   string   `yaml:"name" lab:"required"`
	Type   string   `yaml:"type" lab:"one=A|AAAA|CNAME|PTR|SRV|TXT|NS|SOA|MX"`
	Answer []string `yaml:"answer"`
	Rcode  string   `yaml:"rcode" lab:"one=NOERROR|NXDOMAIN|SERVFAIL|REFUSED"`
}

// ResolveCheck looks up a name as the programs of a node do: by its files, its search list
// and its name servers.
type ResolveCheck struct {
	From   string   `yaml:"from" lab:"required,node"`
	Name   string   `yaml:"name" lab:"required"`
	Answer []string `yaml:"answer" lab:"addr"` // the addresses that it must have, in any order; any unless given
	// Queries is how many questions may be put to name servers for it, repeated ones and
	// those for IPv6 addresses too; 0 is any number.
	Queries  int           `yaml:"queries" lab:"tries"`
	Within   time.Duration `yaml:"within"` // how long a name server may take to answer; 0 is the default
	Resolver Resolver      `yaml:"resolver" lab:"one=glibc|musl"`
}

// AnswerCheck compares what the learner typed with the live state.
type AnswerCheck struct {
	Prompt string `yaml:"prompt" lab:"required"`
	Of     string `yaml:"of" lab:"required,answer"` // mac:NODE/IFACE, addr:NODE/IFACE, ifindex:NODE/IFACE, peer:NODE/IFACE, mtu:NODE/IFACE
}
