package undo

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
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

func addressText(head []byte, as nl.Attrs, local []byte) string {
	text := prefixText(local, head[1])
	if peer := as.Get(unix.IFA_ADDRESS); peer != nil && string(peer) != string(local) {
		text = addrText(local) + " peer " + prefixText(peer, head[1])
	}
	if head[3] != unix.RT_SCOPE_UNIVERSE {
		text += " scope " + nl.Scope(head[3])
	}
	if head[2]&unix.IFA_F_SECONDARY != 0 && head[0] == unix.AF_INET {
		text += " secondary"
	}
	return text
}

// route is a route message that is being described.
type route struct {
	head  []byte
	as    nl.Attrs
	names map[int]string
}

func (r route) to() string {
	bits, to := r.head[1], r.as.Get(unix.RTA_DST)
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
	if t := r.as.Get(unix.RTA_TABLE); t != nil {
		return nl.Host32(t)
	}
	return uint32(r.head[4])
}

func (r route) metric() string {
	if m := r.as.Host32(unix.RTA_PRIORITY); m != 0 {
		return strconv.Itoa(int(m))
	}
	return ""
}

func (r route) key() string {
	return fmt.Sprint(r.to(), r.table(), r.metric(), r.head[3])
}

func (r route) text() string {
	text := r.to()
	if typ := r.head[7]; typ != unix.RTN_UNICAST {
		text = nl.RouteType(typ) + " " + text
	}
	hops := r.as.Get(unix.RTA_MULTIPATH)
	if hops == nil {
		text += r.hop(r.as)
	}
	src := ""
	if s := r.as.Get(unix.RTA_PREFSRC); s != nil {
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
	for hop := range nl.NextHops(hops) {
		text += " nexthop" + r.hop(append(nl.ParseAfter(hop, unix.SizeofRtNexthop), nl.NewAttr(unix.RTA_OIF, hop[4:8])))
		if w := int(hop[3]) + 1; w > 1 {
			text += " weight " + strconv.Itoa(w)
		}
		if hop[2]&unix.RTNH_F_ONLINK != 0 {
			text += " onlink"
		}
	}
	return text
}

// hop says where a route or one of its next hops leads.
func (r route) hop(as nl.Attrs) string {
	via := ""
	if gw := as.Get(unix.RTA_GATEWAY); gw != nil {
		via = addrText(gw)
	} else if v := as.Get(unix.RTA_VIA); len(v) > 2 {
		via = "inet6 " + addrText(v[2:])
	}
	return words("", "via", via, "dev", r.names[int(as.Host32(unix.RTA_OIF))])
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

func ruleText(head []byte, as nl.Attrs) string {
	prefix := func(id uint16, bits byte) string {
		if v := as.Get(id); v != nil {
			return prefixText(v, bits)
		}
		return ""
	}
	text := fmt.Sprintf("%d:", as.Host32(unix.FRA_PRIORITY))
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
	if m := as.Host32(unix.FRA_FWMARK); m != 0 {
		mark = fmt.Sprintf("%#x", m)
	}
	text = words(text, "from", from, "to", prefix(unix.FRA_DST, head[1]), "fwmark", mark,
		"iif", as.Text(unix.FRA_IIFNAME), "oif", as.Text(unix.FRA_OIFNAME))
	switch head[7] {
	case unix.FR_ACT_TO_TBL:
		table := uint32(head[4])
		if t := as.Get(unix.FRA_TABLE); t != nil {
			table = nl.Host32(t)
		}
		return text + " lookup " + tableText(table)
	case unix.FR_ACT_GOTO:
		return text + fmt.Sprintf(" goto %d", as.Host32(unix.FRA_GOTO))
	}
	return text + " " + nl.RuleAction(head[7])
}

func fdbText(head []byte, as nl.Attrs, dev string) string {
	dst := ""
	if v := as.Get(unix.NDA_DST); v != nil {
		dst = addrText(v)
	}
	vlan := ""
	if v := as.Get(unix.NDA_VLAN); v != nil {
		vlan = strconv.Itoa(int(nl.Host32(v)))
	}
	text := words(macText(as.Get(unix.NDA_LLADDR)), "dev", dev, "dst", dst, "vlan", vlan)
	if head[10]&unix.NTF_SELF != 0 {
		text += " self"
	} else {
		text += " master"
	}
	return text + " " + nl.EntryState(binary.NativeEndian.Uint16(head[8:]))
}
