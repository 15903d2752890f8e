package observe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/internal/nl"
)

// beganRoom is what the announcements of some thousand flows take, in bytes.
const beganRoom = 8 << 20

// Began calls during and returns the flows that the node's connection tracking has begun
// meanwhile, whoever sent them. A flow is announced when its first packet has passed all
// hooks, with what they made of it; so also one that is over by now, which no listing
// has. The error of during is joined to its own.
func Began(n Node, during func() error) (flows []Flow, err error) {
	fd := -1
	err = netns.Do(n.NS, func() (err error) {
		fd, err = nl.Subscribe(unix.NETLINK_NETFILTER, beganRoom, unix.NFNLGRP_CONNTRACK_NEW)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hear of flows in %s: %w", n.Name, err)
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	duringErr := during()
	buf := make([]byte, nl.ReceiveBuffer)
	for {
		size, _, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return flows, duringErr
		case err != nil:
			return nil, errors.Join(duringErr, fmt.Errorf("hear of flows in %s: %w", n.Name, err))
		}
		for m := range nl.Messages(buf[:size]) {
			if m.Type == unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlNew && len(m.Body) >= nl.NetfilterLen {
				flows = append(flows, parseFlow(m.Body[nl.NetfilterLen:]))
			}
		}
	}
}
