package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Message is a netlink request: its type, its flags beyond REQUEST and ACK, and
// its body, which is the fixed part of that type and attributes.
type Message struct {
	Type, Flags uint16
	Body        []byte
}

// Write sends rtnetlink requests to a network namespace in turn and returns what
// the kernel said to each, nil where it did it. One that fails does not keep the
// next from being sent. The second error is for what makes all of it impossible.
func Write(ns int, msgs []Message) ([]error, error) {
	s, err := dial(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if err := s.send(s.append(nil, m, unix.NLM_F_ACK)); err != nil {
			return nil, errors.Join(err, s.close())
		}
		if errs[i], err = s.answer(); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return errs, s.close()
}

// WriteFirewall sends nf_tables requests as one transaction, which is done as a
// whole or, when one of them cannot be done, not at all.
func WriteFirewall(ns int, msgs []Message) error {
	if len(msgs) == 0 {
		return nil
	}
	s, err := dial(ns, unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	edge := func(typ uint16) Message {
		return Message{Type: typ, Body: []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES}}
	}
	batch := s.append(nil, edge(unix.NFNL_MSG_BATCH_BEGIN), 0)
	for i, m := range msgs {
		flags := uint16(0)
		if i == len(msgs)-1 { // older kernels do not answer the end of a batch
			flags = unix.NLM_F_ACK
		}
		batch = s.append(batch, m, flags)
	}
	batch = s.append(batch, edge(unix.NFNL_MSG_BATCH_END), 0)
	if err := s.send(batch); err != nil {
		return errors.Join(err, s.close())
	}
	said, err := s.answer()
	return errors.Join(said, err, s.close())
}

// socket is a netlink socket in one namespace, for requests and their answers.
type socket struct {
	fd    int
	seq   uint32
	asked uint32 // the newest request that is to be answered
	buf   []byte
}

// answerTimeout, in seconds, is for a kernel that is stuck.
const answerTimeout = 5

// sendBuffer holds the largest transaction: a ruleset of thousands of rules.
const sendBuffer = 8 << 20

func dial(ns, protocol int) (*socket, error) {
	s := &socket{fd: -1, buf: make([]byte, 64<<10)}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread stays in the namespace, so it is thrown away
		if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		var err error
		s.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		done <- err
	}()
	if err := <-done; err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	timeout := unix.Timeval{Sec: answerTimeout}
	err := errors.Join(
		unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}),
		unix.SetsockoptTimeval(s.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("netlink: %w", err), s.close())
	}
	// Without the right to force it, the machine's own limit stays.
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer)
	return s, nil
}

func (s *socket) close() error { return unix.Close(s.fd) }

// append adds a request to a packet.
func (s *socket) append(packet []byte, m Message, flags uint16) []byte {
	s.seq++
	if flags&unix.NLM_F_ACK != 0 {
		s.asked = s.seq
	}
	ne := binary.NativeEndian
	packet = ne.AppendUint32(packet, uint32(unix.SizeofNlMsghdr+len(m.Body)))
	packet = ne.AppendUint16(packet, m.Type)
	packet = ne.AppendUint16(packet, m.Flags|flags|unix.NLM_F_REQUEST)
	packet = ne.AppendUint32(packet, s.seq)
	packet = ne.AppendUint32(packet, 0)
	packet = append(packet, m.Body...)
	for len(packet)%4 != 0 {
		packet = append(packet, 0)
	}
	return packet
}

func (s *socket) send(packet []byte) error {
	if err := unix.Sendto(s.fd, packet, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send netlink: %w", err)
	}
	return nil
}

// answer waits for the answer to the newest request that asked for one. said is
// the first error that the kernel reports of it and of those sent with it.
func (s *socket) answer() (said, err error) {
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read netlink: %w", err)
		}
		for rest := s.buf[:n]; len(rest) >= unix.SizeofNlMsghdr+4; {
			size := int(binary.NativeEndian.Uint32(rest))
			if size < unix.SizeofNlMsghdr || size > len(rest) {
				break
			}
			typ, seq := binary.NativeEndian.Uint16(rest[4:]), binary.NativeEndian.Uint32(rest[8:])
			code := int32(binary.NativeEndian.Uint32(rest[unix.SizeofNlMsghdr:]))
			rest = rest[min((size+3)&^3, len(rest)):]
			if typ != unix.NLMSG_ERROR {
				continue
			}
			if code < 0 && said == nil {
				said = unix.Errno(-code)
			}
			if seq == s.asked || said != nil {
				return said, nil
			}
		}
	}
}
