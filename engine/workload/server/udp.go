package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// maxDatagram is the largest payload that UDP over IPv4 carries, in bytes.
const maxDatagram = 65507

// udpServer answers each datagram with the peer's address and the payload.
type udpServer struct {
	name string
	conn *net.UDPConn
	from netip.Addr // where its answers come from; the zero one for where the datagram went
}

// ListenUDP listens on addr, which is [ADDR]:PORT. The server calls itself name: it
// answers each datagram with the peer's address and the payload.
func ListenUDP(name, addr string) (Server, error) {
	return ListenUDPFrom(name, addr, netip.Addr{})
}

// ListenUDPFrom is ListenUDP with answers that come from another address of the node, as
// those of a server do that does not mind to which of its addresses it was asked.
func ListenUDPFrom(name, addr string, from netip.Addr) (Server, error) {
	conn, err := listenUDP(addr)
	if err != nil {
		return nil, err
	}
	if err := askDestination(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &udpServer{name: name, conn: conn, from: from}, nil
}

func listenUDP(addr string) (*net.UDPConn, error) {
	pc, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	conn, ok := pc.(*net.UDPConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("listen udp %s: not a UDP socket", addr), pc.Close())
	}
	return conn, nil
}

func (s *udpServer) Serve() error {
	buf := make([]byte, maxDatagram)
	oob := make([]byte, 128)
	for {
		n, oobn, _, peer, err := s.conn.ReadMsgUDPAddrPort(buf, oob)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // an ICMP error about an earlier answer
		}
		answer := append([]byte(seen(s.name, peer)), buf[:n]...)
		answer = answer[:min(len(answer), maxDatagram)]
		from := answerFrom(oob[:oobn])
		if s.from.IsValid() {
			from = sourced(s.from)
		}
		// A peer that cannot be reached any more is no reason to stop.
		_, _, _ = s.conn.WriteMsgUDPAddrPort(answer, from, peer)
	}
}

func (s *udpServer) Close() error { return UnlessClosed(s.conn.Close()) }

// askDestination makes the kernel tell to which of the node's addresses a
// datagram was sent, so that the answer can leave from the same one.
func askDestination(conn *net.UDPConn) error {
	rc, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var e4, e6 error
	err = rc.Control(func(fd uintptr) {
		e4 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		e6 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
	})
	if err != nil {
		return err
	}
	if e4 != nil && e6 != nil {
		return fmt.Errorf("ask for destination addresses: %w", errors.Join(e4, e6))
	}
	return nil
}

// sourced are the control messages of a datagram that is sent from an address.
func sourced(from netip.Addr) []byte {
	if from.Is4() {
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: from.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: from.As16()})
}

// answerFrom turns the control messages of a datagram that came in into those
// of its answer: sent from the address the datagram was sent to. The interface
// is left to the routing table.
func answerFrom(oob []byte) []byte {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var out []byte
	for _, m := range msgs {
		h := m.Header
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(m.Data) >= unix.SizeofInet4Pktinfo:
			// struct in_pktinfo: index, address for answers, destination
			return sourced(netip.AddrFrom4([4]byte(m.Data[4:8])))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(m.Data) >= unix.SizeofInet6Pktinfo:
			// struct in6_pktinfo: destination, index. A multicast group
			// cannot be a source.
			to := netip.AddrFrom16([16]byte(m.Data[:16]))
			if !to.IsMulticast() {
				out = sourced(to)
			}
		}
	}
	return out
}
