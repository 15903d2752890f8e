package record

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// mask takes one kind of value out of a text that differs from run to run and
// from machine to machine.
type mask struct {
	what  string // for docs/AUTHORING.md
	match *regexp.Regexp
	by    string
	only  func(match string) bool // nil for every match
}

// macMark is what is left of a MAC address.
const macMark = "<mac>"

// masks are applied in this order. Most processes of this program have no use for
// them, so they are compiled when they are first asked for.
var masks = sync.OnceValue(func() []mask {
	return []mask{
		{"MAC addresses", regexp.MustCompile(`\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b`), macMark, func(m string) bool {
			return m != "00:00:00:00:00:00" && m != "ff:ff:ff:ff:ff:ff"
		}},
		{"IPv6 addresses made of them", regexp.MustCompile(`\bfe80:[0-9a-f:]+`), "<fe80>", nil},
		{"interface numbers", regexp.MustCompile(`@if\d+:?\s*`), "@if<n> ", nil},
		{"interface numbers", regexp.MustCompile(`(?m)^\d+: `), "<n>: ", nil},
		{"times of day", regexp.MustCompile(`\b\d{2}:\d{2}:\d{2}(\.\d+)?\b`), "<time>", nil},
		{"ping's summary of times", regexp.MustCompile(`(?m)^rtt .*$`), "rtt <time>", nil},
		{"times in a trace", regexp.MustCompile(`(?m) {2,}\d+\.\d ms$`), "  <time>", nil},
		{"times in a trace", regexp.MustCompile(`("(?:at|took)_ms": )\d+(\.\d+)?`), "$1<time>", nil},
		{"how far conntrack has seen a traced connection end", regexp.MustCompile(`(?m)((?:→|->) \S+) (?:ESTABLISHED|FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT|CLOSE)$`), "$1 <state>", nil},
		{"durations", regexp.MustCompile(`\b\d+(\.\d+)? ?(ns|us|µs|ms|s|sec|secs|seconds)\b`), "<time>", nil},
		{"how long conntrack keeps a flow", regexp.MustCompile(`(?m)^((?:ipv4 +\d+ )?(?:tcp|udp|icmp) +\d+) \d+ `), "$1 <time> ", nil},
		{"user ids", regexp.MustCompile(`\buid \d+`), "uid <n>", nil},
		{"process ids", regexp.MustCompile(`\b(pid[ =]|PID )\d+`), "$1<pid>", nil},
		{"ids of packets", regexp.MustCompile(`\bid[ =]\d+`), "id <n>", nil},
		{"counters", regexp.MustCompile(`\b(packets|bytes|use=) ?\d+`), "$1 <n>", nil},
		{"counters", regexp.MustCompile(`\[\d+:\d+\]`), "[<n>:<n>]", nil},
		{"counters of iptables -v", regexp.MustCompile(`(?m)^ *\d+[KMG]? +\d+[KMG]? `), "<n> <n> ", nil},
		{"large numbers, such as TCP's", regexp.MustCompile(`\b\d{6,}\b`), "<n>", nil},
		{"ports that the kernel chooses", regexp.MustCompile(`(?:[.:=]|port": )\d{5}\b`), "<port>", func(m string) bool {
			n, err := strconv.Atoi(m[len(m)-5:])
			return err == nil && n >= 32768 && n <= 65535 // a test is sent from one of the last
		}},
		{"versions", regexp.MustCompile(`\b(v|version |iproute2-|curl/|Linux )\d+(\.\d+)+\S*`), "$1<version>", nil},
		{"iptables' two ways to write a protocol", regexp.MustCompile(`(?m)^(\S+ +)(?:6|tcp)( +-- )`), "${1}tcp$2", nil},
		{"iptables' two ways to write a protocol", regexp.MustCompile(`(?m)^(\S+ +)(?:17|udp)( +-- )`), "${1}udp$2", nil},
		{"iptables' two ways to write a protocol", regexp.MustCompile(`(?m)^(\S+ +)(?:1|icmp)( +-- )`), "${1}icmp$2", nil},
		{"a veth's word for a far end that is down", regexp.MustCompile(`\bLOWERLAYERDOWN\b`), "DOWN", nil},
	}
})

// take returns the text without what the mask matches.
func (m *mask) take(text string) string {
	if m.only == nil {
		return m.match.ReplaceAllString(text, m.by)
	}
	return m.match.ReplaceAllStringFunc(text, func(s string) string {
		if m.only(s) {
			return m.by
		}
		return s
	})
}

// masked returns the text's lines without what may differ, in a lab with or without
// a cluster. Lines next to each other that hold a MAC address are put in order: the
// kernel keeps them by its value.
func masked(text string, cluster bool) []string {
	if cluster {
		for _, m := range clusterMasks() {
			text = m.take(text)
		}
	}
	for _, m := range masks() {
		text = m.take(text)
	}
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
		if cluster {
			lines[i] = unplaced(lines[i])
		}
	}
	for i := 0; i < len(lines); {
		j := i
		for j < len(lines) && strings.Contains(lines[j], macMark) {
			j++
		}
		slices.Sort(lines[i:j])
		i = max(j, i+1)
	}
	return lines
}

// leftOut is a line that stands for any number of lines.
const leftOut = "…"

// same says whether the recorded output is what was printed now.
func same(recorded, now string, cluster bool) bool {
	return matches(masked(recorded, cluster), masked(now, cluster))
}

// matches compares lines, of which a "…" in want stands for any number of got.
func matches(want, got []string) bool {
	switch {
	case len(want) == 0:
		return len(got) == 0
	case strings.TrimSpace(want[0]) == leftOut:
		for i := 0; i <= len(got); i++ {
			if matches(want[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && want[0] == got[0] && matches(want[1:], got[1:])
}
