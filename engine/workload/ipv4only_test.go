package workload

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// In a namespace with IPv6 switched off everything works by IPv4.
func TestWithoutIPv6(t *testing.T) {
	cmd := command(t, "tcp", "--name", "four", "--listen", ":7", "--ready-fd", "3")
	greeting, err := netns.Thread(func() (string, error) {
		if err := withoutIPv6(); err != nil {
			return "", err
		}
		return talk(cmd)
	})
	if errors.Is(err, unix.EPERM) {
		t.Skipf("no right to make a network namespace: %v", err)
	}
	must(t, err)
	name, peer, _ := strings.Cut(strings.TrimSpace(greeting), " sees ")
	if ap, err := netip.ParseAddrPort(peer); err != nil || name != "four" || ap.Addr().String() != "127.0.0.1" {
		t.Errorf("greeted with %q", greeting)
	}
}

// withoutIPv6 takes the calling thread into a new network namespace that has a
// loopback and no IPv6.
func withoutIPv6() error {
	ns, err := netns.Unshare()
	if err != nil {
		return err
	}
	if err := unix.Close(ns); err != nil { // the thread is in it, and so is what it starts
		return err
	}
	err = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0o644)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return loopbackUp()
}

// loopbackUp brings lo up in the calling thread's network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	ifr, err := unix.NewIfreq("lo")
	if err == nil {
		ifr.SetUint16(unix.IFF_UP)
		err = unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
	}
	return errors.Join(err, unix.Close(fd))
}

// talk starts the workload cmd from the calling thread, connects to it on a
// socket made there, and returns the first line that it hears.
func talk(cmd *exec.Cmd) (greeting string, err error) {
	ready, child, err := os.Pipe()
	if err != nil {
		return "", err
	}
	cmd.ExtraFiles = []*os.File{child}
	if err := errors.Join(cmd.Start(), child.Close()); err != nil {
		return "", err
	}
	_, err = ready.Read(make([]byte, 1))
	fd, e2 := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err = errors.Join(err, e2); err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Port: 7, Addr: [4]byte{127, 0, 0, 1}})
	}
	buf, n := make([]byte, 100), 0
	if err == nil {
		n, err = unix.Read(fd, buf)
	}
	err = errors.Join(err, unix.Close(fd), ready.Close(), cmd.Process.Signal(unix.SIGINT), cmd.Wait())
	return string(buf[:max(n, 0)]), err
}
