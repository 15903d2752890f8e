package observe

import (
	"fmt"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// Numbers of the conntrack part of nfnetlink that x/sys/unix does not have.
const (
	ctnlNew, ctnlGet, ctnlGetStats = 0, 1, 5 // IPCTNL_MSG_CT_*
	ctaStatsEntries                = 1       // CTA_STATS_GLOBAL_ENTRIES

	ctaTupleOrig, ctaTupleReply = 1, 2
	ctaStatus, ctaProtoInfo     = 3, 4
	ctaMark                     = 8

	ctaTupleIP, ctaTupleProto          = 1, 2
	ctaIPv4Src, ctaIPv4Dst             = 1, 2
	ctaIPv6Src, ctaIPv6Dst             = 3, 4
	ctaProtoNum, ctaSrcPort            = 1, 2
	ctaDstPort                         = 3
	ctaProtoInfoTCP, ctaProtoInfoState = 1, 1

	ctAssured = 1 << 2 // IPS_ASSURED
)

// readConntrack lists the tracked flows. Listing asks nothing of the packet
// path: where no rule needs conntrack, it stays inactive and the list is empty.
//
// Flows of all namespaces share one hash table, and a listing walks all of it,
// which takes over 10 ms where it has the usual 262144 buckets. The number of
// flows, which the kernel keeps for each namespace, is asked for first.
func (n *node) readConntrack() ([]Flow, error) {
	c, err := n.conn(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	entries := uint32(1) // if the kernel does not say, look
	err = c.Ask(unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlGetStats, nl.Netfilter(unix.AF_UNSPEC), func(b []byte) {
		entries = nl.ParseAfter(b, nl.NetfilterLen).Big32(ctaStatsEntries)
	})
	if err != nil {
		return nil, fmt.Errorf("count conntrack entries: %w", err)
	}
	if entries == 0 {
		return nil, nil
	}
	flows, err := nl.Dump(c, unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlGet, nl.Netfilter(unix.AF_UNSPEC),
		func(out []Flow, typ uint16, b []byte) []Flow {
			if typ != unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlNew || len(b) < nl.NetfilterLen {
				return out
			}
			return append(out, parseFlow(b[nl.NetfilterLen:]))
		})
	if err != nil {
		return nil, fmt.Errorf("list conntrack: %w", err)
	}
	return flows, nil
}

func parseFlow(b []byte) Flow {
	var f Flow
	var proto byte
	for typ, v := range nl.Each(b) {
		switch typ {
		case ctaTupleOrig:
			f.Orig, proto = parseTuple(v)
		case ctaTupleReply:
			f.Reply, _ = parseTuple(v)
		case ctaStatus:
			f.Assured = nl.Big(v)&ctAssured != 0
		case ctaMark:
			f.Mark = uint32(nl.Big(v))
		case ctaProtoInfo:
			tcp := nl.Parse(v).Nested(ctaProtoInfoTCP)
			if tcp.Has(ctaProtoInfoState) {
				f.State = tcpStateName(tcp.Big32(ctaProtoInfoState))
			}
		}
	}
	f.Proto = protocolName(proto)
	return f
}

// parseTuple reads one direction of a flow and its protocol. ICMP has no ports.
func parseTuple(b []byte) (Tuple, byte) {
	var t Tuple
	a := nl.Parse(b)
	ip, proto := a.Nested(ctaTupleIP), a.Nested(ctaTupleProto)
	t.Src, t.Dst = addrOf(ip.Get(ctaIPv4Src)), addrOf(ip.Get(ctaIPv4Dst))
	if !t.Src.IsValid() {
		t.Src, t.Dst = addrOf(ip.Get(ctaIPv6Src)), addrOf(ip.Get(ctaIPv6Dst))
	}
	t.SPort, t.DPort = int(proto.Big32(ctaSrcPort)), int(proto.Big32(ctaDstPort))
	return t, byte(proto.Big32(ctaProtoNum))
}

// tcpStateName is conntrack's own state of a TCP flow, as conntrack(8) prints it.
func tcpStateName(n uint32) string {
	states := [...]string{"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT",
		"LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2"}
	if int(n) < len(states) {
		return states[n]
	}
	return fmt.Sprint(n)
}
