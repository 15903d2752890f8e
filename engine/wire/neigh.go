package wire

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// ForgetUnresolved deletes the neighbour entries of a namespace that wait for an
// answer or have given up. Failed probes leave them behind, and the kernel asks
// again only a second later: without this a repaired link would seem broken for
// so long. Entries that work are not touched.
func ForgetUnresolved(ns int) error {
	h, err := netlink.NewHandleAt(netns.NsHandle(ns), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer h.Close()
	const dead = netlink.NUD_INCOMPLETE | netlink.NUD_FAILED
	entries, err := h.NeighList(0, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("list neighbours: %w", err)
	}
	var errs []error
	for i := range entries {
		if entries[i].State&dead == 0 {
			continue
		}
		if err := h.NeighDel(&entries[i]); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("forget %s: %w", entries[i].IP, err))
		}
	}
	return errors.Join(errs...)
}
