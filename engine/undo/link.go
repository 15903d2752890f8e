package undo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
	"underlay/engine/observe"
)

// link is an interface with everything of it that can be set. Two links of a
// node are one and the same when their indexes are: a name can be given away.
type link struct {
	index  int
	name   string
	kind   string
	mac    []byte
	mtu    uint32
	queue  uint32 // transmit queue length
	group  uint32
	alias  string
	flags  uint32 // those of settable
	master int    // index, 0 for none
	parent int    // index of the device below, in parentNode
	// peerNode and peer are where the other end of a veth is, and its index
	// there. peerNode is "" if no node of the lab has it.
	peerNode   string
	peer       int
	parentNode string
	data       nl.Attrs // of its kind
	port       nl.Attrs // what its bridge was told about it
	slaveKind  string
	names      map[int]string
}

const settable = unix.IFF_UP | unix.IFF_NOARP | unix.IFF_PROMISC | unix.IFF_ALLMULTI | unix.IFF_MULTICAST

// Attributes of a bridge and of its ports that tell how things are rather than
// how they were set.
var (
	bridgeTells = []uint16{10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 40, 47, 48} // IFLA_BR_ROOT_ID … FDB_N_LEARNED
	portTells   = []uint16{1, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 38, 41}
	otherTells  = map[string][]uint16{"macvlan": {4, 5, 6, 8}, "macvtap": {4, 5, 6, 8}} // MACADDR_* and BC_QUEUE_LEN_USED
)

// links reads a node's interfaces; seen is what the listing does not say: who
// is at the other end.
func links(msgs []observe.Message, seen []observe.Link, names map[int]string) []link {
	var out []link
	for _, m := range msgs {
		if len(m.Body) < unix.SizeofIfInfomsg || m.Body[0] == unix.AF_BRIDGE {
			continue
		}
		l := parseLink(m.Body, names)
		if i := slices.IndexFunc(seen, func(s observe.Link) bool { return s.Index == l.index }); i >= 0 {
			l.peerNode, l.peer, l.parentNode = seen[i].PeerNode, seen[i].PeerIndex, seen[i].ParentNode
		}
		out = append(out, l)
	}
	return out
}

func parseLink(b []byte, names map[int]string) link {
	as := nl.ParseAfter(b, unix.SizeofIfInfomsg)
	info := as.Nested(unix.IFLA_LINKINFO)
	l := link{
		index: int(nl.Host32(b[4:])), flags: nl.Host32(b[8:]) & settable, names: names,
		name: as.Text(unix.IFLA_IFNAME), alias: as.Text(unix.IFLA_IFALIAS),
		mac: as.Get(unix.IFLA_ADDRESS), mtu: as.Host32(unix.IFLA_MTU),
		queue: as.Host32(unix.IFLA_TXQLEN), group: as.Host32(unix.IFLA_GROUP),
		master: int(as.Host32(unix.IFLA_MASTER)), parent: int(as.Host32(unix.IFLA_LINK)),
		kind: info.Text(unix.IFLA_INFO_KIND), slaveKind: info.Text(unix.IFLA_INFO_SLAVE_KIND),
		data: info.Nested(unix.IFLA_INFO_DATA),
	}
	if l.slaveKind == "bridge" {
		l.port = info.Nested(unix.IFLA_INFO_SLAVE_DATA).Without(portTells...)
	}
	switch l.kind {
	case "bridge":
		l.data = l.data.Without(bridgeTells...)
	case "veth":
		l.data, l.parent = nil, 0 // its parent is its peer
	case "vxlan":
		l.data = vxlanAsked(l.data)
	default:
		l.data = l.data.Without(otherTells[l.kind]...)
	}
	return l
}

// vxlanAsked are a VXLAN device's options as a request has them. Some that are
// listed with a value are there or not in a request: what the kernel says is
// off must not be asked for.
func vxlanAsked(listed nl.Attrs) nl.Attrs {
	const remcsumRx, ttlInherit = 22, 28 // IFLA_VXLAN_REMCSUM_RX, IFLA_VXLAN_TTL_INHERIT
	for _, id := range []uint16{remcsumRx, ttlInherit} {
		if v := listed.Get(id); len(v) > 0 && v[0] == 0 {
			listed = listed.Without(id)
		}
	}
	return listed.Replace(ttlInherit, func([]byte) []byte { return nil })
}

func (l *link) up() bool { return l.flags&unix.IFF_UP != 0 }

// same reports whether one is the other, perhaps changed: what could make it
// the other cannot be changed in a device that is there.
func (l *link) same(o *link) bool {
	if l.index != o.index || l.kind != o.kind {
		return false
	}
	switch l.kind {
	case "", "bridge":
		return true
	case "veth":
		return l.peerNode == o.peerNode && l.peer == o.peer
	}
	return l.parentNode == o.parentNode && l.parent == o.parent && string(l.data.AppendTo(nil)) == string(o.data.AppendTo(nil))
}

// prop is one property of a link as a person would say it.
type prop struct{ name, value string }

// props are all that can be set in a link.
func (l *link) props() []prop {
	out := []prop{{"name", l.name}}
	state := "down"
	if l.up() {
		state = "up"
	}
	out = append(out, prop{"", state}, prop{"mtu", strconv.Itoa(int(l.mtu))}, prop{"master", l.names[l.master]}, prop{"address", macText(l.mac)})
	for _, f := range []struct {
		flag uint32
		name string
	}{{unix.IFF_NOARP, "noarp"}, {unix.IFF_PROMISC, "promisc"}, {unix.IFF_ALLMULTI, "allmulticast"}, {unix.IFF_MULTICAST, "multicast"}} {
		out = append(out, prop{f.name, onOff(l.flags & f.flag)})
	}
	out = append(out, prop{"qlen", fmt.Sprint(l.queue)}, prop{"group", fmt.Sprint(l.group)}, prop{"alias", l.alias})
	if l.kind == "bridge" {
		out = append(out, options(l.data, bridgeOptions)...)
	}
	if l.port != nil {
		out = append(out, options(l.port, portOptions)...)
	}
	return out
}

func onOff(v uint32) string {
	if v != 0 {
		return "on"
	}
	return "off"
}

// Names of options, as ip(8) and bridge(8) spell them.
var (
	bridgeOptions = map[uint16]string{1: "forward_delay", 2: "hello_time", 3: "max_age", 4: "ageing_time", 5: "stp_state", 6: "priority",
		7: "vlan_filtering", 8: "vlan_protocol", 9: "group_fwd_mask", 20: "group_address", 22: "mcast_router", 23: "mcast_snooping",
		25: "mcast_querier", 27: "mcast_hash_max", 36: "nf_call_iptables", 37: "nf_call_ip6tables", 38: "nf_call_arptables", 39: "vlan_default_pvid"}
	portOptions = map[uint16]string{2: "priority", 3: "cost", 4: "hairpin", 5: "guard", 6: "root_block", 7: "fastleave", 8: "learning",
		9: "flood", 10: "proxy_arp", 11: "learning_sync", 12: "proxy_arp_wifi", 25: "mcast_router", 27: "mcast_flood", 28: "mcast_to_unicast",
		29: "vlan_tunnel", 30: "bcast_flood", 32: "neigh_suppress", 33: "isolated", 39: "locked"}
)

func options(as nl.Attrs, names map[uint16]string) []prop {
	var out []prop
	for _, a := range as {
		name, ok := names[a.ID()]
		if !ok {
			name = fmt.Sprintf("option %d", a.ID())
		}
		value := fmt.Sprintf("%x", a.Data)
		if len(a.Data) <= 4 {
			value = strconv.Itoa(int(nl.Host32(a.Data)))
		}
		out = append(out, prop{name, value})
	}
	return out
}

// text says what a link is, in one line.
func (l *link) text() string {
	kind := l.kind
	if kind == "" {
		kind = "device"
	}
	state := "down"
	if l.up() {
		state = "up"
	}
	text := words(l.name+": "+kind+", "+state, "mtu", strconv.Itoa(int(l.mtu)), "master", l.names[l.master], "address", macText(l.mac))
	switch {
	case l.kind == "veth" && l.peerNode != "":
		text += ", peer in " + l.peerNode
	case l.kind == "veth":
		text += ", peer outside the lab"
	case l.parentNode != "":
		text += ", on " + l.parentNode
	}
	return text
}

// compareLinks says what differs between two links that are the same, as two
// lines with only the differing properties; both are "" when nothing does.
func compareLinks(was, is *link) (before, after string) {
	old, now := was.props(), is.props()
	var b, a []string
	value := func(ps []prop, name string) (string, bool) {
		i := slices.IndexFunc(ps, func(p prop) bool { return p.name == name })
		if i < 0 {
			return "", false
		}
		return ps[i].value, true
	}
	say := func(list []string, name, v string) []string {
		if v == "" {
			return append(list, "no "+name)
		}
		return append(list, strings.TrimSpace(name+" "+v))
	}
	for _, p := range old {
		if v, ok := value(now, p.name); p.name != "name" && (!ok || v != p.value) {
			b = say(b, p.name, p.value)
			if ok {
				a = say(a, p.name, v)
			}
		}
	}
	for _, p := range now {
		if _, ok := value(old, p.name); !ok {
			a = say(a, p.name, p.value)
		}
	}
	if len(b)+len(a) == 0 && was.name == is.name {
		return "", ""
	}
	return strings.TrimSuffix(was.name+": "+strings.Join(b, ", "), ": "), strings.TrimSuffix(is.name+": "+strings.Join(a, ", "), ": ")
}
