package observe

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// ruleset is everything in nf_tables of one namespace, at one generation.
type ruleset struct {
	tables []tableKey
	chains []chain
	rules  []rule
	sets   map[setKey]*set
	ifname func(index int) string
	// setname names a set of ipset by its place in the kernel's table.
	setname func(index int) string
}

type tableKey struct {
	family byte
	name   string
}

type chainKey struct {
	tableKey
	name string
}

type setKey struct {
	tableKey
	name string
}

type chain struct {
	chainKey
	base     bool
	hook     uint32
	priority int32
	kind     string // filter, nat, route
	policy   uint32
	packets  uint64
}

type rule struct {
	chainKey
	handle uint64
	exprs  []expression
}

// expression is one step of a rule: its kernel name and its attributes.
type expression struct {
	name string
	nl.Attrs
}

type set struct {
	setKey
	anonymous bool
	interval  bool
	isMap     bool
	verdicts  bool // a map to verdicts
	keyLen    int
	dataLen   int
	elems     []element
}

type element struct {
	key, keyEnd []byte
	end         bool // closes the interval that an earlier element opened
	data        []byte
	verdict     nl.Attrs
}

const (
	setAnonymous, setInterval, setMap = 0x1, 0x4, 0x8 // NFT_SET_*
	elemIntervalEnd                   = 0x1           // NFT_SET_ELEM_INTERVAL_END
	setElemKeyEnd                     = 10            // NFTA_SET_ELEM_KEY_END
	dataTypeVerdict                   = 0xffffff00    // NFT_DATA_VERDICT
)

// generations is how often nf_tables may move on while it is read.
const generations = 50

// readRuleset dumps nf_tables. One dump of each sort of object covers all
// families and tables; if the ruleset's generation moved meanwhile, all of it
// is read again, so that rules always fit their chains and sets.
//
// The dumps are decoded here rather than by google/nftables because that asks
// chain by chain, gives up on a whole chain for one expression it does not
// know, and does not notice interrupted dumps.
func (n *node) readRuleset() (*ruleset, error) {
	c, err := n.conn(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	var rs *ruleset
	err = oneGeneration(c, func() (err error) {
		rs, err = dumpRuleset(c)
		return err
	})
	if err != nil {
		return nil, err
	}
	rs.ifname, rs.setname = n.deviceName, n.setName
	return rs, nil
}

// oneGeneration reads something of nf_tables, again from the start when its generation
// moved meanwhile.
func oneGeneration(c *nl.Conn, read func() error) error {
	for range generations {
		before, err := generation(c)
		if err != nil {
			return fmt.Errorf("read nftables generation: %w", err)
		}
		err = read()
		if after, genErr := generation(c); genErr == nil && after != before {
			continue
		}
		return err
	}
	return fmt.Errorf("list nftables: %w", nl.ErrChanging)
}

// deviceName names a device in a rule's text: its number if it has gone.
func (n *node) deviceName(index int) string {
	name, err := n.linkName(index)
	if err != nil || name == "" {
		return fmt.Sprint(index)
	}
	return name
}

func generation(c *nl.Conn) (gen uint32, err error) {
	err = c.Ask(nl.Tables(unix.NFT_MSG_GETGEN), nl.Netfilter(unix.AF_UNSPEC), func(b []byte) {
		gen = nl.ParseAfter(b, nl.NetfilterLen).Big32(unix.NFTA_GEN_ID)
	})
	return gen, err
}

// dumpNft lists one sort of nf_tables object; parse gets its family and attributes.
func dumpNft[T any](c *nl.Conn, msg uint16, req []byte, parse func(family byte, a nl.Attrs) T) ([]T, error) {
	return nl.Dump(c, nl.Tables(msg), req, func(out []T, _ uint16, b []byte) []T {
		if len(b) < nl.NetfilterLen {
			return out
		}
		return append(out, parse(b[0], nl.ParseAfter(b, nl.NetfilterLen)))
	})
}

func dumpRuleset(c *nl.Conn) (*ruleset, error) {
	rs := &ruleset{sets: map[setKey]*set{}}
	req := nl.Netfilter(unix.AF_UNSPEC)
	tables, err := dumpNft(c, unix.NFT_MSG_GETTABLE, req, parseTable)
	if err != nil {
		return nil, fmt.Errorf("list nftables tables: %w", err)
	}
	for _, t := range tables {
		if !t.ours() {
			rs.tables = append(rs.tables, t.tableKey)
		}
	}
	if len(rs.tables) == 0 {
		return rs, nil
	}
	if rs.chains, err = dumpNft(c, unix.NFT_MSG_GETCHAIN, req, parseChain); err != nil {
		return nil, fmt.Errorf("list nftables chains: %w", err)
	}
	if rs.rules, err = dumpNft(c, unix.NFT_MSG_GETRULE, req, parseRule); err != nil {
		return nil, fmt.Errorf("list nftables rules: %w", err)
	}
	sets, err := dumpNft(c, unix.NFT_MSG_GETSET, req, parseSet)
	if err != nil {
		return nil, fmt.Errorf("list nftables sets: %w", err)
	}
	for _, s := range sets {
		if err := s.readElements(c); err != nil {
			return nil, fmt.Errorf("list nftables set %s: %w", s.name, err)
		}
		rs.sets[s.setKey] = s
	}
	return rs, nil
}

// AutopsyTable is how the names of the tables begin by which an autopsy follows
// packets through the rules of a node. They belong to the program's own netlink
// socket, so name and owner tell them from a learner's: no snapshot and no event
// speaks of them.
const AutopsyTable = "underlay-autopsy"

const tableOwner = 0x2 // NFT_TABLE_F_OWNER

type table struct {
	tableKey
	flags uint32
}

func parseTable(family byte, a nl.Attrs) table {
	return table{tableKey{family, a.Text(unix.NFTA_TABLE_NAME)}, a.Big32(unix.NFTA_TABLE_FLAGS)}
}

// ours reports whether an autopsy made the table.
func (t table) ours() bool { return strings.HasPrefix(t.name, AutopsyTable) && t.flags&tableOwner != 0 }

func parseChain(family byte, a nl.Attrs) chain {
	ch := chain{
		chainKey: chainKey{tableKey{family, a.Text(unix.NFTA_CHAIN_TABLE)}, a.Text(unix.NFTA_CHAIN_NAME)},
		base:     a.Has(unix.NFTA_CHAIN_HOOK),
		kind:     a.Text(unix.NFTA_CHAIN_TYPE),
		policy:   a.Big32(unix.NFTA_CHAIN_POLICY),
	}
	hook := a.Nested(unix.NFTA_CHAIN_HOOK)
	ch.hook, ch.priority = hook.Big32(unix.NFTA_HOOK_HOOKNUM), int32(hook.Big32(unix.NFTA_HOOK_PRIORITY))
	ch.packets = a.Nested(unix.NFTA_CHAIN_COUNTERS).Big64(unix.NFTA_COUNTER_PACKETS)
	return ch
}

func parseRule(family byte, a nl.Attrs) rule {
	r := rule{
		chainKey: chainKey{tableKey{family, a.Text(unix.NFTA_RULE_TABLE)}, a.Text(unix.NFTA_RULE_CHAIN)},
		handle:   a.Big64(unix.NFTA_RULE_HANDLE),
	}
	for _, v := range nl.Each(a.Get(unix.NFTA_RULE_EXPRESSIONS)) {
		e := nl.Parse(v)
		r.exprs = append(r.exprs, expression{e.Text(unix.NFTA_EXPR_NAME), e.Nested(unix.NFTA_EXPR_DATA)})
	}
	// Attributes point into the receive buffer, which the next message overwrites.
	for i := range r.exprs {
		r.exprs[i].Attrs = r.exprs[i].Clone()
	}
	return r
}

func parseSet(family byte, a nl.Attrs) *set {
	flags := a.Big32(unix.NFTA_SET_FLAGS)
	return &set{
		setKey:    setKey{tableKey{family, a.Text(unix.NFTA_SET_TABLE)}, a.Text(unix.NFTA_SET_NAME)},
		anonymous: flags&setAnonymous != 0,
		interval:  flags&setInterval != 0,
		isMap:     flags&setMap != 0,
		verdicts:  a.Big32(unix.NFTA_SET_DATA_TYPE) == dataTypeVerdict,
		keyLen:    int(a.Big32(unix.NFTA_SET_KEY_LEN)),
		dataLen:   int(a.Big32(unix.NFTA_SET_DATA_LEN)),
	}
}

// readElements fills in the elements of a set that rules spell out. Of named
// sets only verdict maps matter, for the chains they jump to.
func (s *set) readElements(c *nl.Conn) error {
	if !s.anonymous && !s.verdicts {
		return nil
	}
	req := nl.Netfilter(s.family)
	req = nl.Attrs{
		nl.NewText(unix.NFTA_SET_ELEM_LIST_TABLE, s.table()), nl.NewText(unix.NFTA_SET_ELEM_LIST_SET, s.name),
	}.AppendTo(req)
	_, err := dumpNft(c, unix.NFT_MSG_GETSETELEM, req, func(_ byte, a nl.Attrs) struct{} {
		for _, v := range nl.Each(a.Get(unix.NFTA_SET_ELEM_LIST_ELEMENTS)) {
			s.elems = append(s.elems, parseElement(nl.Parse(v)))
		}
		return struct{}{}
	})
	return err
}

func (s *set) table() string { return s.tableKey.name }

func parseElement(a nl.Attrs) element {
	value := func(t uint16) []byte {
		return append([]byte{}, a.Nested(t).Get(unix.NFTA_DATA_VALUE)...)
	}
	return element{
		key:     value(unix.NFTA_SET_ELEM_KEY),
		keyEnd:  value(setElemKeyEnd),
		end:     a.Big32(unix.NFTA_SET_ELEM_FLAGS)&elemIntervalEnd != 0,
		data:    value(unix.NFTA_SET_ELEM_DATA),
		verdict: a.Nested(unix.NFTA_SET_ELEM_DATA).Nested(unix.NFTA_DATA_VERDICT).Clone(),
	}
}
