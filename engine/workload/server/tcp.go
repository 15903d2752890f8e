package server

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
)

// tcpServer hands each connection to talk, and closes it after that.
type tcpServer struct {
	talk func(net.Conn)
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
	return newTCPServer(ln, func(c net.Conn) { echo(name, c) }), nil
}

func newTCPServer(ln net.Listener, talk func(net.Conn)) *tcpServer {
	return &tcpServer{talk: talk, ln: ln, conns: map[net.Conn]struct{}{}}
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
			go s.serve(c)
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

func (s *tcpServer) serve(c net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		_ = c.Close()
	}()
	s.talk(c)
}

// echo greets a peer and returns what it sends. Its errors are the peer's going away.
func echo(name string, c net.Conn) {
	peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return
	}
	if _, err := io.WriteString(c, seen(name, peer)); err != nil {
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
