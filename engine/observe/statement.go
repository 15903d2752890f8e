package observe

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

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
		ipt: fmt.Sprintf("-m limit --limit %d/%s --limit-burst %d", e.Big64(unix.NFTA_LIMIT_RATE), unit, e.Big32(unix.NFTA_LIMIT_BURST)),
	})
}

func (d *decoder) log(e *expression) {
	text, ipt := "log", "-j LOG"
	if p := e.Text(unix.NFTA_LOG_PREFIX); p != "" {
		text, ipt = fmt.Sprintf("log prefix %q", p), fmt.Sprintf("-j LOG --log-prefix %q", p)
	}
	if e.Has(unix.NFTA_LOG_GROUP) {
		text += fmt.Sprintf(" group %d", e.Big32(unix.NFTA_LOG_GROUP))
		ipt = strings.Replace(ipt, "-j LOG --log-prefix", "-j NFLOG --nflog-prefix", 1)
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

// iptablesText is the rule in the words of iptables-save.
func (d *decodedRule) iptablesText(chain string) string {
	out := []string{"-A " + chain}
	for _, t := range d.terms {
		switch {
		case t.skipIpt:
		case t.ipt != "":
			out = append(out, t.ipt)
		default:
			out = append(out, t.iptables())
		}
	}
	return strings.Join(out, " ")
}

// iptables is a match in iptables' words; one that iptables cannot say stays in nft's.
func (t *term) iptables() string {
	not, value := "", t.value
	if t.op == "!=" {
		not = "! "
	}
	option := ""
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
		option = "-m mark " + not + "--mark"
		not = ""
	case "icmp type":
		option = "-m icmp " + not + "--icmp-type"
		not = ""
	case "ct state":
		option, value = "-m conntrack "+not+"--ctstate", strings.ToUpper(value)
		not = ""
	default:
		proto, field, _ := strings.Cut(t.key, " ")
		if field != "sport" && field != "dport" {
			return words(t.key, t.op, t.value)
		}
		option, value = fmt.Sprintf("-m %s %s--%s", proto, not, field), strings.ReplaceAll(value, "-", ":")
		not = ""
	}
	return not + option + " " + value
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
