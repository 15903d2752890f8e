package check

import (
	"fmt"
	"net/netip"

	"underlay/engine"
	"underlay/engine/observe"
)

var addrKind = spec[engine.AddrCheck]{
	of:       func(c *engine.Check) *engine.AddrCheck { return c.Addr },
	needs:    func(n *needs, c engine.AddrCheck) { n.read(c.Node, observe.Addrs|observe.Links) },
	judge:    byFacts(judgeAddr),
	describe: describeAddr,
}.kind()

func describeAddr(c engine.AddrCheck) string {
	what := "an IPv4 address"
	if c.Addr != "" {
		what = "the address " + c.Addr
	}
	return fmt.Sprintf("%s has %s", addrPlace(c), what)
}

func judgeAddr(f *facts, c engine.AddrCheck) verdict {
	st, bad := f.node(c.Node, observe.Addrs|observe.Links)
	if bad != nil {
		return *bad
	}
	if c.Dev != "" && findLink(st, c.Dev) == nil {
		return noInterface(st, c.Dev)
	}
	want, ok := parseAddrWant(c.Addr)
	if !ok {
		return broken("addr.malformed", args{Value: c.Addr})
	}
	var have []string
	for _, a := range st.Addrs {
		if !countsFor(st, c, a.Dev) {
			continue
		}
		if want.matches(a.Prefix) {
			return pass("addr", args{Device: a.Dev, Address: a.Prefix.String()})
		}
		if a.Prefix.Addr().Is4() || want.addr.Is6() {
			have = append(have, a.Prefix.String())
		}
	}
	return lacksAddr(st, c, want, have)
}

// lacksAddr fails for an address that is not among those that there are, and says if that is
// for its prefix length, or where else it is.
func lacksAddr(st observe.State, c engine.AddrCheck, want addrWant, have []string) verdict {
	code, there, a := "addr.other", "addr.other.elsewhere", args{Node: c.Node, Device: c.Dev, Other: c.Peer, Found: have}
	if c.Peer != "" {
		a.Device = ""
	}
	if len(have) == 0 {
		code, there, a.Kind = "addr.none", "addr.elsewhere", family(want.addr)
	}
	for _, other := range st.Addrs {
		if !want.addr.IsValid() || other.Prefix.Addr() != want.addr {
			continue
		}
		if countsFor(st, c, other.Dev) {
			a.Address, a.At = other.Prefix.String(), ""
			a.Count, a.Wanted = other.Prefix.Bits(), want.length
			return fail("addr.length", a)
		}
		if a.At == "" {
			code, a.Address, a.At = there, other.Prefix.String(), other.Dev
		}
	}
	return fail(code, a)
}

// countsFor reports whether an address on a device is one that a check looks at.
// On lo it counts only for those who ask for lo.
func countsFor(st observe.State, c engine.AddrCheck, dev string) bool {
	if c.Dev != "" && dev != c.Dev || c.Dev == "" && dev == "lo" {
		return false
	}
	l := findLink(st, dev)
	return c.Peer == "" || l != nil && l.PeerNode == c.Peer
}

// addrPlace says where a check looks for an address.
func addrPlace(c engine.AddrCheck) string {
	if c.Peer == "" {
		return on(c.Dev, c.Node)
	}
	return fmt.Sprintf("%s's end of the cable to %s", c.Node, c.Peer)
}

// addrWant is an address that is looked for: none means any IPv4 address,
// length -1 any prefix length.
type addrWant struct {
	addr   netip.Addr
	length int
}

func parseAddrWant(s string) (addrWant, bool) {
	if s == "" {
		return addrWant{length: -1}, true
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return addrWant{p.Addr(), p.Bits()}, true
	}
	a, err := netip.ParseAddr(s)
	return addrWant{a, -1}, err == nil
}

func (w addrWant) matches(p netip.Prefix) bool {
	if !w.addr.IsValid() {
		return p.Addr().Is4()
	}
	return p.Addr() == w.addr && (w.length < 0 || p.Bits() == w.length)
}

func family(a netip.Addr) string {
	if a.Is6() {
		return "IPv6"
	}
	return "IPv4"
}

// sameAddr compares two addresses as addresses if they are some.
func sameAddr(a, b string) bool {
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		return a == b
	}
	return x.Unmap().WithZone("") == y.Unmap().WithZone("")
}
