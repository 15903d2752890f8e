// Package workload holds the small servers that a lab's nodes run: http, tcp,
// udp and dns. Each runs as a process of its own, in the network namespace in
// which it was started, and tells whoever asks which server answered and which
// peer address it saw, because that is what NAT changes.
//
// The package enters no namespace and knows nothing of labs: whoever starts the
// process has put it where it belongs. See Main for the command line.
package workload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
)

// gcPercent trades a little CPU for memory: a lab may run a hundred of these,
// and each holds next to nothing.
const gcPercent = 20

// Exit codes of Main.
const (
	exitOK    = 0
	exitFail  = 1
	exitUsage = 2
)

// server is a workload that holds its sockets already.
type server interface {
	// serve answers until close is called; then it returns nil.
	serve() error
	close() error
}

// Main runs the workload that args name and returns the process's exit code: 0
// after SIGTERM or SIGINT, 1 when it cannot listen or serve, 2 when args are
// wrong. Errors are one line on standard error.
//
//	KIND [--name NAME] [--listen [ADDR]:PORT] [--record NAME=ADDR[,ADDR]]... [--ready-fd N]
//
// KIND is http, tcp, udp or dns. NAME is what the server calls itself, the
// hostname unless given. With ADDR empty it listens on all addresses, of both
// families where the kernel has IPv6. --record may be repeated and is for dns.
// Once the server listens, one byte is written to descriptor N, which is then
// closed; if it cannot listen, the descriptor is closed by the exit.
func Main(args []string) int {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(gcPercent)
	// Catch the signals before anybody can know that the server is ready.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	o, err := parse(args)
	if err != nil {
		complain(err)
		return exitUsage
	}
	if err := run(ctx, o); err != nil {
		complain(err)
		return exitFail
	}
	return exitOK
}

// complain writes err on one line, joined errors included.
func complain(err error) {
	fmt.Fprintf(os.Stderr, "error: workload: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
}

// run listens, says that it does, and serves until ctx ends.
func run(ctx context.Context, o options) error {
	s, err := listen(o)
	if err != nil {
		return err
	}
	if err := signalReady(o.readyFD); err != nil {
		return errors.Join(err, s.close())
	}
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	select {
	case err := <-served:
		return errors.Join(err, s.close())
	case <-ctx.Done():
		err := s.close()
		return errors.Join(err, <-served)
	}
}

// listen opens the sockets of the workload that o describes.
func listen(o options) (server, error) {
	switch o.kind {
	case "http":
		return listenHTTP(o.name, o.listen)
	case "tcp":
		return listenTCP(o.name, o.listen)
	case "udp":
		return listenUDP(o.name, o.listen)
	case "dns":
		return listenDNS(o.records, o.listen)
	}
	return nil, fmt.Errorf("unknown kind %q", o.kind)
}

// signalReady writes one byte to fd and closes it; a negative fd is nobody's.
func signalReady(fd int) error {
	if fd < 0 {
		return nil
	}
	f := os.NewFile(uintptr(fd), "ready")
	if f == nil {
		return fmt.Errorf("--ready-fd %d: no such descriptor", fd)
	}
	_, err := f.Write([]byte{'\n'})
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("--ready-fd %d: %w", fd, err)
	}
	return nil
}

// seen is the line with which the tcp and udp workloads greet a peer.
func seen(name string, peer netip.AddrPort) string {
	return fmt.Sprintf("%s sees %s\n", name, plain(peer))
}

// plain writes an IPv4 peer of a dual-stack socket as IPv4.
func plain(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// unlessClosed drops the error that says that a socket was closed before.
func unlessClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
