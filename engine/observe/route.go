package observe

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// readRoutes lists the routes of all tables, both families. A route with
// several next hops gives one Route for each.
func (n *node) readRoutes(names map[int]string) ([]Route, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	return nl.Dump(c, unix.RTM_GETROUTE, make([]byte, unix.SizeofRtMsg), func(out []Route, typ uint16, b []byte) []Route {
		if typ != unix.RTM_NEWROUTE || len(b) < unix.SizeofRtMsg {
			return out
		}
		if binary.NativeEndian.Uint32(b[8:])&unix.RTM_F_CLONED != 0 {
			return out
		}
		return append(out, parseRoute(b, names)...)
	})
}

// parseRoute reads one route message of IPv4 or IPv6.
func parseRoute(b []byte, names map[int]string) []Route {
	if b[0] != unix.AF_INET && b[0] != unix.AF_INET6 {
		return nil
	}
	r := Route{
		To:     anyPrefix(b[0]),
		Table:  int(b[4]),
		Proto:  protoName(b[5]),
		Scope:  nl.Scope(b[6]),
		Type:   nl.RouteType(b[7]),
		Onlink: binary.NativeEndian.Uint32(b[8:])&unix.RTNH_F_ONLINK != 0,
	}
	var hops []byte
	for typ, v := range nl.Each(b[unix.SizeofRtMsg:]) {
		switch typ {
		case unix.RTA_DST:
			r.To = netip.PrefixFrom(addrOf(v), int(b[1]))
		case unix.RTA_TABLE:
			r.Table = int(nl.Host32(v))
		case unix.RTA_PREFSRC:
			r.Src = addrOf(v)
		case unix.RTA_PRIORITY:
			r.Metric = int(nl.Host32(v))
		case unix.RTA_MULTIPATH:
			hops = v
		default:
			r.hop(typ, v, names)
		}
	}
	if hops == nil {
		return []Route{r}
	}
	return multipath(r, hops, names)
}

// hop reads the attributes that a route and each of its next hops can have.
func (r *Route) hop(typ uint16, v []byte, names map[int]string) {
	switch typ {
	case unix.RTA_GATEWAY:
		r.Via = addrOf(v)
	case unix.RTA_VIA: // an IPv4 route through an IPv6 neighbour: family, address
		if len(v) > 2 {
			r.Via = addrOf(v[2:])
		}
	case unix.RTA_OIF:
		r.Dev = names[int(nl.Host32(v))]
	}
}

// multipath makes one route of each next hop (struct rtnexthop and attributes).
func multipath(r Route, b []byte, names map[int]string) []Route {
	var out []Route
	for hop := range nl.NextHops(b) {
		one := r
		one.Onlink = hop[2]&unix.RTNH_F_ONLINK != 0
		one.Dev = names[int(binary.NativeEndian.Uint32(hop[4:]))]
		for typ, v := range nl.Each(hop[unix.SizeofRtNexthop:]) {
			one.hop(typ, v, names)
		}
		out = append(out, one)
	}
	return out
}

func protoName(n byte) string {
	switch n {
	case unix.RTPROT_UNSPEC:
		return "unspec"
	case unix.RTPROT_REDIRECT:
		return "redirect"
	case unix.RTPROT_KERNEL:
		return "kernel"
	case unix.RTPROT_BOOT:
		return "boot"
	case unix.RTPROT_STATIC:
		return "static"
	case unix.RTPROT_RA:
		return "ra"
	case unix.RTPROT_DHCP:
		return "dhcp"
	case unix.RTPROT_BIRD:
		return "bird"
	case unix.RTPROT_ZEBRA:
		return "zebra"
	case unix.RTPROT_BGP:
		return "bgp"
	}
	return strconv.Itoa(int(n))
}

// readRules lists the policy-routing rules of IPv4 and IPv6.
func (n *node) readRules() ([]Rule, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	return nl.Dump(c, unix.RTM_GETRULE, make([]byte, unix.SizeofRtMsg), func(out []Rule, typ uint16, b []byte) []Rule {
		if typ != unix.RTM_NEWRULE || len(b) < unix.SizeofRtMsg || (b[0] != unix.AF_INET && b[0] != unix.AF_INET6) {
			return out
		}
		r := Rule{Family: "ip", Table: int(b[4]), Action: nl.RuleAction(b[7])}
		if b[0] == unix.AF_INET6 {
			r.Family = "ip6"
		}
		for typ, v := range nl.Each(b[unix.SizeofRtMsg:]) {
			switch typ {
			case unix.FRA_PRIORITY:
				r.Priority = int(nl.Host32(v))
			case unix.FRA_SRC:
				r.From = netip.PrefixFrom(addrOf(v), int(b[2]))
			case unix.FRA_DST:
				r.To = netip.PrefixFrom(addrOf(v), int(b[1]))
			case unix.FRA_IIFNAME:
				r.IIF = nl.Text(v)
			case unix.FRA_OIFNAME:
				r.OIF = nl.Text(v)
			case unix.FRA_FWMARK:
				r.Mark = nl.Host32(v)
			case unix.FRA_TABLE:
				r.Table = int(nl.Host32(v))
			}
		}
		return append(out, r)
	})
}
