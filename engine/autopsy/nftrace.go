package autopsy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/observe"
)

// event is one thing that the kernel tells of a packet's way through rules.
type event struct {
	node     string
	when     time.Time // when it was read, a little after it happened
	family   byte      // of the table
	table    string
	chain    string
	handle   uint64 // of the rule; 0 for a policy
	kind     uint32 // NFT_TRACETYPE_*
	verdict  int32  // NF_*, or negative for jumps and the like
	id       uint32 // of the packet, in this node
	iif, oif int
	mark     uint32
	packet   *packet // nil but for the first event of each base chain
}

const (
	verdictDrop   = 0
	verdictAccept = 1
	verdictQueue  = 3
	verdictMask   = 0xff
)

// ours reports whether the event comes from a fence.
func (e *event) ours() bool { return strings.HasPrefix(e.table, observe.AutopsyTable) }

// fence returns the hook and which of its two chains it is.
func (e *event) fence() (hook, end string) {
	hook, end, _ = strings.Cut(e.chain, "-")
	return hook, end
}

// drops reports whether the packet ends here.
func (e *event) drops() bool { return e.verdict == verdictDrop && e.kind != unix.NFT_TRACETYPE_RETURN }

// drainTrace reads what a trace socket holds.
func (p *post) drainTrace(fd int) error {
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			p.mu.Lock()
			p.lost = true
			p.mu.Unlock()
			continue
		case err != nil:
			return err
		}
		now := time.Now()
		for rest := buf[:n]; len(rest) >= unix.SizeofNlMsghdr+4; {
			size := int(binary.NativeEndian.Uint32(rest))
			if size < unix.SizeofNlMsghdr+4 || size > len(rest) {
				break
			}
			if binary.NativeEndian.Uint16(rest[4:]) == unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_TRACE {
				e := readEvent(rest[unix.SizeofNlMsghdr:size])
				e.node, e.when = p.node.Name, now
				if !e.ours() || e.table == p.table { // not another's fences
					p.keep(func() int { p.events = append(p.events, e); return len(p.events) })
				}
			}
			rest = rest[min((size+3)&^3, len(rest)):]
		}
	}
}

// readEvent reads a message from its struct nfgenmsg on.
func readEvent(b []byte) event {
	e := event{family: b[0], verdict: verdictAccept}
	var network, transport []byte
	ipFamily := uint32(b[0])
	eachAttr(b[4:], func(typ uint16, v []byte) {
		switch typ {
		case unix.NFTA_TRACE_TABLE:
			e.table = cstring(v)
		case unix.NFTA_TRACE_CHAIN:
			e.chain = cstring(v)
		case unix.NFTA_TRACE_RULE_HANDLE:
			e.handle = number(v)
		case unix.NFTA_TRACE_TYPE:
			e.kind = uint32(number(v))
		case unix.NFTA_TRACE_VERDICT:
			eachAttr(v, func(typ uint16, v []byte) {
				if typ == unix.NFTA_VERDICT_CODE {
					e.verdict = int32(uint32(number(v)))
				}
			})
		case unix.NFTA_TRACE_POLICY:
			e.verdict = int32(uint32(number(v)))
		case unix.NFTA_TRACE_ID:
			e.id = uint32(number(v))
		case unix.NFTA_TRACE_IIF:
			e.iif = int(number(v))
		case unix.NFTA_TRACE_OIF:
			e.oif = int(number(v))
		case unix.NFTA_TRACE_MARK:
			e.mark = uint32(number(v))
		case unix.NFTA_TRACE_NFPROTO:
			ipFamily = uint32(number(v))
		case unix.NFTA_TRACE_NETWORK_HEADER:
			network = v
		case unix.NFTA_TRACE_TRANSPORT_HEADER:
			transport = v
		}
	})
	e.packet = tracedPacket(ipFamily, network, transport)
	return e
}

// tracedPacket puts the two pieces of a packet together that a trace gives: up
// to 40 bytes from the network header on and 20 from the transport header.
func tracedPacket(family uint32, network, transport []byte) *packet {
	if len(network) < 20 {
		return nil
	}
	if family == unix.NFPROTO_ARP {
		return readARP(network)
	}
	switch network[0] >> 4 {
	case 4:
		head := int(network[0]&15) * 4
		if len(transport) > 0 && len(network) >= head {
			network = append(bytes.Clone(network[:head]), transport...)
		}
		if p := readIPv4(network); p != nil {
			return p
		}
	case 6:
		if len(network) >= 40 {
			return readIPv6(append(bytes.Clone(network[:40]), transport...))
		}
	}
	if family == unix.NFPROTO_BRIDGE {
		return readARP(network)
	}
	return nil
}

func eachAttr(b []byte, fn func(typ uint16, v []byte)) {
	for len(b) >= 4 {
		size := int(binary.NativeEndian.Uint16(b))
		if size < 4 || size > len(b) {
			return
		}
		fn(binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), b[4:size:size])
		b = b[min((size+3)&^3, len(b)):]
	}
}

// number reads a big-endian number of up to eight bytes.
func number(b []byte) (n uint64) {
	for _, c := range b[:min(len(b), 8)] {
		n = n<<8 | uint64(c)
	}
	return n
}

func cstring(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}
