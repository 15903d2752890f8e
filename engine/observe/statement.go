package observe

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const nftaConnlimitCount, nftaConnlimitFlags = 1, 2 // of the expression behind "ct count"

// statement decodes the expressions that do something.
func (d *decoder) statement(e *expression) {
	switch e.name {
	case "counter":
		d.out.packets = e.Big64(unix.NFTA_COUNTER_PACKETS)
		d.add(term{key: fmt.Sprintf("counter packets %d bytes %d", d.out.packets, e.Big64(unix.NFTA_COUNTER_BYTES)), skipIpt: true})
	case "masq":
		ports := d.portRange(e, unix.NFTA_MASQ_REG_PROTO_MIN, unix.NFTA_MASQ_REG_PROTO_MAX)
		d.translate("masquerade", natAddress("", ports), e.Big32(unix.NFTA_MASQ_FLAGS))
	case "redir":
		ports := d.portRange(e, unix.NFTA_REDIR_REG_PROTO_MIN, unix.NFTA_REDIR_REG_PROTO_MAX)
		d.translate("redirect", natAddress("", ports), e.Big32(unix.NFTA_REDIR_FLAGS))
	case "nat":
		d.nat(e)
	case "reject":
		d.reject(e)
	case "limit":
		d.limit(e)
	case "log":
		d.log(e)
	case "match":
		d.xtMatch(e)
	case "target":
		d.xtTarget(e)
	case "notrack":
		d.add(term{key: "notrack", ipt: "-j NOTRACK"})
	case "connlimit":
		over := ""
		if e.Big32(nftaConnlimitFlags)&1 != 0 {
			over = "over "
		}
		d.add(term{key: fmt.Sprintf("ct count %s%d", over, e.Big32(nftaConnlimitCount))})
	case "objref":
		d.add(term{key: "object " + e.Text(unix.NFTA_OBJREF_IMM_NAME)})
	case "dynset":
		d.add(term{key: "update @" + e.Text(unix.NFTA_DYNSET_SET_NAME)})
	default:
		d.add(term{key: e.name})
	}
}

// constant is the text of the operand in the register that attribute t names.
func (d *decoder) constant(e *expression, t uint16, k kind) string {
	if !e.Has(t) {
		return ""
	}
	return d.value(d.get(e.Big32(t)), k)
}

func (d *decoder) portRange(e *expression, low, high uint16) string {
	return span(d.constant(e, low, kindPort), d.constant(e, high, kindPort))
}

// span writes a range, or its only value.
func span(low, high string) string {
	if high == "" || high == low {
		return low
	}
	return low + "-" + high
}

// nat is a snat or dnat with the address and port that its registers hold.
func (d *decoder) nat(e *expression) {
	k := kindAddr4
	if e.Big32(unix.NFTA_NAT_FAMILY) == unix.NFPROTO_IPV6 {
		k = kindAddr6
	}
	addr := span(d.constant(e, unix.NFTA_NAT_REG_ADDR_MIN, k), d.constant(e, unix.NFTA_NAT_REG_ADDR_MAX, k))
	ports := d.portRange(e, unix.NFTA_NAT_REG_PROTO_MIN, unix.NFTA_NAT_REG_PROTO_MAX)
	does := "dnat"
	if e.Big32(unix.NFTA_NAT_TYPE) == unix.NFT_NAT_SNAT {
		does = "snat"
	}
	d.translate(does, natAddress(addr, ports), e.Big32(unix.NFTA_NAT_FLAGS))
}

// translate notes a translation and puts it into both tools' words.
func (d *decoder) translate(does, to string, flags uint32) {
	d.out.does, d.out.to = does, to
	text, ipt := does, "-j "+strings.ToUpper(does)
	if to != "" {
		text += " to " + to
		switch does {
		case "dnat":
			ipt += " --to-destination " + to
		case "snat":
			ipt += " --to-source " + to
		default:
			ipt += " --to-ports " + strings.TrimPrefix(to, ":")
		}
	}
	for _, f := range []struct {
		bit      uint32
		nft, ipt string
	}{
		{unix.NF_NAT_RANGE_PROTO_RANDOM, "random", "--random"},
		{unix.NF_NAT_RANGE_PROTO_RANDOM_FULLY, "fully-random", "--random-fully"},
		{unix.NF_NAT_RANGE_PERSISTENT, "persistent", "--persistent"},
	} {
		if flags&f.bit != 0 {
			text, ipt = text+" "+f.nft, ipt+" "+f.ipt
		}
	}
	d.add(term{key: text, ipt: ipt})
}

func (d *decoder) reject(e *expression) {
	code := e.Big32(unix.NFTA_REJECT_ICMP_CODE)
	var with string
	switch e.Big32(unix.NFTA_REJECT_TYPE) {
	case unix.NFT_REJECT_TCP_RST:
		with = "tcp reset"
	case unix.NFT_REJECT_ICMPX_UNREACH:
		with = "icmpx " + indexed(code, map[uint32]string{0: "no-route", 1: "port-unreachable", 2: "host-unreachable", 3: "admin-prohibited"})
	default:
		with = "icmp " + indexed(code, map[uint32]string{0: "net-unreachable", 1: "host-unreachable", 2: "prot-unreachable",
			3: "port-unreachable", 9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited"})
		if d.ipv6() {
			with = "icmpv6 " + indexed(code, map[uint32]string{0: "no-route", 1: "admin-prohibited", 3: "addr-unreachable", 4: "port-unreachable"})
		}
	}
	d.out.does = "reject"
	d.add(term{key: "reject with " + with, ipt: "-j REJECT --reject-with " + strings.ReplaceAll(with, " ", "-")})
}

func (d *decoder) limit(e *expression) {
	unit := indexed(uint32(e.Big64(unix.NFTA_LIMIT_UNIT)), map[uint32]string{1: "second", 60: "minute", 3600: "hour", 86400: "day", 604800: "week"})
	over := ""
	if e.Big32(unix.NFTA_LIMIT_FLAGS)&unix.NFT_LIMIT_F_INV != 0 {
		over = "over "
	}
	what := "packets"
	if e.Big32(unix.NFTA_LIMIT_TYPE) == unix.NFT_LIMIT_PKT_BYTES {
		what = "bytes"
	}
	d.add(term{
		key: fmt.Sprintf("limit rate %s%d/%s burst %d %s", over, e.Big64(unix.NFTA_LIMIT_RATE), unit, e.Big32(unix.NFTA_LIMIT_BURST), what),
		ipt: iptablesLimit(e.Big64(unix.NFTA_LIMIT_RATE), unit, e.Big32(unix.NFTA_LIMIT_BURST)),
	})
}

// iptablesLimit is a rate in iptables' words, without the burst that it has by default.
func iptablesLimit(rate uint64, unit string, burst uint32) string {
	text := fmt.Sprintf("-m limit --limit %d/%s", rate, strings.NewReplacer("second", "sec", "minute", "min").Replace(unit))
	if burst != 5 {
		text += fmt.Sprintf(" --limit-burst %d", burst)
	}
	return text
}

func (d *decoder) log(e *expression) {
	text, ipt := "log", "-j LOG"
	p := e.Text(unix.NFTA_LOG_PREFIX)
	if p != "" {
		text, ipt = fmt.Sprintf("log prefix %q", p), fmt.Sprintf("-j LOG --log-prefix %q", p)
	}
	if e.Has(unix.NFTA_LOG_GROUP) {
		text += fmt.Sprintf(" group %d", e.Big32(unix.NFTA_LOG_GROUP))
		ipt = "-j NFLOG"
		if p != "" {
			ipt += " --nflog-prefix " + quoted(p)
		}
		if n := e.Big32(unix.NFTA_LOG_GROUP); n != 0 {
			ipt += fmt.Sprintf(" --nflog-group %d", n)
		}
	}
	d.add(term{key: text, ipt: ipt})
}

// nftText is the rule in nft's words.
func (d *decodedRule) nftText() string {
	var out []string
	for i, t := range d.terms {
		if t.implied && i+1 < len(d.terms) && impliedBy(t, d.terms[i+1]) {
			continue
		}
		value := t.value
		switch t.key {
		case "iifname", "oifname", "iif", "oif", "meta ibrname", "meta obrname":
			if !strings.HasPrefix(value, "{") && !strings.HasPrefix(value, "@") {
				value = `"` + value + `"`
			}
		}
		out = append(out, words(t.key, t.op, value))
	}
	return strings.Join(out, " ")
}

// impliedBy says whether next needs what t pins, so that nft does not print t.
func impliedBy(t, next term) bool {
	header, _, _ := strings.Cut(next.key, " ")
	switch t.value {
	case "ipv6-icmp":
		return header == "icmpv6"
	case "ipv4":
		return header == "ip"
	case "ipv6":
		return header == "ip6"
	}
	return header == t.value
}

func words(parts ...string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// iptablesText is the rule in the words of iptables-save; ok is false if iptables has no
// words for all of it, as for a rule that nft put into one of its tables.
func (d *decodedRule) iptablesText(chain string) (text string, ok bool) {
	var options []iptablesOption
	for _, t := range d.terms {
		o := iptablesOption{rank: len(ranks), text: t.ipt}
		switch {
		case t.skipIpt:
			continue
		case t.ipt == "":
			if o, ok = t.iptables(); !ok {
				return "", false
			}
		}
		options = append(options, o)
	}
	slices.SortStableFunc(options, func(a, b iptablesOption) int { return a.rank - b.rank })
	out := []string{"-A " + chain}
	for _, o := range options {
		last := len(out) - 1
		for _, module := range []string{"-m tcp ", "-m udp "} { // several matches are printed as one
			if strings.HasPrefix(o.text, module) && strings.HasPrefix(out[last], module) {
				out[last] = module + inOrder(out[last][len(module):], o.text[len(module):])
				o.text = ""
			}
		}
		if o.text != "" {
			out = append(out, o.text)
		}
	}
	return strings.Join(out, " "), true
}

// inOrder joins options of the module tcp or udp: ports come before flags.
func inOrder(a, b string) string {
	if strings.Contains(a, "--tcp-flags") || strings.Contains(a, "--dport") && strings.Contains(b, "--sport") {
		a, b = b, a
	}
	return a + " " + b
}

// iptablesOption is a piece of a rule in iptables' words, and its place in it.
type iptablesOption struct {
	rank int
	text string
}

// ranks are the options that iptables-save prints first, in its order.
var ranks = []string{"-s", "-d", "-i", "-o", "-p", "-f"}

// iptables is a match in iptables' words; ok is false for one that iptables cannot say.
func (t *term) iptables() (o iptablesOption, ok bool) {
	not, option, value := "", "", t.value
	if t.op == "!=" {
		not = "! "
	}
	key, mask, hasMask := strings.Cut(t.key, " & ")
	switch {
	case strings.HasPrefix(value, "{") || strings.HasPrefix(value, "@") || t.op == "vmap":
		return o, false
	case hasMask && key == "tcp flags":
		return iptablesOption{len(ranks), fmt.Sprintf("-m tcp %s--tcp-flags %s %s", not, flagList(mask), flagList(value))}, true
	case hasMask && key == "meta mark":
		return iptablesOption{len(ranks), fmt.Sprintf("-m mark %s--mark %s/%s", not, value, mask)}, true
	case t.key == "@nh,48,16 & 0x1fff": // the fragment's offset
		if t.op == "!=" {
			return iptablesOption{slices.Index(ranks, "-f"), "-f"}, true
		}
		return iptablesOption{slices.Index(ranks, "-f"), "! -f"}, true
	case hasMask:
		return o, false
	}
	rank := len(ranks)
	switch t.key {
	case "ip saddr", "ip6 saddr":
		option, value = "-s", withLength(t.key, value)
	case "ip daddr", "ip6 daddr":
		option, value = "-d", withLength(t.key, value)
	case "iifname", "iif":
		option, value = "-i", strings.Replace(value, "*", "+", 1)
	case "oifname", "oif":
		option, value = "-o", strings.Replace(value, "*", "+", 1)
	case "meta l4proto", "ip protocol", "ip6 nexthdr":
		option = "-p"
	case "meta mark":
		return iptablesOption{rank, "-m mark " + not + "--mark " + value}, true
	case "icmp type":
		return iptablesOption{rank, "-m icmp " + not + "--icmp-type " + value}, true
	default:
		proto, field, _ := strings.Cut(t.key, " ")
		if field != "sport" && field != "dport" || proto == "th" {
			return o, false
		}
		return iptablesOption{rank, fmt.Sprintf("-m %s %s--%s %s", proto, not, field, strings.ReplaceAll(value, "-", ":"))}, true
	}
	return iptablesOption{slices.Index(ranks, option), not + option + " " + value}, true
}

// flagList spells TCP flags as iptables does.
func flagList(s string) string {
	if strings.Trim(s, "0x") == "" {
		return "NONE"
	}
	return strings.ToUpper(s)
}

// withLength gives a bare address its full prefix length, as iptables-save prints it.
func withLength(key, value string) string {
	if strings.ContainsAny(value, "/{@-") {
		return value
	}
	if strings.HasPrefix(key, "ip6") {
		return value + "/128"
	}
	return value + "/32"
}
