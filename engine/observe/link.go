package observe

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// linkInfo is a Link as the kernel tells it, before names of other objects are known.
type linkInfo struct {
	Link
	master  int   // ifindex
	below   int   // IFLA_LINK: a veth's peer, or the device below a macvlan, VLAN …
	hasNSID bool  // below is in another namespace
	nsid    int32 // which one, in this namespace's numbering
}

const (
	vxlanID, vxlanGroup, vxlanLocal   = 1, 2, 4
	vxlanPort, vxlanGroup6, vxlanLoc6 = 15, 16, 17
	macvlanMode                       = 1
	brportMode, brportIsolated        = 4, 33 // IFLA_BRPORT_MODE is hairpin
	brportState, brportLocked         = 1, 39
	brportFlood, brportMcastFlood     = 9, 27
	brportBcastFlood                  = 30
	brVLANFiltering                   = 7
	extSkipStats                      = 8 // RTEXT_FILTER_SKIP_STATS
)

// readLinks lists the interfaces; without stats their counters are 0.
func (n *node) readLinks(stats bool) ([]linkInfo, error) {
	req := make([]byte, unix.SizeofIfInfomsg)
	if !stats {
		req = skipStats(req)
	}
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	infos, err := nl.Dump(c, unix.RTM_GETLINK, req, addLink)
	if err != nil {
		return nil, err
	}
	names := namesOf(infos)
	for i := range infos {
		infos[i].Master = names[infos[i].master]
	}
	return infos, nil
}

// skipStats asks for a listing of links without their counters.
func skipStats(req []byte) []byte {
	return nl.Append(req, unix.IFLA_EXT_MASK, nl.PutHost32(extSkipStats))
}

func namesOf(infos []linkInfo) map[int]string {
	names := make(map[int]string, len(infos))
	for i := range infos {
		names[infos[i].Index] = infos[i].Name
	}
	return names
}

func addLink(out []linkInfo, typ uint16, b []byte) []linkInfo {
	if typ != unix.RTM_NEWLINK || len(b) < unix.SizeofIfInfomsg {
		return out
	}
	flags := binary.NativeEndian.Uint32(b[8:])
	l := linkInfo{Link: Link{
		Index:   int(int32(binary.NativeEndian.Uint32(b[4:]))),
		AdminUp: flags&unix.IFF_UP != 0,
		Carrier: flags&unix.IFF_LOWER_UP != 0,
	}}
	if binary.NativeEndian.Uint16(b[2:]) == unix.ARPHRD_LOOPBACK {
		l.Kind = "loopback"
	}
	for typ, v := range nl.Each(b[unix.SizeofIfInfomsg:]) {
		l.attr(typ, v)
	}
	return append(out, l)
}

func (l *linkInfo) attr(typ uint16, v []byte) {
	switch typ {
	case unix.IFLA_IFNAME:
		l.Name = nl.Text(v)
	case unix.IFLA_ADDRESS:
		l.MAC = macOf(v)
	case unix.IFLA_MTU:
		l.MTU = int(nl.Host32(v))
	case unix.IFLA_OPERSTATE:
		l.Oper = operState(nl.Host32(v))
	case unix.IFLA_MASTER:
		l.master = int(nl.Host32(v))
	case unix.IFLA_LINK:
		l.below = int(nl.Host32(v))
	case unix.IFLA_LINK_NETNSID:
		l.hasNSID, l.nsid = true, int32(nl.Host32(v))
	case unix.IFLA_STATS64:
		if len(v) >= 64 {
			l.RxPackets, l.TxPackets = nl.Host64(v), nl.Host64(v[8:])
			l.RxDropped, l.TxDropped = nl.Host64(v[48:]), nl.Host64(v[56:])
		}
	case unix.IFLA_LINKINFO:
		l.info(v)
	}
}

// info reads IFLA_LINKINFO: what kind of device it is and, for a bridge port,
// what its bridge was told about it.
func (l *linkInfo) info(b []byte) {
	var slaveKind string
	var data, slave []byte
	for typ, v := range nl.Each(b) {
		switch typ {
		case unix.IFLA_INFO_KIND:
			l.Kind = nl.Text(v)
		case unix.IFLA_INFO_DATA:
			data = v
		case unix.IFLA_INFO_SLAVE_KIND:
			slaveKind = nl.Text(v)
		case unix.IFLA_INFO_SLAVE_DATA:
			slave = v
		}
	}
	switch l.Kind {
	case "vxlan":
		for typ, v := range nl.Each(data) {
			l.vxlan(typ, v)
		}
	case "bridge":
		for typ, v := range nl.Each(data) {
			if typ == brVLANFiltering {
				l.VLANFiltering = nl.Host32(v) != 0
			}
		}
	case "macvlan", "macvtap":
		for typ, v := range nl.Each(data) {
			if typ == macvlanMode {
				l.Mode = macvlanModeName(nl.Host32(v))
			}
		}
	}
	if slaveKind != "bridge" {
		return
	}
	for typ, v := range nl.Each(slave) {
		switch typ {
		case brportMode:
			l.Hairpin = nl.Host32(v) != 0
		case brportIsolated:
			l.Isolated = nl.Host32(v) != 0
		case brportState:
			l.PortState = portState(nl.Host32(v))
		case brportLocked:
			l.Locked = nl.Host32(v) != 0
		case brportFlood:
			l.Withholds.Unknown = nl.Host32(v) == 0
		case brportMcastFlood:
			l.Withholds.Multicast = nl.Host32(v) == 0
		case brportBcastFlood:
			l.Withholds.Broadcast = nl.Host32(v) == 0
		}
	}
}

func (l *linkInfo) vxlan(typ uint16, v []byte) {
	switch typ {
	case vxlanID:
		l.VNI = int(nl.Host32(v))
	case vxlanPort:
		l.Port = int(nl.Big(v))
	case vxlanGroup, vxlanGroup6:
		l.Remote = addrText(v)
	case vxlanLocal, vxlanLoc6:
		l.Local = addrText(v)
	}
}

// addrText is an address as text, "" for the unspecified one.
func addrText(v []byte) string {
	if a := addrOf(v); a.IsValid() && !a.IsUnspecified() {
		return a.String()
	}
	return ""
}

func portState(n uint32) string {
	states := [...]string{"disabled", "listening", "learning", "forwarding", "blocking"}
	if int(n) < len(states) {
		return states[n]
	}
	return strconv.Itoa(int(n))
}

func operState(n uint32) string {
	states := [...]string{"unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"}
	if int(n) < len(states) {
		return states[n]
	}
	return strconv.Itoa(int(n))
}

func macvlanModeName(n uint32) string {
	switch n {
	case 1:
		return "private"
	case 2:
		return "vepa"
	case 4:
		return "bridge"
	case 8:
		return "passthru"
	case 16:
		return "source"
	}
	return strconv.Itoa(int(n))
}

// readAddrs lists the addresses.
func (n *node) readAddrs(names map[int]string) ([]Addr, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	return nl.Dump(c, unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), func(out []Addr, typ uint16, b []byte) []Addr {
		if typ != unix.RTM_NEWADDR || len(b) < unix.SizeofIfAddrmsg {
			return out
		}
		var local, address netip.Addr
		for typ, v := range nl.Each(b[unix.SizeofIfAddrmsg:]) {
			switch typ {
			case unix.IFA_LOCAL:
				local = addrOf(v)
			case unix.IFA_ADDRESS:
				address = addrOf(v)
			}
		}
		if !local.IsValid() {
			local = address
		}
		return append(out, Addr{
			Dev:    names[int(binary.NativeEndian.Uint32(b[4:]))],
			Prefix: netip.PrefixFrom(local, int(b[1])),
			Scope:  nl.Scope(b[3]),
		})
	})
}
