package observe

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// kind is how a value is written.
type kind int

const (
	kindHex kind = iota
	kindAddr4
	kindAddr6
	kindIfname
	kindIfindex
	kindProto
	kindPort
	kindNumber // in network order
	kindHostNumber
	kindMark
	kindCtState
	kindCtStatus
	kindTCPFlags
	kindMAC
	kindEtherType
	kindNfproto
	kindAddrType
	kindICMPType
	kindICMP6Type
	kindPktType
)

func isAddr(k kind) bool { return k == kindAddr4 || k == kindAddr6 || k == kindMAC }

func isFlags(k kind) bool { return k == kindCtState || k == kindCtStatus || k == kindTCPFlags }

// size is the full length of an address in bytes.
func (k kind) size() int {
	switch k {
	case kindAddr4:
		return 4
	case kindMAC:
		return 6
	}
	return 16
}

// format writes a value as nft does.
func (rs *ruleset) format(k kind, b []byte) string {
	switch k {
	case kindAddr4, kindAddr6:
		if a := addrOf(b); a.IsValid() {
			return a.String()
		}
	case kindIfname:
		return nl.Text(b)
	case kindIfindex:
		return rs.ifname(int(nl.Host32(b)))
	case kindProto:
		if len(b) > 0 {
			return protocolName(b[0])
		}
	case kindPort, kindNumber:
		return strconv.FormatUint(nl.Big(b), 10)
	case kindHostNumber:
		return strconv.FormatUint(uint64(nl.Host32(b)), 10)
	case kindMark:
		return fmt.Sprintf("0x%x", nl.Host32(b))
	case kindCtState:
		return flagNames(nl.Host32(b), "invalid", "established", "related", "new", "", "", "untracked")
	case kindCtStatus:
		return flagNames(nl.Host32(b), "expected", "seen-reply", "assured", "confirmed", "snat", "dnat", "", "", "", "dying")
	case kindTCPFlags:
		return flagNames(uint32(nl.Big(b)), "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr")
	case kindMAC:
		return macOf(b)
	case kindEtherType:
		return indexed(uint32(nl.Big(b)), map[uint32]string{0x0800: "ip", 0x0806: "arp", 0x86dd: "ip6", 0x8100: "vlan"})
	case kindNfproto:
		return indexed(uint32(nl.Big(b)), map[uint32]string{2: "ipv4", 10: "ipv6"})
	case kindAddrType:
		return nl.RouteType(byte(nl.Host32(b)))
	case kindPktType:
		return indexed(uint32(nl.Big(b)), map[uint32]string{0: "host", 1: "broadcast", 2: "multicast", 3: "other"})
	case kindICMPType:
		return indexed(uint32(nl.Big(b)), map[uint32]string{0: "echo-reply", 3: "destination-unreachable", 5: "redirect",
			8: "echo-request", 11: "time-exceeded", 12: "parameter-problem"})
	case kindICMP6Type:
		return indexed(uint32(nl.Big(b)), map[uint32]string{1: "destination-unreachable", 2: "packet-too-big", 3: "time-exceeded",
			128: "echo-request", 129: "echo-reply", 133: "nd-router-solicit", 134: "nd-router-advert",
			135: "nd-neighbor-solicit", 136: "nd-neighbor-advert"})
	}
	return "0x" + hex.EncodeToString(b)
}

func indexed(n uint32, names map[uint32]string) string {
	if s, ok := names[n]; ok {
		return s
	}
	return strconv.FormatUint(uint64(n), 10)
}

// flagNames spells the bits of n, lowest first, joined with commas.
func flagNames(n uint32, names ...string) string {
	var out []string
	for i, name := range names {
		if name != "" && n&(1<<i) != 0 {
			out = append(out, name)
			n &^= 1 << i
		}
	}
	if n != 0 || len(out) == 0 {
		out = append(out, fmt.Sprintf("0x%x", n))
	}
	return strings.Join(out, ",")
}

// describe says in nft's words what an expression loads or writes.
func (d *decoder) describe(e *expression) (text string, k kind, size int) {
	switch e.name {
	case "meta":
		return metaField(e.Big32(unix.NFTA_META_KEY))
	case "ct":
		return ctField(e)
	case "payload":
		return d.payloadField(e)
	case "fib":
		return fibField(e)
	}
	return e.name, kindHex, 4
}

func metaField(key uint32) (string, kind, int) {
	switch key {
	case unix.NFT_META_LEN:
		return "meta length", kindHostNumber, 4
	case unix.NFT_META_PROTOCOL:
		return "meta protocol", kindEtherType, 2
	case unix.NFT_META_PRIORITY:
		return "meta priority", kindMark, 4
	case unix.NFT_META_MARK:
		return "meta mark", kindMark, 4
	case unix.NFT_META_IIF:
		return "iif", kindIfindex, 4
	case unix.NFT_META_OIF:
		return "oif", kindIfindex, 4
	case unix.NFT_META_IIFNAME:
		return "iifname", kindIfname, 16
	case unix.NFT_META_OIFNAME:
		return "oifname", kindIfname, 16
	case unix.NFT_META_IIFTYPE:
		return "iiftype", kindHostNumber, 2
	case unix.NFT_META_OIFTYPE:
		return "oiftype", kindHostNumber, 2
	case unix.NFT_META_SKUID:
		return "meta skuid", kindHostNumber, 4
	case unix.NFT_META_SKGID:
		return "meta skgid", kindHostNumber, 4
	case unix.NFT_META_NFTRACE:
		return "meta nftrace", kindNumber, 1
	case unix.NFT_META_NFPROTO:
		return "meta nfproto", kindNfproto, 1
	case unix.NFT_META_L4PROTO:
		return "meta l4proto", kindProto, 1
	case unix.NFT_META_BRI_IIFNAME:
		return "meta ibrname", kindIfname, 16
	case unix.NFT_META_BRI_OIFNAME:
		return "meta obrname", kindIfname, 16
	case unix.NFT_META_PKTTYPE:
		return "meta pkttype", kindPktType, 1
	case unix.NFT_META_IIFGROUP:
		return "iifgroup", kindHostNumber, 4
	case unix.NFT_META_OIFGROUP:
		return "oifgroup", kindHostNumber, 4
	}
	return "meta key " + strconv.Itoa(int(key)), kindHex, 4
}

func ctField(e *expression) (string, kind, int) {
	direction := ""
	if e.Has(unix.NFTA_CT_DIRECTION) {
		direction = [2]string{"original ", "reply "}[e.Big32(unix.NFTA_CT_DIRECTION)&1]
	}
	name := func(s string) string { return "ct " + direction + s }
	switch e.Big32(unix.NFTA_CT_KEY) {
	case unix.NFT_CT_STATE:
		return name("state"), kindCtState, 4
	case unix.NFT_CT_DIRECTION:
		return name("direction"), kindNumber, 1
	case unix.NFT_CT_STATUS:
		return name("status"), kindCtStatus, 4
	case unix.NFT_CT_MARK:
		return name("mark"), kindMark, 4
	case unix.NFT_CT_PROTOCOL:
		return name("protocol"), kindProto, 1
	case unix.NFT_CT_PROTO_SRC:
		return name("proto-src"), kindPort, 2
	case unix.NFT_CT_PROTO_DST:
		return name("proto-dst"), kindPort, 2
	case unix.NFT_CT_SRC, unix.NFT_CT_SRC_IP:
		return name("ip saddr"), kindAddr4, 4
	case unix.NFT_CT_DST, unix.NFT_CT_DST_IP:
		return name("ip daddr"), kindAddr4, 4
	case unix.NFT_CT_SRC_IP6:
		return name("ip6 saddr"), kindAddr6, 16
	case unix.NFT_CT_DST_IP6:
		return name("ip6 daddr"), kindAddr6, 16
	case unix.NFT_CT_ZONE:
		return name("zone"), kindHostNumber, 2
	}
	return name("key " + strconv.Itoa(int(e.Big32(unix.NFTA_CT_KEY)))), kindHex, 4
}

func fibField(e *expression) (string, kind, int) {
	flags := e.Big32(unix.NFTA_FIB_FLAGS)
	var from []string
	for i, name := range []string{"saddr", "daddr", "mark", "iif", "oif"} {
		if flags&(1<<i) != 0 {
			from = append(from, name)
		}
	}
	text := "fib " + strings.Join(from, " . ")
	switch e.Big32(unix.NFTA_FIB_RESULT) {
	case unix.NFT_FIB_RESULT_OIF:
		return text + " oif", kindIfindex, 4
	case unix.NFT_FIB_RESULT_OIFNAME:
		return text + " oifname", kindIfname, 16
	}
	return text + " type", kindAddrType, 4
}

// payloadField names a part of a header. Which header it is follows from the
// base and, for the network and transport headers, from the family and from
// the protocol that an earlier match of the rule pinned.
func (d *decoder) payloadField(e *expression) (string, kind, int) {
	base, offset, size := e.Big32(unix.NFTA_PAYLOAD_BASE), e.Big32(unix.NFTA_PAYLOAD_OFFSET), e.Big32(unix.NFTA_PAYLOAD_LEN)
	text, k := "", kindHex
	switch base {
	case unix.NFT_PAYLOAD_LL_HEADER:
		text, k = linkField(offset)
	case unix.NFT_PAYLOAD_NETWORK_HEADER:
		text, k = d.networkField(offset, size)
	case unix.NFT_PAYLOAD_TRANSPORT_HEADER:
		text, k = d.transportField(offset, size)
	}
	if text == "" {
		return fmt.Sprintf("@%s,%d,%d", [...]string{"ll", "nh", "th", "ih"}[base&3], offset*8, size*8), kindHex, int(size)
	}
	return text, k, int(size)
}

func linkField(offset uint32) (string, kind) {
	switch offset {
	case 0:
		return "ether daddr", kindMAC
	case 6:
		return "ether saddr", kindMAC
	case 12:
		return "ether type", kindEtherType
	}
	return "", kindHex
}

func (d *decoder) networkField(offset, size uint32) (string, kind) {
	if d.ipv6() {
		switch {
		case offset == 8 && size <= 16:
			return "ip6 saddr", kindAddr6
		case offset == 24 && size <= 16:
			return "ip6 daddr", kindAddr6
		case offset == 6 && size == 1:
			return "ip6 nexthdr", kindProto
		case offset == 7 && size == 1:
			return "ip6 hoplimit", kindNumber
		}
		return "", kindHex
	}
	switch {
	case offset == 12 && size <= 4:
		return "ip saddr", kindAddr4
	case offset == 16 && size <= 4:
		return "ip daddr", kindAddr4
	case offset == 9 && size == 1:
		return "ip protocol", kindProto
	case offset == 8 && size == 1:
		return "ip ttl", kindNumber
	case offset == 2 && size == 2:
		return "ip length", kindNumber
	}
	return "", kindHex
}

// ipv6 says whether the network header at this point of the rule is IPv6.
func (d *decoder) ipv6() bool {
	if d.r.family == unix.NFPROTO_IPV6 {
		return true
	}
	for _, t := range d.out.terms {
		if (t.key == "meta nfproto" && t.value == "ipv6") ||
			((t.key == "meta protocol" || t.key == "ether type") && t.value == "ip6") {
			return true
		}
	}
	return false
}

func (d *decoder) transportField(offset, size uint32) (string, kind) {
	switch d.l4 {
	case "icmp", "ipv6-icmp":
		name, k := "icmp", kindICMPType
		if d.l4 != "icmp" {
			name, k = "icmpv6", kindICMP6Type
		}
		switch {
		case offset == 0 && size == 1:
			return name + " type", k
		case offset == 1 && size == 1:
			return name + " code", kindNumber
		}
		return "", kindHex
	}
	proto := d.l4
	if proto == "" {
		proto = "th"
	}
	switch {
	case offset == 0 && size == 2:
		return proto + " sport", kindPort
	case offset == 2 && size == 2:
		return proto + " dport", kindPort
	case offset == 13 && size == 1 && d.l4 == "tcp":
		return "tcp flags", kindTCPFlags
	}
	return "", kindHex
}

// natAddress joins an address and a port as a target is written.
func natAddress(addr, port string) string {
	switch {
	case addr == "" && port == "":
		return ""
	case port == "":
		return addr
	case strings.Contains(addr, ":"):
		return "[" + addr + "]:" + port
	}
	return addr + ":" + port
}

// bePort reads a port in network order.
func bePort(b []byte) string { return strconv.Itoa(int(binary.BigEndian.Uint16(b))) }
