package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/nl"
	"underlay/engine/internal/sock"
)

// lookAgain is how long to wait between two looks for a MAC address that is asked for.
const lookAgain = 2 * time.Millisecond

// handTo sends the attempt's datagram to the MAC address of a.via, as a node would whose
// route named that gateway. The answer comes to the attempt's own socket.
func (a *attempt) handTo(ctx context.Context, payload []byte) (err error) {
	index, mac, err := a.neighbour(ctx)
	if err != nil {
		return err
	}
	s, err := open(a.node.NS, unix.AF_PACKET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	to := &unix.SockaddrLinklayer{Protocol: sock.NetworkOrder(unix.ETH_P_IP), Ifindex: index, Halen: uint8(len(mac))}
	copy(to.Addr[:], mac)
	packet := datagram(netip.AddrPortFrom(a.sock.local(), uint16(a.port)), a.to, payload)
	var sent error
	if err := s.raw.Write(func(fd uintptr) bool {
		sent = unix.Sendto(int(fd), packet, 0, to)
		return !errors.Is(sent, unix.EAGAIN) && !errors.Is(sent, unix.EINTR)
	}); err != nil {
		return err
	}
	return sent
}

// neighbour returns the interface and the MAC address of a.via. One that the node does not
// know it is made to ask for.
func (a *attempt) neighbour(ctx context.Context) (index int, mac []byte, err error) {
	c, err := nl.Dial(a.node.NS, unix.NETLINK_ROUTE)
	if err != nil {
		return 0, nil, err
	}
	defer c.Close() //nolint:errcheck // all that was to be asked has been
	route, err := nl.AskRoute(c, nl.RouteQuery{To: a.via})
	if err != nil || route.Gateway.IsValid() {
		return 0, nil, endf(engine.Unreachable, "%s is not on a network of %s", a.via, a.node.Name)
	}
	for asked := false; ; asked = true {
		if mac, err = lookUp(c, a.via, route.OIF); err != nil || mac != nil {
			return route.OIF, mac, err
		}
		if !asked {
			if err := a.sock.sendTo(netip.AddrPortFrom(a.via, a.to.Port()), a.payload); err != nil {
				return 0, nil, err
			}
		}
		select {
		case <-ctx.Done():
			return 0, nil, ctx.Err()
		case <-time.After(lookAgain):
		}
		if time.Since(a.start) > a.wait {
			return 0, nil, os.ErrDeadlineExceeded
		}
	}
}

// lookUp returns the MAC address that the node knows of a neighbour, nil if none.
func lookUp(c *nl.Conn, at netip.Addr, index int) (mac []byte, err error) {
	req := make([]byte, unix.SizeofNdMsg)
	req[0] = unix.AF_INET
	found, err := nl.Dump(c, unix.RTM_GETNEIGH, req, func(out [][]byte, typ uint16, b []byte) [][]byte {
		const dead = unix.NUD_INCOMPLETE | unix.NUD_FAILED
		if typ != unix.RTM_NEWNEIGH || len(b) < unix.SizeofNdMsg || int(nl.Host32(b[4:])) != index || binary.NativeEndian.Uint16(b[8:])&dead != 0 {
			return out
		}
		a := nl.ParseAfter(b, unix.SizeofNdMsg)
		if ip, _ := netip.AddrFromSlice(a.Get(unix.NDA_DST)); ip == at && len(a.Get(unix.NDA_LLADDR)) > 0 {
			out = append(out, append([]byte(nil), a.Get(unix.NDA_LLADDR)...))
		}
		return out
	})
	if err != nil {
		return nil, fmt.Errorf("list neighbours: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

// datagram is an IPv4 packet that carries payload by UDP, without UDP's checksum, which
// IPv4 lets be left out.
func datagram(from, to netip.AddrPort, payload []byte) []byte {
	const header, udp = 20, 8
	b := make([]byte, header+udp, header+udp+len(payload))
	b[0] = 4<<4 | header/4
	binary.BigEndian.PutUint16(b[2:], uint16(header+udp+len(payload)))
	b[8], b[9] = 64, unix.IPPROTO_UDP
	copy(b[12:], from.Addr().AsSlice())
	copy(b[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(b[10:], checksum(b[:header]))
	binary.BigEndian.PutUint16(b[header:], from.Port())
	binary.BigEndian.PutUint16(b[header+2:], to.Port())
	binary.BigEndian.PutUint16(b[header+4:], uint16(udp+len(payload)))
	return append(b, payload...)
}
