package probe

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
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

// deafHop returns the next hop from n to addr if the kernel is asking, or has
// asked, for its MAC address in vain; nil if not.
func deafHop(n Node, addr netip.Addr) (*deaf, error) {
	c, err := nl.Dial(n.NS, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("neighbours of %s: %w", n.Name, err)
	}
	defer c.Close() //nolint:errcheck // all that was to be asked has been
	route, err := nl.AskRoute(c, nl.RouteQuery{To: addr})
	if err != nil {
		return nil, nil // no route: no next hop
	}
	at := addr
	if route.Gateway.IsValid() {
		at = route.Gateway.Unmap()
	}
	silent, err := askedInVain(c, at, route.OIF)
	if err != nil {
		return nil, fmt.Errorf("neighbours of %s: %w", n.Name, err)
	}
	if !silent {
		return nil, nil
	}
	d := &deaf{hop: at, dev: fmt.Sprintf("interface %d", route.OIF)}
	if name, err := nl.LinkName(c, route.OIF); err == nil && name != "" {
		d.dev = name
	}
	return d, nil
}

// askedInVain reports whether the kernel asks for a neighbour's MAC address on a
// device, or has given up.
func askedInVain(c *nl.Conn, at netip.Addr, index int) (bool, error) {
	req := make([]byte, unix.SizeofNdMsg)
	req[0] = unix.AF_INET
	if at.Is6() {
		req[0] = unix.AF_INET6
	}
	found, err := nl.Dump(c, unix.RTM_GETNEIGH, req, func(out []struct{}, typ uint16, b []byte) []struct{} {
		const dead = unix.NUD_INCOMPLETE | unix.NUD_FAILED
		if typ != unix.RTM_NEWNEIGH || len(b) < unix.SizeofNdMsg || int(nl.Host32(b[4:])) != index || binary.NativeEndian.Uint16(b[8:])&dead == 0 {
			return out
		}
		if ip, _ := netip.AddrFromSlice(nl.ParseAfter(b, unix.SizeofNdMsg).Get(unix.NDA_DST)); ip.Unmap() == at {
			out = append(out, struct{}{})
		}
		return out
	})
	return len(found) > 0, err
}
