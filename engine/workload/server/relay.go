package server

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Times of a relay. Docker's proxy forgets a UDP client after as long.
const (
	relayDial   = 10 * time.Second
	relayForget = 90 * time.Second
)

// ListenRelay listens on addr, which is [ADDR]:PORT, and carries what comes there to the
// address and port `to`, over connections of its own, as docker-proxy does: whoever is
// there sees the relay as the peer. A client whose connection cannot go on is hung up on.
func ListenRelay(addr, to string) (Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return newTCPServer(ln, func(c net.Conn) { relay(c, to) }), nil
}

// relay carries one connection, each direction until its sender has ended it.
func relay(client net.Conn, to string) {
	server, err := net.DialTimeout("tcp", to, relayDial)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // both ends have been told what there was
	var ways sync.WaitGroup
	carry := func(to, from net.Conn) {
		_, err := io.Copy(to, from)
		if half, ok := to.(*net.TCPConn); ok && err == nil {
			err = half.CloseWrite()
		}
		if err != nil { // one of the two is gone, so the other has nobody to talk to
			_, _ = client.Close(), server.Close()
		}
	}
	ways.Go(func() { carry(server, client) })
	ways.Go(func() { carry(client, server) })
	ways.Wait()
}

// udpRelay carries datagrams. Each client has a socket of its own towards the server,
// by which answers are known to be the client's.
type udpRelay struct {
	conn *net.UDPConn
	to   *net.UDPAddr

	mu      sync.Mutex
	clients map[netip.AddrPort]*net.UDPConn // nil once closed
}

// ListenUDPRelay is ListenRelay for UDP.
func ListenUDPRelay(addr, to string) (Server, error) {
	server, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		return nil, err
	}
	conn, err := listenUDP(addr)
	if err != nil {
		return nil, err
	}
	return &udpRelay{conn: conn, to: server, clients: map[netip.AddrPort]*net.UDPConn{}}, nil
}

func (r *udpRelay) Serve() error {
	buf := make([]byte, maxDatagram)
	for {
		n, client, err := r.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // an ICMP error about an earlier answer
		}
		if out := r.towards(client); out != nil {
			_, _ = out.Write(buf[:n]) // what becomes of a datagram nobody promises
		}
	}
}

// towards returns the client's socket towards the server, nil if there can be none.
func (r *udpRelay) towards(client netip.AddrPort) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if out := r.clients[client]; out != nil || r.clients == nil {
		return out
	}
	out, err := net.DialUDP("udp", nil, r.to)
	if err != nil {
		return nil
	}
	r.clients[client] = out
	go r.answer(client, out)
	return out
}

// answer carries what comes back to the client, until nothing has for relayForget.
func (r *udpRelay) answer(client netip.AddrPort, out *net.UDPConn) {
	buf := make([]byte, maxDatagram)
	for {
		if err := out.SetReadDeadline(time.Now().Add(relayForget)); err != nil {
			break
		}
		n, err := out.Read(buf)
		if wait := net.Error(nil); errors.As(err, &wait) && wait.Timeout() || errors.Is(err, net.ErrClosed) {
			break
		}
		if err == nil { // otherwise an ICMP error: the server may come
			_, _ = r.conn.WriteToUDPAddrPort(buf[:n], client)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clients != nil {
		delete(r.clients, client)
	}
	_ = out.Close()
}

func (r *udpRelay) Close() error {
	errs := []error{UnlessClosed(r.conn.Close())}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, out := range r.clients {
		errs = append(errs, UnlessClosed(out.Close()))
	}
	r.clients = nil
	return errors.Join(errs...)
}
