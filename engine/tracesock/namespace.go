package tracesock

import (
	"syscall"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// socketNamespace is the network namespace of a socket. The kernel puts an
// accepted unix socket into that of the client, so this needs no process id,
// which might be another's by now.
func socketNamespace(s syscall.Conn) (ns netns.ID, ok bool) {
	raw, err := s.SyscallConn()
	if err != nil {
		return ns, false
	}
	err = raw.Control(func(fd uintptr) {
		fd, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.SIOCGSKNS, 0)
		if errno != 0 {
			return
		}
		defer unix.Close(int(fd)) //nolint:errcheck // only looked at
		ns, err = netns.Identify(int(fd))
		ok = err == nil
	})
	return ns, ok && err == nil
}
