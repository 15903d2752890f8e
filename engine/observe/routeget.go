package observe

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// RouteQuery is a packet of which the kernel is asked where it would go.
type RouteQuery struct {
	To, From netip.Addr // From may be invalid for a packet that is still to get its source
	IIF      string     // device it came in by, "" for a packet of the node's own
	Mark     uint32
}

// RouteDecision is what the kernel does with a packet.
type RouteDecision struct {
	Unreachable bool
	Reason      string     // the kernel's word for why, if unreachable
	Errno       unix.Errno // the same as a number: ENETUNREACH no route, EINVAL blackhole or martian, EXDEV rp_filter …
	Local       bool       // it is for the node itself
	Via         string     // next hop; "" if directly connected
	Dev         string
	Src         string
	MTU         int // of the route, 0 if it says none
}

// RouteGet returns the kernel's own decision (RTM_GETROUTE) for a packet from a
// node to the address to. from is its source address, "" for none.
func RouteGet(n Node, to, from string) (RouteDecision, error) {
	dst, err := netip.ParseAddr(to)
	if err != nil {
		return RouteDecision{}, fmt.Errorf("%q is not an address", to)
	}
	q := RouteQuery{To: dst}
	if from != "" {
		if q.From, err = netip.ParseAddr(from); err != nil {
			return RouteDecision{}, fmt.Errorf("%q is not an address", from)
		}
	}
	return Decide(n, q)
}

// Decide returns the kernel's own decision for a packet. With IIF the kernel
// answers as for a packet that came in by that device, checks of its source
// (rp_filter) included.
func Decide(n Node, q RouteQuery) (RouteDecision, error) {
	c, err := nl.Dial(n.NS, unix.NETLINK_ROUTE)
	if err != nil {
		return RouteDecision{}, fmt.Errorf("netlink in %s: %w", n.Name, err)
	}
	defer c.Close() //nolint:errcheck // all that was to be asked has been
	fail := func(err error) (RouteDecision, error) {
		return RouteDecision{}, fmt.Errorf("route from %s to %s: %w", n.Name, q.To, err)
	}
	ask := nl.RouteQuery{To: q.To, From: q.From, Mark: q.Mark}
	if q.IIF != "" {
		if ask.IIF, err = nl.LinkIndex(c, q.IIF); err != nil {
			return fail(err)
		}
	}
	r, err := nl.AskRoute(c, ask)
	var errno unix.Errno
	if errors.As(err, &errno) {
		// These are the kernel's answers, not failures of the question.
		switch errno {
		case unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EACCES, unix.EINVAL, unix.EXDEV:
			return RouteDecision{Unreachable: true, Reason: errno.Error(), Errno: errno}, nil
		}
	}
	if err != nil {
		return fail(err)
	}
	d := RouteDecision{Local: r.Type == unix.RTN_LOCAL, MTU: r.MTU}
	if r.Gateway.IsValid() {
		d.Via = r.Gateway.String()
	}
	if r.Src.IsValid() {
		d.Src = r.Src.String()
	}
	if r.OIF != 0 {
		if d.Dev, err = nl.LinkName(c, r.OIF); err != nil {
			return fail(err)
		}
	}
	return d, nil
}
