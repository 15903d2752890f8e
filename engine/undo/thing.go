package undo

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
	"underlay/engine/observe"
)

// The kinds of things, as a Change names them.
const (
	kindLink      = "link"
	kindAddress   = "address"
	kindRoute     = "route"
	kindRule      = "rule"
	kindNeighbour = "neighbour"
	kindFDB       = "fdb"
	kindSetting   = "setting"
	kindFirewall  = "firewall"
	kindServer    = "server"
	kindNode      = "node"
)

// thing is an address, route, rule, neighbour or forwarding entry.
type thing struct {
	kind string
	dev  string // its device, "" if it has none or several
	key  string // what it is about: of two with the same key, one took the other's place
	text string // as ip(8) or bridge(8) would print it
	own  bool   // the kernel makes it by itself from links and addresses
	// tentative is an IPv6 address that is still being asked for (RFC 4862, 5.4);
	// follows, a route that the kernel makes once nobody has answered.
	tentative, follows bool

	body []byte // the message that makes it, without what changes by itself
}

func (t *thing) same(o *thing) bool { return string(t.body) == string(o.body) }

// things reads the listings of a node that are made of equal parts.
func things(d *observe.Dump, names map[int]string) []thing {
	var out []thing
	read := func(msgs []observe.Message, parse func([]byte, map[int]string) (thing, bool)) {
		for _, m := range msgs {
			if t, ok := parse(m.Body, names); ok {
				out = append(out, t)
			}
		}
	}
	read(d.Addrs, parseAddress)
	read(d.Routes, parseRoute)
	read(d.Rules, parseRule)
	read(d.Neighs, parseNeighbour)
	read(d.Proxies, parseProxy)
	read(d.FDB, parseFDB)
	return out
}

const (
	ifaProto      = 11 // IFA_PROTO
	ifaKernelLL   = 2  // IFAPROT_KERNEL_LL: made by the kernel from the device's MAC
	ifaPassing    = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED | unix.IFA_F_DEPRECATED | unix.IFA_F_OPTIMISTIC
	loopbackIndex = 1
)

func parseAddress(b []byte, names map[int]string) (thing, bool) {
	if len(b) < unix.SizeofIfAddrmsg || !isIP(b[0]) {
		return thing{}, false
	}
	head := slices.Clone(b[:unix.SizeofIfAddrmsg])
	tentative := head[2]&unix.IFA_F_TENTATIVE != 0
	head[2] &^= ifaPassing
	as := nl.ParseAfter(b, unix.SizeofIfAddrmsg).Without(unix.IFA_CACHEINFO, unix.IFA_MULTICAST)
	as = as.Replace(unix.IFA_FLAGS, func(v []byte) []byte { return nl.PutHost32(nl.Host32(v) &^ ifaPassing) })
	t := thing{kind: kindAddress, dev: names[int(nl.Host32(head[4:]))], tentative: tentative, body: as.AppendTo(head)}
	local := as.Get(unix.IFA_LOCAL)
	if local == nil {
		local = as.Get(unix.IFA_ADDRESS)
	}
	t.text = addressText(head, as, local) + " dev " + t.dev
	t.key = t.dev + prefixText(local, head[1])
	t.own = int(nl.Host32(head[4:])) == loopbackIndex && (head[0] == unix.AF_INET6 || head[1] == 8) ||
		len(as.Get(ifaProto)) > 0 && as.Get(ifaProto)[0] == ifaKernelLL
	return t, true
}

func isIP(family byte) bool { return family == unix.AF_INET || family == unix.AF_INET6 }

func parseRoute(b []byte, names map[int]string) (thing, bool) {
	if len(b) < unix.SizeofRtMsg || !isIP(b[0]) || binary.NativeEndian.Uint32(b[8:])&unix.RTM_F_CLONED != 0 {
		return thing{}, false
	}
	head := slices.Clone(b[:unix.SizeofRtMsg])
	binary.NativeEndian.PutUint32(head[8:], binary.NativeEndian.Uint32(head[8:])&unix.RTNH_F_ONLINK)
	as := nl.ParseAfter(b, unix.SizeofRtMsg).Without(unix.RTA_CACHEINFO, unix.RTA_EXPIRES)
	as = as.Replace(unix.RTA_MULTIPATH, func(v []byte) []byte {
		v = slices.Clone(v)
		for hop := range nl.NextHops(v) {
			hop[2] &= unix.RTNH_F_ONLINK
		}
		return v
	})
	r := route{head: head, as: as, names: names}
	return thing{
		kind: kindRoute, dev: names[int(as.Host32(unix.RTA_OIF))],
		key: r.key(), text: r.text(), body: as.AppendTo(head),
		own:     head[5] == unix.RTPROT_KERNEL,
		follows: head[0] == unix.AF_INET6 && head[5] == unix.RTPROT_KERNEL && (head[7] == unix.RTN_LOCAL || head[7] == unix.RTN_ANYCAST),
	}, true
}

// ruleLasting are the flags of a rule that somebody set: that its device is
// there or not is not among them.
const ruleLasting = 0x1 | 0x2 // FIB_RULE_PERMANENT, FIB_RULE_INVERT

func parseRule(b []byte, _ map[int]string) (thing, bool) {
	if len(b) < unix.SizeofRtMsg || !isIP(b[0]) {
		return thing{}, false
	}
	head := slices.Clone(b[:unix.SizeofRtMsg])
	binary.NativeEndian.PutUint32(head[8:], binary.NativeEndian.Uint32(head[8:])&ruleLasting)
	as := nl.ParseAfter(b, unix.SizeofRtMsg)
	text := ruleText(head, as)
	return thing{kind: kindRule, key: text, text: text, body: as.AppendTo(head)}, true
}

const ndaProtocol, ndaFlagsExt = 12, 15 // NDA_PROTOCOL, NDA_FLAGS_EXT

// parseNeighbour takes what somebody has set; what was learned is not the lab's state.
func parseNeighbour(b []byte, names map[int]string) (thing, bool) {
	if len(b) < unix.SizeofNdMsg || !isIP(b[0]) || binary.NativeEndian.Uint16(b[8:]) != unix.NUD_PERMANENT {
		return thing{}, false
	}
	return neighbour(b, names, ""), true
}

func parseProxy(b []byte, names map[int]string) (thing, bool) {
	if len(b) < unix.SizeofNdMsg || !isIP(b[0]) || b[10]&unix.NTF_PROXY == 0 {
		return thing{}, false
	}
	return neighbour(b, names, "proxy "), true
}

func neighbour(b []byte, names map[int]string, what string) thing {
	head := slices.Clone(b[:unix.SizeofNdMsg])
	as := nl.ParseAfter(b, unix.SizeofNdMsg).Only(unix.NDA_DST, unix.NDA_LLADDR, ndaProtocol, ndaFlagsExt)
	t := thing{kind: kindNeighbour, dev: names[int(nl.Host32(head[4:]))], body: as.AppendTo(head)}
	t.key = what + addrText(as.Get(unix.NDA_DST)) + " dev " + t.dev
	t.text = t.key
	if mac := as.Get(unix.NDA_LLADDR); mac != nil {
		t.text += " lladdr " + macText(mac) + " PERMANENT"
	}
	return t
}

// parseFDB takes the entries that do not age, without those by which a device
// says to which multicast groups it listens.
func parseFDB(b []byte, names map[int]string) (thing, bool) {
	const lasting = unix.NUD_PERMANENT | unix.NUD_NOARP
	if len(b) < unix.SizeofNdMsg || b[0] != unix.AF_BRIDGE || binary.NativeEndian.Uint16(b[8:])&lasting == 0 {
		return thing{}, false
	}
	head := slices.Clone(b[:unix.SizeofNdMsg])
	all := nl.ParseAfter(b, unix.SizeofNdMsg)
	index, master, mac := nl.Host32(head[4:]), all.Host32(unix.NDA_MASTER), all.Get(unix.NDA_LLADDR)
	self := head[10]&unix.NTF_SELF != 0
	if self && len(mac) > 0 && mac[0]&1 != 0 && !all.Has(unix.NDA_DST) {
		return thing{}, false
	}
	switch { // a listing does not say what a request must: whose entry it is
	case self:
	case master != 0 && master != index:
		head[10] |= unix.NTF_MASTER
	default:
		head[10] |= unix.NTF_SELF
	}
	as := all.Only(unix.NDA_DST, unix.NDA_LLADDR, unix.NDA_VLAN, unix.NDA_PORT, unix.NDA_VNI, unix.NDA_IFINDEX, unix.NDA_SRC_VNI)
	t := thing{kind: kindFDB, dev: names[int(index)], body: as.AppendTo(head)}
	t.text = fdbText(head, as, t.dev)
	t.key = t.text
	// A bridge keeps an entry for the address of each port and its own.
	t.own = !self && binary.NativeEndian.Uint16(head[8:])&unix.NUD_PERMANENT != 0
	return t, true
}
