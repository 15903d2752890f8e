package observe

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/internal/nl"
)

// beganRoom is what the announcements of some thousand flows take, in bytes. An ordinary
// user has room for some hundred, so they are read as they come.
const beganRoom = 8 << 20

// Began calls during and returns the flows that the node's connection tracking has begun
// meanwhile, whoever sent them. A flow is announced when its first packet has passed all
// hooks, with what they made of it; so also one that is over by now, which no listing
// has. The error of during is joined to its own.
func Began(n Node, during func() error) ([]Flow, error) {
	fd := -1
	err := netns.Do(n.NS, func() (err error) {
		fd, err = nl.Subscribe(unix.NETLINK_NETFILTER, beganRoom, unix.NFNLGRP_CONNTRACK_NEW)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hear of flows in %s: %w", n.Name, err)
	}
	f := os.NewFile(uintptr(fd), "netlink")
	type heard struct {
		flows []Flow
		err   error
	}
	all := make(chan heard, 1)
	go func() {
		flows, err := flowsUntil(f)
		all <- heard{flows, err}
	}()
	duringErr := during()
	// What the kernel has announced by now is in the socket, and reading goes on to its end.
	err = f.SetReadDeadline(time.Unix(1, 0))
	h := <-all
	if h.err == nil {
		h.flows, h.err = appendFlows(h.flows, f)
	}
	if err = errors.Join(err, h.err, f.Close()); err != nil {
		err = fmt.Errorf("hear of flows in %s: %w", n.Name, err)
	}
	return h.flows, errors.Join(duringErr, err)
}

// flowsUntil reads announcements until the deadline of f has come.
func flowsUntil(f *os.File) (flows []Flow, err error) {
	buf := make([]byte, nl.ReceiveBuffer)
	for {
		size, err := f.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return flows, nil
		case err != nil:
			return nil, err
		}
		flows = parseNew(flows, buf[:size])
	}
}

// appendFlows reads the announcements that are in the socket.
func appendFlows(flows []Flow, f *os.File) ([]Flow, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	buf := make([]byte, nl.ReceiveBuffer)
	var readErr error
	err = raw.Control(func(fd uintptr) {
		for {
			size, _, err := unix.Recvfrom(int(fd), buf, 0)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case errors.Is(err, unix.EAGAIN):
				return
			case err != nil:
				readErr = err
				return
			}
			flows = parseNew(flows, buf[:size])
		}
	})
	return flows, errors.Join(err, readErr)
}

// parseNew appends the flows of announcements.
func parseNew(flows []Flow, b []byte) []Flow {
	for m := range nl.Messages(b) {
		if m.Type == unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlNew && len(m.Body) >= nl.NetfilterLen {
			flows = append(flows, parseFlow(m.Body[nl.NetfilterLen:]))
		}
	}
	return flows
}
