package session_test

import (
	"fmt"
	"slices"
	"testing"

	"underlay/engine"
)

// hosts is a lab of two hosts on a cable, with a container beside the first.
func hosts() *engine.Lab {
	return &engine.Lab{ID: "hosts", Topology: engine.Topology{
		Nodes: []engine.Node{
			{Name: "h1", Kind: engine.KindHost, Title: "the first", Shell: true}, {Name: "h2", Kind: engine.KindHost}, {Name: "c1", Kind: engine.KindContainer},
		},
		Links: []engine.Link{{
			A: engine.End{Node: "h1", Name: "eth0", Address: []string{"10.0.0.1/24"}},
			B: engine.End{Node: "h2", Name: "eth0", Address: []string{"10.0.0.2/24"}},
		}},
	}}
}

// look returns the picture of a session.
func look(t *testing.T, s engine.Session) engine.Picture {
	t.Helper()
	p, err := s.Picture(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range p.Nodes {
		if n.Problem != "" {
			t.Errorf("%s: %s", n.Name, n.Problem)
		}
	}
	return p
}

// describe is a device without its counters, in words.
func describe(p engine.Picture, node, name string) string {
	d := p.Device(engine.DeviceRef{Node: node, Name: name})
	if d == nil {
		return "none"
	}
	return fmt.Sprint(d.Kind, " ", d.State, " ", d.Addrs, " master=", d.Master, " peer=", d.Peer, " parent=", d.Parent, d.Mode,
		" vni=", d.VNI, d.Port, d.Local, d.Remotes)
}

func TestPictureFollowsTheKernel(t *testing.T) {
	s := open(t, hosts())
	p := look(t, s)
	if len(p.Nodes) != 3 || p.Nodes[0].Name != "h1" || p.Nodes[0].Title != "the first" || p.Nodes[2].Kind != engine.KindContainer {
		t.Errorf("nodes: %+v", p.Nodes)
	}
	if len(p.Nodes[2].Devices) != 1 || p.Nodes[2].Devices[0].Name != "lo" {
		t.Errorf("an empty container has %+v", p.Nodes[2].Devices)
	}
	line := shell(t, s, "h1")
	line("ip link add br0 type bridge; ip link set br0 up; ip link add vc1 type veth peer name eth0 netns c1; ip link set vc1 master br0 up")
	line("ip -n c1 addr add 10.1.0.2/24 dev eth0; ip link add vx type vxlan id 42 remote 10.0.0.2 local 10.0.0.1 dstport 4789; ip link set vx master br0 up")
	line("ip netns add elsewhere; ip link add lost type veth peer name out netns elsewhere; ip link set lost up")
	line("ip -n h2 link add flood type vxlan id 43 dstport 4790; ip netns exec h2 bridge fdb append 00:00:00:00:00:00 dev flood dst 10.0.0.1")
	line("ip link add mv link eth0 netns c1 type macvlan mode private")
	line("ping -c2 -i0.01 10.0.0.2 >/dev/null")
	p = look(t, s)
	for what, want := range map[[2]string]string{
		{"h1", "eth0"}:  "veth up [10.0.0.1/24] master= peer={h2 eth0} parent={ } vni=0 0[]",
		{"h1", "br0"}:   "bridge up [] master= peer={ } parent={ } vni=0 0[]",
		{"h1", "vc1"}:   "veth no carrier [] master=br0 peer={c1 eth0} parent={ } vni=0 0[]",
		{"c1", "eth0"}:  "veth down [10.1.0.2/24] master= peer={h1 vc1} parent={ } vni=0 0[]",
		{"h1", "vx"}:    "vxlan up [] master=br0 peer={ } parent={ } vni=42 478910.0.0.1[10.0.0.2]",
		{"h1", "lost"}:  "veth no carrier [] master= peer={ } parent={ } vni=0 0[]",
		{"h2", "flood"}: "vxlan down [] master= peer={ } parent={ } vni=43 4790[10.0.0.1]",
		{"c1", "mv"}:    "macvlan down [] master= peer={ } parent={h1 eth0}private vni=0 0[]",
	} {
		if got := describe(p, what[0], what[1]); got != want {
			t.Errorf("%v is %q, want %q", what, got, want)
		}
	}
	if d := p.Device(engine.DeviceRef{Node: "h2", Name: "eth0"}); d.Received < 2 || d.Sent < 2 {
		t.Errorf("after two pings h2 has counted %d and %d", d.Received, d.Sent)
	}
	line("ip link del vc1; ip link set lo down")
	p = look(t, s)
	if got := describe(p, "c1", "eth0"); got != "none" {
		t.Errorf("with its peer deleted, eth0 of c1 is %q", got)
	}
	i := slices.IndexFunc(p.Nodes[0].Devices, func(d engine.Device) bool { return d.Name == "lo" })
	if p.Nodes[0].Devices[i].State != engine.DeviceDown {
		t.Errorf("lo is %s", p.Nodes[0].Devices[i].State)
	}
}

func TestPictureAfterResetAndClose(t *testing.T) {
	s := open(t, hosts())
	line := shell(t, s, "h1")
	line("ip link add br0 type bridge")
	if got := describe(look(t, s), "h1", "br0"); got == "none" {
		t.Error("a new bridge is not in the picture")
	}
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := describe(look(t, s), "h1", "br0"); got != "none" {
		t.Errorf("after a reset the bridge is %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Picture(t.Context()); err == nil {
		t.Error("a closed lab has a picture")
	}
}
