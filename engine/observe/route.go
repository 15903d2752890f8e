package observe

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// readRoutes lists the routes of all tables, both families. A route with
// several next hops gives one Route for each.
func (n *node) readRoutes(names map[int]string) ([]Route, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	return list(c, unix.RTM_GETROUTE, make([]byte, unix.SizeofRtMsg), func(out []Route, typ uint16, b []byte) []Route {
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
		Scope:  scopeName(b[6]),
		Type:   routeType(b[7]),
		Onlink: binary.NativeEndian.Uint32(b[8:])&unix.RTNH_F_ONLINK != 0,
	}
	var hops []byte
	eachAttr(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
		switch typ {
		case unix.RTA_DST:
			r.To = netip.PrefixFrom(addrOf(v), int(b[1]))
		case unix.RTA_TABLE:
			r.Table = int(hostU32(v))
		case unix.RTA_PREFSRC:
			r.Src = addrOf(v)
		case unix.RTA_PRIORITY:
			r.Metric = int(hostU32(v))
		case unix.RTA_MULTIPATH:
			hops = v
		default:
			r.hop(typ, v, names)
		}
	})
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
		r.Dev = names[int(hostU32(v))]
	}
}

// multipath makes one route of each next hop (struct rtnexthop and attributes).
func multipath(r Route, b []byte, names map[int]string) []Route {
	var out []Route
	for len(b) >= unix.SizeofRtNexthop {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.SizeofRtNexthop || size > len(b) {
			break
		}
		one := r
		one.Onlink = b[2]&unix.RTNH_F_ONLINK != 0
		one.Dev = names[int(binary.NativeEndian.Uint32(b[4:]))]
		eachAttr(b[unix.SizeofRtNexthop:size], func(typ uint16, v []byte) { one.hop(typ, v, names) })
		out = append(out, one)
		b = b[min((size+3)&^3, len(b)):]
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

func routeType(n byte) string {
	types := [...]string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast",
		"blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve"}
	if int(n) < len(types) {
		return types[n]
	}
	return strconv.Itoa(int(n))
}

// readRules lists the policy-routing rules of IPv4 and IPv6.
func (n *node) readRules() ([]Rule, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	return list(c, unix.RTM_GETRULE, make([]byte, unix.SizeofRtMsg), func(out []Rule, typ uint16, b []byte) []Rule {
		if typ != unix.RTM_NEWRULE || len(b) < unix.SizeofRtMsg || (b[0] != unix.AF_INET && b[0] != unix.AF_INET6) {
			return out
		}
		r := Rule{Family: "ip", Table: int(b[4]), Action: ruleAction(b[7])}
		if b[0] == unix.AF_INET6 {
			r.Family = "ip6"
		}
		eachAttr(b[unix.SizeofRtMsg:], func(typ uint16, v []byte) {
			switch typ {
			case unix.FRA_PRIORITY:
				r.Priority = int(hostU32(v))
			case unix.FRA_SRC:
				r.From = netip.PrefixFrom(addrOf(v), int(b[2]))
			case unix.FRA_DST:
				r.To = netip.PrefixFrom(addrOf(v), int(b[1]))
			case unix.FRA_IIFNAME:
				r.IIF = cstring(v)
			case unix.FRA_OIFNAME:
				r.OIF = cstring(v)
			case unix.FRA_FWMARK:
				r.Mark = hostU32(v)
			case unix.FRA_TABLE:
				r.Table = int(hostU32(v))
			}
		})
		return append(out, r)
	})
}

// ruleAction names FR_ACT_* of a policy-routing rule.
func ruleAction(n byte) string {
	actions := [...]string{"unspec", "lookup", "goto", "nop", "reserved", "reserved", "blackhole", "unreachable", "prohibit"}
	if int(n) < len(actions) {
		return actions[n]
	}
	return strconv.Itoa(int(n))
}
