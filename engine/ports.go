package engine

import (
	"fmt"
	"slices"
)

// The ports that tests are sent from, and the identifiers of their echo requests:
// above those that Linux gives to programs by itself (32768–60999), so that a
// learner can tell in a capture what was sent by nobody in the lab.
const (
	TestPortFirst = 61000
	TestPortLast  = 65535
)

// The words with which tcpdump leaves tests out: their TCP and UDP packets, and, where
// it is said as well, their echo requests and the replies.
const (
	WithoutTests     = "not portrange 61000-65535"
	WithoutTestEchos = "not icmp[4:2] >= 61000"
)

// TestPorts says in words which ports those are.
func TestPorts() string { return fmt.Sprintf("%d–%d", TestPortFirst, TestPortLast) }

// TestPort reports whether a source port, or the identifier of an echo request, is
// one of those that tests are sent from.
func TestPort(n int) bool { return n >= TestPortFirst && n <= TestPortLast }

// WithoutTests is the expression with which tcpdump leaves this lab's tests out, as it
// is typed into a shell; "" if it has none that send packets.
func (l *Lab) WithoutTests() string {
	sends, echoes := false, false
	for c := range l.Checks() {
		if s, ok := c.Kind().(Sender); ok {
			sends, echoes = true, echoes || s.Echoes()
		}
	}
	switch {
	case !sends:
		return ""
	case echoes:
		return "'" + WithoutTests + " and " + WithoutTestEchos + "'"
	}
	return WithoutTests
}

// Sender is a kind of check that sends packets.
type Sender interface {
	// Echoes reports whether ICMP echo requests are among them.
	Echoes() bool
}

// Echoes implements Sender.
func (c *TrafficCheck) Echoes() bool {
	return c.Proto == "icmp" || c.Sweep != nil && slices.Contains(c.Sweep.Protos, "icmp") || c.Proto == "" && c.Port == 0 && c.Path == "" && c.Host == "" && c.HTTP == nil && c.TLS == nil
}

// Echoes implements Sender.
func (c *CaptureCheck) Echoes() bool { return c.During != nil && c.During.Echoes() }

// Echoes implements Sender.
func (c *DNSCheck) Echoes() bool { return false }

// Echoes implements Sender.
func (c *ResolveCheck) Echoes() bool { return false }
