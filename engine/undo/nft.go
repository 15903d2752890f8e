package undo

import (
	"bytes"
	"cmp"
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
	"underlay/engine/observe"
)

// table is one table of nf_tables with all that is in it, as the messages that
// make it. nft and iptables-nft both keep their rules in such tables; given back
// as they came, the rules of either are just what they were, which what the
// tools print is not: nft cannot read back an iptables match that it prints.
type table struct {
	family byte
	name   string
	parts  []part
}

// part is one message of a table: NFT_MSG_NEWTABLE, NEWCHAIN …
type part struct {
	msg   uint16
	flags uint16
	body  []byte // what makes it
	same  []byte // that without counters, which two equal ones can differ in
}

func (t *table) equal(o *table) bool {
	return slices.EqualFunc(t.parts, o.parts, func(a, b part) bool { return a.msg == b.msg && bytes.Equal(a.same, b.same) })
}

const (
	tableUserdata = 6    // NFTA_TABLE_USERDATA
	chainFlags    = 10   // NFTA_CHAIN_FLAGS
	chainUserdata = 12   // NFTA_CHAIN_USERDATA
	objUserdata   = 8    // NFTA_OBJ_USERDATA
	flowTable     = 1    // NFTA_FLOWTABLE_TABLE
	flowName      = 2    // NFTA_FLOWTABLE_NAME
	flowHook      = 3    // NFTA_FLOWTABLE_HOOK
	flowFlags     = 7    // NFTA_FLOWTABLE_FLAGS
	setIsFilled   = 0x20 // NFT_SET_EVAL: packets add to it
	setHandle     = 16   // NFTA_SET_HANDLE
	setType       = 19   // NFTA_SET_TYPE
	setCount      = 20   // NFTA_SET_COUNT
	objCounter    = 1    // NFT_OBJECT_COUNTER
	objQuota      = 2    // NFT_OBJECT_QUOTA
)

// tables sorts what was listed of nf_tables by table.
func tables(d *observe.Dump) []table {
	var out []table
	for _, m := range d.Tables {
		as := nl.ParseAfter(m.Body, nl.NetfilterLen)
		t := table{family: m.Body[0], name: as.Text(unix.NFTA_TABLE_NAME)}
		t.add(unix.NFT_MSG_NEWTABLE, as.Only(unix.NFTA_TABLE_NAME, unix.NFTA_TABLE_FLAGS, tableUserdata))
		out = append(out, t)
	}
	// In this order each thing finds what it refers to.
	for _, l := range []struct {
		msgs  []observe.Message
		name  uint16
		write func(*table, nl.Attrs)
	}{
		{d.Chains, unix.NFTA_CHAIN_TABLE, (*table).chain},
		{d.Objects, unix.NFTA_OBJ_TABLE, (*table).object},
		{d.Flowtables, flowTable, (*table).flowtable},
		{d.Sets, unix.NFTA_SET_TABLE, (*table).set},
		{d.Elements, unix.NFTA_SET_ELEM_LIST_TABLE, (*table).elements},
		{d.NFRules, unix.NFTA_RULE_TABLE, (*table).rule},
	} {
		for _, m := range l.msgs {
			as := nl.ParseAfter(m.Body, nl.NetfilterLen)
			for i := range out {
				if out[i].family == m.Body[0] && out[i].name == as.Text(l.name) {
					l.write(&out[i], as)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b table) int {
		return cmp.Or(cmp.Compare(a.family, b.family), cmp.Compare(a.name, b.name))
	})
	return out
}

// add adds a message; counted are the attributes that hold counters and the like.
func (t *table) add(msg uint16, as nl.Attrs, counted ...uint16) {
	t.addSame(msg, as, as.Without(counted...))
}

func (t *table) addSame(msg uint16, as, same nl.Attrs) {
	flags := uint16(unix.NLM_F_CREATE)
	if msg == unix.NFT_MSG_NEWRULE {
		flags |= unix.NLM_F_APPEND
	}
	body := as.AppendTo(nl.Netfilter(t.family))
	t.parts = append(t.parts, part{msg, flags, body, same.AppendTo(nil)})
}

func (t *table) chain(as nl.Attrs) {
	as = as.Only(unix.NFTA_CHAIN_TABLE, unix.NFTA_CHAIN_NAME, unix.NFTA_CHAIN_HOOK, unix.NFTA_CHAIN_POLICY, unix.NFTA_CHAIN_TYPE,
		unix.NFTA_CHAIN_COUNTERS, chainFlags, chainUserdata)
	t.add(unix.NFT_MSG_NEWCHAIN, as, unix.NFTA_CHAIN_COUNTERS)
}

func (t *table) object(as nl.Attrs) {
	as = as.Only(unix.NFTA_OBJ_TABLE, unix.NFTA_OBJ_NAME, unix.NFTA_OBJ_TYPE, unix.NFTA_OBJ_DATA, objUserdata)
	same := as
	switch as.Big32(unix.NFTA_OBJ_TYPE) {
	case objCounter:
		same = as.Without(unix.NFTA_OBJ_DATA)
	case objQuota:
		same = as.Replace(unix.NFTA_OBJ_DATA, func(v []byte) []byte { return nl.Parse(v).Without(unix.NFTA_QUOTA_CONSUMED).AppendTo(nil) })
	}
	t.addSame(unix.NFT_MSG_NEWOBJ, as, same)
}

func (t *table) flowtable(as nl.Attrs) {
	as = as.Only(flowTable, flowName, flowHook, flowFlags)
	t.add(unix.NFT_MSG_NEWFLOWTABLE, as)
}

// set writes a set with the id that a request must have and a listing has not.
func (t *table) set(as nl.Attrs) {
	as = as.Without(unix.NFTA_SET_ID, unix.NFTA_SET_PAD, setHandle, setType, setCount)
	as = append(as, nl.NewBig32(unix.NFTA_SET_ID, uint32(len(t.parts))))
	t.add(unix.NFT_MSG_NEWSET, as, unix.NFTA_SET_ID)
}

// filled reports whether packets put elements into a set.
func (t *table) filled(set string) bool {
	for _, p := range t.parts {
		if p.msg != unix.NFT_MSG_NEWSET {
			continue
		}
		as := nl.ParseAfter(p.body, nl.NetfilterLen)
		if as.Text(unix.NFTA_SET_NAME) == set {
			return as.Big32(unix.NFTA_SET_FLAGS)&setIsFilled != 0
		}
	}
	return false
}

// elements writes a set's elements in ascending order: they are listed in that
// of the kernel's tree or table.
func (t *table) elements(as nl.Attrs) {
	list := as.Nested(unix.NFTA_SET_ELEM_LIST_ELEMENTS)
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b nl.Attr) int {
		x, y := a.Nested(), b.Nested()
		// Where one interval ends and the next begins, the end comes first.
		return cmp.Or(bytes.Compare(x.Get(unix.NFTA_SET_ELEM_KEY), y.Get(unix.NFTA_SET_ELEM_KEY)),
			cmp.Compare(y.Big32(unix.NFTA_SET_ELEM_FLAGS)&1, x.Big32(unix.NFTA_SET_ELEM_FLAGS)&1))
	})
	with := func(list nl.Attrs) nl.Attrs {
		return as.Only(unix.NFTA_SET_ELEM_LIST_TABLE, unix.NFTA_SET_ELEM_LIST_SET, unix.NFTA_SET_ELEM_LIST_ELEMENTS).
			Replace(unix.NFTA_SET_ELEM_LIST_ELEMENTS, func([]byte) []byte { return list.AppendTo(nil) })
	}
	bare := slices.Clone(list)
	for i, e := range bare {
		bare[i].Data = e.Nested().Without(unix.NFTA_SET_ELEM_EXPIRATION, unix.NFTA_SET_ELEM_EXPR, unix.NFTA_SET_ELEM_PAD, 11).AppendTo(nil)
	}
	same := with(bare)
	if t.filled(as.Text(unix.NFTA_SET_ELEM_LIST_SET)) {
		same = nil
	}
	t.addSame(unix.NFT_MSG_NEWSETELEM, with(list), same)
}

func (t *table) rule(as nl.Attrs) {
	as = as.Only(unix.NFTA_RULE_TABLE, unix.NFTA_RULE_CHAIN, unix.NFTA_RULE_EXPRESSIONS, unix.NFTA_RULE_USERDATA)
	same := as.Replace(unix.NFTA_RULE_EXPRESSIONS, func(v []byte) []byte {
		list := nl.Parse(v)
		for i, e := range list {
			list[i].Data = uncounted(e.Nested()).AppendTo(nil)
		}
		return list.AppendTo(nil)
	})
	if proto, inverse, ok := compat(as.Nested(unix.NFTA_RULE_EXPRESSIONS)); ok {
		flags := uint32(0)
		if inverse {
			flags = 2 // NFT_RULE_COMPAT_F_INV
		}
		as = append(as, nl.NewNested(unix.NFTA_RULE_COMPAT, nl.NewBig32(unix.NFTA_RULE_COMPAT_PROTO, uint32(proto)), nl.NewBig32(unix.NFTA_RULE_COMPAT_FLAGS, flags)))
	}
	t.addSame(unix.NFT_MSG_NEWRULE, as, same)
}

// uncounted is an expression without what it has counted so far.
func uncounted(e nl.Attrs) nl.Attrs {
	drop := func(ids ...uint16) nl.Attrs {
		return e.Replace(unix.NFTA_EXPR_DATA, func(v []byte) []byte { return nl.Parse(v).Without(ids...).AppendTo(nil) })
	}
	switch e.Text(unix.NFTA_EXPR_NAME) {
	case "counter", "last":
		return e.Without(unix.NFTA_EXPR_DATA)
	case "quota":
		return drop(unix.NFTA_QUOTA_CONSUMED, unix.NFTA_QUOTA_PAD)
	}
	return e
}

// compat finds what an iptables match or target must be told when it is made
// and what no listing says: the protocol that the rule is for. The rule itself
// compares it before.
func compat(exprs nl.Attrs) (proto byte, inverse, needed bool) {
	const (
		metaL4Proto = 16 // NFT_META_L4PROTO
		cmpNotEqual = 1  // NFT_CMP_NEQ
	)
	loaded := false
	for _, e := range exprs {
		ex := e.Nested()
		data := ex.Nested(unix.NFTA_EXPR_DATA)
		switch ex.Text(unix.NFTA_EXPR_NAME) {
		case "match", "target":
			needed = true
		case "meta":
			loaded = data.Big32(unix.NFTA_META_KEY) == metaL4Proto
			continue
		case "payload": // older tools look into the header: byte 9 of IPv4, 6 of IPv6
			at := data.Big32(unix.NFTA_PAYLOAD_OFFSET)
			loaded = data.Big32(unix.NFTA_PAYLOAD_BASE) == unix.NFT_PAYLOAD_NETWORK_HEADER &&
				data.Big32(unix.NFTA_PAYLOAD_LEN) == 1 && (at == 9 || at == 6)
			continue
		case "cmp":
			if value := data.Nested(unix.NFTA_CMP_DATA).Get(unix.NFTA_DATA_VALUE); loaded && len(value) == 1 {
				proto, inverse = value[0], data.Big32(unix.NFTA_CMP_OP) == cmpNotEqual
			}
		}
		loaded = false
	}
	return proto, inverse, needed
}
