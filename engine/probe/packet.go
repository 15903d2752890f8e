package probe

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"

	"underlay/engine"
)

// UDP ports on which VXLAN is looked for: IANA's and the Linux default.
const (
	vxlanPort      = 4789
	vxlanPortLinux = 8472
)

// Packet is one captured packet.
type Packet struct {
	Time         time.Time
	Dev          string // interface it was seen on
	Outgoing     bool   // it leaves by Dev; else it came in
	Proto        string // icmp, icmp6, tcp, udp, arp, or "ip proto N"
	Src, Dst     netip.Addr
	SPort, DPort int
	Echo         int    // identifier of an ICMP echo request or reply
	Len          int    // bytes of the network layer: without the Ethernet header
	Info         string // TCP flags, ICMP type, ARP operation
	VNI          int    // VXLAN network, if Inner is set
	Inner        *Packet

	payload []byte
}

// String is one line: "172.17.0.3:41532 → 172.17.0.2:80 tcp SYN, 60 bytes".
func (p Packet) String() string {
	var b strings.Builder
	if p.Dev != "" {
		way := "in"
		if p.Outgoing {
			way = "out"
		}
		fmt.Fprintf(&b, "%s %s ", p.Dev, way)
	}
	fmt.Fprintf(&b, "%s → %s %s", end(p.Src, p.SPort), end(p.Dst, p.DPort), p.Proto)
	if p.Info != "" {
		b.WriteString(" " + p.Info)
	}
	fmt.Fprintf(&b, ", %d bytes", p.Len)
	if p.Inner != nil {
		fmt.Fprintf(&b, ", VXLAN %d [%s]", p.VNI, p.Inner)
	}
	return b.String()
}

func end(addr netip.Addr, port int) string {
	switch {
	case !addr.IsValid():
		return "?"
	case port == 0:
		return addr.String()
	}
	return netip.AddrPortFrom(addr, uint16(port)).String()
}

// decode reads a packet from its network layer on. ok is false for what is
// neither IP nor ARP, or is cut short in its headers.
func decode(etherType uint16, b []byte) (p Packet, ok bool) {
	p.Len = len(b)
	var err error
	switch etherType {
	case unix.ETH_P_IP:
		var ip layers.IPv4
		if err = ip.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
			return p, false
		}
		p.Src, p.Dst = ipAddr(ip.SrcIP), ipAddr(ip.DstIP)
		if ip.FragOffset == 0 {
			err = p.transport(ip.Protocol, ip.Payload)
		} else {
			p.Proto, p.Info, p.payload = protoName(ip.Protocol), "fragment", ip.Payload
		}
	case unix.ETH_P_IPV6:
		var ip layers.IPv6
		if err = ip.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
			return p, false
		}
		p.Src, p.Dst = ipAddr(ip.SrcIP), ipAddr(ip.DstIP)
		err = p.transport(ip.NextHeader, ip.Payload)
	case unix.ETH_P_ARP:
		err = p.arp(b)
	default:
		return p, false
	}
	return p, err == nil
}

func (p *Packet) arp(b []byte) error {
	var arp layers.ARP
	if err := arp.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
		return err
	}
	p.Proto, p.Src, p.Dst = "arp", ipAddr(arp.SourceProtAddress), ipAddr(arp.DstProtAddress)
	p.Info = "reply"
	if arp.Operation == layers.ARPRequest {
		p.Info = "request"
	}
	return nil
}

// transport reads what IP carries.
func (p *Packet) transport(proto layers.IPProtocol, b []byte) error {
	p.Proto, p.payload = protoName(proto), b
	none := gopacket.NilDecodeFeedback
	switch proto {
	case layers.IPProtocolTCP:
		var tcp layers.TCP
		if err := tcp.DecodeFromBytes(b, none); err != nil {
			return err
		}
		p.SPort, p.DPort, p.Info, p.payload = int(tcp.SrcPort), int(tcp.DstPort), tcpFlags(&tcp), tcp.Payload
	case layers.IPProtocolUDP:
		var udp layers.UDP
		if err := udp.DecodeFromBytes(b, none); err != nil {
			return err
		}
		p.SPort, p.DPort, p.payload = int(udp.SrcPort), int(udp.DstPort), udp.Payload
		if p.DPort == vxlanPort || p.DPort == vxlanPortLinux {
			p.vxlan(udp.Payload)
		}
	case layers.IPProtocolICMPv4:
		var icmp layers.ICMPv4
		if err := icmp.DecodeFromBytes(b, none); err != nil {
			return err
		}
		p.Info, p.payload = icmp.TypeCode.String(), icmp.Payload
		if kind := icmp.TypeCode.Type(); kind == echoRequest4 || kind == echoReply4 {
			p.Echo = int(icmp.Id)
		}
	case layers.IPProtocolICMPv6:
		var icmp layers.ICMPv6
		if err := icmp.DecodeFromBytes(b, none); err != nil {
			return err
		}
		p.Info, p.payload = icmp.TypeCode.String(), icmp.Payload
		if kind := icmp.TypeCode.Type(); (kind == echoRequest6 || kind == echoReply6) && len(icmp.Payload) >= 2 {
			p.Echo = int(binary.BigEndian.Uint16(icmp.Payload))
		}
	}
	return nil
}

// Test reports whether the packet is one of an attempt's, or an answer to it, by the
// ports or the identifier that it has.
func (p *Packet) Test() bool {
	return engine.TestPort(p.SPort) || engine.TestPort(p.DPort) || engine.TestPort(p.Echo)
}

// vxlan reads the packet inside, if there is one; other users of the port are
// left as they are.
func (p *Packet) vxlan(b []byte) {
	var vx layers.VXLAN
	if err := vx.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil || !vx.ValidIDFlag {
		return
	}
	const etherHeader = 14
	if len(vx.Payload) < etherHeader {
		return
	}
	inner, ok := decode(binary.BigEndian.Uint16(vx.Payload[12:]), vx.Payload[etherHeader:])
	if ok {
		p.VNI, p.Inner = int(vx.VNI), &inner
	}
}

func protoName(proto layers.IPProtocol) string {
	switch proto {
	case layers.IPProtocolTCP:
		return "tcp"
	case layers.IPProtocolUDP:
		return "udp"
	case layers.IPProtocolICMPv4:
		return "icmp"
	case layers.IPProtocolICMPv6:
		return "icmp6"
	}
	return fmt.Sprintf("ip proto %d", uint8(proto))
}

func tcpFlags(t *layers.TCP) string {
	var on []string
	for _, flag := range []struct {
		set  bool
		name string
	}{{t.SYN, "SYN"}, {t.FIN, "FIN"}, {t.RST, "RST"}, {t.PSH, "PSH"}, {t.ACK, "ACK"}} {
		if flag.set {
			on = append(on, flag.name)
		}
	}
	return strings.Join(on, "+")
}

func ipAddr(b []byte) netip.Addr {
	addr, _ := netip.AddrFromSlice(b)
	return addr
}
