package undo

import (
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// firewallOps replaces each table that differs as a whole. Where sets of ipset
// differ too, the rules go before them and come after them: a set that a rule
// speaks of cannot be taken away, and a rule cannot speak of one that is missing.
func firewallOps(have, want *node) []op {
	drop, make := replaceTables(have, want)
	legacy, clear := legacyOps(have, want)
	sets := ipsetText(have, want)
	batch := func(msgs []Message) []op {
		if len(msgs) == 0 {
			return nil
		}
		return []op{{node: want.name, what: "firewall tables", batch: msgs}}
	}
	if sets == "" {
		return append(batch(append(drop, make...)), legacy...)
	}
	out := append(batch(drop), clear...)
	out = append(out, op{node: want.name, what: "ipset", argv: []string{"ipset", "restore"}, stdin: sets})
	return append(append(out, batch(make)...), legacy...)
}

// replaceTables are the requests that drop and those that make the tables of
// nf_tables that differ.
func replaceTables(have, want *node) (drop, make []Message) {
	find := func(n *node, t *table) *table {
		for i := range n.tables {
			if n.tables[i].family == t.family && n.tables[i].name == t.name {
				return &n.tables[i]
			}
		}
		return nil
	}
	for i := range have.tables {
		h := &have.tables[i]
		if w := find(want, h); w == nil || !w.equal(h) {
			body := nl.Attrs{nl.NewText(unix.NFTA_TABLE_NAME, h.name)}.AppendTo(nl.Netfilter(h.family))
			drop = append(drop, Message{nl.Tables(unix.NFT_MSG_DELTABLE), 0, body})
		}
	}
	for i := range want.tables {
		w := &want.tables[i]
		if h := find(have, w); h != nil && h.equal(w) {
			continue
		}
		for _, p := range w.parts {
			make = append(make, Message{nl.Tables(p.msg), p.flags, p.body})
		}
	}
	return drop, make
}

// legacyOps writes the tables of iptables-legacy that differ; clear empties them.
func legacyOps(have, want *node) (write, clear []op) {
	find := func(list []legacyTable, t *legacyTable) *legacyTable {
		for i := range list {
			if list[i].family == t.family && list[i].name == t.name {
				return &list[i]
			}
		}
		return nil
	}
	for family, tool := range legacyTools {
		var text, empty strings.Builder
		for i := range have.legacy {
			h := &have.legacy[i]
			if w := find(want.legacy, h); h.family == family && (w == nil || !w.equal(h)) {
				empty.WriteString(h.cleared())
				if w == nil {
					text.WriteString(h.cleared())
				}
			}
		}
		for i := range want.legacy {
			w := &want.legacy[i]
			if h := find(have.legacy, w); w.family == family && (h == nil || !h.equal(w)) {
				text.WriteString(w.text())
			}
		}
		run := func(stdin string) []op {
			if stdin == "" {
				return nil
			}
			return []op{{node: want.name, what: tool, argv: []string{tool + "-restore", "-c"}, stdin: stdin}}
		}
		write, clear = append(write, run(text.String())...), append(clear, run(empty.String())...)
	}
	return write, clear
}

// ipsetText is what `ipset restore` must read, "" if nothing.
func ipsetText(have, want *node) string {
	same := len(have.ipsets) == len(want.ipsets)
	for i := range want.ipsets {
		same = same && have.ipsets[i].equal(&want.ipsets[i])
	}
	if same {
		return ""
	}
	return restoreIPSets(have.ipsets, want.ipsets)
}
