package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// SocketPath is a unix socket in every world. Whoever runs there may connect to
// it, from any network namespace and under any uid; nobody there can take it away.
// The app accepts the connections: see World.Socket.
const SocketPath = toolDir + "/socket"

// socketBacklog is how many connections wait to be accepted; one more is refused.
const socketBacklog = 64

// listen makes a unix socket that everyone may connect to. Closing it leaves its
// name alone, which by then belongs to another mount namespace.
func listen(path string) (net.Listener, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make the world's socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close() //nolint:errcheck // FileListener has its own duplicate
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	if err == nil {
		err = errors.Join(os.Chmod(path, 0o666), unix.Listen(fd, socketBacklog))
	}
	if err != nil {
		return nil, fmt.Errorf("make the world's socket: %w", err)
	}
	return net.FileListener(f)
}
