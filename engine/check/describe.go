package check

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"underlay/engine"
)

// Describe says in words what a check asks for: "eth0 in c1 has the address
// 172.17.0.2/16". A result's Want is in the same words.
func Describe(c engine.Check) string {
	switch {
	case c.Traffic != nil:
		return describeTraffic(*c.Traffic)
	case c.Link != nil:
		return describeLink(*c.Link)
	case c.Addr != nil:
		return describeAddr(*c.Addr)
	case c.Route != nil:
		return describeRoute(*c.Route)
	case c.Rule != nil:
		return c.Rule.Node + " has a policy-routing rule" + colon(ruleWords(*c.Rule))
	case c.Neigh != nil:
		return describeNeigh(*c.Neigh)
	case c.FDB != nil:
		return describeFDB(*c.FDB)
	case c.Sysctl != nil:
		return fmt.Sprintf("%s is %s in %s", c.Sysctl.Name, c.Sysctl.Is, c.Sysctl.Node)
	case c.Socket != nil:
		return describeSocket(*c.Socket)
	case c.NAT != nil:
		return describeNAT(*c.NAT)
	case c.Filter != nil:
		return describeFilter(*c.Filter)
	}
	return describeOther(c)
}

func describeOther(c engine.Check) string {
	switch {
	case c.Conntrack != nil:
		return c.Conntrack.Node + " tracks " + conntrackWords(*c.Conntrack)
	case c.Netns != nil:
		return describeNetns(*c.Netns)
	case c.Capture != nil:
		return describeCapture(*c.Capture)
	case c.DNS != nil:
		return describeDNS(*c.DNS)
	case c.Answer != nil:
		return "the right answer to: " + c.Answer.Prompt
	case c.Object != nil:
		return describeObject(*c.Object)
	case c.Choice != nil:
		return "the right answer to: " + c.Choice.Prompt
	case len(c.All) > 0:
		return describeList(c.All, "; ")
	case len(c.Any) > 0:
		return describeList(c.Any, ", or ")
	case c.Not != nil:
		return "not: " + Describe(*c.Not)
	}
	return ""
}

func describeList(cs []engine.Check, sep string) string {
	words := make([]string, len(cs))
	for i, c := range cs {
		words[i] = Describe(c)
	}
	return strings.Join(words, sep)
}

func describeLink(c engine.LinkCheck) string {
	var is, has []string
	if c.Kind != "" {
		is = append(is, article(c.Kind))
	}
	if c.State != "" {
		is = append(is, c.State)
	}
	switch c.Master {
	case "":
	case "none":
		is = append(is, "a port of no bridge")
	default:
		is = append(is, "a port of "+c.Master)
	}
	switch {
	case c.Peer == "":
	case c.PeerMaster == "":
		has = append(has, "its other end in "+c.Peer)
	case c.PeerMaster == "none":
		has = append(has, "its other end in "+c.Peer+", where it is a port of no bridge")
	default:
		has = append(has, "its other end in "+c.Peer+", where it is a port of "+c.PeerMaster)
	}
	if c.MTU != 0 {
		has = append(has, fmt.Sprintf("MTU %d", c.MTU))
	}
	what := join(prefixIf("is ", strings.Join(is, ", ")), " and ", prefixIf("has ", list(has)))
	switch {
	case c.Name == "":
		return c.Node + " has an interface" + prefixIf(" that ", what)
	case what == "":
		return fmt.Sprintf("%s has the interface %s", c.Node, c.Name)
	}
	return fmt.Sprintf("%s in %s %s", c.Name, c.Node, what)
}

func describeAddr(c engine.AddrCheck) string {
	what := "an IPv4 address"
	if c.Addr != "" {
		what = "the address " + c.Addr
	}
	return fmt.Sprintf("%s has %s", addrPlace(c), what)
}

// on names a device of a node, or the node alone.
func on(dev, node string) string {
	if dev == "" {
		return node
	}
	return dev + " in " + node
}

func describeRoute(c engine.RouteCheck) string {
	how := ""
	switch c.Via {
	case "":
	case "none":
		how = " directly"
	default:
		how = " via " + c.Via
	}
	if c.Dev != "" {
		how += " by " + c.Dev
	}
	source := ""
	if c.From != "" {
		source = " from " + c.From
	}
	none := c.Expect == engine.Unreachable
	switch {
	case isDefault(c.To) && none:
		return c.Node + " has no default route"
	case isDefault(c.To):
		return c.Node + " has a default route" + how
	case none:
		return fmt.Sprintf("%s has no route to %s%s", c.Node, c.To, source)
	}
	return fmt.Sprintf("%s sends to %s%s%s", c.Node, c.To, source, how)
}

func ruleWords(c engine.RuleCheck) string {
	var w []string
	add := func(set bool, format string, arg any) {
		if set {
			w = append(w, fmt.Sprintf(format, arg))
		}
	}
	add(c.From != "", "from %s", c.From)
	add(c.To != "", "to %s", c.To)
	add(c.Mark != 0, "mark %#x", c.Mark)
	add(c.Table != 0, "table %d", c.Table)
	add(c.Priority != 0, "priority %d", c.Priority)
	return strings.Join(w, ", ")
}

func describeNeigh(c engine.NeighCheck) string {
	s := on(c.Dev, c.Node) + " has a neighbour entry"
	if c.Addr != "" {
		s += " for " + c.Addr
	}
	if c.MAC != "" {
		s += " with MAC " + c.MAC
	}
	if c.State != "" {
		s += ", " + c.State
	}
	return s
}

func describeFDB(c engine.FDBCheck) string {
	s := on(c.Dev, c.Node) + " has a forwarding entry"
	if c.MAC != "" {
		s += " for MAC " + c.MAC
	}
	if c.Dst != "" {
		s += " to " + c.Dst
	}
	return s
}

func describeSocket(c engine.SocketCheck) string {
	where := fmt.Sprintf("port %d", c.Port)
	if c.Addr != "" {
		where = endpoint(c.Addr, c.Port)
	}
	if c.Proto == "udp" {
		return fmt.Sprintf("a UDP socket is bound to %s in %s", where, c.Node)
	}
	return fmt.Sprintf("something listens on TCP %s in %s", where, c.Node)
}

func describeNAT(c engine.NATCheck) string {
	s := fmt.Sprintf("%s has %s rule", c.Node, article(orElse(c.Does, "NAT")))
	if c.To != "" {
		s += " to " + c.To
	}
	return s + atHook(c.Hook) + matching(c.Match)
}

func describeFilter(c engine.FilterCheck) string {
	if c.Policy {
		return fmt.Sprintf("the %spolicy of %s is %s", prefixed(c.Hook), c.Node, c.Does) + matching(c.Match)
	}
	return fmt.Sprintf("%s has %s rule", c.Node, article(orElse(c.Does, "filter"))) + atHook(c.Hook) + matching(c.Match)
}

func prefixed(hook string) string {
	if hook == "" {
		return ""
	}
	return hook + " "
}

func conntrackWords(c engine.ConntrackCheck) string {
	s := article(strings.TrimSpace(strings.ToUpper(c.Proto) + " flow"))
	if c.OrigSrc != "" {
		s += " from " + c.OrigSrc
	}
	if c.OrigDst != "" || c.OrigDPort != 0 {
		s += " to " + endpoint(c.OrigDst, c.OrigDPort)
	}
	if c.ReplySrc != "" || c.ReplySPort != 0 {
		s += ", answered from " + endpoint(c.ReplySrc, c.ReplySPort)
	}
	if c.ReplyDst != "" {
		s += ", answered to " + c.ReplyDst
	}
	return s
}

func describeNetns(c engine.NetnsCheck) string {
	switch {
	case c.SameAs != "":
		return fmt.Sprintf("%s and %s share one network namespace", c.Node, c.SameAs)
	case len(c.Links) > 0:
		return fmt.Sprintf("%s holds no interfaces but %s", c.Node, list(c.Links))
	}
	return "the network namespace " + c.Node + " exists"
}

func describeCapture(c engine.CaptureCheck) string {
	packets := "packets"
	if !c.Sees {
		packets = "no packets"
	}
	s := packets + matching(c.Filter) + " are seen on " + on(c.Dev, c.Node)
	if c.During != nil {
		s += " while " + trafficSubject(*c.During) + " is tried"
	}
	return s
}

func describeDNS(c engine.DNSCheck) string {
	s := fmt.Sprintf("%s asks for the %s record of %s", c.From, orElse(c.Type, "A"), c.Name)
	if c.Server != "" {
		s = fmt.Sprintf("%s asks %s for the %s record of %s", c.From, c.Server, orElse(c.Type, "A"), c.Name)
	}
	var w []string
	if c.Rcode != "" {
		w = append(w, c.Rcode)
	}
	if len(c.Answer) > 0 {
		w = append(w, list(c.Answer))
	}
	if len(w) == 0 {
		w = append(w, "an answer")
	}
	return s + ": " + strings.Join(w, ", ")
}

// Small words.

func colon(s string) string { return prefixIf(": ", s) }

func prefixIf(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func atHook(hook string) string {
	if hook == unhooked {
		return " in a chain that nothing jumps to"
	}
	return prefixIf(" at ", hook)
}

func matching(pattern string) string {
	if pattern == "" {
		return ""
	}
	return fmt.Sprintf(" matching %q", pattern)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func article(noun string) string {
	if noun != "" && strings.ContainsRune("aeio", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func endpoint(addr string, port int) string {
	switch {
	case port == 0:
		return addr
	case addr == "":
		return fmt.Sprintf("port %d", port)
	}
	return net.JoinHostPort(addr, strconv.Itoa(port))
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// list joins words as a sentence does: "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// duration prints a wait as people say it: "600 ms", "1.5 s".
func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	}
	return strconv.FormatFloat(d.Round(100*time.Millisecond).Seconds(), 'f', -1, 64) + " s"
}
