package undo_test

import (
	"flag"
	"testing"

	"pgregory.net/rapid"

	"underlay/engine/undo"
)

// pranks are commands that each change something, and that may fail where an
// earlier one was in the way.
var pranks = map[string][]string{
	"host": {
		"ip link del v1", "ip link del br0", "ip link set v1 nomaster", "ip link set v2 down", "ip link set br0 down",
		"ip link set v1 down; ip link set v1 name w1; ip link set w1 up", "ip link set w1 down; ip link set w1 name v1",
		"ip link add br0 type bridge; ip link set v1 master br0; ip link set v2 master br0; ip link set br0 up",
		"ip link add x type veth peer name y netns c2; ip link set x master br0 up", "ip link set x netns c1", "ip link del x",
		"ip link add vx0 type vxlan id 7 dstport 4789; ip link set vx0 up", "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 10.1.0.9",
		"ip link set br0 type bridge stp_state 1", "bridge link set dev v2 isolated on hairpin on", "bridge fdb add 02:00:00:00:00:70 dev v2 master static",
		"ip addr flush dev br0", "ip addr add 10.1.0.200/24 dev br0", "ip addr add 172.20.0.1/16 dev v1",
		"sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.br0.proxy_arp=1",
		"sysctl -qw net.ipv6.conf.all.disable_ipv6=0", "sysctl -qw net.ipv4.neigh.v2.gc_stale_time=9",
		"iptables -F; iptables -t nat -F", "iptables -P FORWARD DROP", "iptables -N A; iptables -A FORWARD -p tcp --dport 80 -j A; iptables -A A -m limit --limit 3/s -j ACCEPT",
		"iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80", "ip6tables -A INPUT -p tcp --dport 22 -j DROP",
		"nft add table inet t; nft add set inet t s '{ type ipv4_addr; }'; nft add element inet t s '{ 10.0.0.1, 10.0.0.2 }'",
		"nft add chain inet t c '{ type filter hook input priority 0; policy drop; }'; nft add rule inet t c ip saddr @s tcp dport '{ 80, 443 }' accept", "nft flush ruleset",
		"iptables-legacy -A INPUT -p tcp --dport 7 -j DROP", "iptables-legacy -F",
		"ipset create good hash:ip; ipset add good 10.1.0.2; iptables -A INPUT -m set --match-set good src -j ACCEPT", "ipset flush good",
	},
	"c1": {
		"ip link set eth0 down", "ip link set eth0 up", "ip link set eth0 mtu 1400 address 02:00:00:00:00:aa", "ip link set eth0 netns c2 name eth9", "ip link del eth0",
		"ip addr add 10.1.0.99/24 dev eth0", "ip addr del 10.1.0.2/24 dev eth0", "ip route del default", "ip route add default via 10.1.0.3 metric 5",
		"ip route add blackhole 10.66.0.0/16; ip route add 10.67.0.0/16 nexthop via 10.1.0.1 nexthop via 10.1.0.3", "ip route add 10.68.0.0/16 via 9.9.9.9 dev eth0 onlink",
		"ip route flush table main", "ip rule add pref 9 fwmark 3 lookup 99; ip route add default via 10.1.0.1 table 99", "ip rule del pref 32766", "ip rule flush",
		"ip neigh add 10.1.0.1 lladdr 02:00:00:00:00:66 dev eth0 nud permanent", "ip link add mv0 link eth0 type macvlan mode bridge; ip link set mv0 up", "ip link set mv0 netns c2",
		"ip link set lo down", "sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0; ip addr add fd00::2/64 dev eth0", "ping -c1 -W1 10.1.0.3",
	},
}

// TestAnyMixtureOfChangesComesBack takes a state somewhere in a random series of
// changes, goes on, and goes back.
func TestAnyMixtureOfChangesComesBack(t *testing.T) {
	fewer(t, "15")
	l := build(t, lan())
	pristine := l.state()
	type prank struct{ node, script string }
	var all []prank
	for _, node := range []string{"host", "c1"} {
		for _, script := range pranks[node] {
			all = append(all, prank{node, script})
		}
	}
	play := func(rt *rapid.T, what string) {
		for _, p := range rapid.SliceOfN(rapid.SampledFrom(all), 0, 6).Draw(rt, what) {
			if _, _, err := l.world.Run(t.Context(), p.node, p.script, "/bin/bash"); err != nil {
				rt.Fatal(err)
			}
		}
	}
	back := func(rt *rapid.T, to *undo.State) {
		left, why, err := undo.Restore(t.Context(), to, l.take, l, l.world)
		if err != nil {
			rt.Fatal(err)
		}
		for _, c := range left {
			rt.Errorf("not put back: %s", line(c))
		}
		if len(left) > 0 {
			rt.Fatalf("said: %q", why)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		back(rt, pristine)
		play(rt, "before")
		checkpoint := l.state()
		play(rt, "after")
		back(rt, checkpoint)
		play(rt, "again")
		back(rt, pristine)
	})
}

// fewer sets how many mixtures are tried, unless -rapid.checks says it: each
// takes seconds.
func fewer(t *testing.T, checks string) {
	t.Helper()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "rapid.checks" })
	if said {
		return
	}
	if err := flag.Set("rapid.checks", checks); err != nil {
		t.Fatal(err)
	}
}
