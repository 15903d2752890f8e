package probe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/sock"
)

// Limits of a capture.
const (
	captureBuffer = 8 << 20 // bytes of socket buffer asked for; the kernel may give less
	capturedMost  = 10000   // packets that are kept; later ones count as lost
	frameBytes    = 64 << 10
	payloadBytes  = 2 << 10 // of a packet's payload that are kept with it
	batch         = 256     // packets read before looking whether to stop
)

// Capturing is a capture that runs. Its methods may be called from any goroutine.
type Capturing struct {
	sock *socket
	done chan struct{} // closed when nothing more will come

	mu      sync.Mutex
	more    chan struct{} // closed and replaced with each packet
	packets []Packet
	waited  int // packets that Wait has returned
	lost    int
	err     error
}

// Capture starts to watch an interface of node, or all with dev "" or "any".
// Every matching packet that is sent or received after it has returned is
// captured, until Stop is called or ctx ends.
func Capture(ctx context.Context, node Node, dev string, match Filter) (*Capturing, error) {
	s, err := open(node.NS, unix.AF_PACKET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return nil, fmt.Errorf("capture in %s: %w", node.Name, err)
	}
	if err := s.control(func(fd int) error { return watch(fd, dev) }); err != nil {
		return nil, errors.Join(fmt.Errorf("capture in %s on %q: %w", node.Name, dev, err), s.close())
	}
	c := &Capturing{sock: s, done: make(chan struct{}), more: make(chan struct{})}
	stop := context.AfterFunc(ctx, c.halt)
	go func() {
		defer stop()
		c.run(match)
	}()
	return c, nil
}

// watch binds a packet socket to an interface.
func watch(fd int, dev string) error {
	index := 0
	if dev != "" && dev != "any" {
		ifr, err := unix.NewIfreq(dev)
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
			return err
		}
		index = int(ifr.Uint32())
	}
	sock.Room(fd, captureBuffer)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return err
	}
	return unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: sock.NetworkOrder(unix.ETH_P_ALL), Ifindex: index})
}

// halt makes the reader stop. What has reached the socket is still read.
func (c *Capturing) halt() {
	// The only error is that the socket is closed, and then the reader has stopped.
	_ = c.sock.file.SetReadDeadline(time.Unix(1, 0))
}

// run reads packets until halt, then those that are left.
func (c *Capturing) run(match Filter) {
	r := reader{match: match, keep: c.keep, names: map[int]string{}, buf: make([]byte, frameBytes), oob: make([]byte, 128)}
	var err error
	for err == nil && r.err == nil {
		err = c.sock.raw.Read(func(fd uintptr) bool { return r.drain(int(fd), batch) > 0 || r.err != nil })
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = c.sock.control(func(fd int) error {
			r.drain(fd, capturedMost)
			return nil
		})
	}
	err = errors.Join(err, r.err)
	var dropped int
	err = errors.Join(err, c.sock.control(func(fd int) error {
		stats, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err == nil {
			dropped = int(stats.Drops)
		}
		return err
	}), c.sock.close())
	c.mu.Lock()
	c.err = err
	c.lost += dropped
	c.mu.Unlock()
	close(c.done)
}

func (c *Capturing) keep(p Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.packets) == capturedMost {
		c.lost++
		return
	}
	c.packets = append(c.packets, p)
	close(c.more)
	c.more = make(chan struct{})
}

// Wait returns the next matching packet that it has not returned before. It is
// false when ctx ends or the capture has, without another one.
func (c *Capturing) Wait(ctx context.Context) (Packet, bool) {
	for {
		c.mu.Lock()
		if c.waited < len(c.packets) {
			p := c.packets[c.waited]
			c.waited++
			c.mu.Unlock()
			return p, true
		}
		more := c.more
		c.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return Packet{}, false
		case <-c.done:
			c.mu.Lock()
			left := c.waited < len(c.packets)
			c.mu.Unlock()
			if !left {
				return Packet{}, false
			}
		}
	}
}

// Stop ends the capture and returns all matching packets, in order. It may be
// called more than once.
func (c *Capturing) Stop() []Packet {
	c.halt()
	<-c.done
	return c.Packets()
}

// Packets returns the matching packets so far, in order.
func (c *Capturing) Packets() []Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Packet(nil), c.packets...)
}

// Lost is how many packets went by that could not be looked at or kept. Until
// the capture has stopped it does not count the kernel's part.
func (c *Capturing) Lost() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// Err is what ended the capture before Stop, or nil.
func (c *Capturing) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// reader takes packets from a packet socket.
type reader struct {
	match    Filter
	keep     func(Packet)
	names    map[int]string // interface index → name
	buf, oob []byte
	err      error
}

// drain reads what is there, up to most packets, and returns how many it read.
// It sets r.err when the socket is of no more use.
func (r *reader) drain(fd, most int) (read int) {
	for read < most {
		n, oobn, _, from, err := unix.Recvmsg(fd, r.buf, r.oob, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN:
			return read
		case err == unix.EINTR, err == unix.ENETDOWN: // an interface went down; it may come back
			continue
		case err != nil:
			r.err = fmt.Errorf("read packets: %w", err)
			return read
		}
		read++
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok {
			continue
		}
		p, ok := decode(sock.NetworkOrder(link.Protocol), r.buf[:min(n, len(r.buf))])
		if !ok || !r.match.Match(p) {
			continue
		}
		p.Len, p.Outgoing = n, link.Pkttype == unix.PACKET_OUTGOING
		p.Dev = r.name(fd, link.Ifindex)
		p.Time = sock.Stamp(r.oob[:oobn])
		p.own()
		r.keep(p)
	}
	return read
}

// own gives the packet a copy of its payload's beginning, away from the
// reader's buffer.
func (p *Packet) own() {
	p.payload = append([]byte(nil), p.payload[:min(len(p.payload), payloadBytes)]...)
	if p.Inner != nil {
		p.Inner.own()
	}
}

// name looks up an interface's name in the socket's namespace.
func (r *reader) name(fd, index int) string {
	if name, ok := r.names[index]; ok {
		return name
	}
	name := fmt.Sprintf("interface %d", index) // it may be gone by now
	if ifr, err := unix.NewIfreq("lo"); err == nil {
		ifr.SetUint32(uint32(index))
		if unix.IoctlIfreq(fd, unix.SIOCGIFNAME, ifr) == nil {
			name = ifr.Name()
		}
	}
	r.names[index] = name
	return name
}
