package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// icmpError is an error that the kernel queued for a socket, with the ICMP
// message that caused it.
type icmpError struct {
	errno      unix.Errno
	v6         bool
	kind, code uint8
	from       netip.Addr // who sent the message; invalid for the kernel's own
}

// ICMP types and codes, as in the IANA registries.
const (
	unreach4, timeExceeded4, paramProblem4    = 3, 11, 12
	unreach6, tooBig6, timeExceeded6, param6  = 1, 2, 3, 4
	codeHost4, codePort4, codePort6, codeAddr = 1, 3, 4, 3
)

func (e *icmpError) Error() string {
	if !e.from.IsValid() {
		return e.errno.Error()
	}
	return fmt.Sprintf("%s from %s", e.message(), e.from)
}

func (e *icmpError) Unwrap() error { return e.errno }

func (e *icmpError) portUnreachable() bool {
	if e.v6 {
		return e.kind == unreach6 && e.code == codePort6
	}
	return e.kind == unreach4 && e.code == codePort4
}

// hostUnreachable is what the last router says whose ARP was not answered.
func (e *icmpError) hostUnreachable() bool {
	if e.v6 {
		return e.kind == unreach6 && e.code == codeAddr
	}
	return e.kind == unreach4 && e.code == codeHost4
}

// message names the ICMP message in the words that ping and tcpdump use.
func (e *icmpError) message() string {
	names := map[[2]uint8]string{
		{unreach4, 0}: "ICMP network unreachable", {unreach4, 1}: "ICMP host unreachable",
		{unreach4, 2}: "ICMP protocol unreachable", {unreach4, 3}: "ICMP port unreachable",
		{unreach4, 4}: "ICMP fragmentation needed", {unreach4, 6}: "ICMP network unknown",
		{unreach4, 7}: "ICMP host unknown", {unreach4, 9}: "ICMP network prohibited",
		{unreach4, 10}: "ICMP host prohibited", {unreach4, 13}: "ICMP administratively prohibited",
		{timeExceeded4, 0}: "ICMP time to live exceeded", {paramProblem4, 0}: "ICMP parameter problem",
	}
	family := "ICMP"
	if e.v6 {
		family = "ICMPv6"
		names = map[[2]uint8]string{
			{unreach6, 0}: "ICMPv6 no route", {unreach6, 1}: "ICMPv6 administratively prohibited",
			{unreach6, 2}: "ICMPv6 beyond scope", {unreach6, 3}: "ICMPv6 address unreachable",
			{unreach6, 4}: "ICMPv6 port unreachable", {unreach6, 5}: "ICMPv6 source address failed policy",
			{unreach6, 6}: "ICMPv6 reject route", {tooBig6, 0}: "ICMPv6 packet too big",
			{timeExceeded6, 0}: "ICMPv6 hop limit exceeded", {param6, 0}: "ICMPv6 parameter problem",
		}
	}
	if name, ok := names[[2]uint8{e.kind, e.code}]; ok {
		return name
	}
	return fmt.Sprintf("%s type %d code %d", family, e.kind, e.code)
}

// reported empties the socket's error queue. It returns the first error about
// our own packets, and whether there were errors about others'.
func (s *socket) reported(fd int) (mine *icmpError, others bool) {
	quoted, oob := make([]byte, 256), make([]byte, 256)
	for {
		n, oobn, _, _, err := unix.Recvmsg(fd, quoted, oob, unix.MSG_ERRQUEUE)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return mine, others
		}
		e := parseError(oob[:oobn])
		switch {
		case e == nil:
		case s.mine != nil && !s.mine(quoted[:n]):
			others = true
		case mine == nil:
			mine = e
		}
	}
}

// parseError reads a struct sock_extended_err and the address that follows it;
// nil if the control messages hold none.
func parseError(oob []byte) *icmpError {
	const size = 16 // struct sock_extended_err

	msgs, _ := unix.ParseSocketControlMessage(oob) // what cannot be parsed holds none
	for _, m := range msgs {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if !v4 && !v6 || len(m.Data) < size {
			continue
		}
		e := &icmpError{errno: unix.Errno(binary.NativeEndian.Uint32(m.Data)), kind: m.Data[5], code: m.Data[6]}
		switch origin := m.Data[4]; origin {
		case unix.SO_EE_ORIGIN_LOCAL:
			return e
		case unix.SO_EE_ORIGIN_ICMP, unix.SO_EE_ORIGIN_ICMP6:
			e.v6 = origin == unix.SO_EE_ORIGIN_ICMP6
			e.from = offender(m.Data[size:])
			return e
		}
	}
	return nil
}

// offender reads the struct sockaddr of who sent an ICMP error.
func offender(b []byte) netip.Addr {
	if len(b) < 8 {
		return netip.Addr{}
	}
	switch binary.NativeEndian.Uint16(b) {
	case unix.AF_INET:
		return netip.AddrFrom4([4]byte(b[4:8]))
	case unix.AF_INET6:
		if len(b) >= 24 {
			return netip.AddrFrom16([16]byte(b[8:24])).Unmap()
		}
	}
	return netip.Addr{}
}
