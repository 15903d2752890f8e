package observe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// The backends a rule can come from.
const (
	BackendNft            = "nft"
	BackendIptablesNft    = "iptables-nft"
	BackendIptablesLegacy = "iptables-legacy"
)

const verdictDropPolicy = 0 // NF_DROP

// readFirewall lists the rules and policies of nf_tables, then those of
// iptables-legacy where it has tables.
func (n *node) readFirewall() ([]FirewallRule, error) {
	var out []FirewallRule
	rs, err := n.readRuleset()
	if err == nil {
		out = rs.entries()
	}
	old, legacyErr := n.readLegacy()
	return append(out, old...), errors.Join(err, legacyErr)
}

// entries turns a ruleset into FirewallRules: table by table, chain by chain,
// a base chain's policy before its rules.
func (rs *ruleset) entries() []FirewallRule {
	decoded := make([]decodedRule, len(rs.rules))
	byChain := map[chainKey][]int{}
	for i := range rs.rules {
		decoded[i] = rs.decode(&rs.rules[i])
		byChain[rs.rules[i].chainKey] = append(byChain[rs.rules[i].chainKey], i)
	}
	hooks := rs.reach(decoded)
	var out []FirewallRule
	for _, t := range rs.tables {
		backend := rs.backend(t)
		for i := range rs.chains {
			ch := &rs.chains[i]
			if ch.tableKey != t {
				continue
			}
			entry := FirewallRule{
				Backend: backend, Family: nl.TableFamily(t.family), Table: t.name, Chain: ch.name,
				Hook: hookNames(t.family, hooks[ch.chainKey]),
			}
			if ch.base {
				entry.Type = ch.kind
				out = append(out, policyEntry(entry, ch))
			}
			for _, k := range byChain[ch.chainKey] {
				e := decoded[k].entry(entry)
				e.Handle = rs.rules[k].handle
				out = append(out, e)
			}
		}
	}
	return out
}

func policyEntry(e FirewallRule, ch *chain) FirewallRule {
	e.Policy, e.Does, e.Packets = true, "accept", ch.packets
	if ch.policy == verdictDropPolicy {
		e.Does = "drop"
	}
	e.Text = fmt.Sprintf("type %s hook %s priority %d; policy %s;", e.Type, e.Hook, ch.priority, e.Does)
	if e.Backend == BackendIptablesNft {
		e.Text = fmt.Sprintf("-P %s %s", e.Chain, strings.ToUpper(e.Does))
	}
	return e
}

// entry is the rule as a FirewallRule; chain has what all rules of its chain share.
func (d *decodedRule) entry(chain FirewallRule) FirewallRule {
	chain.Does, chain.To, chain.Packets = d.does, d.to, d.packets
	chain.Text = d.nftText()
	if chain.Backend == BackendIptablesNft {
		if text, ok := d.iptablesText(chain.Chain); ok {
			chain.Text = text
		}
	}
	return chain
}

// reach finds from which hooks each chain is entered: a base chain from its
// own, others by following jumps.
func (rs *ruleset) reach(decoded []decodedRule) map[chainKey]uint32 {
	jumps := map[chainKey][]string{}
	for i := range decoded {
		k := rs.rules[i].chainKey
		jumps[k] = append(jumps[k], decoded[i].jumps...)
	}
	hooks := map[chainKey]uint32{}
	var visit func(k chainKey, bits uint32)
	visit = func(k chainKey, bits uint32) {
		if hooks[k]&bits == bits {
			return
		}
		hooks[k] |= bits
		for _, to := range jumps[k] {
			visit(chainKey{k.tableKey, to}, bits)
		}
	}
	for i := range rs.chains {
		if rs.chains[i].base {
			visit(rs.chains[i].chainKey, 1<<rs.chains[i].hook)
		}
	}
	return hooks
}

// hookNames spells a set of hook numbers, in the order in which packets meet them.
func hookNames(family byte, bits uint32) string {
	names := []string{"prerouting", "input", "forward", "output", "postrouting", "ingress"}
	switch family {
	case unix.NFPROTO_ARP:
		names = []string{"input", "output", "forward"}
	case unix.NFPROTO_NETDEV:
		names = []string{"ingress", "egress"}
	}
	var out []string
	for i, name := range names {
		if bits&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, ",")
}

// iptablesPriorities are the priorities of the chains of one of iptables' tables; those
// of nat have two.
func iptablesPriorities(table string) []int32 {
	switch table {
	case "raw":
		return []int32{-300}
	case "mangle":
		return []int32{-150}
	case "nat":
		return []int32{-100, 100}
	case "filter":
		return []int32{0}
	case "security":
		return []int32{50}
	}
	return nil
}

// backend tells which tool a table belongs to. iptables-nft keeps its rules in
// families ip and ip6, in tables with iptables' names. Such a table is its own
// if a rule in it has an xt match or target, which nothing else can make, or if
// each of its base chains has the name of its hook in capitals and the priority
// that iptables gives it. A table that nft made to just that pattern is taken
// for iptables' as well: iptables itself lists and edits it as its own.
func (rs *ruleset) backend(t tableKey) string {
	priorities := iptablesPriorities(t.name)
	if priorities == nil || (t.family != unix.NFPROTO_IPV4 && t.family != unix.NFPROTO_IPV6) {
		return BackendNft
	}
	for i := range rs.rules {
		if rs.rules[i].tableKey == t && rs.rules[i].hasXT() {
			return BackendIptablesNft
		}
	}
	builtin := 0
	for i := range rs.chains {
		ch := &rs.chains[i]
		if ch.tableKey != t || !ch.base {
			continue
		}
		if ch.name != strings.ToUpper(hookNames(t.family, 1<<ch.hook)) || !slices.Contains(priorities, ch.priority) {
			return BackendNft
		}
		builtin++
	}
	if builtin == 0 {
		return BackendNft
	}
	return BackendIptablesNft
}

func (r *rule) hasXT() bool {
	return slices.ContainsFunc(r.exprs, func(e expression) bool { return e.name == "match" || e.name == "target" })
}
