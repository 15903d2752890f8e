package nl

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// Scope is the scope of an address or a route (RT_SCOPE_*) as ip(8) prints it.
func Scope(n byte) string {
	switch n {
	case unix.RT_SCOPE_UNIVERSE:
		return "global"
	case unix.RT_SCOPE_SITE:
		return "site"
	case unix.RT_SCOPE_LINK:
		return "link"
	case unix.RT_SCOPE_HOST:
		return "host"
	case unix.RT_SCOPE_NOWHERE:
		return "nowhere"
	}
	return strconv.Itoa(int(n))
}

// RouteType is the type of a route (RTN_*) as ip(8) prints it.
func RouteType(n byte) string {
	return named(n, "unspec", "unicast", "local", "broadcast", "anycast", "multicast",
		"blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve")
}

// RuleAction is what a policy-routing rule does (FR_ACT_*), as ip(8) prints it.
func RuleAction(n byte) string {
	return named(n, "unspec", "lookup", "goto", "nop", "reserved", "reserved", "blackhole", "unreachable", "prohibit")
}

func named(n byte, names ...string) string {
	if int(n) < len(names) {
		return names[n]
	}
	return strconv.Itoa(int(n))
}

// TableFamily is the family of a table (NFPROTO_*) as nft(8) prints it.
func TableFamily(n byte) string {
	switch n {
	case unix.NFPROTO_INET:
		return "inet"
	case unix.NFPROTO_IPV4:
		return "ip"
	case unix.NFPROTO_ARP:
		return "arp"
	case unix.NFPROTO_NETDEV:
		return "netdev"
	case unix.NFPROTO_BRIDGE:
		return "bridge"
	case unix.NFPROTO_IPV6:
		return "ip6"
	}
	return strconv.Itoa(int(n))
}

// EntryState is how a forwarding entry came to be, by its state (NUD_*): permanent
// and static as bridge(8) prints them, or learned.
func EntryState(state uint16) string {
	switch {
	case state&unix.NUD_PERMANENT != 0:
		return "permanent"
	case state&unix.NUD_NOARP != 0:
		return "static"
	}
	return "learned"
}
