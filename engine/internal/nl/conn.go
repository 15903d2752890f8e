package nl

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/internal/sock"
)

const (
	// ReceiveBuffer is what takes in all that one read gives, in bytes: the kernel
	// fills at most 32 KiB at a time.
	ReceiveBuffer = 64 << 10
	replyTimeout  = 5  // seconds; an answer takes microseconds unless something is stuck
	tries         = 50 // of a listing that changed while it was read

	// sendBuffer holds the largest transaction: a ruleset of thousands of rules.
	sendBuffer = 8 << 20
	smallSend  = 64 << 10 // what the kernel's own buffer has room for in any case
)

// ErrChanging means that a listing changed each time it was read.
var ErrChanging = errors.New("it kept changing while it was read")

// Conn is a netlink socket in one network namespace. It asks one thing at a time and
// may be used from several goroutines.
type Conn struct {
	mu  sync.Mutex
	fd  int
	seq uint32
	buf []byte
}

// Dial opens a socket of a protocol (NETLINK_*) in the namespace held by ns.
func Dial(ns, protocol int) (c *Conn, err error) {
	err = netns.Do(ns, func() (err error) {
		c, err = Open(protocol)
		return err
	})
	if err != nil && c != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, err
}

// Open opens a socket of a protocol in the calling thread's namespace.
func Open(protocol int) (*Conn, error) {
	fd, err := open(protocol, 0)
	if err != nil {
		return nil, err
	}
	timeout := unix.Timeval{Sec: replyTimeout}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return nil, errors.Join(fmt.Errorf("set netlink timeout: %w", err), unix.Close(fd))
	}
	return &Conn{fd: fd, buf: make([]byte, ReceiveBuffer)}, nil
}

// Subscribe opens a socket in the calling thread's namespace that hears of multicast
// groups and does not block. It has room for bursts of so many bytes, or of as many as
// the machine allows.
func Subscribe(protocol, room int, groups ...int) (fd int, err error) {
	if fd, err = open(protocol, unix.SOCK_NONBLOCK); err != nil {
		return -1, err
	}
	sock.Room(fd, room)
	for _, g := range groups {
		if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g); err != nil {
			return -1, errors.Join(fmt.Errorf("subscribe to netlink group %d: %w", g, err), unix.Close(fd))
		}
	}
	return fd, nil
}

func open(protocol, flags int) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|flags, protocol)
	if err != nil {
		return -1, fmt.Errorf("open netlink socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return -1, errors.Join(fmt.Errorf("bind netlink socket: %w", err), unix.Close(fd))
	}
	return fd, nil
}

// Close closes the socket. It may be called again, and of none.
func (c *Conn) Close() error {
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

// Ask sends a request that has one answer and hands its body to got. What the kernel
// refuses is a unix.Errno.
func (c *Conn) Ask(typ uint16, body []byte, got func(body []byte)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.send(-1, Message{Type: typ, Body: body}); err != nil {
		return err
	}
	var said error
	err := c.receive(c.seq, func(m Message) bool {
		if m.ends() {
			said = m.Err()
		} else {
			got(m.Body)
		}
		return true
	})
	if err != nil {
		return err
	}
	return said
}

// Dump lists all objects of a request. add appends what a message holds, which is in
// the socket's buffer only until the next one comes. A listing that changed while it
// was read is read again from the start; one that always does comes with ErrChanging.
func Dump[T any](c *Conn, typ uint16, body []byte, add func(out []T, typ uint16, body []byte) []T) (out []T, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range tries {
		out = nil
		err = c.dump(Message{Type: typ, Flags: unix.NLM_F_DUMP, Body: body}, func(m Message) { out = add(out, m.Type, m.Body) })
		if !errors.Is(err, ErrChanging) && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EBUSY) {
			return out, err
		}
		runtime.Gosched()
	}
	return out, ErrChanging
}

// dump makes one listing.
func (c *Conn) dump(request Message, each func(Message)) error {
	if _, err := c.send(-1, request); err != nil {
		return err
	}
	var said error
	changed := false
	err := c.receive(c.seq, func(m Message) bool {
		changed = changed || m.Flags&unix.NLM_F_DUMP_INTR != 0
		if m.ends() {
			said = m.Err()
			return true
		}
		each(m)
		return false
	})
	switch {
	case err != nil:
		return err
	case said != nil:
		return said
	case changed:
		return ErrChanging
	}
	return nil
}

// Do has the kernel do what a message asks for. said is its refusal, a unix.Errno, and
// err what keeps it from being known.
func (c *Conn) Do(m Message) (said, err error) { return c.write(0, m) }

// Commit has the kernel do what messages of nf_tables ask for, as one transaction: all
// of it or nothing. said is the first refusal, a unix.Errno, and err what keeps the
// outcome from being known.
func (c *Conn) Commit(msgs []Message) (said, err error) {
	if len(msgs) == 0 {
		return nil, nil
	}
	edge := func(typ uint16) Message {
		return Message{Type: typ, Body: []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES}}
	}
	batch := append([]Message{edge(unix.NFNL_MSG_BATCH_BEGIN)}, msgs...)
	// The last one is acknowledged: older kernels do not answer the end of a batch.
	return c.write(len(msgs), append(batch, edge(unix.NFNL_MSG_BATCH_END))...)
}

// write sends messages of which one, by its place, is acknowledged.
func (c *Conn) write(acknowledged int, msgs ...Message) (said, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.seq + 1
	last, err := c.send(acknowledged, msgs...)
	if err != nil {
		return nil, err
	}
	err = c.receive(first, func(m Message) bool {
		if m.Type != unix.NLMSG_ERROR {
			return false
		}
		said = m.Err()
		return said != nil || m.Seq == last
	})
	return said, err
}

// send sends messages as one packet. One of them, by its place, is to be acknowledged,
// none with -1; its sequence number is returned. c.seq is that of the last.
func (c *Conn) send(acknowledged int, msgs ...Message) (seq uint32, err error) {
	if c.fd < 0 {
		return 0, os.ErrClosed
	}
	var packet []byte
	for i, m := range msgs {
		c.seq++
		m.Seq, m.Flags = c.seq, m.Flags|unix.NLM_F_REQUEST
		if i == acknowledged {
			m.Flags |= unix.NLM_F_ACK
			seq = c.seq
		}
		packet = m.AppendTo(packet)
	}
	if len(packet) > smallSend {
		// Without the right to force it, the machine's own limit stays.
		_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBuffer)
	}
	if err := unix.Send(c.fd, packet, 0); err != nil {
		return 0, fmt.Errorf("send netlink: %w", err)
	}
	return seq, nil
}

// receive hands the answers to the requests from first on to take, until that says
// that this was the last one.
func (c *Conn) receive(first uint32, take func(Message) (last bool)) error {
	for {
		n, _, err := unix.Recvfrom(c.fd, c.buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read netlink: %w", err)
		}
		for m := range Messages(c.buf[:n]) {
			if m.Seq < first || m.Seq > c.seq {
				continue // left over from a request that was given up
			}
			if take(m) {
				return nil
			}
		}
	}
}
