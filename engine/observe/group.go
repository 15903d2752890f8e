package observe

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strings"

	"underlay/engine/internal/netns"
)

// readGroups lists the multicast groups that devices have joined. A kernel without
// IPv6 has no file of its groups.
func (n *node) readGroups() (out []Group, err error) {
	err = netns.Do(n.NS, func() error {
		v4, err := os.ReadFile("/proc/thread-self/net/igmp")
		if err != nil {
			return err
		}
		out = append(parseIGMP(string(v4)), out...)
		if v6, err := os.ReadFile("/proc/thread-self/net/igmp6"); err == nil {
			out = append(out, parseIGMP6(string(v6))...)
		}
		return nil
	})
	return out, err
}

// parseIGMP reads lines of devices ("2\teth0 : 1 V3") and, indented below each, of
// its groups, whose addresses are hexadecimal numbers in the machine's byte order.
func parseIGMP(text string) (out []Group) {
	dev := ""
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case !strings.HasPrefix(line, "\t"):
			dev = fields[1]
		default:
			if b, err := hex.DecodeString(fields[0]); err == nil && len(b) == 4 {
				slices.Reverse(b)
				out = append(out, Group{Dev: dev, Addr: netip.AddrFrom4([4]byte(b))})
			}
		}
	}
	return out
}

// parseIGMP6 reads lines of index, device and group.
func parseIGMP6(text string) (out []Group) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		if b, err := hex.DecodeString(fields[2]); err == nil && len(b) == 16 {
			out = append(out, Group{Dev: fields[1], Addr: netip.AddrFrom16([16]byte(b))})
		}
	}
	return out
}
