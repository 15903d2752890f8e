package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// socket is a non-blocking socket of some network namespace, waited for by the
// runtime's poller.
type socket struct {
	file *os.File
	raw  syscall.RawConn
	v6   bool
	// many is whom datagrams are for if that is a group or a broadcast address: the
	// socket is not connected then, because answers come from other addresses.
	many unix.Sockaddr
	// mine tells the errors about our own packets from those that a raw
	// socket is told about as well, by the packet they quote; nil takes all.
	mine func(quoted []byte) bool
}

// open makes a socket in the network namespace ns. Errors are errnos where the
// kernel refused the kind of socket.
func open(ns int, domain, typ, proto int) (*socket, error) {
	fd := -1
	err := netns.Do(ns, func() (err error) {
		fd, err = unix.Socket(domain, typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
		return err
	})
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "socket")
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &socket{file: f, raw: raw, v6: domain == unix.AF_INET6}, nil
}

// openIP makes a socket for reaching addr, and has the kernel queue the ICMP
// errors that its packets cause together with their senders.
func openIP(ns int, addr netip.Addr, typ, proto int) (*socket, error) {
	domain, level, opt := unix.AF_INET, unix.IPPROTO_IP, unix.IP_RECVERR
	if addr.Is6() {
		domain, level, opt = unix.AF_INET6, unix.IPPROTO_IPV6, unix.IPV6_RECVERR
	}
	s, err := open(ns, domain, typ, proto)
	if err != nil {
		return nil, err
	}
	err = s.control(func(fd int) error { return unix.SetsockoptInt(fd, level, opt, 1) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask for ICMP errors: %w", err), s.close())
	}
	return s, nil
}

func (s *socket) close() error { return s.file.Close() }

// closeByReset makes close end a connection by a RST.
func (s *socket) closeByReset() error {
	return s.control(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	})
}

func (s *socket) control(fn func(fd int) error) error {
	var inner error
	if err := s.raw.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// until makes reading and writing fail at t, or as soon as ctx ends. The
// returned function releases what watches ctx.
func (s *socket) until(ctx context.Context, t time.Time) (stop func() bool, err error) {
	if err := s.file.SetDeadline(t); err != nil {
		return nil, fmt.Errorf("set deadline: %w", err)
	}
	return context.AfterFunc(ctx, func() {
		// The socket may be closed by now, and then there is nothing to stop.
		_ = s.file.SetDeadline(time.Unix(1, 0))
	}), nil
}

// sockaddr is the kernel's form of ap.
func sockaddr(ap netip.AddrPort) (unix.Sockaddr, error) {
	if ap.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: ap.Addr().As4(), Port: int(ap.Port())}, nil
	}
	sa := &unix.SockaddrInet6{Addr: ap.Addr().As16(), Port: int(ap.Port())}
	if zone := ap.Addr().Zone(); zone != "" {
		if _, err := fmt.Sscan(zone, &sa.ZoneId); err != nil {
			return nil, fmt.Errorf("zone of %s: give the interface's index: %w", ap.Addr(), err)
		}
	}
	return sa, nil
}

// connect connects to to and waits until it is decided. It returns an errno,
// an *icmpError if the kernel says who caused it, or os.ErrDeadlineExceeded.
func (s *socket) connect(to netip.AddrPort) error {
	sa, err := sockaddr(to)
	if err != nil {
		return err
	}
	if s.datagrams() && to.Addr().IsMulticast() {
		s.many = sa
		return nil
	}
	started := false
	var result error
	err = s.raw.Write(func(fd uintptr) bool {
		if !started {
			started = true
			result = unix.Connect(int(fd), sa)
			if errors.Is(result, unix.EINPROGRESS) {
				return false
			}
		} else if result = connected(int(fd)); errors.Is(result, unix.EINPROGRESS) {
			// An ICMP error that comes while the kernel still sends the SYN
			// is only queued: the connection would go on trying.
			e, _ := s.reported(int(fd))
			if e == nil {
				return false
			}
			result = e
			return true
		}
		if result != nil {
			if e, _ := s.reported(int(fd)); e != nil {
				result = e
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	if errors.Is(result, unix.EACCES) && s.datagrams() && to.Addr().Is4() { // a broadcast address, or a route that prohibits it
		s.many = sa
		return s.control(func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1) })
	}
	return result
}

// datagrams reports whether the socket sends datagrams.
func (s *socket) datagrams() bool {
	typ := 0
	err := s.control(func(fd int) (err error) {
		typ, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
		return err
	})
	return err == nil && typ != unix.SOCK_STREAM
}

// bind binds the socket to a port on all addresses, to one that the kernel chooses for 0.
func (s *socket) bind(port int) error {
	return s.control(func(fd int) error {
		if s.v6 {
			return unix.Bind(fd, &unix.SockaddrInet6{Port: port})
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Port: port})
	})
}

// shareable lets other sockets that are shareable have the port that this one binds.
func (s *socket) shareable() error {
	return s.control(func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
}

// port is the port that the socket is bound to.
func (s *socket) port() (port int, err error) {
	err = s.control(func(fd int) error {
		sa, err := unix.Getsockname(fd)
		switch sa := sa.(type) {
		case *unix.SockaddrInet4:
			port = sa.Port
		case *unix.SockaddrInet6:
			port = sa.Port
		}
		return err
	})
	return port, err
}

// connected returns nil once fd is connected, EINPROGRESS before, or the errno.
func connected(fd int) error {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return err
	}
	if n != 0 {
		return unix.Errno(n)
	}
	if _, err := unix.Getpeername(fd); err != nil {
		return unix.EINPROGRESS
	}
	return nil
}

// send sends one datagram to whom connect was called for.
func (s *socket) send(b []byte) error {
	var result error
	err := s.raw.Write(func(fd uintptr) bool {
		if s.many != nil {
			result = unix.Sendto(int(fd), b, unix.MSG_NOSIGNAL, s.many)
		} else {
			result = unix.Send(int(fd), b, unix.MSG_NOSIGNAL)
		}
		return result != unix.EAGAIN && result != unix.EINTR
	})
	if err != nil {
		return err
	}
	return result
}

// sendTo sends one datagram elsewhere than to the connected peer.
func (s *socket) sendTo(to netip.AddrPort, b []byte) error {
	sa, err := sockaddr(to)
	if err != nil {
		return err
	}
	var result error
	if err := s.raw.Write(func(fd uintptr) bool {
		result = unix.Sendto(int(fd), b, unix.MSG_NOSIGNAL, sa)
		return !errors.Is(result, unix.EAGAIN) && !errors.Is(result, unix.EINTR)
	}); err != nil {
		return err
	}
	return result
}

// receive waits for one datagram. An ICMP error about our packets ends it with
// an *icmpError; errors about others' packets do not.
func (s *socket) receive(b []byte) (int, error) {
	n := 0
	var result error
	err := s.raw.Read(func(fd uintptr) bool {
		for {
			n, _, result = unix.Recvfrom(int(fd), b, 0)
			if result == nil {
				return true
			}
			e, others := s.reported(int(fd))
			switch {
			case e != nil:
				result = e
				return true
			case errors.Is(result, unix.EAGAIN) && !others:
				return false
			case !errors.Is(result, unix.EINTR) && !others:
				return true
			}
		}
	})
	if err == nil {
		return n, result
	}
	return 0, err
}

// local is the address that the kernel chose for this end; invalid if none.
func (s *socket) local() netip.Addr {
	var addr netip.Addr
	// Without an answer nothing is known, and nothing is said.
	_ = s.control(func(fd int) error {
		sa, err := unix.Getsockname(fd)
		addr = address(sa)
		return err
	})
	return addr
}

func address(sa unix.Sockaddr) netip.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(sa.Addr)
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(sa.Addr).Unmap()
	}
	return netip.Addr{}
}
