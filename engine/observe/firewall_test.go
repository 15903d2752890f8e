package observe

import (
	"os/exec"
	"strings"
	"testing"
)

// wantRule is what matters of a rule; text are pieces that its Text must have.
type wantRule struct {
	chain, hook, does, to string
	policy                bool
	text                  []string
}

func checkRules(t *testing.T, rules []FirewallRule, backend, family string, wants []wantRule) {
	t.Helper()
	for _, w := range wants {
		has(t, rules, strings.Join(append(w.text, w.chain, w.hook, w.does, w.to), " "), func(r FirewallRule) bool {
			for _, piece := range w.text {
				if !strings.Contains(r.Text, piece) {
					return false
				}
			}
			return r.Backend == backend && r.Family == family && r.Chain == w.chain && r.Hook == w.hook &&
				r.Does == w.does && r.To == w.to && r.Policy == w.policy
		})
	}
}

const iptablesRules = `
%[1]s -P FORWARD DROP
%[1]s -N LAB
%[1]s -A FORWARD -i eth0 -o br0 -s 10.0.0.0/24 -d 10.1.2.3 -p tcp --dport 8080 -j ACCEPT
%[1]s -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
%[1]s -A FORWARD -j LAB
%[1]s -A INPUT ! -i lo -g LAB
%[1]s -A LAB -p udp -m multiport --dports 53,67:68 -m comment --comment "not names" -j REJECT
%[1]s -A LAB -p tcp -j REJECT --reject-with tcp-reset
%[1]s -A LAB -j RETURN
%[1]s -A OUTPUT -o v+ -j LOG --log-prefix out:
%[1]s -A OUTPUT -d 192.0.2.1
%[1]s -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
%[1]s -t nat -A POSTROUTING -d 10.9.9.9 -j SNAT --to-source 10.0.0.5-10.0.0.6
%[1]s -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
%[1]s -t nat -A OUTPUT -p udp --dport 53 -j REDIRECT --to-ports 5353
%[1]s -t mangle -A PREROUTING -m mark --mark 0x7 -j DROP`

// iptablesWants holds for iptables-nft and iptables-legacy alike.
func iptablesWants() []wantRule {
	return []wantRule{
		{"FORWARD", "forward", "drop", "", true, []string{"-P FORWARD DROP"}},
		{"INPUT", "input", "accept", "", true, []string{"-P INPUT ACCEPT"}},
		{"FORWARD", "forward", "accept", "", false, []string{"-A FORWARD", "-i eth0", "-o br0", "-s 10.0.0.0/24", "-d 10.1.2.3/32", "-p tcp", "--dport 8080", "-j ACCEPT"}},
		{"FORWARD", "forward", "accept", "", false, []string{"-m conntrack --ctstate RELATED,ESTABLISHED"}},
		{"FORWARD", "forward", "jump", "LAB", false, []string{"-j LAB"}},
		{"INPUT", "input", "jump", "LAB", false, []string{"! -i lo", "-g LAB"}},
		{"LAB", "input,forward", "reject", "", false, []string{"--dports 53,67:68", `"not names"`, "-p udp", "icmp-port-unreachable"}},
		{"LAB", "input,forward", "reject", "", false, []string{"tcp-reset"}},
		{"LAB", "input,forward", "return", "", false, []string{"-j RETURN"}},
		{"OUTPUT", "output", "", "", false, []string{"-o v+", "-j LOG"}},
		{"OUTPUT", "output", "", "", false, []string{"-d 192.0.2.1/32"}},
		{"POSTROUTING", "postrouting", "masquerade", "", false, []string{"-s 172.17.0.0/16", "! -o docker0", "-j MASQUERADE"}},
		{"POSTROUTING", "postrouting", "snat", "10.0.0.5-10.0.0.6", false, []string{"-d 10.9.9.9/32", "--to-source"}},
		{"PREROUTING", "prerouting", "dnat", "172.17.0.2:80", false, []string{"--dst-type LOCAL", "--dport 8080", "--to-destination 172.17.0.2:80"}},
		{"OUTPUT", "output", "redirect", ":5353", false, []string{"-p udp", "--dport 53", "--to-ports 5353"}},
		{"PREROUTING", "prerouting", "drop", "", false, []string{"--mark 0x7"}},
	}
}

func TestIptablesNft(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, strings.ReplaceAll(iptablesRules, "%[1]s", "iptables-nft"))
	rules := snap(t, n, Firewall).Firewall
	checkRules(t, rules, BackendIptablesNft, "ip", iptablesWants())
	for _, r := range rules {
		if r.Table == "nat" && r.Type != "nat" {
			t.Errorf("type of %+v", r)
		}
	}
	sh(t, n, `ip6tables-nft -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination '[fd00::2]:8080'
ip6tables-nft -A INPUT -s fd00::/64 -p ipv6-icmp -j REJECT`)
	checkRules(t, snap(t, n, Firewall).Firewall, BackendIptablesNft, "ip6", []wantRule{
		{"PREROUTING", "prerouting", "dnat", "[fd00::2]:8080", false, []string{"--dport 80"}},
		{"INPUT", "input", "reject", "", false, []string{"-s fd00::/64", "icmp6-port-unreachable"}},
	})
}

func TestIptablesLegacy(t *testing.T) {
	n := newNode(t, "host")
	if out, err := exec.Command("iptables-legacy", "--version").CombinedOutput(); err != nil {
		t.Fatalf("iptables-legacy: %v %s", err, out)
	}
	r := mustOpen(t, n)
	read := func() []FirewallRule {
		t.Helper()
		states, err := r.Snapshot(nil, Firewall, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := states[0].Errs[Firewall]; err != nil {
			t.Fatal(err)
		}
		return states[0].Firewall
	}
	if rules := read(); len(rules) != 0 {
		t.Errorf("a fresh namespace has %v", rules)
	}
	if out, err := try(t, n, "cat /proc/net/ip_tables_names"); err == nil && out != "" {
		t.Errorf("reading made tables: %s", out)
	}
	sh(t, n, strings.ReplaceAll(iptablesRules, "%[1]s", "iptables-legacy"))
	if _, err := try(t, n, "cat /proc/net/ip_tables_names"); err != nil {
		// An unprivileged user namespace: the kernel hides the names.
		if rules := read(); len(rules) != 0 {
			t.Errorf("unseen tables were read: %v", rules)
		}
		if err := r.AssumeLegacy("host", "ip", "filter", "nat", "mangle"); err != nil {
			t.Fatal(err)
		}
	}
	rules := read()
	checkRules(t, rules, BackendIptablesLegacy, "ip", iptablesWants())
	has(t, rules, "nat rule", func(r FirewallRule) bool { return r.Table == "nat" && r.Type == "nat" && r.Does == "masquerade" })
}

func TestNft(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, `ip link add eth9 type veth peer name e9
nft -f - <<'EOF'
table ip lab {
	set allowed { type ipv4_addr; elements = { 10.0.0.1 } }
	chain pre {
		type nat hook prerouting priority -100; policy accept;
		iifname "eth0" tcp dport 8080 counter dnat to 10.0.0.2:80
		udp dport 53 redirect to :5353
		dnat to tcp dport map { 443 : 10.0.0.3 }
	}
	chain post {
		type nat hook postrouting priority 100;
		oifname != "br0" ip saddr 172.17.0.0/16 masquerade random
		oif "eth9" snat to 10.0.0.9
	}
}
table inet guard {
	set allowed2 { type ipv4_addr; }
	chain helper {
		tcp flags & (syn | ack) == syn reject with tcp reset
		ip saddr { 10.0.0.0/8, 192.168.1.1, 172.16.0.5-172.16.0.9 } drop
		icmp type echo-request limit rate 5/second accept
		return
	}
	chain aside {
		ip6 daddr fd00::/64 counter
	}
	chain fw {
		type filter hook forward priority 0; policy drop;
		ct state established,related accept
		ct state vmap { invalid : drop, new : jump helper }
		ip saddr @allowed2 accept
		tcp dport { 80, 443 } accept
		tcp dport 1000-2000 log prefix "seen" drop
		ip saddr . tcp dport { 10.0.0.1 . 22 } accept
		ether saddr 02:00:00:00:00:01 meta mark set 0x7 goto aside
		fib daddr type local reject
	}
	chain out {
		type filter hook output priority 0;
		jump aside
	}
}
EOF`)
	rules := snap(t, n, Firewall).Firewall
	checkRules(t, rules, BackendNft, "ip", []wantRule{
		{"pre", "prerouting", "accept", "", true, []string{"type nat hook prerouting priority -100; policy accept;"}},
		{"pre", "prerouting", "dnat", "10.0.0.2:80", false, []string{`iifname "eth0" tcp dport 8080 counter packets 0 bytes 0 dnat to 10.0.0.2:80`}},
		{"pre", "prerouting", "redirect", ":5353", false, []string{"udp dport 53 redirect to :5353"}},
		{"pre", "prerouting", "dnat", "10.0.0.3", false, []string{"dnat to"}},
		{"post", "postrouting", "masquerade", "", false, []string{`oifname != "br0" ip saddr 172.17.0.0/16 masquerade random`}},
		{"post", "postrouting", "snat", "10.0.0.9", false, []string{`oif "eth9" snat to 10.0.0.9`}},
	})
	checkRules(t, rules, BackendNft, "inet", []wantRule{
		{"fw", "forward", "drop", "", true, []string{"policy drop"}},
		{"fw", "forward", "accept", "", false, []string{"ct state established,related accept"}},
		{"fw", "forward", "", "", false, []string{"ct state vmap {", "invalid : drop", "new : jump helper"}},
		{"fw", "forward", "accept", "", false, []string{"ip saddr @allowed2 accept"}},
		{"fw", "forward", "accept", "", false, []string{"tcp dport { 80, 443 } accept"}},
		{"fw", "forward", "drop", "", false, []string{`tcp dport 1000-2000 log prefix "seen" drop`}},
		{"fw", "forward", "accept", "", false, []string{"ip saddr . tcp dport { 10.0.0.1 . 22 } accept"}},
		{"fw", "forward", "jump", "aside", false, []string{"ether saddr 02:00:00:00:00:01", "meta mark set 0x7 goto aside"}},
		{"fw", "forward", "reject", "", false, []string{"fib daddr type local reject"}},
		{"helper", "forward", "reject", "", false, []string{"tcp flags & syn,ack == syn", "reject with tcp reset"}},
		{"helper", "forward", "drop", "", false, []string{"ip saddr { 10.0.0.0/8, 172.16.0.5-172.16.0.9, 192.168.1.1 } drop"}},
		{"helper", "forward", "accept", "", false, []string{"icmp type echo-request limit rate 5/second"}},
		{"helper", "forward", "return", "", false, nil},
		{"aside", "forward,output", "", "", false, []string{"ip6 daddr fd00::/64"}},
	})
}

// A table that only looks like iptables' by its name is nft's.
func TestBackendOfLookalikes(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, `nft add table ip nat
nft add chain ip nat mine '{ type nat hook postrouting priority 100; }'
nft add rule ip nat mine masquerade
nft add table inet filter
nft add chain inet filter FORWARD '{ type filter hook forward priority 0; }'
iptables-nft -P OUTPUT ACCEPT`)
	want := map[string]string{"ip nat": BackendNft, "inet filter": BackendNft, "ip filter": BackendIptablesNft}
	rules := snap(t, n, Firewall).Firewall
	for _, r := range rules {
		if w := want[r.Family+" "+r.Table]; r.Backend != w {
			t.Errorf("%s %s is said to be %s, want %s", r.Family, r.Table, r.Backend, w)
		}
	}
	has(t, rules, "OUTPUT policy", func(r FirewallRule) bool { return r.Chain == "OUTPUT" && r.Policy })
	has(t, rules, "masquerade", func(r FirewallRule) bool { return r.Does == "masquerade" && r.Table == "nat" })
}

func TestFirewallCounts(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	pair(t, a, b, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	sh(t, b, `iptables-nft -A INPUT -p icmp -j ACCEPT
nft add table ip t; nft add chain ip t c '{ type filter hook input priority 5; }'; nft add rule ip t c ip saddr 10.1.0.1 counter`)
	if _, err := try(t, b, "test -r /proc/net/ip_tables_names"); err == nil {
		sh(t, b, "iptables-legacy -A INPUT -p icmp")
	}
	sh(t, a, "ping -c 3 -i 0.01 -W 2 10.1.0.2")
	rules := snap(t, b, Firewall).Firewall
	counted := 0
	for _, r := range rules {
		if r.Policy {
			continue
		}
		counted++
		if r.Packets != 3 {
			t.Errorf("%+v after 3 packets", r)
		}
	}
	if counted < 2 {
		t.Errorf("only %d rules in %v", counted, rules)
	}
}
