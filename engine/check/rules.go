package check

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"underlay/engine"
	"underlay/engine/observe"
)

// patterns remembers what compiled has compiled: a lab's few checks are judged over and over.
var patterns sync.Map

// compiled compiles a check's pattern, once.
func compiled(match string) (*regexp.Regexp, error) {
	if known, ok := patterns.Load(match); ok {
		return known.(*regexp.Regexp), nil //nolint:forcetypeassert // nothing else is stored
	}
	pattern, err := regexp.Compile(match)
	if err == nil {
		patterns.Store(match, pattern)
	}
	return pattern, err
}

func checkNAT(f *facts, c engine.NATCheck) verdict {
	st, bad := f.node(c.Node, observe.Firewall)
	if bad != nil {
		return *bad
	}
	pattern, err := compiled(c.Match)
	if err != nil {
		return brokenf("The pattern of this check is not valid: %v.", err)
	}
	var near []observe.FirewallRule
	for _, r := range st.Firewall {
		if r.Policy || !translates(r.Does) || c.Does != "" && r.Does != c.Does {
			continue
		}
		if atHooks(r, c.Hook) && targetMatches(c.To, r.To) && pattern.MatchString(r.Text) {
			return passed(c.Node + " has " + firewallWords(r))
		}
		near = append(near, r)
	}
	if len(near) == 0 {
		return failed(fmt.Sprintf("%s has no %s rule", c.Node, orElse(c.Does, "NAT")), "")
	}
	return failed(c.Node+" has "+firewallList(near), hookWhy(near, c.Hook))
}

func translates(does string) bool {
	return does == "masquerade" || does == "snat" || does == "dnat" || does == "redirect"
}

// unhooked stands, in place of a hook, for chains that nothing jumps to.
const unhooked = "none"

// atHooks reports whether packets at this hook get to the rule; "" is any hook,
// but a chain that nothing jumps to is at none.
func atHooks(r observe.FirewallRule, hook string) bool {
	switch hook {
	case "":
		return r.Hook != ""
	case unhooked:
		return r.Hook == ""
	}
	return slices.Contains(hooks(r), hook)
}

func hooks(r observe.FirewallRule) []string {
	if r.Hook == "" {
		return nil
	}
	return strings.Split(r.Hook, ",")
}

// targetMatches compares a translation's target; an address alone fits
// whatever port comes with it.
func targetMatches(want, got string) bool {
	if want == "" || want == got {
		return true
	}
	if ap, err := netip.ParseAddrPort(got); err == nil {
		return sameAddr(want, ap.Addr().String())
	}
	return sameAddr(want, got)
}

// hookWhy explains rules that sit where the packets do not come by.
func hookWhy(rules []observe.FirewallRule, hook string) string {
	if hook == unhooked {
		return ""
	}
	for _, r := range rules {
		if r.Hook == "" {
			return fmt.Sprintf("Nothing jumps to chain %s, so its rules are never reached.", r.Chain)
		}
	}
	if hook == "" {
		return ""
	}
	for _, r := range rules {
		if slices.Contains(hooks(r), hook) {
			return ""
		}
	}
	return fmt.Sprintf("Packets at %s do not come by there.", hook)
}

func firewallWords(r observe.FirewallRule) string {
	s := article(orElse(r.Does, "counting")) + " rule"
	if r.To != "" {
		s += " to " + r.To
	}
	if r.Hook == "" {
		return s + " in chain " + r.Chain
	}
	return s + " at " + list(hooks(r))
}

// shown is how many rules a sentence lists.
const shown = 3

func firewallList(rules []observe.FirewallRule) string {
	var words []string
	for _, r := range rules {
		if w := firewallWords(r); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	if more := len(words) - shown; more > 0 {
		words = append(words[:shown:shown], fmt.Sprintf("%d more", more))
	}
	return list(words)
}

func checkFilter(f *facts, c engine.FilterCheck) verdict {
	st, bad := f.node(c.Node, observe.Firewall)
	if bad != nil {
		return *bad
	}
	pattern, err := compiled(c.Match)
	if err != nil {
		return brokenf("The pattern of this check is not valid: %v.", err)
	}
	if c.Policy && c.Hook == unhooked {
		return brokenf("A chain that nothing jumps to has no policy.")
	}
	if c.Policy {
		return checkPolicy(st, c, pattern)
	}
	var near []observe.FirewallRule
	for _, r := range st.Firewall {
		if r.Policy || !filters(r.Does) || r.Type == "nat" || c.Does != "" && r.Does != c.Does {
			continue
		}
		if atHooks(r, c.Hook) && pattern.MatchString(r.Text) {
			return passed(c.Node + " has " + firewallWords(r))
		}
		near = append(near, r)
	}
	if len(near) == 0 {
		return failed(fmt.Sprintf("%s has no %s rule", c.Node, orElse(c.Does, "filter")), "")
	}
	return failed(c.Node+" has "+firewallList(near), hookWhy(near, c.Hook))
}

func filters(does string) bool { return does == "accept" || does == "drop" || does == "reject" }

// checkPolicy judges what becomes of packets that no rule decides. Every base
// chain of a hook has its say: one drop is enough, and accept holds only if all
// accept. A hook without a chain accepts.
func checkPolicy(st observe.State, c engine.FilterCheck, pattern *regexp.Regexp) verdict {
	effective := "accept"
	found := false
	for _, r := range st.Firewall {
		if !r.Policy || r.Type == "nat" || !atHooks(r, c.Hook) || !pattern.MatchString(r.Text) {
			continue
		}
		found = true
		if r.Does == "drop" {
			effective = "drop"
		}
	}
	got := fmt.Sprintf("the %spolicy of %s is %s", prefixed(c.Hook), st.Node, effective)
	if !found {
		got = fmt.Sprintf("%s has no %schain with a policy, so it accepts", st.Node, prefixed(c.Hook))
		if c.Match != "" {
			return failed(got, "")
		}
	}
	if c.Does != "" && c.Does != effective {
		return failed(got, "")
	}
	return passed(got)
}

func checkConntrack(f *facts, c engine.ConntrackCheck) verdict {
	st, bad := f.node(c.Node, observe.Conntrack)
	if bad != nil {
		return *bad
	}
	var near []string
	for _, fl := range st.Conntrack {
		if flowMatches(c, fl) {
			return passed(c.Node + " tracks " + flowWords(fl))
		}
		if (c.Proto == "" || fl.Proto == c.Proto) && addrFits(c.OrigSrc, fl.Orig.Src) && addrFits(c.OrigDst, fl.Orig.Dst) {
			near = append(near, flowWords(fl))
		}
	}
	switch {
	case len(st.Conntrack) == 0:
		return failed(c.Node+" tracks no flows", "")
	case len(near) == 0:
		return failed(c.Node+" tracks no such flow", "")
	}
	return failed(c.Node+" tracks "+near[0], "")
}

func flowMatches(c engine.ConntrackCheck, f observe.Flow) bool {
	return (c.Proto == "" || f.Proto == c.Proto) &&
		addrFits(c.OrigSrc, f.Orig.Src) && addrFits(c.OrigDst, f.Orig.Dst) &&
		(c.OrigDPort == 0 || f.Orig.DPort == c.OrigDPort) &&
		addrFits(c.ReplySrc, f.Reply.Src) && addrFits(c.ReplyDst, f.Reply.Dst) &&
		(c.ReplySPort == 0 || f.Reply.SPort == c.ReplySPort)
}

func addrFits(want string, got netip.Addr) bool {
	return want == "" || got.IsValid() && sameAddr(want, got.String())
}

func flowWords(f observe.Flow) string {
	return conntrackWords(engine.ConntrackCheck{
		Proto: f.Proto, OrigSrc: f.Orig.Src.String(), OrigDst: f.Orig.Dst.String(), OrigDPort: f.Orig.DPort,
		ReplySrc: f.Reply.Src.String(), ReplySPort: f.Reply.SPort, ReplyDst: f.Reply.Dst.String(),
	})
}

func checkSysctl(f *facts, c engine.SysctlCheck) verdict {
	st, bad := f.node(c.Node, observe.Sysctls)
	if bad != nil {
		return *bad
	}
	value, ok := st.Sysctls[c.Name]
	if !ok {
		return failed(fmt.Sprintf("%s has no setting %s", c.Node, c.Name), "")
	}
	got := fmt.Sprintf("%s is %s in %s", c.Name, strings.Join(strings.Fields(value), " "), c.Node)
	if !slices.Equal(strings.Fields(value), strings.Fields(c.Is)) {
		return failed(got, "")
	}
	return passed(got)
}

func checkSocket(f *facts, c engine.SocketCheck) verdict {
	st, bad := f.node(c.Node, observe.Sockets)
	if bad != nil {
		return *bad
	}
	c.Proto = orElse(c.Proto, "tcp")
	var at []string
	loopback := true
	for _, s := range st.Sockets {
		if s.Proto != c.Proto || s.Port != c.Port {
			continue
		}
		if c.Addr == "" || boundAs(c.Addr, s.Addr) {
			return passed(socketWords(c.Proto) + " " + endpoint(s.Addr.String(), s.Port) + " in " + c.Node)
		}
		at = append(at, endpoint(s.Addr.String(), s.Port))
		loopback = loopback && s.Addr.Unmap().IsLoopback()
	}
	if len(at) == 0 {
		return failed(fmt.Sprintf("nothing %s port %d in %s", socketWords(c.Proto), c.Port, c.Node), "")
	}
	why := ""
	if loopback {
		why = "A server on a loopback address cannot be reached from another node."
	}
	return failed(fmt.Sprintf("%s %s in %s", socketWords(c.Proto), list(at), c.Node), why)
}

func socketWords(proto string) string {
	if proto == "udp" {
		return "is bound to UDP"
	}
	return "listens on TCP"
}

// boundAs compares a socket's address with the one asked for. The IPv6 wildcard
// takes IPv4 as well, so it stands for 0.0.0.0 too.
func boundAs(want string, got netip.Addr) bool {
	w, err := netip.ParseAddr(want)
	if err != nil {
		return false
	}
	return w == got.Unmap() || w == netip.IPv4Unspecified() && got == netip.IPv6Unspecified()
}
