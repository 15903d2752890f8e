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
	for _, c := range l.allChecks() {
		switch {
		case c.Traffic != nil:
			sends, echoes = true, echoes || c.Traffic.echo()
		case c.Capture != nil:
			sends, echoes = true, echoes || c.Capture.During != nil && c.Capture.During.echo()
		case c.DNS != nil:
			sends = true
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

// echo reports whether the traffic is an ICMP echo request.
func (c *TrafficCheck) echo() bool {
	return c.Proto == "icmp" || c.Proto == "" && c.Port == 0 && c.Path == "" && c.Host == ""
}

// allChecks are all that may be evaluated, those in others included.
func (l *Lab) allChecks() []Check {
	var all []Check
	for _, t := range l.Tasks {
		all = append(all, t.Checks...)
		for _, m := range t.Misconceptions {
			all = append(all, m.When...)
		}
	}
	for _, c := range l.Collateral {
		all = append(all, c.Check)
	}
	for i := 0; i < len(all); i++ { // which grows
		all = append(all, slices.Concat(all[i].All, all[i].Any)...)
		if all[i].Not != nil {
			all = append(all, *all[i].Not)
		}
	}
	return all
}
