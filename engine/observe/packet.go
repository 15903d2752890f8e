package observe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// PacketSockets returns the inodes of the packet sockets that are open in each node,
// by which captures listen. A node without any is left out. It takes a few
// microseconds a node.
func (r *Reader) PacketSockets() (map[string][]uint64, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, errors.New("the reader is closed")
	}
	out := map[string][]uint64{}
	for _, n := range r.nodes {
		inodes, err := n.packetSockets()
		if err != nil {
			return nil, fmt.Errorf("packet sockets of %s: %w", n.Name, err)
		}
		if len(inodes) > 0 {
			out[n.Name] = inodes
		}
	}
	return out, nil
}

// packetSockets reads the kernel's list.
func (n *node) packetSockets() ([]uint64, error) {
	text, err := n.netFile(&n.packets, "packet")
	return packetInodes(text), err
}

// netFile reads a file of /proc/net, which shows the namespace in which it was opened.
func (n *node) netFile(f **os.File, name string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return "", os.ErrClosed
	}
	if *f == nil {
		err := netns.Do(n.NS, func() (err error) {
			*f, err = os.Open("/proc/thread-self/net/" + name)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	if _, err := (*f).Seek(0, 0); err != nil {
		return "", err
	}
	var text bytes.Buffer
	_, err := text.ReadFrom(*f)
	return text.String(), err
}

// packetInodes are the last words of the lines but for the first, which is a heading.
func packetInodes(list string) (inodes []uint64) {
	_, lines, _ := strings.Cut(list, "\n")
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if n, err := strconv.ParseUint(words[len(words)-1], 10, 64); err == nil && n != 0 {
			inodes = append(inodes, n)
		}
	}
	return inodes
}

// OwnSockets returns the inodes of this process's sockets.
func OwnSockets() (map[uint64]bool, error) {
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	own := map[uint64]bool{}
	for _, e := range entries {
		to, err := os.Readlink(dir + "/" + e.Name())
		if errors.Is(err, unix.ENOENT) {
			continue // closed meanwhile
		}
		if err != nil {
			return nil, err
		}
		var inode uint64
		if _, err := fmt.Sscanf(to, "socket:[%d]", &inode); err == nil {
			own[inode] = true
		}
	}
	return own, nil
}
