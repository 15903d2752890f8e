package channel

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Namespace is a namespace's identity: equal ones are the same.
type Namespace struct{ Dev, Ino uint64 }

// NamespaceOf is the namespace that a descriptor stands for.
func NamespaceOf(fd int) (Namespace, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Namespace{}, err
	}
	return Namespace{Dev: st.Dev, Ino: st.Ino}, nil
}

// socketNamespace is the network namespace of a socket. The kernel puts an
// accepted unix socket into that of the client, so this needs no process id,
// which might be another's by now.
func socketNamespace(s syscall.Conn) (ns Namespace, ok bool) {
	raw, err := s.SyscallConn()
	if err != nil {
		return ns, false
	}
	err = raw.Control(func(fd uintptr) {
		netns, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.SIOCGSKNS, 0)
		if errno != 0 {
			return
		}
		defer unix.Close(int(netns)) //nolint:errcheck // only looked at
		ns, err = NamespaceOf(int(netns))
		ok = err == nil
	})
	return ns, ok && err == nil
}
