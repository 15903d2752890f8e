package observe

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// attrMask strips NLA_F_NESTED and NLA_F_NET_BYTEORDER off an attribute's type.
const attrMask = 0x3fff

// eachAttr walks the attributes in b. What is cut short is left out.
func eachAttr(b []byte, fn func(typ uint16, v []byte)) {
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return
		}
		fn(binary.NativeEndian.Uint16(b[2:])&attrMask, b[4:size:size])
		b = b[min((size+3)&^3, len(b)):]
	}
}

// attrs is a parsed set of attributes; of repeated ones the last counts.
type attrs map[uint16][]byte

func parseAttrs(b []byte) attrs {
	a := attrs{}
	eachAttr(b, func(t uint16, v []byte) { a[t] = v })
	return a
}

// u32 reads a big-endian number of up to eight bytes, as netfilter sends them.
func (a attrs) u32(t uint16) uint32 { return uint32(beUint(a[t])) }
func (a attrs) u64(t uint16) uint64 { return beUint(a[t]) }
func (a attrs) str(t uint16) string { return cstring(a[t]) }
func (a attrs) has(t uint16) bool   { _, ok := a[t]; return ok }

func beUint(b []byte) uint64 {
	var n uint64
	for _, c := range b[:min(len(b), 8)] {
		n = n<<8 | uint64(c)
	}
	return n
}

// hostU32 reads a number in the machine's byte order, as rtnetlink sends them.
func hostU32(b []byte) uint32 {
	switch {
	case len(b) >= 4:
		return binary.NativeEndian.Uint32(b)
	case len(b) >= 2:
		return uint32(binary.NativeEndian.Uint16(b))
	case len(b) == 1:
		return uint32(b[0])
	}
	return 0
}

func hostU64(b []byte) uint64 {
	if len(b) < 8 {
		return uint64(hostU32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

// cstring is the text before the first NUL.
func cstring(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// addrOf reads an address of 4 or 16 bytes; anything else is the invalid one.
func addrOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}

func macOf(b []byte) string { return net.HardwareAddr(b).String() }

// appendAttr adds an attribute to a request.
func appendAttr(b []byte, typ uint16, v []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(v)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, v...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func appendAttr32(b []byte, typ uint16, v uint32) []byte {
	return appendAttr(b, typ, binary.NativeEndian.AppendUint32(nil, v))
}

// anyPrefix is the prefix of length 0 of an address family.
func anyPrefix(family byte) netip.Prefix {
	if family == unix.AF_INET6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}
