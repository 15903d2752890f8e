package undo

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
	"underlay/engine/observe"
)

// firewallLines are a node's rules as words, by the title of their table.
func (n *node) firewallLines() map[string][]string {
	out := map[string][]string{}
	for i := range n.tables {
		t := &n.tables[i]
		title, tool := t.title(n), t.tool(n)
		out[title] = append([]string{"the table"}, t.declared(tool)...)
		for _, r := range n.rules {
			if r.Family != nl.TableFamily(t.family) || r.Table != t.name || r.Backend != tool {
				continue
			}
			line := r.Text
			if tool != observe.BackendIptablesNft {
				line = r.Chain + ": " + r.Text
			}
			out[title] = append(out[title], line)
		}
	}
	for i := range n.legacy {
		for _, line := range n.legacy[i].lines {
			out[n.legacy[i].title()] = append(out[n.legacy[i].title()], bare(line))
		}
	}
	for i := range n.ipsets {
		s := &n.ipsets[i]
		out[s.title()] = append(out[s.title()], s.create)
		for _, m := range s.members {
			out[s.title()] = append(out[s.title()], lasting(m))
		}
	}
	return out
}

func (l *legacyTable) title() string { return legacyTools[l.family] + " " + l.name }

func (s *ipset) title() string { return "ipset " + s.name }

// title is how the table's own tool calls it.
func (t *table) title(n *node) string {
	if t.tool(n) != observe.BackendIptablesNft {
		return "nft " + nl.TableFamily(t.family) + " " + t.name
	}
	if t.family == unix.NFPROTO_IPV6 {
		return "ip6tables " + t.name
	}
	return "iptables " + t.name
}

// tool is the backend that a table belongs to.
func (t *table) tool(n *node) string {
	for _, r := range n.rules {
		if r.Family == nl.TableFamily(t.family) && r.Table == t.name && r.Backend != observe.BackendIptablesLegacy {
			return r.Backend
		}
	}
	return observe.BackendNft
}

// declared names what a table has beside rules: chains of its own, sets with
// what is in them, objects.
func (t *table) declared(tool string) []string {
	var out []string
	for _, p := range t.parts {
		as := nl.ParseAfter(p.body, nl.NetfilterLen)
		switch p.msg {
		case unix.NFT_MSG_NEWCHAIN:
			name := as.Text(unix.NFTA_CHAIN_NAME)
			switch {
			case as.Has(unix.NFTA_CHAIN_HOOK):
			case tool == observe.BackendIptablesNft:
				out = append(out, "-N "+name)
			default:
				out = append(out, "chain "+name)
			}
		case unix.NFT_MSG_NEWSET:
			if as.Big32(unix.NFTA_SET_FLAGS)&0x1 == 0 { // a set without a name is a part of its rule
				out = append(out, "set "+as.Text(unix.NFTA_SET_NAME))
			}
		case unix.NFT_MSG_NEWSETELEM:
			out = append(out, t.elementLines(as)...)
		case unix.NFT_MSG_NEWOBJ:
			out = append(out, fmt.Sprintf("object %s", as.Text(unix.NFTA_OBJ_NAME)))
		case unix.NFT_MSG_NEWFLOWTABLE:
			out = append(out, "flowtable "+as.Text(flowName))
		}
	}
	return out
}

// elementLines are the elements of a set that somebody named and filled.
func (t *table) elementLines(as nl.Attrs) []string {
	set := as.Text(unix.NFTA_SET_ELEM_LIST_SET)
	if strings.HasPrefix(set, "__") || t.filled(set) {
		return nil
	}
	var out []string
	for _, e := range as.Nested(unix.NFTA_SET_ELEM_LIST_ELEMENTS) {
		el := e.Nested()
		key := el.Nested(unix.NFTA_SET_ELEM_KEY).Get(unix.NFTA_DATA_VALUE)
		line := "set " + set + " has " + valueText(key)
		if el.Big32(unix.NFTA_SET_ELEM_FLAGS)&1 != 0 {
			line = "set " + set + " ends a range before " + valueText(key)
		}
		if data := el.Nested(unix.NFTA_SET_ELEM_DATA); len(data) > 0 {
			if v := data.Get(unix.NFTA_DATA_VALUE); v != nil {
				line += " : " + valueText(v)
			} else if chain := data.Nested(unix.NFTA_DATA_VERDICT).Get(unix.NFTA_VERDICT_CHAIN); chain != nil {
				line += " : " + nl.Text(chain)
			} else {
				line += " : verdict"
			}
		}
		out = append(out, line)
	}
	return out
}

// valueText prints a value of a set by its length: an address, a port, or bytes.
func valueText(b []byte) string {
	switch len(b) {
	case 2:
		return strconv.Itoa(int(binary.BigEndian.Uint16(b)))
	case 4, 16:
		a, _ := netip.AddrFromSlice(b)
		return a.String()
	}
	return fmt.Sprintf("%x", b)
}
