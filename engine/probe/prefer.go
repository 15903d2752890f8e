package probe

import (
	"math/bits"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// destination is an address that a name has, as RFC 3484 compares it with others.
type destination struct {
	addr   netip.Addr
	source netip.Addr // that the node would send from; invalid if it has no way there
	bits   int        // length of the source's prefix
}

// prefer puts addresses into the order in which programs of a node try them.
func prefer(n Node, addrs []netip.Addr, musl bool) ([]netip.Addr, error) {
	only4 := !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !a.Is4() })
	if len(addrs) < 2 || musl && only4 {
		return addrs, nil
	}
	own, err := prefixes(n)
	if err != nil {
		return nil, err
	}
	all := make([]destination, len(addrs))
	for i, addr := range addrs {
		all[i] = destination{addr: addr, source: sourceFor(n, addr)}
		for _, p := range own {
			if p.Addr() == all[i].source.WithZone("") {
				all[i].bits = p.Bits()
			}
		}
	}
	slices.SortStableFunc(all, func(a, b destination) int { return compare(a, b, musl) })
	for i := range all {
		addrs[i] = all[i].addr
	}
	return addrs, nil
}

// prefixes are the node's own addresses with the networks that they are in.
func prefixes(n Node) (own []netip.Prefix, err error) {
	err = netns.Do(n.NS, func() error {
		addrs, err := net.InterfaceAddrs()
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				own = append(own, netip.PrefixFrom(p.Addr().Unmap(), p.Bits()))
			}
		}
		return err
	})
	return own, err
}

// sourceFor returns the address from which the node would send; invalid if it has no
// way there. Nothing is sent: a UDP socket connects by itself.
func sourceFor(n Node, to netip.Addr) netip.Addr {
	s, err := openIP(n.NS, to, unix.SOCK_DGRAM, 0)
	if err != nil {
		return netip.Addr{}
	}
	defer s.close() //nolint:errcheck // nothing was written
	if s.connect(netip.AddrPortFrom(to, 53)) != nil {
		return netip.Addr{}
	}
	return s.local()
}

// compare is negative if a is tried before b.
func compare(a, b destination, musl bool) int {
	for _, rule := range []func(d destination) int{
		func(d destination) int { return truth(d.source.IsValid()) },
		func(d destination) int { return truth(d.source.IsValid() && scope(d.addr) == scope(d.source)) },
		func(d destination) int { return truth(d.source.IsValid() && label(d.addr) == label(d.source)) },
		func(d destination) int { return precedence(d.addr) },
		func(d destination) int { return -scope(d.addr) },
	} {
		if by := rule(b) - rule(a); by != 0 {
			return by
		}
	}
	if a.addr.Is4() != b.addr.Is4() || !a.source.IsValid() {
		return 0
	}
	return b.common(musl) - a.common(musl)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// common is how many leading bits the address has in common with its source. Beyond the
// source's own network glibc compares none of an IPv4 address.
func (d destination) common(musl bool) int {
	if !d.source.IsValid() {
		return 0
	}
	if d.addr.Is4() && !musl && !netip.PrefixFrom(d.source, d.bits).Masked().Contains(d.addr) {
		return 0
	}
	a, b := d.addr.As16(), d.source.As16()
	n := 0
	for i := range a {
		same := bits.LeadingZeros8(a[i] ^ b[i])
		if n += same; same < 8 {
			break
		}
	}
	return n
}

// policyOf looks an address up in the tables of RFC 3484 as glibc has them.
func policyOf(a netip.Addr) (label, precedence int) {
	b := a.As16()
	switch {
	case a.Is4():
		return 4, 10
	case a.IsLoopback():
		return 0, 50
	case b[0] == 0x20 && b[1] == 0x02:
		return 2, 30
	case [12]byte(b[:12]) == [12]byte{}:
		return 3, 20
	case siteLocal(a):
		return 5, 40
	case a.IsPrivate(): // fc00::/7
		return 6, 40
	case [4]byte(b[:4]) == [4]byte{0x20, 0x01}:
		return 7, 40
	}
	return 1, 40
}

// siteLocal reports whether an address is of fec0::/10.
func siteLocal(a netip.Addr) bool {
	b := a.As16()
	return b[0] == 0xfe && b[1]&0xc0 == 0xc0
}

func label(a netip.Addr) int      { l, _ := policyOf(a); return l }
func precedence(a netip.Addr) int { _, p := policyOf(a); return p }

// scope is an address's scope, by the numbers that multicast addresses have for it.
func scope(a netip.Addr) int {
	switch {
	case a.Is6() && a.IsMulticast():
		return int(a.As16()[1] & 0xf)
	case a.IsLoopback() || a.IsLinkLocalUnicast():
		return 2
	case siteLocal(a):
		return 5
	}
	return 14
}
