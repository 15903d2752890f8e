package autopsy

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"underlay/engine/observe"
)

// grew is by how much a counter of a node grew during the attempt.
func (c *examination) grew(node, counter string) int {
	before, after := c.before[node], c.after[node]
	if before == nil || after == nil || after.Counters[counter] <= before.Counters[counter] {
		return 0
	}
	return int(after.Counters[counter] - before.Counters[counter])
}

// wrongSum explains a packet that a node took in by its wrong checksum.
func (c *examination) wrongSum(node string, p *packet, f *flight) (Verdict, bool) {
	name := map[string]string{"tcp": "Tcp.InCsumErrors", "udp": "Udp.InCsumErrors", "icmp": "Icmp.InCsumErrors", "icmp6": "Icmp6InCsumErrors"}[p.proto]
	if p.proto == "udp" && p.dst.Is6() {
		name = "Udp6InCsumErrors"
	}
	n := c.grew(node, name)
	if n == 0 {
		return none, false
	}
	return say("checksum.transport", spot{node, "InCsumErrors", f.dir}, args{Counter: name, Count: n, Proto: p.proto, Packet: packetWord(f)}), true
}

// noFreePort explains a packet that came through all of the rules and that conntrack could
// not remember as it had been translated: another flow has those very ends.
func (c *examination) noFreePort(f *flight, node string, p *passage) (Verdict, bool) {
	n := c.grew(node, "Conntrack.InsertFailed")
	if n == 0 {
		return none, false
	}
	r := c.translating(p)
	if r == nil {
		hits := c.hits(node, p.hook, onlyLegacy, "snat", "masquerade")
		if len(hits) != 1 {
			return none, false
		}
		r = &hits[0]
	}
	return say("no-free-port", spot{node, ruleObject(r), f.dir}, args{
		Chain: ruleObject(r), Rule: r.Text, Packet: packetWord(f), Counter: "insert_failed", Count: n,
	}), true
}

// translating is the rule that translated a packet at a hook, nil if none did.
func (c *examination) translating(p *passage) *observe.FirewallRule {
	for i := len(p.met) - 1; i >= 0; i-- {
		if r := c.rule(&p.met[i]); r != nil && isTranslation(r.Does) {
			return r
		}
	}
	return nil
}

// rerouted explains a packet of a node's own that a rule gave another destination and that
// the kernel could not route there.
func (c *examination) rerouted(f *flight, node string, p *passage) (Verdict, bool) {
	if p.hook != "output" || p.entered.packet == nil {
		return none, false
	}
	r := c.translating(p)
	if r == nil {
		hits := c.hits(node, p.hook, onlyLegacy, "dnat")
		if len(hits) != 1 {
			return none, false
		}
		r = &hits[0]
	}
	to, ok := targetOf(r)
	if !ok {
		return none, false
	}
	src := p.entered.packet.src
	q := observe.RouteQuery{To: to, Mark: p.entered.mark}
	d, ok := c.decide(node, q)
	switch {
	case !ok:
		return none, false
	case d.Unreachable:
		return c.noWay(node, f.dir, q, d), true
	case !src.IsLoopback() || to.IsLoopback():
		return none, false
	}
	all, one := "net.ipv4.conf.all.route_localnet", "net/ipv4/conf/"+d.Dev+"/route_localnet"
	if values := c.sysctls(node, all, one); values[all] != "0" || values[one] != "0" {
		return none, false
	}
	setting := "net.ipv4.conf." + d.Dev + ".route_localnet"
	return say("martian.localhost", spot{node, setting, f.dir}, args{
		Chain: ruleObject(r), Address: to.String(), Source: src.String(), Out: d.Dev, Setting: setting, Value: "0",
	}), true
}

// targetOf is the first address that a rule translates to.
func targetOf(r *observe.FirewallRule) (netip.Addr, bool) {
	to, _, _ := strings.Cut(r.To, "-")
	if ap, err := netip.ParseAddrPort(to); err == nil {
		return ap.Addr(), true
	}
	a, err := netip.ParseAddr(to)
	return a, err == nil
}

// bad are the names of counters that do not grow while all is well.
var bad = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`Drop|Err|Fail|Block|Invalid|Discards|NoRoutes|NoPorts|Unknown|PFMemalloc|Filter|Xfrm|Overflow`)
})

// suspects are the counters of a node that grew and tell of something amiss: "UdpInErrors +1".
func (c *examination) suspects(node string) (out []string) {
	after := c.after[node]
	if after == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(after.Counters)) {
		if n := c.grew(node, name); n > 0 && bad().MatchString(name) {
			out = append(out, fmt.Sprintf("%s +%d", strings.ReplaceAll(name, ".", ""), n))
		}
	}
	return out
}

// ruledOut is what was looked at in a node and does not explain what became of a packet.
func (c *examination) ruledOut(node string) []string {
	if c.before[node] == nil {
		return nil
	}
	var out []string
	if c.traced(node) {
		out = append(out, "rules")
	}
	out = append(out, "routes", "neighbours", "links", "MTUs")
	if c.fenced[node][unix.NFPROTO_BRIDGE] {
		out = append(out, "bridge ports")
	}
	if after := c.after[node]; after != nil && len(after.Counters) > 0 {
		out = append(out, "queues", "checksums")
	}
	return out
}
