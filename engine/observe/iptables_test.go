package observe

import (
	"strings"
	"testing"
)

// saved are rules that iptables-save prints otherwise than they were given, or not.
var saved = []string{
	`-p tcp -m tcp --dport 80 -m connlimit --connlimit-above 2 -j REJECT`,
	`-p tcp --syn -m connlimit --connlimit-upto 5 --connlimit-mask 24 -j ACCEPT`,
	`-p tcp -m connlimit --connlimit-above 3 --connlimit-daddr -j DROP`,
	`-p tcp --tcp-flags SYN,ACK SYN -j DROP`,
	`-p tcp ! --tcp-flags SYN,RST,ACK SYN -j DROP`,
	`-m limit --limit 5/min --limit-burst 7 -j ACCEPT`,
	`-m limit --limit 10/s -j ACCEPT`,
	`-m statistic --mode random --probability 0.33 -j DROP`,
	`-m statistic --mode nth --every 3 --packet 0 -j DROP`,
	`-m iprange --src-range 10.0.0.1-10.0.0.9 -j DROP`,
	`-m iprange ! --dst-range 10.0.0.1-10.0.0.9 -j DROP`,
	`-m mac --mac-source 02:00:00:00:00:01 -j DROP`,
	`-m multiport -p tcp --dports 80,443 -j DROP`,
	`-p tcp -m multiport ! --sports 80,90:99 -j DROP`,
	`-m pkttype --pkt-type broadcast -j DROP`,
	`-m mark --mark 0x1/0xff -j DROP`,
	`-m connmark --mark 0x4 -j DROP`,
	`-m length --length 100:200 -j DROP`,
	`-m ttl --ttl-lt 5 -j DROP`,
	`-m ttl --ttl-eq 5 -j DROP`,
	`-m string --string "foo bar" --algo bm -j DROP`,
	`-m conntrack --ctstate NEW,ESTABLISHED -j DROP`,
	`-m conntrack --ctstate DNAT -j ACCEPT`,
	`-m conntrack --ctorigdst 10.0.0.1 -j DROP`,
	`-m conntrack --ctproto tcp --ctorigdstport 80 -j DROP`,
	`-m conntrack ! --ctstate RELATED -j DROP`,
	`-m addrtype --dst-type LOCAL -j DROP`,
	`-m addrtype ! --src-type LOCAL --limit-iface-in -j DROP`,
	`-m physdev --physdev-in vc1 -j DROP`,
	`-m physdev --physdev-is-bridged -j ACCEPT`,
	`-m recent --name x --rcheck --seconds 60 -j DROP`,
	`-m recent --set --name x -j ACCEPT`,
	`-m comment --comment "hello world" -j DROP`,
	`-m comment --comment one -j DROP`,
	`-p icmp --icmp-type echo-request -j DROP`,
	`-p icmp --icmp-type 3/4 -j DROP`,
	`-p icmp -j DROP`,
	`-p udp --dport 1:1023 -j DROP`,
	`-p udp ! --sport 53 -j DROP`,
	`-p tcp --dport 1024: -j DROP`,
	`-s 10.0.0.0/8 ! -d 10.1.0.0/16 -i eth0 ! -o eth+ -j DROP`,
	`-f -j DROP`,
	`-j LOG --log-prefix "x: " --log-level 4`,
	`-j NFLOG --nflog-group 3 --nflog-prefix abc`,
	`-j NFQUEUE --queue-num 3`,
	`-j NFQUEUE --queue-num 0 --queue-bypass`,
	`-j REJECT --reject-with tcp-reset -p tcp`,
	`-j RETURN`,
	`-p sctp -j DROP`,
	`-p 47 -j DROP`,
	`-m helper --helper ftp -j ACCEPT`,
	`-m dscp --dscp 0x0a -j DROP`,
	`-m owner --uid-owner 1000 -j DROP`,
	`-m set --match-set s1 dst -j DROP`,
	`-m set ! --match-set s1 src,dst -j DROP`,
	`-m tcpmss --mss 100:200 -p tcp -j DROP`,
	`-m rpfilter -j DROP`,
	`-m conntrack --ctorigdst 10.0.0.0/8 -j DROP`,
	`-m rpfilter --loose --invert -j DROP`,
	`-p tcp --sport 1 --dport 2 -j DROP`,
	`-p tcp --sport 1 --syn -j DROP`,
	`-m physdev --physdev-in vc1 --physdev-out vc2 -j ACCEPT`,
	`-m connlimit --connlimit-above 2 --connlimit-mask 24 -j DROP`,
	`-p tcp --tcp-flags ALL NONE -j DROP`,
}

// lastRule is the last rule of a table as iptables-save prints it, and as it is read.
func lastRule(t *testing.T, n Node, table string) (want, got string) {
	t.Helper()
	for line := range strings.Lines(sh(t, n, "iptables-save -t "+table)) {
		if strings.HasPrefix(line, "-A") {
			want = strings.TrimSpace(line)
		}
	}
	for _, r := range look(t, n, Firewall).Firewall {
		if !r.Policy && r.Table == table {
			got = r.Text
		}
	}
	return want, got
}

// TestAsIptablesSaves compares the text of rules with what iptables-save prints.
func TestAsIptablesSaves(t *testing.T) {
	n := newNode(t, "n")
	sh(t, n, "ipset create s1 hash:ip")
	compared := 0
	for _, rule := range saved {
		table, chain := "filter", "FORWARD"
		switch {
		case strings.Contains(rule, "owner"):
			chain = "OUTPUT"
		case strings.Contains(rule, "rpfilter"):
			table, chain = "mangle", "PREROUTING"
		}
		sh(t, n, "iptables -t "+table+" -F")
		if out, err := try(t, n, "iptables -t "+table+" -A "+chain+" "+rule); err != nil {
			t.Logf("the kernel does not take %s: %s", rule, out)
			continue
		}
		compared++
		if want, got := lastRule(t, n, table); got != want {
			t.Errorf("want %s\n got %s", want, got)
		}
	}
	if compared < 50 {
		t.Errorf("only %d rules were compared", compared)
	}
}

// TestOneToolsWords: no rule is in the words of both tools, and none lacks options silently.
func TestOneToolsWords(t *testing.T) {
	n := newNode(t, "n")
	sh(t, n, "iptables -A FORWARD -m u32 --u32 '6&0xFF=1' -j DROP")
	if _, got := lastRule(t, n, "filter"); got != "-A FORWARD -m u32 [...] -j DROP" {
		t.Errorf("%q", got)
	}
	sh(t, n, "nft add rule ip filter FORWARD ip saddr 10.0.0.1 ct count over 2 counter drop")
	if _, got := lastRule(t, n, "filter"); got != "ip saddr 10.0.0.1 ct count over 2 counter packets 0 bytes 0 drop" {
		t.Errorf("%q", got)
	}
}
