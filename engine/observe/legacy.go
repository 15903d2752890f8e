package observe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// legacyTables are the iptables-legacy tables that a caller says exist in a
// node, by family name.
type legacyTables map[string][]string

// AssumeLegacy says that iptables-legacy has been used on tables (filter, nat …)
// of a family (ip, ip6) in a node. It is needed only where the kernel does not
// let the program see which tables exist: /proc/net/ip_tables_names belongs to
// uid 0 of the user namespace and cannot be read when that uid is not mapped, as
// in a sandbox without root. There, tables not named here are not read, because
// asking for a table creates it, and a nat table activates conntrack.
func (r *Reader) AssumeLegacy(node, family string, tables ...string) error {
	n, err := r.node(node)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.legacy == nil {
		n.legacy = legacyTables{}
	}
	n.legacy[family] = slices.Clone(tables)
	return nil
}

// readLegacy lists the rules of iptables-legacy. It has no netlink interface
// and its binary one is private to the tool, so the tool is run, and only when
// there are tables: it would create those it is asked for.
func (n *node) readLegacy() ([]FirewallRule, error) {
	var out []FirewallRule
	var errs []error
	for _, f := range []struct{ family, names, save string }{
		{"ip", "/proc/thread-self/net/ip_tables_names", "iptables-legacy-save"},
		{"ip6", "/proc/thread-self/net/ip6_tables_names", "ip6tables-legacy-save"},
	} {
		rules, err := n.legacyFamily(f.family, f.names, f.save)
		out = append(out, rules...)
		if err != nil {
			errs = append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

func (n *node) legacyFamily(family, names, save string) ([]FirewallRule, error) {
	n.mu.Lock()
	assumed := slices.Clone(n.legacy[family])
	n.mu.Unlock()
	var out []FirewallRule
	err := netns.Do(n.NS, func() error {
		tables, err := legacyNames(names, assumed)
		if err != nil || len(tables) == 0 {
			return err
		}
		for _, table := range tables {
			text, err := runSave(save, table)
			if err != nil {
				return err
			}
			rules, err := parseSave(family, text)
			if err != nil {
				return fmt.Errorf("%s: %w", save, err)
			}
			out = append(out, rules...)
		}
		return nil
	})
	return out, err
}

// legacyNames are the tables that exist in the current namespace; assumed is
// the answer where the kernel gives none.
func legacyNames(path string, assumed []string) ([]string, error) {
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		return strings.Fields(string(b)), nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil // a kernel without iptables-legacy
	case errors.Is(err, fs.ErrPermission):
		return assumed, nil
	}
	return nil, fmt.Errorf("list iptables-legacy tables: %w", err)
}

// runSave runs the save tool for one table in the calling thread's namespace.
func runSave(tool, table string) ([]byte, error) {
	cmd := exec.Command(tool, "-c", "-t", table)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s -t %s: %w: %s", tool, table, err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// parseSave reads what iptables-save -c prints of one or more tables.
func parseSave(family string, text []byte) ([]FirewallRule, error) {
	var out []FirewallRule
	table := ""
	var rules []FirewallRule
	finish := func() {
		out = append(out, legacyEntries(rules)...)
		rules = nil
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		e := FirewallRule{Backend: BackendIptablesLegacy, Family: family, Table: table}
		switch {
		case line == "" || line[0] == '#':
		case line == "COMMIT":
			finish()
		case line[0] == '*':
			table = line[1:]
		case line[0] == ':':
			rules = append(rules, legacyChain(e, line))
		case line[0] == '[':
			counters, rule, _ := strings.Cut(line, " ")
			e.Packets, e.Text = firstCounter(counters), rule
			rules = append(rules, legacyRule(e))
		default:
			return out, fmt.Errorf("not a line of iptables-save: %q", line)
		}
	}
	return out, lines.Err()
}

// legacyChain reads ":NAME POLICY [packets:bytes]"; a user's chain has "-" for
// a policy and gives an entry that legacyEntries drops.
func legacyChain(e FirewallRule, line string) FirewallRule {
	f := strings.Fields(line[1:])
	e.Policy, e.Chain = true, f[0]
	if len(f) >= 3 && f[1] != "-" {
		e.Does, e.Packets = strings.ToLower(f[1]), firstCounter(f[2])
		e.Text = fmt.Sprintf("-P %s %s", e.Chain, f[1])
	}
	return e
}

// firstCounter reads packets from "[packets:bytes]".
func firstCounter(s string) uint64 {
	packets, _, _ := strings.Cut(strings.Trim(s, "[]"), ":")
	n, err := strconv.ParseUint(packets, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// legacyRule reads what a rule does from its text.
func legacyRule(e FirewallRule) FirewallRule {
	f := strings.Fields(e.Text)
	for i := 0; i+1 < len(f); i++ {
		switch f[i] {
		case "-A":
			e.Chain = f[i+1]
		case "-g":
			e.Does, e.To = "jump", f[i+1]
		case "-j":
			switch f[i+1] {
			case "ACCEPT", "DROP", "REJECT", "MASQUERADE", "SNAT", "DNAT", "REDIRECT", "RETURN":
				e.Does = strings.ToLower(f[i+1])
			default:
				e.To = f[i+1] // a chain, or a target that only notes something
			}
		case "--to-source", "--to-destination":
			e.To = f[i+1]
		case "--to-ports":
			e.To = ":" + f[i+1]
		}
	}
	return e
}

// legacyEntries orders one table's lines by chain and fills in hooks, types and
// which targets are chains.
func legacyEntries(lines []FirewallRule) []FirewallRule {
	rs := &ruleset{}
	var decoded []decodedRule
	key := func(name string) chainKey { return chainKey{tableKey{unix.NFPROTO_IPV4, ""}, name} }
	chains := map[string]bool{}
	for i := range lines {
		l := &lines[i]
		if l.Policy {
			hook := slices.Index([]string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}, l.Chain)
			chains[l.Chain] = true
			rs.chains = append(rs.chains, chain{chainKey: key(l.Chain), base: l.Does != "" && hook >= 0, hook: uint32(max(hook, 0))})
		}
	}
	for i := range lines {
		l := &lines[i]
		if l.Policy {
			continue
		}
		d := decodedRule{}
		if l.To != "" && (l.Does == "" || l.Does == "jump") {
			if chains[l.To] {
				l.Does, d.jumps = "jump", []string{l.To}
			} else {
				l.To = ""
			}
		}
		rs.rules, decoded = append(rs.rules, rule{chainKey: key(l.Chain)}), append(decoded, d)
	}
	hooks := rs.reach(decoded)
	var out []FirewallRule
	for i := range rs.chains {
		ch := &rs.chains[i]
		for _, l := range lines {
			if l.Chain != ch.name || (l.Policy && !ch.base) {
				continue
			}
			l.Hook = hookNames(unix.NFPROTO_IPV4, hooks[ch.chainKey])
			if ch.base {
				l.Type = legacyType(l.Table, ch.name)
			}
			out = append(out, l)
		}
	}
	return out
}

// legacyType is the type that the chain would have in nf_tables.
func legacyType(table, chain string) string {
	switch {
	case table == "nat":
		return "nat"
	case table == "mangle" && chain == "OUTPUT":
		return "route"
	}
	return "filter"
}
