// Package netns does things in another network namespace: on a thread that
// enters it and is thrown away afterwards.
package netns

import (
	"context"
	"fmt"
	"net"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dir is where namespaces have names.
const Dir = "/run/netns/"

// Path is the file of the namespace with this name.
func Path(name string) string { return Dir + name }

// Do calls f on a thread that is in the network namespace that path names. What
// f starts with go runs elsewhere; a process that f starts is in the namespace.
func Do(path string, f func() error) error {
	ch := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		ch <- enter(path, f)
	}()
	return <-ch
}

func enter(path string, f func() error) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", path, err)
	}
	err = unix.Setns(fd, unix.CLONE_NEWNET)
	_ = unix.Close(fd)
	if err != nil {
		return fmt.Errorf("enter network namespace %s: %w", path, err)
	}
	return f()
}

// Listen announces on an address of the namespace.
func Listen(path, network, address string) (net.Listener, error) {
	var l net.Listener
	err := Do(path, func() (err error) {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}

// Dial connects to an IP address and port from the namespace.
//
// net.Dialer makes its socket on the goroutine that calls it as long as there is
// one address of one family to try, which an IP address guarantees.
func Dial(ctx context.Context, path, network, address string) (net.Conn, error) {
	var c net.Conn
	err := Do(path, func() (err error) {
		d := net.Dialer{FallbackDelay: -1}
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, err
}
