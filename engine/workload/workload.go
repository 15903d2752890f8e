// Package workload runs the small servers of a lab's nodes: http, https, tcp, udp and relay (package
// server), and dns. Each runs as a process of its own, in the network namespace in
// which it was started.
//
// The package enters no namespace and knows nothing of labs: whoever starts the
// process has put it where it belongs. See Main for the command line.
package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"underlay/engine/workload/server"
)

// Main runs the workload that args name and returns the process's exit code: 0
// after SIGTERM or SIGINT, 1 when it cannot listen or serve, 2 when args are
// wrong. Errors are one line on standard error.
//
//	KIND [--name NAME] [--listen [ADDR]:PORT] [--record NAME=VALUE]... [--delay TIME]
//	     [--to ADDR:PORT] [--udp] [--answers-from ADDR] [--cert FILE]... [--ready-fd N]
//
// KIND is http, https, tcp, udp, dns or relay. NAME is what the server calls itself, the
// hostname unless given. With ADDR empty it listens on all addresses, of both
// families where the kernel has IPv6. --record (package zone) may be repeated,
// also for one name; it and --delay, the time before each answer, are for dns.
// --to, where a relay leads, and --udp, which makes it one for UDP, are for relay,
// --answers-from for udp, and --cert, a file that server.ListenHTTPS reads, for https.
// Once the server listens, one byte is written to descriptor N, which is then
// closed; if it cannot listen, the descriptor is closed by the exit.
func Main(args []string) int {
	server.Frugal()
	// Catch the signals before anybody can know that the server is ready.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	o, err := parse(args)
	if err != nil {
		return server.Exit("workload", server.Usage(err))
	}
	return server.Exit("workload", run(ctx, o))
}

// run listens, says that it does, and serves until ctx ends.
func run(ctx context.Context, o options) error {
	s, err := listen(o)
	if err != nil {
		return err
	}
	if err := signalReady(o.readyFD); err != nil {
		return errors.Join(err, s.Close())
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	select {
	case err := <-served:
		return errors.Join(err, s.Close())
	case <-ctx.Done():
		err := s.Close()
		return errors.Join(err, <-served)
	}
}

// listen opens the sockets of the workload that o describes.
func listen(o options) (server.Server, error) {
	switch o.kind {
	case "http":
		return server.ListenHTTP(o.listen, server.Answer(o.name))
	case "https":
		return server.ListenHTTPS(o.listen, server.Answer(o.name), o.certs)
	case "tcp":
		return server.ListenTCP(o.name, o.listen)
	case "udp":
		return server.ListenUDPFrom(o.name, o.listen, o.from)
	case "relay":
		if o.udp {
			return server.ListenUDPRelay(o.listen, o.to)
		}
		return server.ListenRelay(o.listen, o.to)
	case "dns":
		return listenDNS(o.zone, o.delay, o.listen)
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
