package undo

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Tools runs programs in nodes: what iptables-legacy and ipset keep has no
// listing that the kernel would take back, but their own tools write and read one.
type Tools interface {
	// Run runs a program to its end and returns what it printed, at most 64 KiB,
	// and its exit code.
	Run(ctx context.Context, node, stdin string, argv ...string) (output string, code int, err error)
}

// maxText is what a tool may print before some of it is missing.
const maxText = 64<<10 - 1

func tell(ctx context.Context, t Tools, node, stdin string, argv ...string) (string, error) {
	out, code, err := t.Run(ctx, node, stdin, argv...)
	switch {
	case err != nil:
		return "", err
	case code != 0:
		return "", fmt.Errorf("%s in %s ended with %d: %s", argv[0], node, code, strings.TrimSpace(out))
	case len(out) > maxText:
		return "", fmt.Errorf("%s in %s printed more than can be kept", argv[0], node)
	}
	return out, nil
}

// legacyTable is a table of iptables-legacy, as its save tool writes it.
type legacyTable struct {
	family string // ip, ip6
	name   string
	lines  []string // with counters: the chains, then the rules
}

// legacyTools are the families' tools, without "-save" and "-restore".
var legacyTools = map[string]string{"ip": "iptables-legacy", "ip6": "ip6tables-legacy"}

// saveLegacy writes all tables of a family, by a tool whose name goes in. Which
// there are is told to uid 0 only; without it each is asked for by name, which
// makes those that there were not, empty. The kernel need not know all of them.
const saveLegacy = `tool=%s
$tool-save -c 2>/dev/null && exit
for table in filter nat mangle raw security; do $tool-save -c -t $table 2>/dev/null; done
exit 0`

// readLegacy lists the tables of iptables-legacy that hold anything: one that
// was looked at once exists from then on, empty.
func readLegacy(ctx context.Context, t Tools, node string) ([]legacyTable, error) {
	var out []legacyTable
	for _, family := range []string{"ip", "ip6"} {
		text, err := tell(ctx, t, node, "", "sh", "-c", fmt.Sprintf(saveLegacy, legacyTools[family]))
		if err != nil {
			return nil, err
		}
		for _, l := range parseLegacy(family, text) {
			if !l.empty() {
				out = append(out, l)
			}
		}
	}
	return out, nil
}

func parseLegacy(family, text string) []legacyTable {
	var out []legacyTable
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line == "COMMIT":
		case line[0] == '*':
			out = append(out, legacyTable{family: family, name: line[1:]})
		case len(out) > 0:
			t := &out[len(out)-1]
			t.lines = append(t.lines, line)
		}
	}
	return out
}

// empty reports whether a table has no rule, no chain of its own and no policy
// but ACCEPT.
func (l *legacyTable) empty() bool {
	return !slices.ContainsFunc(l.lines, func(line string) bool {
		f := strings.Fields(line)
		return line[0] != ':' || len(f) < 2 || f[1] != "ACCEPT"
	})
}

// bare is a line without its counters.
func bare(line string) string {
	if strings.HasPrefix(line, ":") {
		text, _, _ := strings.Cut(line, " [")
		return text
	}
	if strings.HasPrefix(line, "[") {
		_, text, _ := strings.Cut(line, " ")
		return text
	}
	return line
}

func (l *legacyTable) equal(o *legacyTable) bool {
	return slices.EqualFunc(l.lines, o.lines, func(a, b string) bool { return bare(a) == bare(b) })
}

func (l *legacyTable) text() string {
	return "*" + l.name + "\n" + strings.Join(l.lines, "\n") + "\nCOMMIT\n"
}

// cleared is the table with nothing in it.
func (l *legacyTable) cleared() string {
	out := "*" + l.name + "\n"
	for _, line := range l.lines {
		if f := strings.Fields(line); line[0] == ':' && len(f) > 1 && f[1] != "-" {
			out += f[0] + " ACCEPT [0:0]\n"
		}
	}
	return out + "COMMIT\n"
}
