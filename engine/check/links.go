package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

func checkLink(f *facts, c engine.LinkCheck) verdict {
	st, bad := f.node(c.Node, observe.Links)
	if bad != nil {
		return *bad
	}
	if c.Name == "" {
		return anyLink(f, st, c)
	}
	l := findLink(st, c.Name)
	if l == nil {
		return failed(fmt.Sprintf("%s has no interface %s", c.Node, c.Name), haveLinks(st))
	}
	if got, why := linkDiffers(f, c, *l); got != "" {
		return failed(got, why)
	}
	return passed(linkWords(st.Node, *l))
}

// anyLink looks for an interface of whatever name.
func anyLink(f *facts, st observe.State, c engine.LinkCheck) verdict {
	for _, l := range st.Links {
		if got, _ := linkDiffers(f, c, l); got == "" {
			return passed(linkWords(c.Node, l))
		}
	}
	return failed("no interface of "+c.Node+" is like that", haveLinks(st))
}

func haveLinks(st observe.State) string {
	if len(st.Links) == 0 {
		return ""
	}
	names := make([]string, len(st.Links))
	for i, l := range st.Links {
		names[i] = l.Name
	}
	return fmt.Sprintf("%s has %s.", st.Node, list(names))
}

func findLink(st observe.State, name string) *observe.Link {
	for i := range st.Links {
		if st.Links[i].Name == name {
			return &st.Links[i]
		}
	}
	return nil
}

func linkWords(node string, l observe.Link) string {
	state := "down"
	if l.AdminUp {
		state = "up"
		if !l.Carrier {
			state = "up, NO-CARRIER"
		}
	}
	s := fmt.Sprintf("%s in %s is a %s, %s", l.Name, node, orElse(l.Kind, "device"), state)
	if l.Master != "" {
		s += ", a port of " + l.Master
	}
	return s
}

// linkDiffers says in what a link is not as asked for; got is "" if in nothing.
func linkDiffers(f *facts, c engine.LinkCheck, l observe.Link) (got, why string) {
	if c.Kind != "" && l.Kind != c.Kind {
		return fmt.Sprintf("%s is a %s", l.Name, orElse(l.Kind, "device of no kind")), ""
	}
	if got, why := stateDiffers(f.link, c.State, l); got != "" {
		return got, why
	}
	switch {
	case c.Master == "none" && l.Master != "":
		return fmt.Sprintf("%s is a port of %s", l.Name, l.Master), ""
	case c.Master != "" && c.Master != "none" && l.Master == "":
		return l.Name + " is a port of no bridge", ""
	case c.Master != "" && c.Master != "none" && l.Master != c.Master:
		return fmt.Sprintf("%s is a port of %s", l.Name, l.Master), ""
	case c.Peer != "" && l.PeerIndex == 0 && l.PeerNode == "":
		return l.Name + " has no other end", ""
	case c.Peer != "" && l.PeerNode == "":
		return "the other end of " + l.Name + " is in no node of this lab", ""
	case c.Peer != "" && l.PeerNode != c.Peer:
		return fmt.Sprintf("the other end of %s is in %s", l.Name, l.PeerNode), ""
	case c.MTU != 0 && l.MTU != c.MTU:
		return fmt.Sprintf("%s has MTU %d", l.Name, l.MTU), ""
	}
	return peerMasterDiffers(f.link, c.PeerMaster, l)
}

// peerMasterDiffers says of which bridge a veth's other end is a port, if that
// is not as asked for.
func peerMasterDiffers(find finder, want string, l observe.Link) (got, why string) {
	if want == "" {
		return "", ""
	}
	peer := find(l.PeerNode, l.PeerName)
	if peer == nil {
		return "the other end of " + l.Name + " was not found", ""
	}
	master := orElse(peer.Master, "none")
	if master == want {
		return "", ""
	}
	got = fmt.Sprintf("the other end of %s, %s in %s, is a port of ", l.Name, l.PeerName, l.PeerNode)
	return got + orElse(peer.Master, "no bridge"), ""
}

// finder finds a link of a node, or nil.
type finder func(node, name string) *observe.Link

// link finds a link among the facts, or nil if it is not known.
func (f *facts) link(node, name string) *observe.Link {
	st, bad := f.node(node, observe.Links)
	if bad != nil {
		return nil
	}
	return findLink(st, name)
}

func stateDiffers(find finder, want string, l observe.Link) (got, why string) {
	switch want {
	case "up":
		if !l.AdminUp {
			return l.Name + " is down", ""
		}
		if !l.Carrier {
			return noCarrier(find, l)
		}
	case "admin-up":
		if !l.AdminUp {
			return l.Name + " is down", ""
		}
	case "down":
		if l.AdminUp {
			return l.Name + " is up", ""
		}
	}
	return "", ""
}

// noCarrier words a link that is up without carrier. The carrier of a veth is
// its other end being up, that of a bridge is a port that forwards: STP
// may keep one that is up from it.
func noCarrier(find finder, l observe.Link) (got, why string) {
	got = l.Name + " is up, but NO-CARRIER"
	switch l.Kind {
	case "veth":
		got += ": the other end is down"
		if l.PeerNode == "" || l.PeerName == "" {
			return got, ""
		}
		if p := find(l.PeerNode, l.PeerName); p != nil && p.AdminUp {
			return l.Name + " is up, but NO-CARRIER", ""
		}
		return got, fmt.Sprintf("The other end is %s in %s.", l.PeerName, l.PeerNode)
	case "bridge":
		return got + ": none of its ports is forwarding", ""
	}
	return got, ""
}

func checkAddr(f *facts, c engine.AddrCheck) verdict {
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

func checkNetns(f *facts, c engine.NetnsCheck) verdict {
	st, bad := f.namespace(c.Node)
	if bad != nil {
		return *bad
	}
	if c.SameAs != "" {
		other, bad := f.namespace(c.SameAs)
		if bad != nil {
			return *bad
		}
		if st.Inode != other.Inode {
			return failed(fmt.Sprintf("%s and %s are in different network namespaces", c.Node, c.SameAs), "")
		}
	}
	if len(c.Links) > 0 {
		if st, bad = f.node(c.Node, observe.Links); bad != nil {
			return *bad
		}
		if v := linksDiffer(st, c.Links); v != nil {
			return *v
		}
	}
	return passed("the network namespace " + c.Node + " exists")
}

// namespace returns a node whose namespace is known to be there, whatever else
// of it could not be read.
func (f *facts) namespace(name string) (observe.State, *verdict) {
	st, bad := f.node(name, 0)
	if bad != nil || st.Inode != 0 {
		return st, bad
	}
	if _, bad = f.node(name, observe.Links); bad == nil {
		v := brokenf("Could not find out which network namespace %s is.", name)
		bad = &v
	}
	return st, bad
}

// fallback are the devices that the kernel puts into every network namespace
// once the tunnel's module is loaded. Nobody made them.
var fallback = []string{"lo", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"}

func linksDiffer(st observe.State, want []string) *verdict {
	var missing, extra []string
	for _, name := range want {
		if name != "lo" && findLink(st, name) == nil {
			missing = append(missing, name)
		}
	}
	for _, l := range st.Links {
		if !slices.Contains(want, l.Name) && !slices.Contains(fallback, l.Name) {
			extra = append(extra, l.Name)
		}
	}
	var got []string
	if len(missing) > 0 {
		got = append(got, "lacks "+list(missing))
	}
	if len(extra) > 0 {
		got = append(got, "also holds "+list(extra))
	}
	if len(got) == 0 {
		return nil
	}
	v := failed(st.Node+" "+strings.Join(got, " and "), "")
	return &v
}
