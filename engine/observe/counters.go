package observe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/internal/nl"
)

const (
	tcMsgLen                     = 20 // struct tcmsg
	tcHRoot, tcHIngress          = 0xffffffff, 0xfffffff1
	tcaStatsQueue                = 3 // TCA_STATS_QUEUE: qlen, backlog, drops, requeues, overlimits
	ctnlGetStatsCPU              = 4 // IPCTNL_MSG_CT_GET_STATS_CPU
	ctaInsertFailed, ctaStatDrop = 9, 10
)

// readCounters reads what the kernel counts of packets that it does not take on.
func (n *node) readCounters(names map[int]string) ([]Qdisc, map[string]uint64, error) {
	counters := map[string]uint64{}
	err := netns.Do(n.NS, func() error {
		for _, file := range []string{"snmp", "netstat", "snmp6", "xfrm_stat"} {
			b, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				continue // a kernel without IPv6 or IPsec
			}
			if file == "snmp" || file == "netstat" {
				parseTabled(string(b), counters)
			} else {
				parseListed(string(b), counters)
			}
		}
		return nil
	})
	qdiscs, qerr := n.readQdiscs(names)
	return qdiscs, counters, errors.Join(err, n.countConntrack(counters), qerr)
}

// parseTabled reads pairs of lines: "Udp: InErrors …" and "Udp: 3 …".
func parseTabled(text string, counters map[string]uint64) {
	var head []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if head == nil {
			head = fields
			continue
		}
		for i := 1; i < min(len(head), len(fields)); i++ {
			if v, err := strconv.ParseUint(fields[i], 10, 64); err == nil {
				counters[strings.TrimSuffix(head[0], ":")+"."+head[i]] = v
			}
		}
		head = nil
	}
}

// parseListed reads lines of a name and a number: "Udp6InCsumErrors 3".
func parseListed(text string, counters map[string]uint64) {
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) == 2 {
			if v, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
				counters[fields[0]] = v
			}
		}
	}
}

// countConntrack adds what conntrack could not remember, of all processors.
func (n *node) countConntrack(counters map[string]uint64) error {
	c, err := n.conn(unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	_, err = nl.Dump(c, unix.NFNL_SUBSYS_CTNETLINK<<8|ctnlGetStatsCPU, nl.Netfilter(unix.AF_UNSPEC), func(out []struct{}, _ uint16, b []byte) []struct{} {
		a := nl.ParseAfter(b, nl.NetfilterLen)
		counters["Conntrack.InsertFailed"] += uint64(a.Big32(ctaInsertFailed))
		counters["Conntrack.Drop"] += uint64(a.Big32(ctaStatDrop))
		return out
	})
	if err != nil {
		return fmt.Errorf("read what conntrack counts: %w", err)
	}
	return nil
}

// readQdiscs lists the queues of devices.
func (n *node) readQdiscs(names map[int]string) ([]Qdisc, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	return nl.Dump(c, unix.RTM_GETQDISC, make([]byte, tcMsgLen), func(out []Qdisc, typ uint16, b []byte) []Qdisc {
		if typ != unix.RTM_NEWQDISC || len(b) < tcMsgLen {
			return out
		}
		a := nl.ParseAfter(b, tcMsgLen)
		q := Qdisc{Dev: names[int(int32(binary.NativeEndian.Uint32(b[4:])))], Kind: a.Text(unix.TCA_KIND)}
		switch parent := binary.NativeEndian.Uint32(b[12:]); parent {
		case tcHRoot:
			q.Parent = "root"
		case tcHIngress:
			q.Parent = "ingress"
		default:
			q.Parent = fmt.Sprintf("%x:%x", parent>>16, parent&0xffff)
		}
		if s := a.Nested(unix.TCA_STATS2).Get(tcaStatsQueue); len(s) >= 12 {
			q.Queued, q.Dropped = uint64(nl.Host32(s)), uint64(nl.Host32(s[8:12]))
		}
		return append(out, q)
	})
}
