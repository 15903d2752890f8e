package autopsy

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
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
	buf := make([]byte, nl.ReceiveBuffer)
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
		for m := range nl.Messages(buf[:n]) {
			if m.Type != nl.Tables(unix.NFT_MSG_TRACE) || len(m.Body) < nl.NetfilterLen {
				continue
			}
			e := readEvent(m.Body)
			e.node, e.when = p.node.Name, now
			if !e.ours() || e.table == p.table { // not another's fences
				p.keep(func() int { p.events = append(p.events, e); return len(p.events) })
			}
		}
	}
}

// readEvent reads a message from its struct nfgenmsg on.
func readEvent(b []byte) event {
	e := event{family: b[0], verdict: verdictAccept}
	var network, transport []byte
	ipFamily := uint32(b[0])
	for typ, v := range nl.Each(b[nl.NetfilterLen:]) {
		switch typ {
		case unix.NFTA_TRACE_TABLE:
			e.table = nl.Text(v)
		case unix.NFTA_TRACE_CHAIN:
			e.chain = nl.Text(v)
		case unix.NFTA_TRACE_RULE_HANDLE:
			e.handle = nl.Big(v)
		case unix.NFTA_TRACE_TYPE:
			e.kind = uint32(nl.Big(v))
		case unix.NFTA_TRACE_VERDICT:
			for typ, v := range nl.Each(v) {
				if typ == unix.NFTA_VERDICT_CODE {
					e.verdict = int32(uint32(nl.Big(v)))
				}
			}
		case unix.NFTA_TRACE_POLICY:
			e.verdict = int32(uint32(nl.Big(v)))
		case unix.NFTA_TRACE_ID:
			e.id = uint32(nl.Big(v))
		case unix.NFTA_TRACE_IIF:
			e.iif = int(nl.Big(v))
		case unix.NFTA_TRACE_OIF:
			e.oif = int(nl.Big(v))
		case unix.NFTA_TRACE_MARK:
			e.mark = uint32(nl.Big(v))
		case unix.NFTA_TRACE_NFPROTO:
			ipFamily = uint32(nl.Big(v))
		case unix.NFTA_TRACE_NETWORK_HEADER:
			network = v
		case unix.NFTA_TRACE_TRANSPORT_HEADER:
			transport = v
		}
	}
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
