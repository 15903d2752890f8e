package probe

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names is how a node resolves names: the files that programs in it read, and
// the C library whose rules they follow.
type Names struct {
	Etc  Etc
	Musl bool // resolve as musl does; else as glibc
}

// Etc holds the texts of the files in a node's /etc that name resolution reads. A
// nil file is not there, or cannot be read.
type Etc struct {
	Hosts, Resolv, Switch []byte // hosts, resolv.conf, nsswitch.conf
	Hostname              string
}

// Limits that the C libraries set.
const (
	maxServers  = 3
	maxDots     = 15
	maxTimeout  = 30 * time.Second
	maxAttempts = 5
	// The same in musl.
	maxTimeoutMusl  = 60 * time.Second
	maxAttemptsMusl = 10
)

// localServer is asked where resolv.conf names no server.
const localServer = "127.0.0.1"

// resolvConf is what a resolv.conf says.
type resolvConf struct {
	servers  []string
	given    bool // servers are of the file
	search   []string
	ndots    int
	timeout  time.Duration
	attempts int

	rotate, tcp, single, reopen, edns0, noAAAA, noTLD bool // glibc alone knows these
}

// resolv reads the node's resolv.conf.
func (n Names) resolv() resolvConf {
	c := resolvConf{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	searched := false
	for line := range strings.Lines(string(n.Etc.Resolv)) {
		words := strings.Fields(line)
		if len(words) == 0 || !strings.HasPrefix(line, words[0]) { // keywords begin the line
			continue
		}
		rest := words[1:]
		switch words[0] {
		case "nameserver":
			if len(rest) > 0 && len(c.servers) < maxServers {
				if addr, ok := numericServer(rest[0]); ok {
					c.servers = append(c.servers, addr)
				}
			}
		case "domain":
			if len(rest) > 0 {
				c.search, searched = rest[:1], true
			}
			if n.Musl {
				c.search = rest
			}
		case "search":
			if len(rest) > 0 || n.Musl {
				c.search, searched = rest, true
			}
		case "options":
			for _, o := range rest {
				c.option(o, n.Musl)
			}
		}
	}
	if _, domain, ok := strings.Cut(n.Etc.Hostname, "."); ok && !searched && !n.Musl {
		c.search = []string{domain}
	}
	if c.given = len(c.servers) > 0; !c.given {
		c.servers = []string{localServer}
	}
	return c
}

func (c *resolvConf) option(o string, musl bool) {
	name, value, _ := strings.Cut(o, ":")
	number, err := strconv.Atoi(value)
	if err != nil || number < 0 {
		number = 0
	}
	longest, most := maxTimeout, maxAttempts
	if musl {
		longest, most = maxTimeoutMusl, maxAttemptsMusl
	}
	switch {
	case name == "ndots":
		c.ndots = min(number, maxDots)
	case name == "timeout":
		c.timeout = min(max(time.Duration(number)*time.Second, time.Second), longest)
	case name == "attempts":
		c.attempts = min(max(number, 1), most)
	case musl:
	case name == "rotate":
		c.rotate = true
	case name == "use-vc":
		c.tcp = true
	case name == "single-request":
		c.single = true
	case name == "single-request-reopen":
		c.single, c.reopen = true, true
	case name == "edns0":
		c.edns0 = true
	case name == "no-aaaa":
		c.noAAAA = true
	case name == "no-tld-query":
		c.noTLD = true
	}
}

// Servers are the name servers that the node's resolv.conf names, in its order.
func (n Names) Servers() []string {
	if c := n.resolv(); c.given {
		return c.servers
	}
	return nil
}

// inHosts returns the addresses that the hosts file has for a name, in its order.
func (n Names) inHosts(name string) (addrs []netip.Addr) {
	same := strings.EqualFold
	if n.Musl {
		same = func(a, b string) bool { return a == b }
	}
	for line := range strings.Lines(string(n.Etc.Hosts)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 || !slices.ContainsFunc(words[1:], func(w string) bool { return same(w, name) }) {
			continue
		}
		if addr, err := netip.ParseAddr(words[0]); err == nil {
			addrs = append(addrs, addr.Unmap())
		} else if addr, ok := numeric(words[0]); ok && n.Musl {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// numericServer reads the address of a nameserver line.
func numericServer(s string) (string, bool) {
	addr, ok := numeric(s)
	return addr.String(), ok
}

// numeric reads an address in the forms that inet_aton and inet_pton take:
// "10.1" and "0x0a000001" are 10.0.0.1.
func numeric(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap(), true
	}
	parts := strings.Split(s, ".")
	if s == "" || len(parts) > 4 {
		return netip.Addr{}, false
	}
	sum := uint64(0)
	for i, p := range parts {
		if p == "" || p[0] == '+' || p[0] == '-' || strings.ContainsRune(p, '_') || strings.ContainsAny(p[:min(2, len(p))], "bBoO") {
			return netip.Addr{}, false
		}
		n, err := strconv.ParseUint(p, 0, 32)
		limit := uint64(math.MaxUint8)
		if i == len(parts)-1 {
			limit = 1<<(8*(5-len(parts))) - 1
		}
		if err != nil || n > limit {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			sum = sum<<(8*(5-len(parts))) | n
		} else {
			sum = sum<<8 | n
		}
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// found is how a source of names has answered, as nsswitch.conf calls it.
type found string

const (
	success  found = "success"
	notFound found = "notfound"
	unavail  found = "unavail"
)

// source is one source of names, and at which of its answers the lookup ends.
type source struct {
	name string
	ends map[found]bool
}

// sources are those of nsswitch.conf's hosts line, in its order.
func (n Names) sources() []source {
	line := "files dns"
	for l := range strings.Lines(string(n.Etc.Switch)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(l), "hosts:"); ok {
			line = rest
		}
	}
	var out []source
	inActions := false
	for _, word := range strings.Fields(strings.NewReplacer("[", " [ ", "]", " ] ").Replace(line)) {
		switch {
		case word == "[":
			inActions = true
		case word == "]":
			inActions = false
		case !inActions:
			out = append(out, source{word, map[found]bool{success: true}})
		case len(out) > 0:
			out[len(out)-1].act(strings.ToLower(word))
		}
	}
	return out
}

// act takes in an action, such as "notfound=return" or "!unavail=return".
func (s *source) act(action string) {
	when, does, _ := strings.Cut(action, "=")
	when, others := strings.CutPrefix(when, "!")
	for _, f := range []found{success, notFound, unavail} {
		if (string(f) == when) != others {
			s.ends[f] = does == "return"
		}
	}
}
