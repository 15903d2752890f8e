package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// The app and a world's init talk over a socketpair of type SEQPACKET: one JSON
// message a packet, descriptors beside it. The app asks, init replies with the
// same ID; events carry ID 0. The socket's end is the world's end.

const (
	maxMessage = 128 << 10
	maxFDs     = 64 // descriptors a packet; the kernel allows 253
)

// request is what the app asks of a world's init.
type request struct {
	ID     uint64
	Nodes  []NodeSpec  `json:",omitempty"` // make these nodes
	Start  *startSpec  `json:",omitempty"` // start a process
	Signal *signalSpec `json:",omitempty"`
	// Refresh asks for the nodes whose /run/netns entry has become another
	// namespace since: their names, and a descriptor of each.
	Refresh bool `json:",omitempty"`
	// Adopt makes nodes of network namespaces that somebody else has bound to
	// /run/netns: a descriptor of each that is there.
	Adopt []string `json:",omitempty"`
	// Ended asks which of these children of init have ended.
	Ended []int `json:",omitempty"`
}

// NodeSpec is a node to make.
type NodeSpec struct {
	Name  string
	Hosts map[string]string // name → address
	DNS   []string          // nameservers
}

// startSpec is a process to start in a node.
type startSpec struct {
	Node  string
	Argv  []string
	Env   []string
	How   startHow
	Stdin string `json:",omitempty"`
	Cols  int
	Rows  int
}

// startHow says what becomes of a process's descriptors and what the reply
// waits for.
type startHow string

const (
	onTerminal startHow = "terminal" // a pty, whose master comes with the reply
	toReady    startHow = "ready"    // replies when descriptor 3 is closed or written
	toEnd      startHow = "end"      // replies when it has ended, with its output
	toTell     startHow = "tell"     // replies at once, with the end of a pipe that it writes to as descriptor 3
)

type signalSpec struct {
	PID    int
	Signal int
}

// message is what init sends: a reply (ID set) or an event.
type message struct {
	ID     uint64
	Err    string   `json:",omitempty"`
	PID    int      `json:",omitempty"`
	Code   int      `json:",omitempty"`
	Output string   `json:",omitempty"`
	Names  []string `json:",omitempty"`
	Health []string `json:",omitempty"` // event: how the world is; empty is well
	Ended  []int    `json:",omitempty"` // those asked for that have ended
	Event  bool     `json:",omitempty"`
}

// conn is one end of the socket.
type conn struct {
	c   *net.UnixConn
	buf []byte // of the one goroutine that receives
}

// socketpair returns a connected end and the file for the other one.
func socketpair() (*conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "world")
	ours, err := newConn(fds[0])
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return ours, theirs, nil
}

func newConn(fd int) (*conn, error) {
	f := os.NewFile(uintptr(fd), "world")
	defer f.Close() //nolint:errcheck // FileConn has its own duplicate
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("world socket: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("world socket is not a unix socket"), c.Close())
	}
	return &conn{c: u, buf: make([]byte, maxMessage)}, nil
}

func (c *conn) Close() error { return c.c.Close() }

// send writes one message with its descriptors.
func (c *conn) send(v any, fds ...int) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > maxMessage {
		return fmt.Errorf("message of %d bytes is too large", len(b))
	}
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	_, _, err = c.c.WriteMsgUnix(b, oob, nil)
	return err
}

// receive reads one message into v and returns the descriptors that came with
// it, close-on-exec. One goroutine at a time may call it.
func (c *conn) receive(v any) ([]int, error) {
	buf := c.buf
	oob := make([]byte, unix.CmsgSpace(4*maxFDs))
	n, oobn, _, _, err := c.c.ReadMsgUnix(buf, oob)
	if err != nil {
		return nil, err
	}
	if n == 0 && oobn == 0 {
		return nil, net.ErrClosed
	}
	fds, err := rights(oob[:oobn])
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(buf[:n], v); err != nil {
		closeAll(fds)
		return nil, fmt.Errorf("world socket: %w", err)
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
			closeAll(all)
			return nil, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
		}
		all = append(all, fds...)
	}
	return all, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
