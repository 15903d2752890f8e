// Package seqpacket carries messages between two processes: one that keeps a
// namespace and one that is PID 1 in it. The socket is of type SEQPACKET: one
// value in JSON a packet, descriptors beside it.
package seqpacket

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// MaxFDs is how many descriptors a packet may have; the kernel allows 253.
const MaxFDs = 64

// TooLarge says that a message was not sent.
type TooLarge struct {
	Size, Max int // bytes
}

func (e *TooLarge) Error() string {
	return fmt.Sprintf("message of %d bytes is too large", e.Size)
}

// Conn is one end of the socket. Sending is safe for concurrent use, receiving
// is for one goroutine.
type Conn struct {
	c   *net.UnixConn
	buf []byte // of the goroutine that receives; as long as the largest message
}

// Pair returns one end of a new socket, whose messages have at most max bytes,
// and the file of the other one.
func Pair(max int) (*Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "socket")
	ours, err := New(fds[0], max)
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return ours, theirs, nil
}

// New takes over the descriptor of one end.
func New(fd, max int) (*Conn, error) {
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close() //nolint:errcheck // FileConn has its own duplicate
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("it is not a unix socket"), c.Close())
	}
	return &Conn{c: u, buf: make([]byte, max)}, nil
}

// Close ends the connection; a Receive that waits returns an error.
func (c *Conn) Close() error { return c.c.Close() }

// Send writes one message with its descriptors, which remain the caller's. One that
// has too many bytes is a TooLarge.
func (c *Conn) Send(v any, fds ...int) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > len(c.buf) {
		return &TooLarge{Size: len(b), Max: len(c.buf)}
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	_, _, err = c.c.WriteMsgUnix(b, oob, nil)
	return err
}

// Receive reads one message into v and returns the descriptors that came with
// it, close-on-exec. The caller closes them. Once the other end is closed, the
// error is io.EOF.
func (c *Conn) Receive(v any) ([]int, error) {
	oob := make([]byte, unix.CmsgSpace(4*MaxFDs))
	n, oobn, _, _, err := c.c.ReadMsgUnix(c.buf, oob)
	if err != nil {
		return nil, err
	}
	fds, err := rights(oob[:oobn])
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(c.buf[:n], v); err != nil {
		CloseAll(fds)
		return nil, fmt.Errorf("message: %w", err)
	}
	return fds, nil
}

func rights(oob []byte) ([]int, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var all []int
	for i := range msgs {
		fds, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			CloseAll(all)
			return nil, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
		}
		all = append(all, fds...)
	}
	return all, nil
}

// CloseAll closes descriptors that were only passed on.
func CloseAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
