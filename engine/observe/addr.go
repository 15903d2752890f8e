package observe

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// addrOf reads an address of 4 or 16 bytes; anything else is the invalid one.
func addrOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

func macOf(b []byte) string { return net.HardwareAddr(b).String() }

// anyPrefix is the prefix of length 0 of an address family.
func anyPrefix(family byte) netip.Prefix {
	if family == unix.AF_INET6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}
