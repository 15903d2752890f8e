package observe

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

const (
	sockDiagByFamily = 20
	diagRequestLen   = 56 // struct inet_diag_req_v2
	diagMessageLen   = 72 // struct inet_diag_msg
	diagV6Only       = 11 // INET_DIAG_SKV6ONLY
	stateClose       = 7  // TCP_CLOSE: a UDP socket that is bound and not connected
	stateListen      = 10 // TCP_LISTEN
)

// readSockets lists the listening TCP and the bound, unconnected UDP sockets.
func (n *node) readSockets() ([]Socket, error) {
	c, err := n.conn(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	var out []Socket
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		for _, proto := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			socks, err := diagnose(c, family, proto)
			if err != nil {
				return out, fmt.Errorf("list %s sockets: %w", protocolName(proto), err)
			}
			out = append(out, socks...)
		}
	}
	return out, nil
}

func diagnose(c *nl.Conn, family, proto byte) ([]Socket, error) {
	state := uint32(1) << stateListen
	if proto == unix.IPPROTO_UDP {
		state = 1 << stateClose
	}
	req := make([]byte, diagRequestLen)
	req[0], req[1] = family, proto
	binary.NativeEndian.PutUint32(req[4:], state)
	return nl.Dump(c, sockDiagByFamily, req, func(out []Socket, typ uint16, b []byte) []Socket {
		if typ != sockDiagByFamily || len(b) < diagMessageLen {
			return out
		}
		s := Socket{
			Proto: protocolName(proto), Port: int(binary.BigEndian.Uint16(b[4:])),
			Dev: int(binary.NativeEndian.Uint32(b[40:])),
		}
		if s.Port == 0 {
			return out // open, but not bound to a port
		}
		if b[0] == unix.AF_INET6 {
			s.Addr = netip.AddrFrom16([16]byte(b[8:24]))
		} else {
			s.Addr = netip.AddrFrom4([4]byte(b[8:12]))
		}
		for typ, v := range nl.Each(b[diagMessageLen:]) {
			if typ == diagV6Only {
				s.V6Only = nl.Host32(v) != 0
			}
		}
		return append(out, s)
	})
}

// protocolName is an IP protocol's name in the words of nft and conntrack.
func protocolName(n byte) string {
	switch n {
	case unix.IPPROTO_ICMP:
		return "icmp"
	case unix.IPPROTO_IGMP:
		return "igmp"
	case unix.IPPROTO_TCP:
		return "tcp"
	case unix.IPPROTO_UDP:
		return "udp"
	case unix.IPPROTO_GRE:
		return "gre"
	case unix.IPPROTO_ESP:
		return "esp"
	case unix.IPPROTO_AH:
		return "ah"
	case unix.IPPROTO_ICMPV6:
		return "ipv6-icmp"
	case unix.IPPROTO_SCTP:
		return "sctp"
	case unix.IPPROTO_UDPLITE:
		return "udplite"
	}
	return fmt.Sprint(n)
}
