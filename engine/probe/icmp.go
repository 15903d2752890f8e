package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// The ICMP echo messages' types, of both families.
const (
	echoRequest4, echoReply4 = 8, 0
	echoRequest6, echoReply6 = 128, 129
	echoHeader               = 8  // bytes: type, code, checksum, id, sequence
	nonceBytes               = 16 // by which a reply is known to be ours
)

// echo is an echo request that is under way.
type echo struct {
	packet []byte
	reply  byte
	raw4   bool // replies come with their IPv4 header
}

// icmp sends an echo request and waits for its reply. Where the node's
// ping_group_range lets us it uses a ping socket as ping does, else a raw one.
func (a *attempt) icmp(ctx context.Context) (o Outcome, err error) {
	v6 := a.to.Addr().Is6()
	proto := unix.IPPROTO_ICMP
	if v6 {
		proto = unix.IPPROTO_ICMPV6
	}
	raw := false
	if a.sock, err = openIP(a.node.NS, a.to.Addr(), unix.SOCK_DGRAM, proto); errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		raw = true
		a.sock, err = openIP(a.node.NS, a.to.Addr(), unix.SOCK_RAW, proto)
	}
	if err != nil {
		return o, a.noSocket(err)
	}
	defer func() { err = errors.Join(err, a.sock.close()) }()
	stop, err := a.sock.until(ctx, a.start.Add(a.wait))
	if err != nil {
		return o, err
	}
	defer stop()
	if raw {
		err = a.draw()
	} else {
		err = a.take()
	}
	if err != nil {
		return o, err
	}
	e := newEcho(v6, raw, a.port, a.size)
	if a.sending != nil {
		a.sending(Signature{To: a.to.Addr(), Payload: e.packet[echoHeader : echoHeader+nonceBytes]})
	}
	if raw {
		a.sock.mine = e.quotedBy
		if err := e.filter(a.sock); err != nil {
			return o, err
		}
	}
	sent := time.Now()
	if err := a.exchangeEcho(ctx, e); err != nil {
		return o, a.explain(ctx, err)
	}
	o.Ended = engine.OK
	o.Detail = fmt.Sprintf("echo reply from %s in %.2f ms", a.to.Addr(), float64(time.Since(sent).Microseconds())/1000)
	return o, nil
}

func (a *attempt) exchangeEcho(ctx context.Context, e *echo) error {
	if err := a.sock.connect(a.to); err != nil {
		return err
	}
	if err := a.send(ctx, e.packet); err != nil {
		return err
	}
	buf := make([]byte, len(e.packet)+1500)
	for {
		n, err := a.sock.receive(buf)
		if err != nil {
			return err
		}
		if e.answeredBy(buf[:n]) {
			return nil
		}
	}
}

// newEcho makes an echo request that carries size bytes, or enough to be known
// by. A ping socket puts its own id in, and the kernel the ICMPv6 checksum.
func newEcho(v6, raw bool, id, size int) *echo {
	size = max(size+size%2, nonceBytes) // even, for the checksum
	e := &echo{packet: make([]byte, echoHeader+size), reply: echoReply4, raw4: raw && !v6}
	e.packet[0] = echoRequest4
	if v6 {
		e.packet[0], e.reply = echoRequest6, echoReply6
	}
	rand.Read(e.packet[echoHeader : echoHeader+nonceBytes]) // never fails
	binary.BigEndian.PutUint16(e.packet[4:6], uint16(id))
	binary.BigEndian.PutUint16(e.packet[6:8], 1)
	if !v6 {
		binary.BigEndian.PutUint16(e.packet[2:4], checksum(e.packet))
	}
	return e
}

// answeredBy reports whether b is the reply: same sequence and same nonce, and
// with them, on a raw socket, the same id.
func (e *echo) answeredBy(b []byte) bool {
	if e.raw4 {
		if len(b) < 20 || len(b) < int(b[0]&15)*4 {
			return false
		}
		b = b[int(b[0]&15)*4:]
	}
	return len(b) >= len(e.packet) && b[0] == e.reply &&
		bytes.Equal(b[6:len(e.packet)], e.packet[6:])
}

// quotedBy reports whether an ICMP error quotes this request: its id and sequence.
func (e *echo) quotedBy(quoted []byte) bool {
	return len(quoted) >= echoHeader && bytes.Equal(quoted[4:echoHeader], e.packet[4:echoHeader])
}

// filter keeps everything but echo replies off a raw socket.
func (e *echo) filter(s *socket) error {
	err := s.control(func(fd int) error {
		if s.v6 {
			var f unix.ICMPv6Filter
			for i := range f.Data {
				f.Data[i] = ^uint32(0)
			}
			f.Data[echoReply6>>5] &^= 1 << (echoReply6 & 31)
			return unix.SetsockoptICMPv6Filter(fd, unix.IPPROTO_ICMPV6, unix.ICMPV6_FILTER, &f)
		}
		const icmpFilter = 1 // ICMP_FILTER of linux/icmp.h, on the level SOL_RAW
		return unix.SetsockoptInt(fd, unix.SOL_RAW, icmpFilter, ^(1 << echoReply4))
	})
	if err != nil {
		return fmt.Errorf("filter raw socket: %w", err)
	}
	return nil
}

// checksum is the Internet checksum of b, whose length is even.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum + sum>>16)
}
