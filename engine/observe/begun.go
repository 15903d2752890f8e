package observe

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Begun counts what programs in a node have begun to send since it was made, in both
// families: neither what it forwards nor the answers of its kernel.
type Begun struct {
	Connections uint64 // TCP
	Datagrams   uint64 // UDP, answers of programs included
	Unwanted    uint64 // UDP datagrams for ports of the node that nobody listens on
	Echoes      uint64 // ICMP echo requests
}

// Begun reads the counters of each node. It takes some ten microseconds a node.
func (r *Reader) Begun() (map[string]Begun, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, errors.New("the reader is closed")
	}
	out := map[string]Begun{}
	for _, n := range r.nodes {
		b, err := n.begun()
		if err != nil {
			return nil, fmt.Errorf("counters of %s: %w", n.Name, err)
		}
		out[n.Name] = b
	}
	return out, nil
}

func (n *node) begun() (b Begun, err error) {
	text, err := n.netFile(&n.snmp, "snmp")
	if err != nil {
		return b, err
	}
	six, err := n.netFile(&n.snmp6, "snmp6")
	if err != nil && !errors.Is(err, os.ErrNotExist) { // a kernel may have no IPv6
		return b, err
	}
	b.Connections = counter(text, "Tcp:", "ActiveOpens")
	b.Datagrams = counter(text, "Udp:", "OutDatagrams") + counter6(six, "Udp6OutDatagrams")
	b.Unwanted = counter(text, "Udp:", "NoPorts") + counter6(six, "Udp6NoPorts")
	b.Echoes = counter(text, "Icmp:", "OutEchos") + counter6(six, "Icmp6OutEchos")
	return b, nil
}

// counter reads a counter of a protocol from snmp's pairs of lines: names, then values.
func counter(text, proto, name string) uint64 {
	var names []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != proto {
			continue
		}
		if names == nil {
			names = words
			continue
		}
		for i := range min(len(names), len(words)) {
			if names[i] == name {
				n, _ := strconv.ParseUint(words[i], 10, 64) // the kernel's own number
				return n
			}
		}
	}
	return 0
}

// counter6 reads one from snmp6's lines.
func counter6(text, name string) uint64 {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == name {
			n, _ := strconv.ParseUint(words[1], 10, 64) // as above
			return n
		}
	}
	return 0
}
