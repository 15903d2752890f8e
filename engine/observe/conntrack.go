package observe

import (
	"fmt"

	"golang.org/x/sys/unix"
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

// nfgenmsg is the header of a netfilter request.
func nfgenmsg(family byte) []byte { return []byte{family, unix.NFNETLINK_V0, 0, 0} }

const nfgenLen = 4

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
	err = c.ask(unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlGetStats, nfgenmsg(unix.AF_UNSPEC), func(b []byte) {
		entries = parseAttrs(b[min(nfgenLen, len(b)):]).u32(ctaStatsEntries)
	})
	if err != nil {
		return nil, fmt.Errorf("count conntrack entries: %w", err)
	}
	if entries == 0 {
		return nil, nil
	}
	flows, err := list(c, unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlGet, nfgenmsg(unix.AF_UNSPEC),
		func(out []Flow, typ uint16, b []byte) []Flow {
			if typ != unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlNew || len(b) < nfgenLen {
				return out
			}
			return append(out, parseFlow(b[nfgenLen:]))
		})
	if err != nil {
		return nil, fmt.Errorf("list conntrack: %w", err)
	}
	return flows, nil
}

func parseFlow(b []byte) Flow {
	var f Flow
	var proto byte
	eachAttr(b, func(typ uint16, v []byte) {
		switch typ {
		case ctaTupleOrig:
			f.Orig, proto = parseTuple(v)
		case ctaTupleReply:
			f.Reply, _ = parseTuple(v)
		case ctaStatus:
			f.Assured = beUint(v)&ctAssured != 0
		case ctaMark:
			f.Mark = uint32(beUint(v))
		case ctaProtoInfo:
			tcp := parseAttrs(parseAttrs(v)[ctaProtoInfoTCP])
			if tcp.has(ctaProtoInfoState) {
				f.State = tcpStateName(tcp.u32(ctaProtoInfoState))
			}
		}
	})
	f.Proto = protocolName(proto)
	return f
}

// parseTuple reads one direction of a flow and its protocol. ICMP has no ports.
func parseTuple(b []byte) (Tuple, byte) {
	var t Tuple
	a := parseAttrs(b)
	ip, proto := parseAttrs(a[ctaTupleIP]), parseAttrs(a[ctaTupleProto])
	t.Src, t.Dst = addrOf(ip[ctaIPv4Src]), addrOf(ip[ctaIPv4Dst])
	if !t.Src.IsValid() {
		t.Src, t.Dst = addrOf(ip[ctaIPv6Src]), addrOf(ip[ctaIPv6Dst])
	}
	t.SPort, t.DPort = int(proto.u32(ctaSrcPort)), int(proto.u32(ctaDstPort))
	return t, byte(proto.u32(ctaProtoNum))
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
