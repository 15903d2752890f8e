package undo

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func addrText(b []byte) string {
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return fmt.Sprintf("%x", b)
	}
	return a.String()
}

func prefixText(b []byte, bits byte) string { return addrText(b) + "/" + strconv.Itoa(int(bits)) }

func macText(b []byte) string { return net.HardwareAddr(b).String() }

// words joins pairs of a word and its value, without those that have none.
func words(start string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(start)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString(" " + pairs[i] + " " + pairs[i+1])
		}
	}
	return b.String()
}

func addressText(head []byte, as attrs, local []byte) string {
	text := prefixText(local, head[1])
	if peer := as.get(unix.IFA_ADDRESS); peer != nil && string(peer) != string(local) {
		text = addrText(local) + " peer " + prefixText(peer, head[1])
	}
	if head[3] != unix.RT_SCOPE_UNIVERSE {
		text += " scope " + scopeText(head[3])
	}
	if head[2]&unix.IFA_F_SECONDARY != 0 && head[0] == unix.AF_INET {
		text += " secondary"
	}
	return text
}

func scopeText(n byte) string {
	switch n {
	case unix.RT_SCOPE_UNIVERSE:
		return "global"
	case unix.RT_SCOPE_SITE:
		return "site"
	case unix.RT_SCOPE_LINK:
		return "link"
	case unix.RT_SCOPE_HOST:
		return "host"
	}
	return strconv.Itoa(int(n))
}

// route is a route message that is being described.
type route struct {
	head  []byte
	as    attrs
	names map[int]string
}

func (r route) to() string {
	bits, to := r.head[1], r.as.get(unix.RTA_DST)
	switch {
	case to == nil && r.head[0] == unix.AF_INET6:
		return "default (IPv6)"
	case to == nil:
		return "default"
	case int(bits) == 8*len(to):
		return addrText(to)
	}
	return prefixText(to, bits)
}

func (r route) table() uint32 {
	if t := r.as.get(unix.RTA_TABLE); t != nil {
		return hostU32(t)
	}
	return uint32(r.head[4])
}

func (r route) metric() string {
	if m := hostU32(r.as.get(unix.RTA_PRIORITY)); m != 0 {
		return strconv.Itoa(int(m))
	}
	return ""
}

func (r route) key() string {
	return fmt.Sprint(r.to(), r.table(), r.metric(), r.head[3])
}

func (r route) text() string {
	types := map[byte]string{
		unix.RTN_LOCAL: "local ", unix.RTN_BROADCAST: "broadcast ", unix.RTN_ANYCAST: "anycast ", unix.RTN_MULTICAST: "multicast ",
		unix.RTN_BLACKHOLE: "blackhole ", unix.RTN_UNREACHABLE: "unreachable ", unix.RTN_PROHIBIT: "prohibit ", unix.RTN_THROW: "throw ",
	}
	text := types[r.head[7]] + r.to()
	hops := r.as.get(unix.RTA_MULTIPATH)
	if hops == nil {
		text += r.hop(r.as)
	}
	src := ""
	if s := r.as.get(unix.RTA_PREFSRC); s != nil {
		src = addrText(s)
	}
	table := ""
	if t := r.table(); t != unix.RT_TABLE_MAIN {
		table = tableText(t)
	}
	text = words(text, "src", src, "metric", r.metric(), "table", table)
	if binary.NativeEndian.Uint32(r.head[8:])&unix.RTNH_F_ONLINK != 0 {
		text += " onlink"
	}
	eachHop(hops, func(hop []byte) {
		text += " nexthop" + r.hop(append(parseAttrs(hop[unix.SizeofRtNexthop:]), attr{unix.RTA_OIF, hop[4:8]}))
		if w := int(hop[3]) + 1; w > 1 {
			text += " weight " + strconv.Itoa(w)
		}
		if hop[2]&unix.RTNH_F_ONLINK != 0 {
			text += " onlink"
		}
	})
	return text
}

// hop says where a route or one of its next hops leads.
func (r route) hop(as attrs) string {
	via := ""
	if gw := as.get(unix.RTA_GATEWAY); gw != nil {
		via = addrText(gw)
	} else if v := as.get(unix.RTA_VIA); len(v) > 2 {
		via = "inet6 " + addrText(v[2:])
	}
	return words("", "via", via, "dev", r.names[int(hostU32(as.get(unix.RTA_OIF)))])
}

func tableText(t uint32) string {
	switch t {
	case unix.RT_TABLE_MAIN:
		return "main"
	case unix.RT_TABLE_LOCAL:
		return "local"
	case unix.RT_TABLE_DEFAULT:
		return "default"
	}
	return strconv.Itoa(int(t))
}

func ruleText(head []byte, as attrs) string {
	prefix := func(id uint16, bits byte) string {
		if v := as.get(id); v != nil {
			return prefixText(v, bits)
		}
		return ""
	}
	text := fmt.Sprintf("%d:", hostU32(as.get(unix.FRA_PRIORITY)))
	if head[0] == unix.AF_INET6 {
		text += " (IPv6)"
	}
	if binary.NativeEndian.Uint32(head[8:])&0x2 != 0 {
		text += " not"
	}
	from := prefix(unix.FRA_SRC, head[2])
	if from == "" {
		from = "all"
	}
	mark := ""
	if m := hostU32(as.get(unix.FRA_FWMARK)); m != 0 {
		mark = fmt.Sprintf("%#x", m)
	}
	text = words(text, "from", from, "to", prefix(unix.FRA_DST, head[1]), "fwmark", mark,
		"iif", cstring(as.get(unix.FRA_IIFNAME)), "oif", cstring(as.get(unix.FRA_OIFNAME)))
	switch head[7] {
	case unix.FR_ACT_TO_TBL:
		table := uint32(head[4])
		if t := as.get(unix.FRA_TABLE); t != nil {
			table = hostU32(t)
		}
		return text + " lookup " + tableText(table)
	case unix.FR_ACT_GOTO:
		return text + fmt.Sprintf(" goto %d", hostU32(as.get(unix.FRA_GOTO)))
	case unix.FR_ACT_BLACKHOLE:
		return text + " blackhole"
	case unix.FR_ACT_UNREACHABLE:
		return text + " unreachable"
	case unix.FR_ACT_PROHIBIT:
		return text + " prohibit"
	}
	return text
}

func fdbText(head []byte, as attrs, dev string) string {
	dst := ""
	if v := as.get(unix.NDA_DST); v != nil {
		dst = addrText(v)
	}
	vlan := ""
	if v := as.get(unix.NDA_VLAN); v != nil {
		vlan = strconv.Itoa(int(hostU32(v)))
	}
	text := words(macText(as.get(unix.NDA_LLADDR)), "dev", dev, "dst", dst, "vlan", vlan)
	if head[10]&unix.NTF_SELF != 0 {
		text += " self"
	} else {
		text += " master"
	}
	if binary.NativeEndian.Uint16(head[8:])&unix.NUD_PERMANENT != 0 {
		return text + " permanent"
	}
	return text + " static"
}
