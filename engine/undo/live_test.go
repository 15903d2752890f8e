package undo_test

import (
	"fmt"
	"strings"
	"testing"

	"underlay/engine"
	"underlay/engine/undo"
)

// deed is something that a learner can do to lan, and what the diff must say of it.
type deed struct {
	node   string
	script string
	says   []string // kind, then a part of the line; "-" before what was, "+" before what is
}

// deeds are one of every kind of change. Where first is given, it is done before
// the checkpoint.
var deeds = []struct {
	name  string
	first []deed
	deeds []deed
}{
	{name: "nothing"},
	{name: "down", deeds: []deed{{"c1", "ip link set eth0 down", []string{"link - eth0: up", "link + eth0: down", "route - default via 10.1.0.1 dev eth0"}}}},
	{name: "rename", deeds: []deed{{"host", "ip link set v1 down; ip link set v1 name w; ip link set w up", []string{"link - v1", "link + w"}}}},
	{name: "swap names", deeds: []deed{{"host", "ip link set v1 down; ip link set v2 down; ip link set v1 name x; ip link set v2 name v1; ip link set x name v2", []string{"link - v1", "link + v2"}}}},
	{name: "delete veth", deeds: []deed{{"host", "ip link del v1", []string{"link - v1: veth, up"}}}},
	{name: "delete bridge", deeds: []deed{{"host", "ip link del br0", []string{"link - br0: bridge", "link + v1: no master"}}}},
	{name: "new veth and bridge", deeds: []deed{{"host", "ip link add x type veth peer name y; ip link add br7 type bridge; ip link set x master br7 up", []string{"link + x: veth", "link + br7: bridge"}}}},
	{name: "veth made by the learner", first: []deed{{"host", "ip link add x type veth peer name y netns c2; ip link set x up; ip addr add 10.7.0.1/24 dev x; ip -n c2 addr add 10.7.0.2/24 dev y; ip -n c2 link set y up", nil}},
		deeds: []deed{{"host", "ip link del x", []string{"link - x: veth", "link - y: veth"}}}},
	{name: "moved", deeds: []deed{{"c1", "ip link set eth0 netns c2 name eth9", []string{"link - eth0", "link + eth9"}}}},
	{name: "moved out of the lab", deeds: []deed{{"c1", "ip netns add elsewhere; ip link set eth0 netns elsewhere", []string{"link - eth0"}}}},
	{name: "mtu, mac, alias, queue, flags", deeds: []deed{{"c1", "ip link set eth0 mtu 1300 address 02:00:00:00:00:99 alias hello txqueuelen 77; ip link set eth0 promisc on arp off", []string{"link + eth0: mtu 1300", "link - eth0: mtu 1500"}}}},
	{name: "unplug", deeds: []deed{{"host", "ip link set v1 nomaster", []string{"link - v1: master br0", "link + v1: no master"}}}},
	{name: "bridge options", deeds: []deed{{"host", "ip link set br0 type bridge stp_state 1 priority 5 ageing_time 1000 mcast_snooping 0", []string{"link + br0: ageing_time 1000"}}}},
	{name: "port options", deeds: []deed{{"host", "bridge link set dev v1 isolated on hairpin on learning off cost 9", []string{"link + v1: cost 9, hairpin 1, learning 0, isolated 1"}}}},
	{name: "options kept", first: []deed{{"host", "ip link set br0 type bridge mcast_snooping 0 ageing_time 1000; bridge link set dev v1 isolated on", nil}},
		deeds: []deed{{"host", "ip link set br0 type bridge mcast_snooping 1; ip link del v1", []string{"link mcast_snooping 0", "link - v1: veth"}}}},
	{name: "vxlan", first: []deed{{"host", "ip link add vx0 type vxlan id 7 local 10.1.0.1 dstport 4789; bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.1.0.2; bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.1.0.3; ip link set vx0 up master br0", nil}},
		deeds: []deed{{"host", "ip link del vx0; ip link add vx1 type vxlan id 8 dstport 4790 remote 10.1.0.2", []string{"link - vx0: vxlan", "link + vx1: vxlan"}}}},
	{name: "macvlan", first: []deed{{"c1", "ip link add mv0 link eth0 type macvlan mode private; ip link add mv1 link eth0 type macvlan mode bridge; ip link set mv1 netns c2; ip -n c2 link set mv1 up", nil}},
		deeds: []deed{{"c1", "ip link del mv0; ip -n c2 link del mv1", []string{"link - mv0: macvlan", "link - mv1: macvlan"}}}},
	{name: "addresses", deeds: []deed{{"c1", "ip addr add 10.1.0.9/24 dev eth0; ip addr add 10.5.0.1 peer 10.5.0.2 dev eth0", []string{"address + 10.1.0.9/24 secondary dev eth0", "address + 10.5.0.1 peer 10.5.0.2/32 dev eth0"}}}},
	{name: "address gone", deeds: []deed{{"c1", "ip addr del 10.1.0.2/24 dev eth0", []string{"address - 10.1.0.2/24 dev eth0", "route - default via"}}}},
	{name: "address order", first: []deed{{"c1", "ip addr add 10.1.0.9/24 dev eth0; ip addr add 10.1.0.8/24 dev eth0", nil}},
		deeds: []deed{{"c1", "ip addr flush dev eth0; ip addr add 10.1.0.8/24 dev eth0", []string{"address - 10.1.0.9/24 secondary"}}}},
	{name: "routes", first: []deed{{"c1", "ip route add blackhole 10.66.0.0/16; ip route add 10.67.0.0/16 metric 50 nexthop via 10.1.0.1 weight 3 nexthop via 10.1.0.3; ip route add 10.68.0.0/16 via 10.99.0.1 dev eth0 onlink; ip route add 10.69.0.0/16 dev eth0 table 100 src 10.1.0.2", nil}},
		deeds: []deed{{"c1", "ip route flush root 10.66.0.0/16; ip route del 10.67.0.0/16 metric 50; ip route del 10.68.0.0/16; ip route flush table 100; ip route del default; ip route add default via 10.1.0.3 metric 7; ip route add unreachable 10.1.9.0/24; ip route del 10.1.0.0/24",
			[]string{"route - blackhole 10.66.0.0/16", "route - 10.67.0.0/16 metric 50 nexthop via 10.1.0.1 dev eth0 weight 3 nexthop via 10.1.0.3 dev eth0",
				"route - 10.68.0.0/16 via 10.99.0.1 dev eth0 onlink", "route - 10.69.0.0/16 dev eth0 src 10.1.0.2 table 100", "route + default via 10.1.0.3 dev eth0 metric 7",
				"route + unreachable 10.1.9.0/24", "route - 10.1.0.0/24 dev eth0"}}}},
	{name: "rules", first: []deed{{"c1", "ip rule add from 10.1.0.0/24 fwmark 0x5 lookup 100 pref 500", nil}},
		deeds: []deed{{"c1", "ip rule del pref 500; ip rule add not to 10.9.0.0/16 iif eth0 blackhole pref 77; ip rule del pref 32766",
			[]string{"rule - 500: from 10.1.0.0/24 fwmark 0x5 lookup 100", "rule + 77: not from all to 10.9.0.0/16 iif eth0 blackhole", "rule - 32766: from all lookup main"}}}},
	{name: "routes without rules", first: []deed{{"c1", "ip rule flush", nil}},
		deeds: []deed{{"c1", "ip addr del 10.1.0.2/24 dev eth0", []string{"address - 10.1.0.2/24 dev eth0", "route - default via"}}}},
	{name: "neighbours", first: []deed{{"c1", "ip neigh add 10.1.0.50 lladdr 02:00:00:00:00:50 dev eth0; ip neigh add proxy 10.1.0.51 dev eth0", nil}},
		deeds: []deed{{"c1", "ip neigh del 10.1.0.50 dev eth0; ip neigh del proxy 10.1.0.51 dev eth0; ip neigh replace 10.1.0.1 lladdr 02:00:00:00:00:66 dev eth0 nud permanent",
			[]string{"neighbour - 10.1.0.50 dev eth0 lladdr 02:00:00:00:00:50 PERMANENT", "neighbour - proxy 10.1.0.51 dev eth0", "neighbour + 10.1.0.1 dev eth0 lladdr 02:00:00:00:00:66 PERMANENT"}}}},
	{name: "fdb", first: []deed{{"host", "bridge fdb add 02:00:00:00:00:70 dev v1 master static", nil}},
		deeds: []deed{{"host", "bridge fdb del 02:00:00:00:00:70 dev v1 master; bridge fdb add 02:00:00:00:00:71 dev v2 master static; bridge fdb add 02:00:00:00:00:72 dev br0 self permanent",
			[]string{"fdb - 02:00:00:00:00:70 dev v1 master static", "fdb + 02:00:00:00:00:71 dev v2 master static"}}}},
	{name: "forwarding", deeds: []deed{{"host", "sysctl -qw net.ipv4.ip_forward=1", []string{"setting - net.ipv4.ip_forward = 0", "setting + net.ipv4.ip_forward = 1"}}}},
	{name: "settings", first: []deed{{"host", "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.v1.forwarding=0 net.ipv4.conf.all.accept_redirects=1", nil}},
		deeds: []deed{{"host", "sysctl -qw net.ipv4.ip_forward=0 net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.br0.rp_filter=2 net.ipv4.conf.br0.proxy_arp=1 net.ipv4.neigh.v1.gc_stale_time=7 net.ipv4.ip_default_ttl=9",
			[]string{"setting + net.ipv4.conf.all.rp_filter = 1", "setting + net.ipv4.ip_default_ttl = 9"}}}},
	{name: "ipv6", first: []deed{{"c1", "sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_dad=0; ip addr add fd00::2/64 dev eth0 nodad; ip -6 route add default via fd00::1; ip -6 route add fd77::/64 nexthop via fd00::8 nexthop via fd00::9; ip -6 neigh add fd00::1 lladdr 02:00:00:00:00:01 dev eth0; ip -6 rule add pref 9 from fd00::/64 lookup 9", nil}},
		deeds: []deed{{"c1", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip -6 rule del pref 9", []string{"address - fd00::2/64 dev eth0", "setting + net.ipv6.conf.all.disable_ipv6 = 1"}}}},
	{name: "iptables", first: []deed{{"host", "iptables -N WEB; iptables -A FORWARD -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW,ESTABLISHED -m comment --comment hello -j WEB; iptables -A WEB -m limit --limit 5/min -j LOG --log-prefix x; iptables -A WEB -p icmp -m icmp --icmp-type 8 -j REJECT; iptables -P FORWARD DROP; iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80; iptables -t nat -A OUTPUT -p tcp -m addrtype --dst-type LOCAL -m multiport --dports 1,2 -j REDIRECT --to-ports 9; iptables -t raw -A PREROUTING -p udp --dport 53 -j NOTRACK; iptables -t mangle -A POSTROUTING -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu; iptables -t mangle -A PREROUTING ! -p tcp -m mark --mark 3 -j MARK --set-mark 7; ip6tables -A INPUT -p tcp --dport 22 -j ACCEPT; ip6tables -P INPUT DROP", nil}},
		deeds: []deed{{"host", "iptables -F; iptables -X; iptables -P FORWARD ACCEPT; iptables -t nat -F; iptables -t raw -F; iptables -t mangle -F; ip6tables -F; iptables -A INPUT -s 10.1.0.2 -j DROP",
			[]string{"firewall - iptables filter: -N WEB", "firewall + iptables filter: -A INPUT -s 10.1.0.2", "firewall - iptables nat: -A POSTROUTING -s 10.1.0.0/24 ! -o br0"}}}},
	{name: "first rule", deeds: []deed{{"c1", "iptables -A INPUT -p icmp -j DROP", []string{"firewall + iptables filter: -A INPUT -p icmp"}}}},
	{name: "iptables order", first: []deed{{"c1", "iptables -A INPUT -p icmp -j DROP; iptables -A INPUT -p udp -j DROP", nil}},
		deeds: []deed{{"c1", "iptables -D INPUT 1; iptables -A INPUT -p icmp -j DROP", []string{"firewall + iptables filter: the same lines, in another order"}}}},
	{name: "legacy", first: []deed{{"host", "iptables-legacy -N OLD; iptables-legacy -A INPUT -p tcp --dport 7 -j OLD; iptables-legacy -t nat -A POSTROUTING -j MASQUERADE; ip6tables-legacy -A INPUT -j DROP", nil}},
		deeds: []deed{{"host", "iptables-legacy -F; iptables-legacy -X; iptables-legacy -P INPUT DROP; iptables-legacy -t nat -F; iptables-legacy -t mangle -A INPUT -j ACCEPT; ip6tables-legacy -F",
			[]string{"firewall - iptables-legacy filter: -A INPUT -p tcp", "firewall + iptables-legacy mangle: -A INPUT -j ACCEPT"}}}},
	{name: "first legacy rule", deeds: []deed{{"c2", "iptables-legacy -A INPUT -j DROP", []string{"firewall + iptables-legacy filter: -A INPUT -j DROP"}}}},
	{name: "nft", first: []deed{{"host", nftRules, nil}},
		deeds: []deed{{"host", "nft delete element inet shop allowed '{ 10.1.0.2 }'; nft add element inet shop ports '{ 99 }'; nft flush chain inet shop shopping; nft add table ip other; nft delete table ip nat2",
			[]string{"firewall - nft inet shop: set allowed has 10.1.0.2", "firewall + nft inet shop: set ports has 99", "firewall + nft ip other: the table"}}}},
	{name: "ipset", first: []deed{{"host", "ipset create gone hash:ip; ipset create good hash:ip; ipset add good 10.1.0.2; ipset add good 10.1.0.3; ipset create nets hash:net timeout 600; ipset add nets 10.0.0.0/8; ipset destroy gone; iptables -A INPUT -m set --match-set good src -j ACCEPT", nil}},
		deeds: []deed{{"host", "iptables -F INPUT; ipset destroy good; ipset flush nets; ipset create bad hash:ip,port; ipset add bad 1.2.3.4,tcp:5; iptables -A INPUT -m set --match-set bad src,src -j DROP", []string{"firewall - ipset good: add good 10.1.0.2", "firewall + ipset bad"}}}},
}

const nftRules = `nft -f - <<'END'
table inet shop {
	set allowed { type ipv4_addr; elements = { 10.1.0.2, 10.1.0.3 }; }
	set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.0-192.168.3.255, 192.168.4.0/24 }; }
	set pairs { type ipv4_addr . inet_service; elements = { 10.1.0.2 . 80 }; }
	set ports { type inet_service; elements = { 80, 443 }; }
	set seen { type ipv4_addr; flags dynamic, timeout; timeout 60s; }
	map where { type inet_service : ipv4_addr; elements = { 80 : 10.1.0.2 }; }
	map what { type inet_service : verdict; elements = { 22 : drop, 23 : jump web }; }
	counter hits { }
	quota much { over 25 mbytes }
	chain web { counter name hits accept; }
	chain shopping {
		type filter hook forward priority -5; policy drop;
		ct state vmap { established : accept, invalid : drop }
		ip saddr @allowed tcp dport { 80, 443 } counter jump web comment "shoppers"
		ip saddr . tcp dport @pairs accept
		ip saddr @nets quota name much drop
		tcp dport vmap @what
		limit rate 5/second burst 7 packets log prefix "x" reject with icmp type host-prohibited
		tcp flags syn add @seen { ip saddr } accept
		ip saddr 10.0.0.0/8 tcp dport 1000-2000 meta mark set 0x7
	}
}
table ip nat2 {
	chain pre { type nat hook prerouting priority dstnat; tcp dport 8080 dnat to 10.1.0.2:80; dnat to tcp dport map { 81 : 10.1.0.2, 82 : 10.1.0.3 }; }
	chain post { type nat hook postrouting priority srcnat; ip saddr 10.1.0.0/24 oifname "br0" masquerade; }
}
END`

func TestEveryKindOfChangeComesBack(t *testing.T) {
	for _, c := range deeds {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := build(t, lan())
			for _, d := range c.first {
				l.sh(d.node, d.script)
			}
			reached := l.reach()
			before := l.state()
			if again := undo.Compare(before, l.state()); len(again) != 0 {
				t.Errorf("nothing was done, and these differ: %v", again)
			}
			for _, d := range c.deeds {
				l.sh(d.node, d.script)
			}
			l.checkDiff(before, c.deeds)
			l.back(before)
			if now := l.reach(); now != reached {
				t.Errorf("before: %s; after: %s", reached, now)
			}
		})
	}
}

// checkDiff fails unless the diff says what it must.
func (l *lab) checkDiff(before *undo.State, deeds []deed) {
	l.t.Helper()
	var lines []string
	for _, c := range undo.Compare(before, l.state()) {
		lines = append(lines, c.What+" - "+c.Before, c.What+" + "+c.After)
	}
	for _, d := range deeds {
		for _, want := range d.says {
			kind, rest, _ := strings.Cut(want, " ")
			found := false
			for _, l := range lines {
				found = found || strings.HasPrefix(l, kind) && strings.Contains(l, rest)
			}
			if !found {
				l.t.Errorf("the diff does not say %q:\n%s", want, strings.Join(lines, "\n"))
			}
		}
	}
}

// reach says who reaches whom with a ping.
func (l *lab) reach() string {
	l.t.Helper()
	var out []string
	for _, p := range [][2]string{{"c1", "10.1.0.1"}, {"c1", "10.1.0.3"}, {"c2", "10.1.0.2"}} {
		_, code, err := l.world.Run(l.t.Context(), p[0], "", "ping", "-c1", "-i0.2", "-w2", p[1])
		if err != nil {
			l.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s→%s:%v", p[0], p[1], code == 0))
	}
	return strings.Join(out, " ")
}

// TestAnAddressThatIsStillAskedForIsTheSame: for some seconds the kernel asks
// whether somebody else has a new IPv6 address, and makes its routes after that.
func TestAnAddressThatIsStillAskedForIsTheSame(t *testing.T) {
	l := build(t, lan())
	l.sh("c1", "sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.dad_transmits=2")
	assigned := "until ip -6 -o addr show dev eth0 | grep -q fe80 && ! ip -6 addr show tentative | grep -q inet6; do read -rt 0.05 <> <(:) || true; done"
	l.sh("c1", assigned)
	l.sh("c1", "ip addr add fd00::2/64 dev eth0; ip -6 addr show tentative | grep fd00::2")
	asked := l.state()
	l.sh("c1", assigned+"; ip -6 route show table local | grep fd00::2")
	known := l.state()
	if changes := undo.Compare(asked, known); len(changes) != 0 {
		t.Errorf("nothing was done, and these differ: %v", changes)
	}
	l.back(asked)
	l.sh("c1", "ip -6 route show table local | grep fd00::2; ip addr del fd00::2/64 dev eth0")
	l.back(known)
	l.sh("c1", "ip -6 addr show tentative | grep fd00::2; "+assigned+"; ip -6 route show table local | grep fd00::2")
}

// TestDevicesOfTheLabComeBack: what a topology's devices are made as, undo makes again.
func TestDevicesOfTheLabComeBack(t *testing.T) {
	topology := lan()
	topology.Nodes[0].Devices = []engine.NodeDevice{{Name: "vx0", Kind: "vxlan", ID: 7, Local: "10.1.0.1", Remote: "10.1.0.9", Bridge: "br0"}}
	topology.Nodes[1].Devices = []engine.NodeDevice{{Name: "v1", Kind: "macvlan", Parent: "host/v2p", Mode: "private", MTU: 1400, Address: []string{"10.3.0.2/24"}}}
	topology.Links = append(topology.Links, engine.Link{A: engine.End{Node: "host", Name: "v2p"}, B: engine.End{Node: "c2", Name: "eth1"}})
	l := build(t, topology)
	before := l.state()
	l.sh("host", "ip link del vx0; ip -n c1 link del v1")
	l.back(before)
	l.sh("host", "ip -d link show vx0 | grep 'vxlan id 7 remote 10.1.0.9 local 10.1.0.1'; ip -n c1 -d link show v1 | grep 'macvlan mode private'; ip -n c1 addr show v1 | grep 10.3.0.2/24")
}
