package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// ForgetUnresolved deletes the neighbour entries of a namespace that wait for an
// answer or have given up. Failed probes leave them behind, and the kernel asks
// again only a second later: without this a repaired link would seem broken for
// so long. Entries that work are not touched.
func ForgetUnresolved(ns int) (err error) {
	c, err := nl.Dial(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	req := make([]byte, unix.SizeofNdMsg)
	req[0] = unix.AF_INET
	entries, err := nl.Dump(c, unix.RTM_GETNEIGH, req, func(out [][]byte, typ uint16, b []byte) [][]byte {
		const dead = unix.NUD_INCOMPLETE | unix.NUD_FAILED
		if typ != unix.RTM_NEWNEIGH || len(b) < unix.SizeofNdMsg || binary.NativeEndian.Uint16(b[8:])&dead == 0 {
			return out
		}
		return append(out, bytes.Clone(b))
	})
	if err != nil && !errors.Is(err, nl.ErrChanging) {
		return fmt.Errorf("list neighbours: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		said, err := c.Do(nl.Message{Type: unix.RTM_DELNEIGH, Body: entry})
		if err = errors.Join(said, err); err != nil && !errors.Is(said, unix.ENOENT) {
			addr, _ := netip.AddrFromSlice(nl.ParseAfter(entry, unix.SizeofNdMsg).Get(unix.NDA_DST))
			errs = append(errs, fmt.Errorf("forget %s: %w", addr, err))
		}
	}
	return errors.Join(errs...)
}
