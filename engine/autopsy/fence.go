package autopsy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// A fence is the pair of chains of ours at a hook: one before all that others
// can have there, one after. A packet that is seen at the first and not at the
// second was lost between the two, whether by a rule that the kernel traces or by
// one of iptables-legacy, of which it does not tell; and its header before
// and after says what was rewritten there.
const (
	fenceFirst = "first"
	fenceLast  = "last"
)

// fenceHooks are the hooks of a family, by their number in the kernel.
func fenceHooks(family byte) []string {
	if family == unix.NFPROTO_ARP {
		return []string{"input", "output"}
	}
	return []string{"prerouting", "input", "forward", "output", "postrouting"}
}

// fenceEntries are the hooks at which packets enter: there tracing is switched on.
func fenceEntries(family byte) []string {
	if family == unix.NFPROTO_ARP {
		return fenceHooks(family)
	}
	return []string{"prerouting", "output"}
}

// fenceFamilies are those that get a table each. inet covers IPv4 and IPv6.
func fenceFamilies() []byte {
	return []byte{unix.NFPROTO_INET, unix.NFPROTO_BRIDGE, unix.NFPROTO_ARP}
}

// fencer puts fences into the namespace of a netlink socket, in a table of each
// family that it returns.
type fencer func(fd int, table string, protos []byte) (families []byte, err error)

// fence puts our tables in the socket's namespace; they stay for as long as the
// socket is open. google/nftables is not used because it cannot say that a
// table has an owner.
func fence(fd int, table string, protos []byte) (families []byte, err error) {
	for _, family := range fenceFamilies() {
		if e := putTable(fd, table, family, protos); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", familyWord(family), e))
			continue
		}
		families = append(families, family)
	}
	return families, err
}

func familyWord(family byte) string {
	switch family {
	case unix.NFPROTO_BRIDGE:
		return "bridge"
	case unix.NFPROTO_ARP:
		return "arp"
	}
	return "inet"
}

// putTable sends one transaction: the kernel takes all of it or nothing.
func putTable(fd int, table string, family byte, protos []byte) error {
	b := &batch{family: family, table: table}
	b.begin()
	b.message(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE|unix.NLM_F_EXCL, func() {
		b.text(unix.NFTA_TABLE_NAME, b.table)
		b.be32(unix.NFTA_TABLE_FLAGS, 2) // NFT_TABLE_F_OWNER
	})
	for number, hook := range fenceHooks(family) {
		b.chain(hook+"-"+fenceFirst, uint32(number), math.MinInt32)
		b.chain(hook+"-"+fenceLast, uint32(number), math.MaxInt32)
	}
	for _, hook := range fenceEntries(family) {
		if family != unix.NFPROTO_INET {
			b.mark(hook+"-"+fenceFirst, nil)
			continue
		}
		for _, p := range protos {
			b.mark(hook+"-"+fenceFirst, &p)
		}
	}
	b.end()
	return b.commit(fd)
}

// unfence takes the tables away at once. Closing the socket does so too, but
// not while a process that is being started still holds a copy of it.
func unfence(fd int, table string, families map[byte]bool) error {
	var errs []error
	for family := range families {
		b := &batch{family: family, table: table}
		b.begin()
		b.message(unix.NFT_MSG_DELTABLE, 0, func() { b.text(unix.NFTA_TABLE_NAME, b.table) })
		b.end()
		errs = append(errs, b.commit(fd))
	}
	return errors.Join(errs...)
}

// batch is a transaction of nf_tables, as bytes.
type batch struct {
	family byte
	table  string
	buf    []byte
	seq    uint32
	last   uint32 // sequence number of the message that is acknowledged
}

func (b *batch) begin() { b.control(unix.NFNL_MSG_BATCH_BEGIN) }
func (b *batch) end()   { b.control(unix.NFNL_MSG_BATCH_END) }

func (b *batch) control(typ uint16) {
	b.header(typ, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES)
}

// header appends a message without attributes and returns where it begins.
func (b *batch) header(typ, flags uint16, family byte, res uint16) int {
	at := len(b.buf)
	b.seq++
	ne := binary.NativeEndian
	b.buf = ne.AppendUint32(b.buf, unix.SizeofNlMsghdr+4)
	b.buf = ne.AppendUint16(b.buf, typ)
	b.buf = ne.AppendUint16(b.buf, unix.NLM_F_REQUEST|flags)
	b.buf = ne.AppendUint32(b.buf, b.seq)
	b.buf = ne.AppendUint32(b.buf, 0)
	b.buf = append(b.buf, family, unix.NFNETLINK_V0)
	b.buf = binary.BigEndian.AppendUint16(b.buf, res)
	return at
}

func (b *batch) message(typ, flags uint16, fill func()) {
	at := b.header(unix.NFNL_SUBSYS_NFTABLES<<8|typ, flags|unix.NLM_F_ACK, b.family, 0)
	b.last = b.seq
	fill()
	binary.NativeEndian.PutUint32(b.buf[at:], uint32(len(b.buf)-at))
}

// attr appends an attribute with a value.
func (b *batch) attr(typ uint16, v []byte) {
	b.nest(typ, func() { b.buf = append(b.buf, v...) })
	for len(b.buf)%4 != 0 {
		b.buf = append(b.buf, 0)
	}
}

func (b *batch) text(typ uint16, s string) { b.attr(typ, append([]byte(s), 0)) }

func (b *batch) be32(typ uint16, n uint32) { b.attr(typ, binary.BigEndian.AppendUint32(nil, n)) }

// nest appends an attribute that holds what fill appends.
func (b *batch) nest(typ uint16, fill func()) {
	at := len(b.buf)
	b.buf = append(b.buf, 0, 0, 0, 0)
	fill()
	binary.NativeEndian.PutUint16(b.buf[at:], uint16(len(b.buf)-at))
	binary.NativeEndian.PutUint16(b.buf[at+2:], typ)
}

const nested = unix.NLA_F_NESTED

// chain makes a filter chain that accepts all.
func (b *batch) chain(name string, hook uint32, priority int32) {
	b.message(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE, func() {
		b.text(unix.NFTA_CHAIN_TABLE, b.table)
		b.text(unix.NFTA_CHAIN_NAME, name)
		b.nest(unix.NFTA_CHAIN_HOOK|nested, func() {
			b.be32(unix.NFTA_HOOK_HOOKNUM, hook)
			b.be32(unix.NFTA_HOOK_PRIORITY, uint32(priority))
		})
		b.be32(unix.NFTA_CHAIN_POLICY, 1) // NF_ACCEPT
		b.text(unix.NFTA_CHAIN_TYPE, "filter")
	})
}

// mark makes the rule that has the kernel trace packets: those of a transport
// protocol, or all with nil.
func (b *batch) mark(chain string, proto *byte) {
	b.message(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND, func() {
		b.text(unix.NFTA_RULE_TABLE, b.table)
		b.text(unix.NFTA_RULE_CHAIN, chain)
		b.nest(unix.NFTA_RULE_EXPRESSIONS|nested, func() {
			if proto != nil {
				b.expression("meta", func() {
					b.be32(unix.NFTA_META_DREG, unix.NFT_REG_1)
					b.be32(unix.NFTA_META_KEY, unix.NFT_META_L4PROTO)
				})
				b.expression("cmp", func() {
					b.be32(unix.NFTA_CMP_SREG, unix.NFT_REG_1)
					b.be32(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ)
					b.nest(unix.NFTA_CMP_DATA|nested, func() { b.attr(unix.NFTA_DATA_VALUE, []byte{*proto}) })
				})
			}
			b.expression("immediate", func() {
				b.be32(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_1)
				b.nest(unix.NFTA_IMMEDIATE_DATA|nested, func() { b.attr(unix.NFTA_DATA_VALUE, []byte{1}) })
			})
			b.expression("meta", func() {
				b.be32(unix.NFTA_META_KEY, unix.NFT_META_NFTRACE)
				b.be32(unix.NFTA_META_SREG, unix.NFT_REG_1)
			})
		})
	})
}

func (b *batch) expression(name string, data func()) {
	b.nest(unix.NFTA_LIST_ELEM|nested, func() {
		b.text(unix.NFTA_EXPR_NAME, name)
		b.nest(unix.NFTA_EXPR_DATA|nested, data)
	})
}

// commit sends the batch and waits until the kernel has taken it.
func (b *batch) commit(fd int) error {
	if err := unix.Sendto(fd, b.buf, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send rules: %w", err)
	}
	buf := make([]byte, 32<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("set rules: %w", err)
		}
		for rest := buf[:n]; len(rest) >= unix.SizeofNlMsghdr+4; {
			ne := binary.NativeEndian
			size := int(ne.Uint32(rest))
			if size < unix.SizeofNlMsghdr+4 || size > len(rest) {
				break
			}
			if ne.Uint16(rest[4:]) == unix.NLMSG_ERROR {
				if code := int32(ne.Uint32(rest[unix.SizeofNlMsghdr:])); code < 0 {
					return fmt.Errorf("set rules: %w", unix.Errno(-code))
				}
				if ne.Uint32(rest[8:]) == b.last {
					return nil
				}
			}
			rest = rest[min((size+3)&^3, len(rest)):]
		}
	}
}
