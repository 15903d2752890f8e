package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	receiveBuffer  = 64 << 10 // bytes; the kernel fills at most 32 KiB of it at a time
	replyTimeout   = 5        // seconds; a dump answers in microseconds unless something is stuck
	dumpRetries    = 50       // of a listing that changed while it was read
	nlmDumpIntr    = 0x10     // NLM_F_DUMP_INTR
	nlmsgHeaderLen = 16
)

// errChanging means that a listing changed each time it was read.
var errChanging = errors.New("it kept changing while it was read")

// conn is a netlink socket inside one network namespace. It asks one thing at a
// time and may be used from several goroutines.
//
// It exists beside the netlink library because one dump of everything (all
// routes, all nftables rules) with one pass over its attributes is what keeps a
// snapshot under a millisecond, and because interrupted dumps are then handled
// in one place.
type conn struct {
	mu  sync.Mutex
	fd  int
	seq uint32
	buf []byte
}

// dial opens a netlink socket of a protocol in the namespace held by ns.
func dial(ns, protocol int) (*conn, error) {
	c := &conn{fd: -1}
	err := inNetns(ns, func() error {
		var err error
		c.fd, err = openNetlink(protocol, 0)
		return err
	})
	if err != nil {
		if c.fd >= 0 {
			err = errors.Join(err, unix.Close(c.fd))
		}
		return nil, err
	}
	timeout := unix.Timeval{Sec: replyTimeout}
	if err := unix.SetsockoptTimeval(c.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return nil, errors.Join(fmt.Errorf("set netlink timeout: %w", err), unix.Close(c.fd))
	}
	c.buf = make([]byte, receiveBuffer)
	return c, nil
}

// openNetlink opens and binds a netlink socket in the current namespace.
func openNetlink(protocol, flags int) (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|flags, protocol)
	if err != nil {
		return -1, fmt.Errorf("open netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return -1, errors.Join(fmt.Errorf("bind netlink socket: %w", err), unix.Close(fd))
	}
	return fd, nil
}

func (c *conn) close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return nil
	}
	fd := c.fd
	c.fd = -1
	return unix.Close(fd)
}

// send sends one request and returns its sequence number.
func (c *conn) send(typ uint16, flags int, body []byte) (uint32, error) {
	if c.fd < 0 {
		return 0, os.ErrClosed
	}
	c.seq++
	msg := make([]byte, nlmsgHeaderLen, nlmsgHeaderLen+len(body))
	ne := binary.NativeEndian
	ne.PutUint32(msg[0:], uint32(nlmsgHeaderLen+len(body)))
	ne.PutUint16(msg[4:], typ)
	ne.PutUint16(msg[6:], uint16(unix.NLM_F_REQUEST|flags))
	ne.PutUint32(msg[8:], c.seq)
	msg = append(msg, body...)
	err := unix.Sendto(c.fd, msg, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	return c.seq, err
}

// receive reads the answer to request seq. It calls each for every message of
// it and returns errChanging when the kernel marked it as inconsistent.
func (c *conn) receive(seq uint32, dump bool, each func(typ uint16, body []byte)) error {
	interrupted := false
	for {
		n, _, err := unix.Recvfrom(c.fd, c.buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read netlink: %w", err)
		}
		for rest := c.buf[:n]; ; {
			var m message
			if m, rest = nextMessage(rest); m.body == nil {
				break
			}
			if m.seq != seq {
				continue // left over from a request that was given up
			}
			interrupted = interrupted || m.flags&nlmDumpIntr != 0
			switch m.typ {
			case unix.NLMSG_DONE, unix.NLMSG_ERROR:
				if err := errorOf(m.body); err != nil {
					return err
				}
				if interrupted {
					return errChanging
				}
				return nil
			}
			each(m.typ, m.body)
			if !dump {
				return nil
			}
		}
	}
}

// message is one netlink message; body is nil when there is none.
type message struct {
	typ, flags uint16
	seq        uint32
	body       []byte
}

// nextMessage takes the first message off b.
func nextMessage(b []byte) (message, []byte) {
	if len(b) < nlmsgHeaderLen {
		return message{}, nil
	}
	ne := binary.NativeEndian
	size := int(ne.Uint32(b))
	if size < nlmsgHeaderLen || size > len(b) {
		return message{}, nil
	}
	m := message{typ: ne.Uint16(b[4:]), flags: ne.Uint16(b[6:]), seq: ne.Uint32(b[8:]), body: b[nlmsgHeaderLen:size:size]}
	return m, b[min((size+3)&^3, len(b)):]
}

// errorOf reads the error number that an ERROR or DONE message starts with.
func errorOf(body []byte) error {
	if len(body) < 4 {
		return nil
	}
	if n := int32(binary.NativeEndian.Uint32(body)); n < 0 {
		return unix.Errno(-n)
	}
	return nil
}

// list dumps all objects of a request. add appends what a message holds; when
// the listing changed while it was read, it is read again from the start.
func list[T any](c *conn, typ uint16, body []byte, add func(out []T, typ uint16, body []byte) []T) ([]T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range dumpRetries {
		seq, err := c.send(typ, unix.NLM_F_DUMP, body)
		if err != nil {
			return nil, fmt.Errorf("send netlink: %w", err)
		}
		var out []T
		err = c.receive(seq, true, func(t uint16, b []byte) { out = add(out, t, b) })
		if errors.Is(err, errChanging) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.EBUSY) {
			runtime.Gosched()
			continue
		}
		return out, err
	}
	return nil, errChanging
}

// ask sends a request that has one answer and hands it to got.
func (c *conn) ask(typ uint16, body []byte, got func(body []byte)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	seq, err := c.send(typ, 0, body)
	if err != nil {
		return fmt.Errorf("send netlink: %w", err)
	}
	return c.receive(seq, false, func(_ uint16, b []byte) { got(b) })
}
