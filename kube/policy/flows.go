package policy

import (
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"github.com/ti-mo/conntrack"
	"golang.org/x/sys/unix"
	v1 "k8s.io/api/core/v1"
)

// The connection marks that say how an open connection was judged. Two are
// needed because no mark can be taken away, only replaced. The upper half
// spells NP, so that other uses of marks are unlikely to meet them.
const (
	refused    = 0x4e500001
	reconciled = 0x4e500002
)

var protocols = map[uint8]v1.Protocol{
	unix.IPPROTO_TCP:  v1.ProtocolTCP,
	unix.IPPROTO_UDP:  v1.ProtocolUDP,
	unix.IPPROTO_SCTP: v1.ProtocolSCTP,
	unix.IPPROTO_ICMP: "", // the engine's name for what has no ports
}

// Flows are the connections that a node tracks.
type flows struct {
	conn *conntrack.Conn
}

func newFlows(namespace int) (*flows, error) {
	conn, err := conntrack.Dial(&netlink.Config{NetNS: namespace})
	if err != nil {
		return nil, fmt.Errorf("connection tracking: %w", err)
	}
	return &flows{conn}, nil
}

func (f *flows) close() { _ = f.conn.Close() }

// Judge marks every connection that is not allowed as refused, and takes back
// earlier refusals.
func (f *flows) judge(allowed func(flow) bool) error {
	tracked, err := f.conn.Dump(nil)
	if err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	for _, t := range tracked {
		protocol, known := protocols[t.TupleOrig.Proto.Protocol]
		if !known || !t.TupleOrig.IP.SourceAddress.Is4() {
			continue
		}
		ok := allowed(flow{
			protocol: protocol,
			source:   t.TupleOrig.IP.SourceAddress, sourcePort: t.TupleOrig.Proto.SourcePort,
			// Where replies come from is where packets go, whatever they were sent to.
			destination: t.TupleReply.IP.SourceAddress, destinationPort: t.TupleReply.Proto.SourcePort,
		})
		if ok == (t.Mark != refused) {
			continue
		}
		mark := uint32(refused)
		if ok {
			mark = reconciled
		}
		err := f.conn.Update(conntrack.Flow{TupleOrig: t.TupleOrig, TupleReply: t.TupleReply, Mark: mark})
		if err != nil && !errors.Is(err, unix.ENOENT) { // it may have ended meanwhile
			return fmt.Errorf("mark a connection: %w", err)
		}
	}
	return nil
}
