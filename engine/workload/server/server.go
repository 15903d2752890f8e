// Package server holds the small servers that the nodes of a lab and the pods of
// a cluster run: http, tcp and udp. Each tells whoever asks which server answered
// and which peer address it saw, because that is what NAT and Services change.
//
// The package reads no command line. What runs a server is a process of its own,
// often one of a hundred, so the package imports little.
package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// gcPercent trades a little CPU for memory: a lab may run a hundred of these,
// and each holds next to nothing.
const gcPercent = 20

// Frugal makes this process take as little memory and as few threads as a server
// needs.
func Frugal() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(gcPercent)
}

// Server is a server that holds its sockets already.
type Server interface {
	// Serve answers until Close is called; then it returns nil.
	Serve() error
	Close() error
}

type usageError struct{ error }

// Usage marks err as one about the process's arguments.
func Usage(err error) error { return usageError{err} }

// Exit returns the exit code of a process that ends with err: 0 for nil, 2 for
// an error about its arguments, 1 for any other. It writes the error on one line of
// standard error, joined errors included, after the name of the one that complains.
func Exit(name string, err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "error: %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", "; "))
	var wrong usageError
	if errors.As(err, &wrong) {
		return 2
	}
	return 1
}

// UnlessClosed drops the error that says that a socket was closed before.
func UnlessClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// seen is the line with which the tcp and udp servers greet a peer.
func seen(name string, peer netip.AddrPort) string {
	return fmt.Sprintf("%s sees %s\n", name, plain(peer))
}

// plain writes an IPv4 peer of a dual-stack socket as IPv4.
func plain(ap netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Plain writes the address and port of an IPv4 peer of a dual-stack socket as
// IPv4. What is no address stays as it is.
func Plain(address string) string {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	return plain(ap).String()
}
