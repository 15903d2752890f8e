package observe

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// xtOptions decode the options of matches from their structs (linux/netfilter/xt_*.h), in
// the words of iptables-save. A revision or a length that they do not know gives "".
var xtOptions = map[string]func(d *decoder, rev uint32, b []byte) string{
	"tcp":       func(_ *decoder, _ uint32, b []byte) string { return xtPorts("tcp", b) },
	"udp":       func(_ *decoder, _ uint32, b []byte) string { return xtPorts("udp", b) },
	"comment":   func(_ *decoder, _ uint32, b []byte) string { return "--comment " + quoted(nl.Text(b)) },
	"addrtype":  func(_ *decoder, rev uint32, b []byte) string { return xtAddrType(rev, b) },
	"multiport": func(_ *decoder, rev uint32, b []byte) string { return xtMultiport(rev, b) },
	"state":     func(_ *decoder, _ uint32, b []byte) string { return "--state " + xtStates(nl.Host32(b)) },
	"mark":      xtMark, "connmark": xtMark, "icmp": xtICMP, "icmp6": xtICMP, "connlimit": xtConnlimit, "iprange": xtRange,
	"mac": xtMAC, "length": xtLength, "ttl": xtHopLimit, "hl": xtHopLimit, "statistic": xtStatistic, "owner": xtOwner,
	"physdev": xtPhysdev, "set": xtSet, "string": xtString, "recent": xtRecent, "pkttype": xtPktType, "conntrack": xtConntrack,
	"rpfilter": xtRPFilter, "helper": xtHelper, "dscp": xtDSCP, "tcpmss": xtMSS,
}

// quoted is a text as iptables-save prints it: in quotes only if it needs them.
func quoted(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\"'\\") {
		return s
	}
	return strconv.Quote(s)
}

// long reports whether a struct is as long as what is read of it.
func long(b []byte, n int) bool { return len(b) >= n }

// xtMark reads struct xt_mark_mtinfo1: u32 mark, mask; u8 invert.
func xtMark(_ *decoder, rev uint32, b []byte) string {
	if rev != 1 || !long(b, 9) {
		return ""
	}
	return not(b[8]) + "--mark " + masked(nl.Host32(b), nl.Host32(b[4:]))
}

func masked(value, mask uint32) string {
	if mask == ^uint32(0) {
		return fmt.Sprintf("0x%x", value)
	}
	return fmt.Sprintf("0x%x/0x%x", value, mask)
}

// xtICMP reads struct ipt_icmp or ip6t_icmp: u8 type, code[2], invflags.
func xtICMP(d *decoder, _ uint32, b []byte) string {
	const anyType, allCodes = 0xff, 0xff
	if !long(b, 4) {
		return ""
	}
	option := "--icmp-type "
	if d.r.family == unix.NFPROTO_IPV6 {
		option = "--icmpv6-type "
	}
	switch {
	case b[0] == anyType && b[2] == allCodes:
		return not(b[3]&1) + option + "any"
	case b[1] == 0 && b[2] == allCodes:
		return not(b[3]&1) + option + strconv.Itoa(int(b[0]))
	}
	return fmt.Sprintf("%s%s%d/%d", not(b[3]&1), option, b[0], b[1])
}

// xtConnlimit reads struct xt_connlimit_info: a mask of 16 bytes; u32 limit, flags.
func xtConnlimit(d *decoder, rev uint32, b []byte) string {
	const below, destination = 1, 2
	if rev != 1 || !long(b, 24) {
		return ""
	}
	mask := b[:16]
	if d.r.family == unix.NFPROTO_IPV4 {
		mask = b[:4]
	}
	word, end := "above", "saddr"
	if nl.Host32(b[20:])&below != 0 {
		word = "upto"
	}
	if nl.Host32(b[20:])&destination != 0 {
		end = "daddr"
	}
	return fmt.Sprintf("--connlimit-%s %d --connlimit-mask %d --connlimit-%s", word, nl.Host32(b[16:]), prefixLen(mask), end)
}

// xtRange reads struct xt_iprange_mtinfo: four addresses of 16 bytes; u8 flags.
func xtRange(d *decoder, rev uint32, b []byte) string {
	if rev != 1 || !long(b, 65) {
		return ""
	}
	addr := func(at int) string {
		if d.r.family == unix.NFPROTO_IPV4 {
			return addrOf(b[at : at+4]).String()
		}
		return addrOf(b[at : at+16]).String()
	}
	var out []string
	for i, option := range []string{"--src-range", "--dst-range"} {
		if b[64]&(1<<i) != 0 {
			out = append(out, not(b[64]&(0x10<<i))+option+" "+addr(32*i)+"-"+addr(32*i+16))
		}
	}
	return strings.Join(out, " ")
}

// xtMAC reads struct xt_mac_info: u8 address[6]; int invert.
func xtMAC(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 12) {
		return ""
	}
	return not(b[8]) + "--mac-source " + net.HardwareAddr(b[:6]).String()
}

// xtLength reads struct xt_length_info: u16 min, max; u8 invert.
func xtLength(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 5) {
		return ""
	}
	low, high := nl.Host32(b[:2]), nl.Host32(b[2:4])
	return not(b[4]) + "--length " + strings.ReplaceAll(span(fmt.Sprint(low), fmt.Sprint(high)), "-", ":")
}

// xtHopLimit reads struct ipt_ttl_info or ip6t_hl_info: u8 mode, value.
func xtHopLimit(d *decoder, _ uint32, b []byte) string {
	if !long(b, 2) || b[0] > 3 {
		return ""
	}
	name := "ttl"
	if d.r.family == unix.NFPROTO_IPV6 {
		name = "hl"
	}
	return fmt.Sprintf([]string{"--%s-eq %d", "! --%s-eq %d", "--%s-lt %d", "--%s-gt %d"}[b[0]], name, b[1])
}

// xtStatistic reads struct xt_statistic_info: u16 mode, flags; then u32 probability, or u32
// every, packet.
func xtStatistic(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 12) {
		return ""
	}
	inverted := not(b[2] & 1)
	if nl.Host32(b[:2]) == 0 {
		return fmt.Sprintf("--mode random %s--probability %.11f", inverted, float64(nl.Host32(b[4:]))/0x80000000)
	}
	return fmt.Sprintf("--mode nth %s--every %d --packet %d", inverted, nl.Host32(b[4:])+1, nl.Host32(b[8:]))
}

// xtOwner reads struct xt_owner_match_info: u32 uids[2], gids[2]; u8 match, invert.
func xtOwner(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 18) {
		return ""
	}
	var out []string
	for i, option := range []string{"--uid-owner", "--gid-owner"} {
		if b[16]&(1<<i) != 0 {
			out = append(out, not(b[17]&(1<<i))+option+" "+span(fmt.Sprint(nl.Host32(b[8*i:])), fmt.Sprint(nl.Host32(b[8*i+4:]))))
		}
	}
	if b[16]&4 != 0 {
		out = append(out, not(b[17]&4)+"--socket-exists")
	}
	return strings.Join(out, " ")
}

// xtPhysdev reads struct xt_physdev_info: a name and a mask of 16 bytes each for in and out;
// u8 invert, bitmask.
func xtPhysdev(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 66) {
		return ""
	}
	name := func(at int) string {
		s := nl.Text(b[at : at+16])
		if n := bytes.IndexByte(b[at+16:at+32], 0); n >= 0 && n == len(s) { // the NUL is not compared
			s += "+"
		}
		return s
	}
	inverted, which := b[64], b[65]
	var out []string
	add := func(bit byte, text string) {
		if which&bit != 0 {
			out = append(out, not(inverted&bit)+text)
		}
	}
	add(8, "--physdev-is-in")
	add(1, "--physdev-in "+name(0))
	add(16, "--physdev-is-out")
	add(2, "--physdev-out "+name(32))
	add(4, "--physdev-is-bridged")
	return strings.Join(out, " ")
}

// xtSet reads struct xt_set_info, with which all revisions begin: u16 index; u8 dim, flags.
func xtSet(d *decoder, _ uint32, b []byte) string {
	if !long(b, 4) || d.rs.setname == nil {
		return ""
	}
	var ends []string
	for i := range int(b[2]) {
		end := "dst"
		if b[3]&(2<<i) != 0 {
			end = "src"
		}
		ends = append(ends, end)
	}
	return not(b[3]&1) + "--match-set " + d.rs.setname(int(nl.Host32(b[:2]))) + " " + strings.Join(ends, ",")
}

// xtString reads struct xt_string_info: u16 from, to; char algo[16], pattern[128]; u8 length,
// flags.
func xtString(_ *decoder, rev uint32, b []byte) string {
	const inverted, anyCase = 2, 1
	if rev != 1 || !long(b, 150) || nl.Host32(b[:2]) != 0 || int(b[148]) > 128 {
		return ""
	}
	text := not(b[149]&inverted) + "--string " + strconv.Quote(string(b[20:20+int(b[148])])) + " --algo " + nl.Text(b[4:20])
	if to := nl.Host32(b[2:4]); to != 0xffff && to != 0 {
		text += fmt.Sprintf(" --to %d", to)
	}
	if b[149]&anyCase != 0 {
		text += " --icase"
	}
	return text
}

// xtRecent reads struct xt_recent_mtinfo_v1: u32 seconds, hits; u8 what, invert; char
// name[200]; u8 side; a mask of 16 bytes.
func xtRecent(_ *decoder, rev uint32, b []byte) string {
	if rev != 1 || !long(b, 228) {
		return ""
	}
	what := indexed(uint32(b[8]&0xf), map[uint32]string{1: "--rcheck", 2: "--set", 4: "--update", 8: "--remove"})
	text := not(b[9]) + what
	if n := nl.Host32(b); n != 0 {
		text += fmt.Sprintf(" --seconds %d", n)
	}
	if n := nl.Host32(b[4:]); n != 0 {
		text += fmt.Sprintf(" --hitcount %d", n)
	}
	side := "--rsource"
	if b[210] == 1 {
		side = "--rdest"
	}
	mask := netip.AddrFrom4([4]byte(b[212:216]))
	return fmt.Sprintf("%s --name %s --mask %s %s", text, nl.Text(b[10:210]), mask, side)
}

// xtPktType reads struct xt_pkttype_info: int pkttype, invert.
func xtPktType(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 8) {
		return ""
	}
	return not(b[4]) + "--pkt-type " + indexed(nl.Host32(b), map[uint32]string{0: "unicast", 1: "broadcast", 2: "multicast"})
}

// xtRPFilter reads struct xt_rpfilter_info: u8 flags.
func xtRPFilter(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 1) {
		return ""
	}
	var out []string
	for i, option := range []string{"--loose", "--validmark", "--accept-local", "--invert"} {
		if b[0]&(1<<i) != 0 {
			out = append(out, option)
		}
	}
	return strings.Join(out, " ")
}

// xtHelper reads struct xt_helper_info: int invert; char name[30].
func xtHelper(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 34) {
		return ""
	}
	return not(b[0]) + "--helper " + quoted(nl.Text(b[4:34]))
}

// xtDSCP reads struct xt_dscp_info: u8 dscp, invert.
func xtDSCP(_ *decoder, rev uint32, b []byte) string {
	if rev != 0 || !long(b, 2) {
		return ""
	}
	return fmt.Sprintf("%s--dscp 0x%02x", not(b[1]), b[0])
}

// xtMSS reads struct xt_tcpmss_match_info: u16 min, max; u8 invert.
func xtMSS(_ *decoder, _ uint32, b []byte) string {
	if !long(b, 5) {
		return ""
	}
	low, high := nl.Host32(b[:2]), nl.Host32(b[2:4])
	return not(b[4]) + "--mss " + strings.ReplaceAll(span(fmt.Sprint(low), fmt.Sprint(high)), "-", ":")
}

// xtConntrack reads struct xt_conntrack_mtinfo1 to 3: eight addresses and masks of 16 bytes;
// u32 expire_min, expire_max; u16 l4proto, four ports, match_flags, invert_flags, state_mask,
// status_mask, in revision 3 the ends of the ports' ranges. In revision 1 the masks are
// bytes.
func xtConntrack(d *decoder, rev uint32, b []byte) string {
	const proto, ports, match, high = 136, 138, 146, 154
	if len(b) < match+6 {
		return ""
	}
	u16 := func(at int) uint32 { return nl.Host32(b[at : at+2]) }
	flags, inverted, state := u16(match), u16(match+2), u16(match+4)
	if rev == 1 {
		state &= 0xff
	}
	var out []string
	add := func(bit uint32, option, value string) {
		if flags&bit != 0 {
			out = append(out, not(byte(min(inverted&bit, 1)))+option+" "+value)
		}
	}
	add(1, "--ctstate", xtStates(state))
	add(2, "--ctproto", fmt.Sprint(u16(proto)))
	for i, option := range []string{"--ctorigsrc", "--ctorigdst", "--ctreplsrc", "--ctrepldst"} {
		at, size := 32*i, 16
		if d.r.family == unix.NFPROTO_IPV4 {
			size = 4
		}
		mask := b[at+16 : at+16+size]
		value := addrOf(b[at : at+size]).String()
		if n := prefixLen(mask); n >= 0 && n != 8*len(mask) {
			value += fmt.Sprintf("/%d", n)
		}
		add(4<<i, option, value)
	}
	for i, option := range []string{"--ctorigsrcport", "--ctorigdstport", "--ctreplsrcport", "--ctrepldstport"} {
		low := u16(ports + 2*i)
		value := fmt.Sprint(low)
		if rev >= 3 && len(b) >= high+8 {
			if top := u16(high + 2*i); top != low {
				value += fmt.Sprintf(":%d", top)
			}
		}
		add(256<<i, option, value)
	}
	if flags&64 != 0 && rev > 1 {
		add(64, "--ctstatus", strings.ToUpper(flagNames(u16(match+6), "expected", "seen_reply", "assured", "confirmed")))
	}
	if flags&4096 != 0 {
		out = append(out, "--ctdir "+[]string{"ORIGINAL", "REPLY"}[min(inverted&4096, 1)])
	}
	return strings.Join(out, " ")
}
