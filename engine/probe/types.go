// Package probe sends traffic from a node and says how it ended. A probe tells
// ok, refused, timeout and unreachable apart, and reports which peer address
// the server saw.
package probe

import (
	"time"

	"underlay/engine"
)

// DefaultWait is how long a probe waits before silence counts as a timeout. It
// is long enough for an ARP resolution and one lost packet on a local machine.
const DefaultWait = 600 * time.Millisecond

// Node names a network namespace and holds it by an open descriptor.
type Node struct {
	Name string
	NS   int
}

// Request is one attempt. Proto is icmp, tcp, udp or http.
type Request struct {
	From  Node
	To    string // address or name; names are looked up in Hosts, then asked of DNS
	Port  int
	Proto string
	Path  string // http
	Host  string // http
	Wait  time.Duration
	Hosts map[string]string
	DNS   []string // servers asked for names, as "ADDR" or "ADDR:PORT"
}

// Outcome is how an attempt ended.
type Outcome struct {
	Ended   engine.Expect
	Detail  string // the field's words: "connection refused (RST from 172.17.0.2)", "no route to host: ARP for 172.17.0.3 was not answered"
	SeenAs  string // peer address the server saw, without the port; "" if it did not say
	Served  string // name the server gave itself
	Body    string // what the server said, at most 64 KiB
	Status  int    // http
	Took    time.Duration
	Address string // the address that was tried
}
