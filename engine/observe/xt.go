package observe

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// iptables-nft hands matches and targets that nf_tables has no expression for
// to the old xt modules, as their C structs (linux/netfilter/xt_*.h).

// unread stands for the options of a match or a target that are not decoded.
const unread = "[...]"

// xtMatch decodes a match with the options that it knows of.
func (d *decoder) xtMatch(e *expression) {
	name, text := e.Text(unix.NFTA_MATCH_NAME), ""
	if options := xtOptions[name]; options != nil {
		text = options(d, e.Big32(unix.NFTA_MATCH_REV), e.Get(unix.NFTA_MATCH_INFO))
	} else {
		text = unread
	}
	d.add(term{key: strings.TrimSpace("xt match " + name + " " + text), ipt: strings.TrimSpace("-m " + name + " " + text)})
}

func not(flag byte) string {
	if flag != 0 {
		return "! "
	}
	return ""
}

// xtPorts reads struct xt_tcp or xt_udp: u16 spts[2], dpts[2] in host order; tcp
// then has option, flg_mask, flg_cmp, and both end in a byte of inversions.
func xtPorts(name string, b []byte) string {
	if len(b) < 9 {
		return ""
	}
	inv := b[8]
	if name == "tcp" {
		if len(b) < 12 {
			return ""
		}
		inv = b[11]
	}
	var out []string
	for i, opt := range []string{"--sport", "--dport"} {
		low, high := nl.Host32(b[4*i:4*i+2]), nl.Host32(b[4*i+2:4*i+4])
		if low == 0 && high == 0xffff {
			continue
		}
		out = append(out, not(inv&(1<<i))+opt+" "+strings.ReplaceAll(span(fmt.Sprint(low), fmt.Sprint(high)), "-", ":"))
	}
	if name == "tcp" && b[9] != 0 {
		flags := func(c byte) string {
			if c == 0 {
				return "NONE"
			}
			return strings.ToUpper(flagNames(uint32(c), "fin", "syn", "rst", "psh", "ack", "urg"))
		}
		out = append(out, not(inv&4)+"--tcp-flags "+flags(b[9])+" "+flags(b[10]))
	}
	return strings.Join(out, " ")
}

// xtStates spells XT_CONNTRACK_STATE_* bits, in the order in which iptables does.
func xtStates(n uint32) string {
	var out []string
	for _, s := range []struct {
		bit  uint32
		name string
	}{{1, "INVALID"}, {8, "NEW"}, {4, "RELATED"}, {2, "ESTABLISHED"}, {256, "UNTRACKED"}, {64, "SNAT"}, {128, "DNAT"}} {
		if n&s.bit != 0 {
			out = append(out, s.name)
		}
	}
	return strings.Join(out, ",")
}

// xtAddrType reads struct xt_addrtype_info(_v1): u16 source, dest; then two u32
// inversions, or in revision 1 flags with bits 1 and 2 for them.
func xtAddrType(rev uint32, b []byte) string {
	if len(b) < 8 {
		return ""
	}
	src, dst := nl.Host32(b[0:2]), nl.Host32(b[2:4])
	invSrc, invDst := nl.Host32(b[4:8])&1, nl.Host32(b[4:8])>>1&1
	if rev == 0 && len(b) >= 12 {
		invSrc, invDst = nl.Host32(b[4:8]), nl.Host32(b[8:12])
	}
	types := func(n uint32) string {
		return strings.ToUpper(flagNames(n, "unspec", "unicast", "local", "broadcast", "anycast", "multicast",
			"blackhole", "unreachable", "prohibit"))
	}
	var out []string
	if src != 0 {
		out = append(out, not(byte(invSrc))+"--src-type "+types(src))
	}
	if dst != 0 {
		out = append(out, not(byte(invDst))+"--dst-type "+types(dst))
	}
	for i, option := range []string{"--limit-iface-in", "--limit-iface-out"} {
		if rev > 0 && nl.Host32(b[4:8])&(4<<i) != 0 {
			out = append(out, option)
		}
	}
	return strings.Join(out, " ")
}

// xtMultiport reads struct xt_multiport_v1: u8 flags, count; u16 ports[15]; u8
// pflags[15], invert.
func xtMultiport(rev uint32, b []byte) string {
	if rev != 1 || len(b) < 48 {
		return ""
	}
	opt := "--" + indexed(uint32(b[0]), map[uint32]string{0: "sports", 1: "dports", 2: "ports"})
	ports := ""
	for i := range min(int(b[1]), 15) {
		if i > 0 {
			sep := ","
			if b[32+i-1] != 0 {
				sep = ":"
			}
			ports += sep
		}
		ports += strconv.Itoa(int(nl.Host32(b[2+2*i : 4+2*i])))
	}
	return not(b[47]) + opt + " " + ports
}

// xtTarget decodes a target. One that is not known counts as doing nothing to
// the packet's fate and is named.
func (d *decoder) xtTarget(e *expression) {
	name, info := e.Text(unix.NFTA_TARGET_NAME), e.Get(unix.NFTA_TARGET_INFO)
	switch name {
	case "MASQUERADE", "DNAT", "SNAT", "REDIRECT":
		flags, addr, ports := natRange(d.r.family, e.Big32(unix.NFTA_TARGET_REV), info)
		d.translate(strings.ToLower(name), natAddress(addr, ports), flags)
	case "REJECT":
		d.out.does = "reject"
		with := rejectWith(d.r.family, info)
		d.add(term{key: "xt target REJECT with " + with, ipt: "-j REJECT --reject-with " + with})
	case "DROP", "ACCEPT", "RETURN":
		d.out.does = strings.ToLower(name)
		d.add(term{key: "xt target " + name, ipt: "-j " + name})
	default:
		text := xtTargetOptions(name, e.Big32(unix.NFTA_TARGET_REV), info)
		d.add(term{key: strings.TrimSpace("xt target " + name + " " + text), ipt: strings.TrimSpace("-j " + name + " " + text)})
	}
}

// xtTargetOptions are a target's options in the words of iptables-save.
func xtTargetOptions(name string, rev uint32, b []byte) string {
	switch {
	case name == "LOG" && long(b, 32): // struct ipt_log_info: u8 level, flags; char prefix[30]
		text := ""
		if p := nl.Text(b[2:32]); p != "" {
			text = fmt.Sprintf("--log-prefix %q", p)
		}
		if b[0] != 4 { // warning
			text += fmt.Sprintf(" --log-level %d", b[0])
		}
		return strings.TrimSpace(text)
	case name == "NFQUEUE" && long(b, 2): // u16 queue, queues, bypass or flags
		text := fmt.Sprintf("--queue-num %d", nl.Host32(b[:2]))
		if rev > 0 && long(b, 4) && nl.Host32(b[2:4]) > 1 {
			text = fmt.Sprintf("--queue-balance %d:%d", nl.Host32(b[:2]), nl.Host32(b[:2])+nl.Host32(b[2:4])-1)
		}
		if rev > 1 && long(b, 6) && nl.Host32(b[4:6])&1 != 0 {
			text += " --queue-bypass"
		}
		return text
	case name == "MARK" && rev == 2 && long(b, 8): // u32 mark, mask
		return fmt.Sprintf("--set-xmark 0x%x/0x%x", nl.Host32(b), nl.Host32(b[4:]))
	case name == "TCPMSS" && long(b, 2) && nl.Host32(b[:2]) == 0xffff:
		return "--clamp-mss-to-pmtu"
	case name == "TCPMSS" && long(b, 2):
		return fmt.Sprintf("--set-mss %d", nl.Host32(b[:2]))
	case name == "TRACE", name == "NOTRACK", name == "QUEUE":
		return ""
	}
	return unread
}

func rejectWith(family byte, info []byte) string {
	if family == unix.NFPROTO_IPV6 {
		return indexed(nl.Host32(info), map[uint32]string{0: "icmp6-no-route", 1: "icmp6-adm-prohibited", 3: "icmp6-addr-unreachable",
			4: "icmp6-port-unreachable", 6: "tcp-reset"})
	}
	return indexed(nl.Host32(info), map[uint32]string{0: "icmp-net-unreachable", 1: "icmp-host-unreachable", 2: "icmp-proto-unreachable",
		3: "icmp-port-unreachable", 5: "icmp-net-prohibited", 6: "icmp-host-prohibited", 7: "tcp-reset", 8: "icmp-admin-prohibited"})
}

// natRange reads the struct of a NAT target. Revision 0 for IPv4 is
// nf_nat_ipv4_multi_range_compat: u32 rangesize (1), then u32 flags, the two IPv4
// addresses and the two ports. Anything else is nf_nat_range or nf_nat_range2,
// which begin alike: u32 flags, two addresses of 16 bytes, two ports.
func natRange(family byte, rev uint32, b []byte) (flags uint32, addr, ports string) {
	old := family == unix.NFPROTO_IPV4 && rev == 0
	size, at := 16, 0
	if old {
		size, at = 4, 4
	}
	if len(b) < at+4+2*size+4 {
		return 0, "", ""
	}
	flags = nl.Host32(b[at:])
	low, high := b[at+4:at+4+size], b[at+4+size:at+4+2*size]
	if family == unix.NFPROTO_IPV4 {
		low, high = low[:4], high[:4]
	}
	if flags&unix.NF_NAT_RANGE_MAP_IPS != 0 {
		addr = span(addrOf(low).String(), addrOf(high).String())
	}
	if flags&unix.NF_NAT_RANGE_PROTO_SPECIFIED != 0 {
		p := b[at+4+2*size:]
		ports = span(bePort(p), bePort(p[2:]))
	}
	return flags, addr, ports
}
