package observe

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// neighMsg is a neighbour message: an ARP or NDP entry, or with family
// AF_BRIDGE a forwarding entry.
type neighMsg struct {
	family byte
	index  int
	state  uint16
	flags  byte
	dst    netip.Addr
	mac    string
	master int
	idle   time.Duration // of a forwarding entry: how long its machine was not heard
}

func parseNeigh(b []byte) neighMsg {
	m := neighMsg{
		family: b[0],
		index:  int(binary.NativeEndian.Uint32(b[4:])),
		state:  binary.NativeEndian.Uint16(b[8:]),
		flags:  b[10],
	}
	for typ, v := range nl.Each(b[unix.SizeofNdMsg:]) {
		switch typ {
		case unix.NDA_DST:
			m.dst = addrOf(v)
		case unix.NDA_LLADDR:
			m.mac = macOf(v)
		case unix.NDA_MASTER:
			m.master = int(nl.Host32(v))
		case unix.NDA_CACHEINFO: // struct nda_cacheinfo: confirmed, used, updated, …
			if len(v) >= 12 {
				m.idle = ticks(nl.Host32(v[8:]))
			}
		}
	}
	return m
}

func (n *node) neighbours(family byte) ([]neighMsg, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	req := make([]byte, unix.SizeofNdMsg)
	if family == unix.AF_BRIDGE {
		// The bridge code takes an older, longer header from a dump request
		// that does not ask for strict checking.
		req = make([]byte, unix.SizeofIfInfomsg)
	}
	req[0] = family
	return nl.Dump(c, unix.RTM_GETNEIGH, req, func(out []neighMsg, typ uint16, b []byte) []neighMsg {
		if typ != unix.RTM_NEWNEIGH || len(b) < unix.SizeofNdMsg {
			return out
		}
		return append(out, parseNeigh(b))
	})
}

// readNeighs lists the ARP and NDP entries.
func (n *node) readNeighs(names map[int]string) ([]Neigh, error) {
	msgs, err := n.neighbours(unix.AF_UNSPEC)
	var out []Neigh
	for _, m := range msgs {
		if m.family != unix.AF_INET && m.family != unix.AF_INET6 {
			continue
		}
		out = append(out, Neigh{Dev: names[m.index], Addr: m.dst, MAC: m.mac, State: neighState(m.state)})
	}
	return out, err
}

func neighState(s uint16) string {
	switch s {
	case unix.NUD_NONE:
		return "none"
	case unix.NUD_INCOMPLETE:
		return "incomplete"
	case unix.NUD_REACHABLE:
		return "reachable"
	case unix.NUD_STALE:
		return "stale"
	case unix.NUD_DELAY:
		return "delay"
	case unix.NUD_PROBE:
		return "probe"
	case unix.NUD_FAILED:
		return "failed"
	case unix.NUD_NOARP:
		return "noarp"
	case unix.NUD_PERMANENT:
		return "permanent"
	}
	return strconv.Itoa(int(s))
}

// readFDB lists the forwarding entries of bridges and VXLAN devices. Entries
// that differ only in their VLAN are given once.
func (n *node) readFDB(names map[int]string) ([]FDBEntry, error) {
	msgs, err := n.neighbours(unix.AF_BRIDGE)
	var out []FDBEntry
	seen := make(map[FDBEntry]bool, len(msgs))
	for _, m := range msgs {
		e := FDBEntry{Dev: names[m.index], Bridge: names[m.master], MAC: m.mac, Dst: m.dst, State: nl.EntryState(m.state)}
		if m.flags&unix.NTF_SELF != 0 {
			e.Bridge = "" // the device's own entry, not its bridge's
		}
		if !seen[e] {
			seen[e] = true
			out = append(out, e)
		}
	}
	return slices.Clip(out), err
}
