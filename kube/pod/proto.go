// Package pod is how a kubelet and a pod's sandbox talk. The kubelet starts a
// sandbox (Open), which is a small process that is PID 1 of the pod's namespaces,
// and asks it over a socket to start processes: the main process of a container
// (in mount and pid namespaces of its own) or one more in a container that runs.
//
// The socket is of type SEQPACKET: one JSON message a packet, descriptors beside
// it. When its kubelet's end is closed the sandbox ends, and with it the kernel
// kills everything in the pod. Package podinit is the other end.
package pod

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// SocketFD is where a sandbox finds its end of the socket.
	SocketFD = 3

	maxMessage = 192 << 10
	maxFDs     = 8
)

// Request is what the kubelet asks. One of its pointers is set.
type Request struct {
	ID     uint64
	Start  *Process `json:",omitempty"` // with descriptors 0, 1 and 2 beside it
	Signal *Signal  `json:",omitempty"`
}

// Process is a process to start in the pod.
type Process struct {
	// Key names the process in Exit and Signal. It is used once.
	Key string
	// In is the key of the container to enter. Empty makes a new container.
	In   string `json:",omitempty"`
	Argv []string
	Env  []string
	Dir  string // "" is the root
	TTY  bool   // descriptor 0 becomes the controlling terminal

	// Root is an empty directory in which a new container's root is put together.
	Root string `json:",omitempty"`
	// Programs are what built-in images run.
	Programs []Program `json:",omitempty"`
	Mounts   []Mount   `json:",omitempty"`
}

// Program is a program of the kubelet's that a container finds under some names.
type Program struct {
	Path  string
	Names []string
}

// Mount puts a directory or file of the kubelet's at a place in a container.
type Mount struct {
	From, To string
	ReadOnly bool
}

// Signal is a signal for a process started before.
type Signal struct {
	Key    string
	Number int
}

// Message is what a sandbox sends: the answer to a request (ID set), or news.
type Message struct {
	ID   uint64 `json:",omitempty"`
	Err  string `json:",omitempty"`
	PID  int    `json:",omitempty"` // as the sandbox sees it
	Exit *Exit  `json:",omitempty"`
}

// Exit says how a process ended.
type Exit struct {
	Key    string
	Code   int // 128 + Signal if a signal ended it
	Signal int `json:",omitempty"`
}

// Conn is one end of the socket. Sending is safe for concurrent use, receiving
// is for one goroutine.
type Conn struct {
	c   *net.UnixConn
	buf []byte
}

// Socketpair returns one end of a new socket and the file of the other one.
func Socketpair() (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "sandbox")
	ours, err := NewConn(fds[0])
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return ours, theirs, nil
}

// NewConn takes over the descriptor of one end.
func NewConn(fd int) (*Conn, error) {
	f := os.NewFile(uintptr(fd), "sandbox")
	defer f.Close() //nolint:errcheck // FileConn has its own duplicate
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("sandbox socket: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("sandbox socket is not a unix socket"), c.Close())
	}
	return &Conn{c: u, buf: make([]byte, maxMessage)}, nil
}

// Close ends the connection; a Receive that waits returns an error.
func (c *Conn) Close() error { return c.c.Close() }

// Send writes one message with its descriptors.
func (c *Conn) Send(v any, files ...*os.File) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > maxMessage {
		return fmt.Errorf("%d bytes of arguments and environment are too many (at most %d)", len(b), maxMessage)
	}
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		oob = unix.UnixRights(fds...)
	}
	_, _, err = c.c.WriteMsgUnix(b, oob, nil)
	return err
}

// Receive reads one message into v and returns the descriptors that came with
// it, close-on-exec. The caller closes them.
func (c *Conn) Receive(v any) ([]*os.File, error) {
	oob := make([]byte, unix.CmsgSpace(4*maxFDs))
	n, oobn, _, _, err := c.c.ReadMsgUnix(c.buf, oob)
	if err != nil {
		return nil, err
	}
	if n == 0 && oobn == 0 {
		return nil, net.ErrClosed
	}
	files, err := rights(oob[:oobn])
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(c.buf[:n], v); err != nil {
		CloseAll(files)
		return nil, fmt.Errorf("sandbox socket: %w", err)
	}
	return files, nil
}

func rights(oob []byte) ([]*os.File, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var all []*os.File
	for i := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			CloseAll(all)
			return nil, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			all = append(all, os.NewFile(uintptr(fd), "received"))
		}
	}
	return all, nil
}

// CloseAll closes files that were only passed on.
func CloseAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
