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
		return failed(fmt.Sprintf("%s has no interface %s", c.Node, c.Dev), haveLinks(st))
	}
	want, ok := parseAddrWant(c.Addr)
	if !ok {
		return brokenf("%q is no address.", c.Addr)
	}
	var have []string
	for _, a := range st.Addrs {
		if !countsFor(st, c, a.Dev) {
			continue
		}
		if want.matches(a.Prefix) {
			return passed(fmt.Sprintf("%s has %s", a.Dev, a.Prefix))
		}
		if a.Prefix.Addr().Is4() || want.addr.Is6() {
			have = append(have, a.Prefix.String())
		}
	}
	if len(have) == 0 {
		return failed(addrPlace(c)+" has no "+family(want.addr)+" address", elsewhere(st, c, want))
	}
	return failed(fmt.Sprintf("%s has %s", addrPlace(c), list(have)), elsewhere(st, c, want))
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
	return fmt.Sprintf("the cable to %s in %s", c.Peer, c.Node)
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

// elsewhere explains a missing address by its prefix length, or else by where it
// is.
func elsewhere(st observe.State, c engine.AddrCheck, want addrWant) string {
	other := ""
	for _, a := range st.Addrs {
		if !want.addr.IsValid() || a.Prefix.Addr() != want.addr {
			continue
		}
		if countsFor(st, c, a.Dev) {
			return fmt.Sprintf("The address is right, but the prefix length is /%d instead of /%d.", a.Prefix.Bits(), want.length)
		}
		if other == "" {
			other = fmt.Sprintf("%s is on %s.", a.Prefix, a.Dev)
		}
	}
	return other
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
