package observe

import (
	"fmt"
	"testing"
)

// Four nodes whose interfaces all have the same indexes: only namespace ids tell
// them apart.
func TestPeersWithEqualIndexes(t *testing.T) {
	var nodes []Node
	for _, name := range []string{"hub1", "hub2", "leaf1", "leaf2"} {
		nodes = append(nodes, newNode(t, name))
	}
	for i := range 2 {
		for _, p := range [][2]Node{{nodes[0], nodes[2]}, {nodes[1], nodes[3]}} {
			sh(t, p[0], fmt.Sprintf("ip link add name x%[1]d index %[2]d type veth peer name y%[1]d index %[2]d netns %[3]s", i, 10+i, at(p[1])))
		}
	}
	check := func(states []State, node, dev, peerNode, peerName string) {
		t.Helper()
		for _, s := range states {
			if s.Node != node {
				continue
			}
			if l := linkNamed(t, s, dev); l.PeerNode != peerNode || l.PeerName != peerName || l.PeerIndex != l.Index {
				t.Errorf("peer of %s/%s: %+v", node, dev, l)
			}
		}
	}
	for _, names := range [][]string{nil, {"leaf1", "hub2"}, {"leaf2"}} {
		r := mustOpen(t, nodes...)
		for range 2 { // the second time from what it remembers
			states, err := r.Snapshot(names, Links, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 2 {
				x, y := fmt.Sprintf("x%d", i), fmt.Sprintf("y%d", i)
				check(states, "hub1", x, "leaf1", y)
				check(states, "hub2", x, "leaf2", y)
				check(states, "leaf1", y, "hub1", x)
				check(states, "leaf2", y, "hub2", x)
			}
		}
	}
}

func TestPeerMovesAndGoes(t *testing.T) {
	a, b, c := newNode(t, "a"), newNode(t, "b"), newNode(t, "c")
	stranger := newNode(t, "stranger")
	r := mustOpen(t, a, b, c)
	peer := func() string {
		t.Helper()
		states, err := r.Snapshot(nil, Links, nil)
		if err != nil {
			t.Fatal(err)
		}
		l := linkNamed(t, states[0], "v0")
		return l.PeerNode + "/" + l.PeerName
	}
	sh(t, a, "ip link add v0 type veth peer name v1")
	for _, step := range []struct {
		in   Node
		cmd  string
		want string
	}{
		{a, "true", "a/v1"},
		{a, "ip link set v1 netns " + at(b), "b/v1"},
		{b, "ip link set v1 name eth0", "b/eth0"},
		{b, "ip link set eth0 netns " + at(c), "c/eth0"},
		{c, "ip link set eth0 netns " + at(stranger), "/"},
		{stranger, "ip link set eth0 netns " + at(a), "a/eth0"},
	} {
		sh(t, step.in, step.cmd)
		if got := peer(); got != step.want {
			t.Errorf("after %q: peer is %s, want %s", step.cmd, got, step.want)
		}
	}
}

func TestTwoNodesInOneNamespace(t *testing.T) {
	pod, host := newNode(t, "pod"), newNode(t, "host")
	sidecar := Node{Name: "sidecar", NS: pod.NS}
	sh(t, host, "ip link add v0 type veth peer name eth0 netns "+at(pod))
	states := snapAll(t, []Node{sidecar, pod, host}, Links)
	if states[0].Inode != states[1].Inode || states[0].Inode == states[2].Inode {
		t.Errorf("inodes %d %d %d", states[0].Inode, states[1].Inode, states[2].Inode)
	}
	if l := linkNamed(t, states[2], "v0"); l.PeerNode != "sidecar" || l.PeerName != "eth0" {
		t.Errorf("host's end: %+v", l)
	}
	for _, s := range states[:2] {
		if l := linkNamed(t, s, "eth0"); l.PeerNode != "host" || l.PeerName != "v0" {
			t.Errorf("%s's end: %+v", s.Node, l)
		}
	}
}

func TestMacvlanParentElsewhere(t *testing.T) {
	host, c := newNode(t, "host"), newNode(t, "c")
	sh(t, host, fmt.Sprintf("ip link add v0 type veth peer name v1; ip link add mv0 link v0 type macvlan mode private; ip link set mv0 netns %s", at(c)))
	states := snapAll(t, []Node{host, c}, Links)
	if l := linkNamed(t, states[1], "mv0"); l.ParentNode != "host" || l.Parent != "v0" || l.Mode != "private" || l.PeerNode != "" {
		t.Errorf("%+v", l)
	}
}
