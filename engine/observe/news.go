package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/nl"
)

// heard is what rtnetlink last said of a node's links and neighbours. It speaks also
// when nothing has changed that anybody would call a change: a capture makes a device
// promiscuous, the kernel looks whether a neighbour is still there, a bridge forgets
// whom it has not heard for long. What is told again is no news.
type heard struct {
	links  map[linkKey]heardLink
	neighs map[neighKey]string // how each is known
}

// linkKey is what a link message is about. A bridge speaks of its ports in messages
// of its own family.
type linkKey struct {
	family byte
	index  int
}

type heardLink struct {
	said   string        // without what changes by itself
	ageing time.Duration // how long a bridge or a VXLAN device remembers a MAC address
}

type neighKey struct {
	family byte
	index  int
	addr   netip.Addr
	proxy  bool
}

func newHeard() *heard {
	return &heard{links: map[linkKey]heardLink{}, neighs: map[neighKey]string{}}
}

// listen takes in what is there already, so that the first word of it that says
// nothing new is not taken for news.
func (h *heard) listen(ns int) (err error) {
	c, err := nl.Dial(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	const vlans = 4 // RTEXT_FILTER_BRVLAN_COMPRESSED, as in what is announced
	ports := nl.Append(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_EXT_MASK, nl.PutHost32(vlans))
	ports[0] = unix.AF_BRIDGE
	for _, l := range []struct {
		typ uint16
		req []byte
	}{
		{unix.RTM_GETLINK, make([]byte, unix.SizeofIfInfomsg)},
		{unix.RTM_GETLINK, ports},
		{unix.RTM_GETNEIGH, make([]byte, unix.SizeofNdMsg)},
	} {
		msgs, err := nl.Dump(c, l.typ, l.req, keep)
		if err != nil {
			return fmt.Errorf("list what there is: %w", err)
		}
		for _, m := range msgs {
			h.news(nl.Message{Type: m.Type, Body: m.Body})
		}
	}
	return nil
}

// forget is for when messages were lost: whatever comes next is news.
func (h *heard) forget() {
	clear(h.links)
	clear(h.neighs)
}

// news reports whether a message says anything that the ones before did not.
func (h *heard) news(m nl.Message) bool {
	switch m.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		if len(m.Body) >= unix.SizeofIfInfomsg {
			return h.link(m)
		}
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		if len(m.Body) < unix.SizeofNdMsg {
			return true
		}
		if m.Body[0] == unix.AF_BRIDGE {
			return m.Type == unix.RTM_NEWNEIGH || !h.aged(m.Body)
		}
		return h.neigh(m)
	}
	return true
}

func (h *heard) link(m nl.Message) bool {
	k := linkKey{m.Body[0], int(int32(binary.NativeEndian.Uint32(m.Body[4:])))}
	if m.Type == unix.RTM_DELLINK {
		delete(h.links, k)
		return true
	}
	now, named := sayLink(m.Body)
	before, known := h.links[k]
	h.links[k] = now
	return named || !known || before.said != now.said
}

// What a link message says that changes by itself, or by being looked at: counters,
// and who listens.
var fleeting = []uint16{
	unix.IFLA_STATS, unix.IFLA_STATS64, unix.IFLA_PROMISCUITY, unix.IFLA_ALLMULTI,
	unix.IFLA_CARRIER_CHANGES, unix.IFLA_CARRIER_UP_COUNT, unix.IFLA_CARRIER_DOWN_COUNT,
}

// The same for a bridge's IFLA_BR_…_TIMER, MCAST_QUERIER_STATE and FDB_N_LEARNED, and
// its ports' IFLA_BRPORT_…_TIMER.
var (
	fleetingBridge = []uint16{16, 17, 18, 19, 47, 48}
	fleetingPort   = []uint16{21, 22, 23}
)

// sayLink is a link message without what is fleeting. named says that it tells of
// something that has happened and that it does not show, as when an offload is
// switched.
func sayLink(b []byte) (l heardLink, named bool) {
	said := slices.Clone(b[:unix.SizeofIfInfomsg])
	flags := binary.NativeEndian.Uint32(said[8:]) &^ (unix.IFF_PROMISC | unix.IFF_ALLMULTI)
	binary.NativeEndian.PutUint32(said[8:], flags)
	binary.NativeEndian.PutUint32(said[12:], 0) // which of them have changed
	for typ, v := range nl.Each(b[unix.SizeofIfInfomsg:]) {
		switch {
		case typ == unix.IFLA_EVENT:
			named = true
		case slices.Contains(fleeting, typ):
		case typ == unix.IFLA_QDISC: // has messages of its own
		case typ == unix.IFLA_LINKINFO:
			said, l.ageing = sayInfo(said, v)
		case typ == unix.IFLA_AF_SPEC && b[0] != unix.AF_BRIDGE: // settings, which have, too
		case typ == unix.IFLA_OPERSTATE && len(v) == 1 && v[0] == 0:
			// Of a device that is just up the kernel finds out within a second that it
			// is; until then it is unknown, which is as good.
			const up = 6 // IF_OPER_UP
			said = nl.Append(said, typ, []byte{up})
		case typ == unix.IFLA_PROTINFO && b[0] == unix.AF_BRIDGE:
			said = nl.Append(said, typ, without(v, fleetingPort))
		default:
			said = nl.Append(said, typ, v)
		}
	}
	l.said = string(said)
	return l, named
}

// sayInfo appends IFLA_LINKINFO without what is fleeting, and returns how long the
// device remembers a MAC address.
func sayInfo(said, info []byte) (_ []byte, ageing time.Duration) {
	a := nl.Parse(info)
	kind, data := a.Text(unix.IFLA_INFO_KIND), a.Get(unix.IFLA_INFO_DATA)
	switch kind {
	case "bridge":
		const ageingTime = 4 // IFLA_BR_AGEING_TIME
		ageing = ticks(nl.Parse(data).Host32(ageingTime))
		data = without(data, fleetingBridge)
	case "vxlan":
		const ageingTime = 8 // IFLA_VXLAN_AGEING
		ageing = time.Duration(nl.Parse(data).Host32(ageingTime)) * time.Second
	}
	slave := a.Get(unix.IFLA_INFO_SLAVE_DATA)
	if a.Text(unix.IFLA_INFO_SLAVE_KIND) == "bridge" {
		slave = without(slave, fleetingPort)
	}
	said = nl.Append(said, unix.IFLA_INFO_KIND, []byte(kind))
	said = nl.Append(said, unix.IFLA_INFO_DATA, data)
	return nl.Append(said, unix.IFLA_INFO_SLAVE_DATA, slave), ageing
}

// ticks is a time in the kernel's USER_HZ, which is 100 everywhere.
func ticks(n uint32) time.Duration { return time.Duration(n) * 10 * time.Millisecond }

// without is a set of attributes without some.
func without(b []byte, types []uint16) []byte {
	var out []byte
	for typ, v := range nl.Each(b) {
		if !slices.Contains(types, typ) {
			out = nl.Append(out, typ, v)
		}
	}
	return out
}

// neigh takes in how a neighbour is known. That the kernel forgets whom it did not
// find is no news, and neither is that it asks again.
func (h *heard) neigh(m nl.Message) bool {
	n := parseNeigh(m.Body)
	k := neighKey{n.family, n.index, n.dst, n.flags&unix.NTF_PROXY != 0}
	before, known := h.neighs[k]
	if m.Type == unix.RTM_DELNEIGH {
		if known && before == neighAsked {
			return false
		}
		delete(h.neighs, k)
		return true
	}
	now := knownAs(&n)
	h.neighs[k] = now
	return !known || before != now
}

// neighAsked is how a neighbour is known that was asked for, and has not answered.
const neighAsked = "asked"

// knownAs is how a neighbour is known. Whether the kernel has lately heard of one that
// it can send to makes no difference.
func knownAs(n *neighMsg) string {
	const usable = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE
	switch {
	case n.state&(unix.NUD_PERMANENT|unix.NUD_NOARP) != 0:
		return neighState(n.state) + " " + n.mac
	case n.state&usable != 0:
		return "usable " + n.mac
	case n.state&(unix.NUD_INCOMPLETE|unix.NUD_FAILED) != 0:
		return neighAsked
	}
	return ""
}

// aged reports whether a forwarding entry that is gone was forgotten because its
// machine was not heard for as long as its bridge, or VXLAN device, remembers one.
func (h *heard) aged(b []byte) bool {
	n := parseNeigh(b)
	by := n.master
	if n.flags&unix.NTF_SELF != 0 {
		by = n.index
	}
	ageing := h.links[linkKey{unix.AF_UNSPEC, by}].ageing
	return nl.EntryState(n.state) == "learned" && ageing > 0 && n.idle >= ageing
}

// ownFlow reports whether a message of conntrack is about a flow that a test began.
func ownFlow(m nl.Message) bool {
	if len(m.Body) < nl.NetfilterLen {
		return false
	}
	const icmpID, icmpV6ID = 4, 7 // CTA_PROTO_ICMP_ID, CTA_PROTO_ICMPV6_ID
	proto := nl.ParseAfter(m.Body, nl.NetfilterLen).Nested(ctaTupleOrig).Nested(ctaTupleProto)
	return slices.ContainsFunc([]uint16{ctaSrcPort, icmpID, icmpV6ID}, func(attr uint16) bool {
		return engine.TestPort(int(proto.Big32(attr)))
	})
}
