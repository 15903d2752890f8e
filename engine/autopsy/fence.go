package autopsy

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
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
type fencer func(rules *nl.Conn, table string, protos []byte) (families []byte, err error)

// fence puts our tables in the socket's namespace; they stay for as long as the
// socket is open. google/nftables is not used because it cannot say that a
// table has an owner.
func fence(rules *nl.Conn, table string, protos []byte) (families []byte, err error) {
	for _, family := range fenceFamilies() {
		if e := putTable(rules, table, family, protos); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", nl.TableFamily(family), e))
			continue
		}
		families = append(families, family)
	}
	return families, err
}

// putTable sends one transaction: the kernel takes all of it or nothing.
func putTable(rules *nl.Conn, table string, family byte, protos []byte) error {
	b := &batch{family: family, table: table}
	b.add(unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
		nl.NewText(unix.NFTA_TABLE_NAME, table),
		nl.NewBig32(unix.NFTA_TABLE_FLAGS, 2)) // NFT_TABLE_F_OWNER
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
	return b.commit(rules)
}

// unfence takes the tables away at once. Closing the socket does so too, but
// not while a process that is being started still holds a copy of it.
func unfence(rules *nl.Conn, table string, families map[byte]bool) error {
	var errs []error
	for family := range families {
		b := &batch{family: family, table: table}
		b.add(unix.NFT_MSG_DELTABLE, 0, nl.NewText(unix.NFTA_TABLE_NAME, table))
		errs = append(errs, b.commit(rules))
	}
	return errors.Join(errs...)
}

// batch is a transaction of nf_tables about one table.
type batch struct {
	family byte
	table  string
	msgs   []nl.Message
}

func (b *batch) add(msg, flags uint16, as ...nl.Attr) {
	b.msgs = append(b.msgs, nl.Message{Type: nl.Tables(msg), Flags: flags, Body: nl.Attrs(as).AppendTo(nl.Netfilter(b.family))})
}

// chain makes a filter chain that accepts all.
func (b *batch) chain(name string, hook uint32, priority int32) {
	b.add(unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE,
		nl.NewText(unix.NFTA_CHAIN_TABLE, b.table),
		nl.NewText(unix.NFTA_CHAIN_NAME, name),
		nl.NewNested(unix.NFTA_CHAIN_HOOK,
			nl.NewBig32(unix.NFTA_HOOK_HOOKNUM, hook),
			nl.NewBig32(unix.NFTA_HOOK_PRIORITY, uint32(priority))),
		nl.NewBig32(unix.NFTA_CHAIN_POLICY, 1), // NF_ACCEPT
		nl.NewText(unix.NFTA_CHAIN_TYPE, "filter"))
}

// mark makes the rule that has the kernel trace packets: those of a transport
// protocol, or all with nil.
func (b *batch) mark(chain string, proto *byte) {
	var exprs []nl.Attr
	if proto != nil {
		exprs = append(exprs,
			expression("meta",
				nl.NewBig32(unix.NFTA_META_DREG, unix.NFT_REG_1),
				nl.NewBig32(unix.NFTA_META_KEY, unix.NFT_META_L4PROTO)),
			expression("cmp",
				nl.NewBig32(unix.NFTA_CMP_SREG, unix.NFT_REG_1),
				nl.NewBig32(unix.NFTA_CMP_OP, unix.NFT_CMP_EQ),
				nl.NewNested(unix.NFTA_CMP_DATA, nl.NewAttr(unix.NFTA_DATA_VALUE, []byte{*proto}))))
	}
	exprs = append(exprs,
		expression("immediate",
			nl.NewBig32(unix.NFTA_IMMEDIATE_DREG, unix.NFT_REG_1),
			nl.NewNested(unix.NFTA_IMMEDIATE_DATA, nl.NewAttr(unix.NFTA_DATA_VALUE, []byte{1}))),
		expression("meta",
			nl.NewBig32(unix.NFTA_META_KEY, unix.NFT_META_NFTRACE),
			nl.NewBig32(unix.NFTA_META_SREG, unix.NFT_REG_1)))
	b.add(unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND,
		nl.NewText(unix.NFTA_RULE_TABLE, b.table),
		nl.NewText(unix.NFTA_RULE_CHAIN, chain),
		nl.NewNested(unix.NFTA_RULE_EXPRESSIONS, exprs...))
}

func expression(name string, data ...nl.Attr) nl.Attr {
	return nl.NewNested(unix.NFTA_LIST_ELEM, nl.NewText(unix.NFTA_EXPR_NAME, name), nl.NewNested(unix.NFTA_EXPR_DATA, data...))
}

// commit sends the batch and waits until the kernel has taken it.
func (b *batch) commit(rules *nl.Conn) error {
	said, err := rules.Commit(b.msgs)
	if err = errors.Join(said, err); err != nil {
		return fmt.Errorf("set rules: %w", err)
	}
	return nil
}
