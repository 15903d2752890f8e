package autopsy

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/sock"
)

const (
	frameBytes  = 2048 // of a packet that are read; its full length is known apart from them
	etherHeader = 14
)

// frame is a packet as it passed a device.
type frame struct {
	node     string
	index    int // of the device
	when     time.Time
	outgoing bool
	others   bool // the device took it in though its MAC address is another's
	src, dst string
	vid      int // of its VLAN tag, 0 for none
	packet   *packet
	print    string // of the packet, by which its passings are matched
}

// drainPackets reads what a packet socket holds.
func (p *post) drainPackets(fd int) error {
	buf, oob := make([]byte, frameBytes), make([]byte, 128)
	for {
		n, oobn, _, from, err := unix.Recvmsg(fd, buf, oob, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENETDOWN): // a device went down; others go on
			continue
		case err != nil:
			return err
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok {
			continue
		}
		f, ok := readFrame(link, buf[:min(n, len(buf))])
		if !ok {
			continue
		}
		f.node, f.when, f.vid = p.node.Name, sock.Stamp(oob[:oobn]), tagged(oob[:oobn])
		p.keep(func() int { p.frames = append(p.frames, f); return len(p.frames) })
	}
}

// tagged reads the VLAN tag that the kernel took off a frame: struct tpacket_auxdata
// has u32 status, len and snaplen, then u16 mac, net, vlan_tci and vlan_tpid.
func tagged(oob []byte) int {
	const hasTag = 0x10 // TP_STATUS_VLAN_VALID
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= 20 &&
			binary.NativeEndian.Uint32(m.Data)&hasTag != 0 {
			return int(binary.NativeEndian.Uint16(m.Data[16:]) & 0xfff)
		}
	}
	return 0
}

// keep adds what was seen, unless there is too much of it already.
func (p *post) keep(add func() int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full {
		p.lost = true
		return
	}
	p.full = add() >= seenMost
}

// readFrame reads a frame; ok is false for what is neither IP nor ARP.
func readFrame(link *unix.SockaddrLinklayer, b []byte) (f frame, ok bool) {
	f = frame{index: link.Ifindex, outgoing: link.Pkttype == unix.PACKET_OUTGOING, others: link.Pkttype == unix.PACKET_OTHERHOST}
	if link.Hatype == unix.ARPHRD_ETHER || link.Hatype == unix.ARPHRD_LOOPBACK {
		if len(b) < etherHeader {
			return f, false
		}
		f.dst, f.src = net.HardwareAddr(b[:6]).String(), net.HardwareAddr(b[6:12]).String()
		b = b[etherHeader:]
	}
	f.packet = readPacket(sock.NetworkOrder(link.Protocol), b)
	return f, f.packet != nil
}

// packet is what is read of a packet from its network layer on. It is read by
// hand because much of what is met is cut short: a trace gives forty bytes of a
// packet, and an ICMP error may quote only eight of what IP carried.
type packet struct {
	proto        string // tcp, udp, icmp, icmp6, arp, ip
	src, dst     netip.Addr
	sport, dport int
	size         int // bytes of the network layer
	id           uint16
	df           bool
	ttl          int
	seq, ack     uint32
	flags        byte // tcp
	kind, code   byte // icmp; kind is the operation of arp: 1 asks, 2 answers
	carried      int  // bytes that tcp or udp carries
	payload      []byte
	quoted       *packet // that an ICMP error is about
	inner        *packet // in a tunnel
	innerDst     string  // the MAC address that the packet inside is for
	vni          int
}

// TCP flags.
const (
	flagFIN, flagSYN, flagRST, flagPSH, flagACK = 1, 2, 4, 8, 16
)

// readPacket returns nil for what is neither IP nor ARP.
func readPacket(etherType uint16, b []byte) *packet {
	switch etherType {
	case unix.ETH_P_IP:
		return readIPv4(b)
	case unix.ETH_P_IPV6:
		return readIPv6(b)
	case unix.ETH_P_ARP:
		return readARP(b)
	}
	return nil
}

func readIPv4(b []byte) *packet {
	if len(b) < 20 || b[0]>>4 != 4 {
		return nil
	}
	head := int(b[0]&15) * 4
	be := binary.BigEndian
	p := &packet{
		proto: "ip", size: int(be.Uint16(b[2:])), id: be.Uint16(b[4:]), df: b[6]&0x40 != 0, ttl: int(b[8]),
		src: netip.AddrFrom4([4]byte(b[12:16])), dst: netip.AddrFrom4([4]byte(b[16:20])),
	}
	fragment := be.Uint16(b[6:])&0x1fff != 0
	if len(b) < head || fragment {
		return p
	}
	p.transport(b[9], b[head:], p.size-head)
	return p
}

// readQuoted reads the packet that an ICMP error quotes. A trace gives the
// beginning of its header only, up to its checksum.
func readQuoted(b []byte) *packet {
	if len(b) < 12 || len(b) >= 20 {
		return readIPv4(b)
	}
	return &packet{proto: "ip", size: int(binary.BigEndian.Uint16(b[2:])), id: binary.BigEndian.Uint16(b[4:]), ttl: int(b[8])}
}

func readIPv6(b []byte) *packet {
	if len(b) < 40 || b[0]>>4 != 6 {
		return nil
	}
	p := &packet{
		proto: "ip", size: 40 + int(binary.BigEndian.Uint16(b[4:])), ttl: int(b[7]), df: true,
		src: netip.AddrFrom16([16]byte(b[8:24])), dst: netip.AddrFrom16([16]byte(b[24:40])),
	}
	p.transport(b[6], b[40:], p.size-40)
	return p
}

// readARP makes src who asks, dst whom it asks for.
func readARP(b []byte) *packet {
	if len(b) < 28 || binary.BigEndian.Uint16(b[2:]) != unix.ETH_P_IP {
		return nil
	}
	return &packet{
		proto: "arp", kind: b[7], size: len(b),
		src: netip.AddrFrom4([4]byte(b[14:18])), dst: netip.AddrFrom4([4]byte(b[24:28])),
	}
}

// transport reads what IP carries, as far as it is there; whole is its length.
func (p *packet) transport(proto byte, b []byte, whole int) {
	be := binary.BigEndian
	switch {
	case proto == unix.IPPROTO_TCP && len(b) >= 8:
		p.proto, p.sport, p.dport, p.seq = "tcp", int(be.Uint16(b)), int(be.Uint16(b[2:])), be.Uint32(b[4:])
		if len(b) >= 14 {
			p.ack, p.flags = be.Uint32(b[8:]), b[13]&0x3f
			p.carried = max(whole-int(b[12]>>4)*4, 0)
		}
	case proto == unix.IPPROTO_UDP && len(b) >= 8:
		p.proto, p.sport, p.dport = "udp", int(be.Uint16(b)), int(be.Uint16(b[2:]))
		p.carried, p.payload = max(whole-8, 0), clone(b[8:])
		p.vxlan(b[8:])
	case proto == unix.IPPROTO_ICMP && len(b) >= 8:
		p.proto, p.kind, p.code, p.payload = "icmp", b[0], b[1], clone(b[8:])
		if p.isError() {
			p.quoted = readQuoted(b[8:])
		}
	case proto == unix.IPPROTO_ICMPV6 && len(b) >= 8:
		p.icmp6(b)
	case proto == unix.IPPROTO_IPIP:
		p.inner = readIPv4(b)
	}
}

// icmp6 reads neighbour discovery as what it is to IPv6: its ARP.
func (p *packet) icmp6(b []byte) {
	const solicitation, advertisement = 135, 136
	switch {
	case (b[0] == solicitation || b[0] == advertisement) && len(b) >= 20:
		target := p.discovered(b)
		p.proto, p.kind = "arp", 1
		if b[0] == solicitation {
			p.dst = target
			return
		}
		p.kind, p.src = 2, target
	default:
		p.proto, p.kind, p.code, p.payload = "icmp6", b[0], b[1], clone(b[8:])
		if p.isError() {
			p.quoted = readIPv6(b[8:])
		}
	}
}

// discovered is the address that a neighbour message is about. A trace gives
// only twelve bytes of it. The rest of one that is asked for is in the group that
// the question goes to, but for a byte that is zero in addresses given by hand and
// fe in those made of a MAC address; one that is answered for sends the answer.
func (p *packet) discovered(b []byte) netip.Addr {
	if len(b) >= 24 {
		return netip.AddrFrom16([16]byte(b[8:24]))
	}
	if !p.dst.IsMulticast() {
		return p.src
	}
	target, group := [16]byte{}, p.dst.As16()
	copy(target[:], b[8:20])
	if target[11] == 0xff {
		target[12] = 0xfe
	}
	copy(target[13:], group[13:])
	return netip.AddrFrom16(target)
}

// vxlan reads the packet inside, if there is one. A tunnel can be on any port;
// its header has one bit set and 32 that are always zero.
func (p *packet) vxlan(b []byte) {
	const header, valid = 8, 0x08000000
	if len(b) < header+etherHeader || binary.BigEndian.Uint32(b) != valid || b[7] != 0 {
		return
	}
	p.vni = int(binary.BigEndian.Uint32(b[4:]) >> 8)
	b = b[header:]
	p.innerDst = net.HardwareAddr(b[:6]).String()
	p.inner = readPacket(binary.BigEndian.Uint16(b[12:]), b[etherHeader:])
}

// isError reports whether an ICMP message is about another packet.
func (p *packet) isError() bool {
	if p.proto == "icmp6" {
		return p.kind < 128
	}
	return p.proto == "icmp" && (p.kind == 3 || p.kind == 11 || p.kind == 12)
}

// isEcho reports whether it is an echo request, or with reply an answer to one.
func (p *packet) isEcho(reply bool) bool {
	switch {
	case p.proto == "icmp" && reply:
		return p.kind == 0
	case p.proto == "icmp":
		return p.kind == 8
	case p.proto == "icmp6" && reply:
		return p.kind == 129
	}
	return p.proto == "icmp6" && p.kind == 128
}

func (p *packet) header() Header {
	return Header{Src: p.src.String(), Dst: p.dst.String(), SPort: p.sport, DPort: p.dport}
}

func clone(b []byte) []byte { return append([]byte(nil), b[:min(len(b), 64)]...) }
