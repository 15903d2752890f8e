// Package pod is how a kubelet and a pod's sandbox talk. The kubelet starts a
// sandbox (Open), which is a small process that is PID 1 of the pod's namespaces,
// and asks it over a socket to start processes: the main process of a container
// (in mount and pid namespaces of its own) or one more in a container that runs.
//
// The socket is one of package seqpacket. When its kubelet's end is closed the
// sandbox ends, and with it the kernel kills everything in the pod. Package podinit
// is the other end.
package pod

import (
	"errors"
	"fmt"
	"os"

	"underlay/engine/seqpacket"
)

// ProgramDir is where a container finds the programs of built-in images.
const ProgramDir = "/opt/underlay"

const (
	// SocketFD is where a sandbox finds its end of the socket.
	SocketFD = 3

	maxMessage = 192 << 10 // bytes
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

// Conn is the kubelet's end of the socket, or the sandbox's.
type Conn struct{ *seqpacket.Conn }

// Socketpair returns one end of a new socket and the file of the other one.
func Socketpair() (Conn, *os.File, error) {
	c, theirs, err := seqpacket.Pair(maxMessage)
	return Conn{c}, theirs, err
}

// NewConn takes over the descriptor of the sandbox's end.
func NewConn(fd int) (Conn, error) {
	c, err := seqpacket.New(fd, maxMessage)
	return Conn{c}, err
}

// Send writes one message with its descriptors, which remain the caller's.
func (c Conn) Send(v any, fds ...int) error {
	err := c.Conn.Send(v, fds...)
	var large *seqpacket.TooLarge
	if errors.As(err, &large) {
		return fmt.Errorf("%d bytes of arguments and environment are too many (at most %d)", large.Size, large.Max)
	}
	return err
}
