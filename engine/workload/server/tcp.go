package server

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
)

// tcpServer greets each peer with one line and echoes what it sends.
type tcpServer struct {
	name string
	ln   net.Listener

	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once closed
}

// ListenTCP listens on addr, which is [ADDR]:PORT. The server calls itself name: it
// greets each peer with one line and echoes what that sends.
func ListenTCP(name, addr string) (Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &tcpServer{name: name, ln: ln, conns: map[net.Conn]struct{}{}}, nil
}

func (s *tcpServer) Serve() error {
	for {
		c, err := s.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if s.track(c) {
			go s.talk(c)
		}
	}
}

// track remembers c so that Close can end it; it refuses once closed.
func (s *tcpServer) track(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = c.Close() // nothing was sent on it that could be lost
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

// talk serves one connection. Its errors are the peer's going away.
func (s *tcpServer) talk(c net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return
	}
	if _, err := io.WriteString(c, seen(s.name, peer)); err != nil {
		return
	}
	buf := make([]byte, 2<<10)
	// Without its ReadFrom the connection is echoed through buf and needs no
	// pipes in the kernel.
	_, _ = io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c}, buf)
}

func (s *tcpServer) Close() error {
	errs := []error{UnlessClosed(s.ln.Close())}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		errs = append(errs, UnlessClosed(c.Close()))
	}
	s.conns = nil
	return errors.Join(errs...)
}
