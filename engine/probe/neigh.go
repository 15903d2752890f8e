package probe

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// deaf is a next hop that does not answer ARP (or neighbour solicitation).
type deaf struct {
	hop netip.Addr
	dev string
}

func (d *deaf) String() string {
	return fmt.Sprintf("%s was not answered on %s", asking(d.hop), d.dev)
}

// asking names the question by which a neighbour's MAC address is found.
func asking(addr netip.Addr) string {
	if addr.Is6() {
		return fmt.Sprintf("neighbour solicitation for %s", addr)
	}
	return fmt.Sprintf("ARP for %s", addr)
}

// dumpTries is how often a dump is read anew that changed while it was read.
const dumpTries = 5

// deafHop returns the next hop from n to addr if the kernel is asking, or has
// asked, for its MAC address in vain; nil if not.
func deafHop(n Node, addr netip.Addr) (hop *deaf, err error) {
	var h *netlink.Handle
	if err := Within(n.NS, func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	}); err != nil {
		return nil, fmt.Errorf("neighbours of %s: %w", n.Name, err)
	}
	defer h.Close()
	routes, err := h.RouteGet(addr.AsSlice())
	if err != nil || len(routes) == 0 {
		return nil, nil // no route: no next hop
	}
	at := addr
	if gw, ok := netip.AddrFromSlice(routes[0].Gw); ok {
		at = gw.Unmap()
	}
	index := routes[0].LinkIndex
	for range dumpTries {
		hop, err = findDeaf(h, at, index)
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("neighbours of %s: %w", n.Name, err)
	}
	return hop, nil
}

func findDeaf(h *netlink.Handle, at netip.Addr, index int) (*deaf, error) {
	family := netlink.FAMILY_V4
	if at.Is6() {
		family = netlink.FAMILY_V6
	}
	neighs, err := h.NeighList(index, family)
	if err != nil {
		return nil, err
	}
	for _, n := range neighs {
		ip, _ := netip.AddrFromSlice(n.IP)
		if ip.Unmap() != at || n.State&(netlink.NUD_INCOMPLETE|netlink.NUD_FAILED) == 0 {
			continue
		}
		d := &deaf{hop: at, dev: fmt.Sprintf("interface %d", index)}
		if link, err := h.LinkByIndex(index); err == nil {
			d.dev = link.Attrs().Name
		}
		return d, nil
	}
	return nil, nil
}
