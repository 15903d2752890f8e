package observe

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// RouteDecision is what the kernel does with a packet.
type RouteDecision struct {
	Unreachable bool
	Reason      string // the kernel's word for why, if unreachable
	Via         string // next hop; "" if directly connected
	Dev         string
	Src         string
}

// RouteGet returns the kernel's own decision (RTM_GETROUTE) for a packet from a
// node to the address to. from is its source address, "" for none.
func RouteGet(n Node, to, from string) (RouteDecision, error) {
	dst := net.ParseIP(to)
	if dst == nil {
		return RouteDecision{}, fmt.Errorf("%q is not an address", to)
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(n.NS), unix.NETLINK_ROUTE)
	if err != nil {
		return RouteDecision{}, fmt.Errorf("netlink in %s: %w", n.Name, err)
	}
	defer h.Close()
	var opts netlink.RouteGetOptions
	if from != "" {
		opts.SrcAddr = net.ParseIP(from)
	}
	routes, err := h.RouteGetWithOptions(dst, &opts)
	var errno unix.Errno
	if errors.As(err, &errno) {
		// These are the kernel's answers, not failures of the question.
		switch errno {
		case unix.ENETUNREACH, unix.EHOSTUNREACH, unix.EACCES, unix.EINVAL:
			return RouteDecision{Unreachable: true, Reason: errno.Error()}, nil
		}
	}
	if err != nil {
		return RouteDecision{}, fmt.Errorf("route from %s to %s: %w", n.Name, to, err)
	}
	if len(routes) == 0 {
		return RouteDecision{Unreachable: true, Reason: "no route"}, nil
	}
	r := routes[0]
	d := RouteDecision{}
	if len(r.Gw) > 0 {
		d.Via = r.Gw.String()
	}
	if len(r.Src) > 0 {
		d.Src = r.Src.String()
	}
	if link, err := h.LinkByIndex(r.LinkIndex); err == nil {
		d.Dev = link.Attrs().Name
	}
	return d, nil
}
