package undo_test

import (
	"strings"
	"testing"

	"underlay/engine/undo"
)

func TestTwoBuildsAreTheSame(t *testing.T) {
	topology := lan()
	topology.Nodes[1].Setup = []string{
		"sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0; ip link set eth0 down; ip link set eth0 up", // an address made of the MAC
		"ipset create s hash:ip; ipset add s 10.0.0.1",
	}
	a, b := build(t, topology), build(t, topology)
	x, y := a.state(), b.state()
	for _, c := range undo.CompareBuilds(topology, x, y) {
		t.Errorf("differs: %s", line(c))
	}
	if len(undo.Compare(x, y)) == 0 {
		t.Error("two builds drew the same MACs: the test shows nothing")
	}
	b.sh("c1", "ip route add blackhole 10.44.0.0/16")
	b.sh("c2", "ip link set eth0 address 02:00:00:00:00:07") // the lab gives it another
	var lines []string
	for _, c := range undo.CompareBuilds(topology, x, b.state()) {
		lines = append(lines, line(c))
	}
	said := strings.Join(lines, "\n")
	if !strings.Contains(said, "blackhole 10.44.0.0/16") || !strings.Contains(said, "eth0: address 02:00:00:00:00:03") {
		t.Errorf("a difference is not seen:\n%s", said)
	}
}

func TestAStateMovesToAnotherBuild(t *testing.T) {
	a, b := build(t, lan()), build(t, lan())
	a.sh("host", `ip link add x type veth peer name y netns c2
ip addr add 10.7.0.1/24 dev x; ip link set x up; ip -n c2 link set y up
sysctl -qw net.ipv4.ip_forward=1
iptables -P FORWARD DROP; ip rule add pref 5 lookup 7; ip route add 10.8.0.0/16 via 10.1.0.2 table 7`)
	a.sh("c2", "ip neigh add 10.1.0.77 lladdr 02:00:00:00:00:77 dev eth0; ip link set lo down")
	b.back(a.state())
}
