package undo_test

import (
	"strings"
	"testing"

	"underlay/engine"
	"underlay/engine/undo"
)

func TestTwoBuildsAreTheSame(t *testing.T) {
	topology := lan()
	topology.Nodes[1].Setup = []string{
		"sysctl -qw net.ipv6.conf.eth0.disable_ipv6=0; ip link set eth0 down; ip link set eth0 up", // an address made of the MAC
		"ipset create s hash:ip; ipset add s 10.0.0.1",
	}
	topology.Nodes[0].Devices = []engine.NodeDevice{
		{Name: "vx0", Kind: "vxlan", ID: 7, Local: "10.1.0.1", Remote: "10.1.0.9", Bridge: "br0"},
		{Name: "mv0", Kind: "macvlan", Parent: "c2/eth0", MAC: "02:00:00:00:00:0c", Address: []string{"10.1.0.7/24"}},
	}
	lab := &engine.Lab{Topology: *topology}
	a, b := build(t, topology), build(t, topology)
	x, y := a.state(), b.state()
	for _, c := range undo.CompareBuilds(lab, x, y) {
		t.Errorf("differs: %s", line(c))
	}
	if len(undo.Compare(x, y)) == 0 {
		t.Error("two builds drew the same MACs: the test shows nothing")
	}
	b.sh("c1", "ip route add blackhole 10.44.0.0/16")
	b.sh("c2", "ip link set eth0 address 02:00:00:00:00:07") // the lab gives it another
	var lines []string
	for _, c := range undo.CompareBuilds(lab, x, b.state()) {
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

// TestTwoBuildsOfAClusterAreTheSame: what pods brings is not compared, and whatever
// else there is on a worker is.
func TestTwoBuildsOfAClusterAreTheSame(t *testing.T) {
	cluster := &engine.Lab{Cluster: &engine.Cluster{Nodes: 1}}
	cluster.Cluster.Pods = []engine.Pod{{Name: "web", Pod: "web"}}
	cluster.Cluster.Complete(&cluster.Topology)
	a, b := build(t, &cluster.Topology), build(t, &cluster.Topology)
	pod := func(l *lab, name, addr string) {
		l.sh("node1", `ip link add `+name+` type veth peer name eth0 netns web
ip link set `+name+` up; ip route add `+addr+` dev `+name+`; ip route add 10.244.7.0/24 via 192.168.50.10
ip route add blackhole 10.244.1.0/24
nft "add table ip kube-proxy; add chain ip kube-proxy `+name+`; add rule ip kube-proxy `+name+` ip daddr `+addr+` accept"`)
		l.sh("web", "ip addr add "+addr+"/32 dev eth0; ip link set eth0 up")
	}
	pod(a, "cali1", "10.244.1.2")
	pod(b, "cali2", "10.244.1.9")
	b.sh("node1", "ip route add 10.244.1.77 via 192.168.50.10")
	for _, c := range undo.CompareBuilds(cluster, a.state(), b.state()) {
		t.Errorf("differs: %s", line(c))
	}
	b.sh("node1", "nft add table ip mine; ip route add 10.99.0.0/16 via 192.168.50.10; ip link add x type bridge")
	var lines []string
	for _, c := range undo.CompareBuilds(cluster, a.state(), b.state()) {
		lines = append(lines, line(c))
	}
	said := strings.Join(lines, "\n")
	for _, want := range []string{"nft ip mine", "10.99.0.0/16", "x: bridge"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not seen:\n%s", want, said)
		}
	}
}
