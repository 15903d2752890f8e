package autopsy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/internal/nl"
	"underlay/engine/internal/sock"
	"underlay/engine/observe"
)

// tapBuffer is how many bytes a socket may hold that nobody has read yet. The
// kernel may give less.
const tapBuffer = 4 << 20

// seenMost is how many packets, and how many events, are kept of one node.
// A learner's own traffic may be a flood; of that the rest is let go.
const seenMost = 50000

// post is what watches one node: a packet socket that sees all its devices, the
// socket that our rules belong to, and the one on which the kernel tells what
// packets met.
type post struct {
	node   observe.Node
	table  string        // name of the tables that the fences are in
	fenced map[byte]bool // families in which there are fences
	rules  *nl.Conn      // the socket that our tables belong to, nil if none
	gone   func()        // of the first post: to be called when all have gone; may be nil

	mu     sync.Mutex
	frames []frame
	events []event
	full   bool // no more is kept
	lost   bool // something was not
	taps   []*tap
	blind  []string
}

// tap is a socket that is read until it is halted.
type tap struct {
	file *os.File
	raw  syscall.RawConn
	done chan struct{}
	err  error
}

// watch puts posts in all nodes, side by side: what takes time is the kernel's
// own, and most of it is waiting. Where ctx ends first it leaves that to itself.
func watch(ctx context.Context, instance Instance, protos []byte, put fencer) ([]*post, error) {
	nodes := instance.Nodes
	// A name of its own: others may follow packets in the same nodes just now.
	table := observe.AutopsyTable + "-" + strings.ToLower(rand.Text()[:8])
	posts := make([]*post, len(nodes))
	for i, n := range nodes {
		posts[i] = &post{node: n, table: table, fenced: map[byte]bool{}}
	}
	if instance.Watching != nil {
		posts[0].gone = instance.Watching()
	}
	if err := each(posts, func(p *post) error { return p.open(protos) }); err != nil {
		return nil, errors.Join(err, closeAll(posts))
	}
	fenced := make(chan struct{})
	go func() {
		defer close(fenced)
		_ = each(posts, func(p *post) error { p.fence(protos, put); return nil })
	}()
	select {
	case <-fenced:
		return posts, nil
	case <-ctx.Done():
		go func() {
			<-fenced
			_ = closeAll(posts) // with the sockets the kernel takes all away by itself
		}()
		return nil, ctx.Err()
	}
}

// each does something at all posts side by side.
func each(posts []*post, do func(*post) error) error {
	errs := make([]error, len(posts))
	var wg sync.WaitGroup
	for i, p := range posts {
		wg.Go(func() { errs[i] = do(p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// open opens a post's sockets. It fails only where packets cannot be seen; what
// else is missing is noted. Nothing after it needs the node's descriptor.
func (p *post) open(protos []byte) error {
	packets, trace := -1, -1
	err := netns.Do(p.node.NS, func() (err error) {
		if packets, err = packetSocket(protos); err != nil {
			return err
		}
		if trace, err = nl.Subscribe(unix.NETLINK_NETFILTER, tapBuffer, unix.NFNLGRP_NFTRACE); err != nil {
			p.cannotTrace(err)
			return nil
		}
		if p.rules, err = nl.Open(unix.NETLINK_NETFILTER); err != nil {
			p.cannotTrace(err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("watch %s: %w", p.node.Name, err)
	}
	if err := p.listen(packets, p.drainPackets); err != nil || trace < 0 {
		return err
	}
	return p.listen(trace, p.drainTrace)
}

// fence puts the fences up.
func (p *post) fence(protos []byte, put fencer) {
	if p.rules == nil {
		return
	}
	families, err := put(p.rules, p.table, protos)
	for _, f := range families {
		p.fenced[f] = true
	}
	if !p.fenced[unix.NFPROTO_INET] {
		p.cannotTrace(err)
	}
}

func (p *post) cannotTrace(err error) {
	p.blind = append(p.blind, render("blind.rules", args{Node: p.node.Name, Detail: err.Error()}))
}

// packetSocket opens a socket in the current namespace that gets what comes and
// goes on every device. The filter is set before it is bound, so that nothing
// else is queued.
func packetSocket(protos []byte) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	sock.Room(fd, tapBuffer)
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1),
		attach(fd, protos),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: sock.NetworkOrder(unix.ETH_P_ALL)}))
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// attach has the kernel drop what cannot belong to the flow: all but ARP and
// these protocols of IPv4 and IPv6. Which packets do belong to it can be told
// only when all have been seen, because addresses and ports are rewritten.
func attach(fd int, protos []byte) error {
	const network = 0xfff00000 // SKF_NET_OFF: offsets from the network header
	match := func(at uint32) []bpf.Instruction {
		prog := []bpf.Instruction{bpf.LoadAbsolute{Off: network + at, Size: 1}}
		for i, proto := range protos {
			prog = append(prog, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(proto), SkipTrue: uint8(len(protos) - i)})
		}
		return append(prog, bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: frameBytes})
	}
	v4, v6 := match(9), match(6)
	prog := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtProto},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_ARP, SkipTrue: 1},
		bpf.RetConstant{Val: frameBytes},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.ETH_P_IP, SkipTrue: uint8(len(v4))},
	}
	prog = append(prog, v4...)
	prog = append(prog, bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETH_P_IPV6, SkipTrue: 1}, bpf.RetConstant{Val: 0})
	raw, err := bpf.Assemble(append(prog, v6...))
	if err != nil {
		return fmt.Errorf("assemble filter: %w", err)
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, ins := range raw {
		filter[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]})
}

// listen reads a socket until halt, and then what is left in it.
func (p *post) listen(fd int, drain func(fd int) error) error {
	t := &tap{file: os.NewFile(uintptr(fd), "tap"), done: make(chan struct{})}
	var err error
	if t.raw, err = t.file.SyscallConn(); err != nil {
		return errors.Join(err, t.file.Close())
	}
	p.taps = append(p.taps, t)
	go func() {
		defer close(t.done)
		var inner error
		err := t.raw.Read(func(fd uintptr) bool {
			inner = drain(int(fd))
			return inner != nil
		})
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = t.raw.Control(func(fd uintptr) { inner = drain(int(fd)) })
		}
		t.err = errors.Join(err, inner)
	}()
	return nil
}

// halt ends the reading. A packet that made another one come is queued before
// it, so whatever led to the end of an attempt has been read then.
func halt(posts []*post) error {
	var errs []error
	for _, p := range posts {
		for _, t := range p.taps {
			errs = append(errs, t.file.SetReadDeadline(time.Unix(1, 0)))
		}
	}
	for _, p := range posts {
		for _, t := range p.taps {
			<-t.done
			if t.err != nil {
				errs = append(errs, fmt.Errorf("watch %s: %w", p.node.Name, t.err))
			}
		}
	}
	return errors.Join(errs...)
}

// leave closes all posts. Where ctx ends first, or has ended, it leaves that to
// itself and returns why it ended.
func leave(ctx context.Context, posts []*post) error {
	closed := make(chan error, 1)
	go func() { closed <- closeAll(posts) }()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// closeAll takes everything away again.
func closeAll(posts []*post) error {
	defer func() {
		if gone := posts[0].gone; gone != nil {
			gone()
		}
	}()
	return each(posts, func(p *post) (err error) {
		for _, t := range p.taps {
			_ = t.file.SetReadDeadline(time.Unix(1, 0)) // the reader may have ended
			<-t.done
			err = errors.Join(err, t.file.Close())
		}
		if p.rules != nil {
			err = errors.Join(err, unfence(p.rules, p.table, p.fenced), p.rules.Close())
		}
		return err
	})
}
