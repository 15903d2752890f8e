// Package probe sends traffic from a node and says how it ended. A probe tells
// ok, refused, timeout and unreachable apart, and reports which peer address
// the server saw.
//
// How an attempt ends:
//   - ok: connected (tcp), answered (udp, icmp, http with any status)
//   - refused: a TCP RST, or an ICMP port unreachable, from whomever. An http
//     server that accepts and then hangs up without an answer has refused too.
//   - unreachable: any other ICMP error, no route, a name that does not
//     resolve, or a next hop that does not answer ARP. The kernel itself says
//     the last only after three seconds; Do looks at the neighbour table when
//     its wait is over, so that the result does not depend on how long it
//     waited. That holds for the node's own next hop: a router further on that
//     gets no answer to its ARP stays silent for three seconds (timeout) and
//     says host unreachable then. Every ICMP error in answer to an icmp probe,
//     port unreachable included, is unreachable: an echo request has no port.
//   - timeout: silence. What the node's own firewall drops on output is a
//     timeout as well, although the kernel says EPERM at once for udp and icmp.
//
// All is sent from ports of our own (engine.TestPort), and echo requests have
// identifiers of that range, so that a capture can leave them out.
//
// Sockets are made inside the node's network namespace, on a thread that is
// there for just that long, and used from outside it: a socket stays in the
// namespace it was made in. Nothing here blocks a thread, so many probes can
// run at once. The package knows no labs, tasks or screens.
package probe

import (
	"net/netip"
	"time"

	"underlay/engine"
)

// DefaultWait is how long a probe waits before silence counts as a timeout. It
// is long enough for an ARP resolution and one lost packet on a local machine.
const DefaultWait = 600 * time.Millisecond

// TLSWait is the same for a probe over TLS: what it takes both ends to calculate comes to
// half a second on a slow machine.
const TLSWait = 3 * DefaultWait

// Node names a network namespace and holds it by an open descriptor.
type Node struct {
	Name string
	NS   int
}

// DefaultBanner is how long a tcp probe waits, once connected, for a server
// that speaks first. One that does not is still ok.
const DefaultBanner = 50 * time.Millisecond

// MaxBody is how much of an answer is kept, in bytes.
const MaxBody = 64 << 10

// Request is one attempt. Proto is icmp, tcp, udp or http.
type Request struct {
	From   Node
	To     string // address, or a name that Names resolves
	Port   int
	Proto  string
	Path   string // http
	Host   string // http
	Method string // http; GET unless given, and POST with a Size
	// TLS, if not nil, makes an http attempt one over TLS. It has no Size.
	TLS *TLS
	// Headers are sent with an http request, in the order of their names.
	Headers map[string]string
	Wait    time.Duration // for the attempt, and for looking up the name; 0 is DefaultWait
	// Banner is how long to wait for a tcp server's first line: 0 is
	// DefaultBanner, negative not at all. Give more when SeenAs or Served
	// matters, and none when it does not.
	Banner time.Duration
	Names  Names // of From

	// Payload is what a udp probe sends, nil for a line of its own.
	Payload []byte
	// Size is how many bytes an icmp or udp probe carries at least, so that its packet meets
	// the path's MTU, and how many a tcp or http probe sends on its connection: our own
	// servers send as many back. They are zeros.
	Size int
	// SPort is the port that a tcp, udp or http attempt is made from, 0 for one of the lab's
	// that has rested. One that is taken is an error.
	SPort int
	// Reset ends a tcp or http probe's connection by a RST, so that nobody has to
	// remember it: neither a socket in TIME_WAIT nor, for long, connection
	// tracking. It is for probes that are made by the hundred.
	Reset bool
	// Shared, if not nil, is one source port for all tcp and udp attempts that are given
	// it. They differ in where they go, so the packets of one are not those of another.
	Shared *SharedPort
	// Via is the node's neighbour that a udp probe's datagram is handed to, whatever
	// the node's routes say: an IPv4 address on one of its own networks, "" for the
	// routes' choice. The neighbour forwards it if it forwards at all.
	Via string
	// Sending, if not nil, is told by what marks the attempt's packets can be
	// known, before the first of them is sent.
	Sending func(Signature)
}

// Signature is what tells the packets of an attempt from all others.
type Signature struct {
	To      netip.Addr // the address that is tried
	SPort   int        // the source port; 0 for icmp
	Payload []byte     // how an icmp or udp probe's payload begins; nil for tcp and http
}

// Outcome is how an attempt ended.
type Outcome struct {
	Ended  engine.Expect
	Detail string       // the field's words: "connection refused (RST from 172.17.0.2)", "no route to host: ARP for 172.17.0.3 was not answered"
	SeenAs string       // peer address the server saw, without the port; "" if it did not say
	Served string       // name the server gave itself
	Body   string       // what the server said, at most 64 KiB
	Status int          // http
	TLS    *Certificate // what the server showed, of an http attempt over TLS that got so far
	// Reply are the headers of an http reply, and Seen those of the request as the server
	// has got them, nil if it did not say; both by their canonical names, several values
	// of one name joined with ", ".
	Reply, Seen map[string]string
	Took        time.Duration
	Address     string // the address that was tried
	SPort       int    // the port that it was tried from, of icmp the identifier; 0 if nothing was sent
	// Unresolved says that To is a name without an address, so nothing was sent to it.
	Unresolved bool
}
