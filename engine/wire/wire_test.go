package wire_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/sandbox"
	"underlay/engine/sandbox/sandboxtest"
	"underlay/engine/wire"
)

func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }

// world makes the nodes of a topology and returns how to run shell lines in them.
func world(t *testing.T, topology *engine.Topology) (ns map[string]int, sh func(node, script string) (string, int)) {
	t.Helper()
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	w, err := sb.NewWorld(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	var specs []sandbox.NodeSpec
	for _, n := range topology.Nodes {
		specs = append(specs, sandbox.NodeSpec{Name: n.Name})
	}
	fds, err := w.AddNodes(t.Context(), specs)
	if err != nil {
		t.Fatal(err)
	}
	ns = map[string]int{}
	for i, n := range topology.Nodes {
		ns[n.Name] = fds[i]
		t.Cleanup(func() { _ = unix.Close(fds[i]) })
	}
	return ns, func(node, script string) (string, int) {
		out, code, err := w.Run(t.Context(), node, script, "/bin/bash")
		if err != nil {
			t.Fatal(err)
		}
		return out, code
	}
}

func lan() *engine.Topology {
	return &engine.Topology{
		Nodes: []engine.Node{
			{
				Name:    "host",
				Bridges: []engine.Bridge{{Name: "br0", Address: []string{"10.1.0.1/24"}, MAC: "02:00:00:00:00:01"}, {Name: "off", Down: true}},
				Sysctls: []engine.Sysctl{{Name: "net.ipv4.ip_forward", Value: "1"}, {Name: "net/ipv4/conf/br0/proxy_arp", Value: "1"}},
			},
			{Name: "a", Routes: []engine.Route{{To: "default", Via: "10.1.0.1"}, {To: "10.9.0.0/16", Dev: "eth0"}}},
			{Name: "b", Bare: true},
		},
		Links: []engine.Link{
			{
				A: engine.End{Node: "host", Name: "va", Bridge: "br0"},
				B: engine.End{Node: "a", Name: "eth0", Address: []string{"10.1.0.2/24"}, MAC: "02:00:00:00:00:02", MTU: 1400},
			},
			{
				A: engine.End{Node: "b", Name: "eth0", Address: []string{"10.1.0.3/24"}, MTU: 1300},
				B: engine.End{Node: "host", Name: "vb", Bridge: "br0", Down: true},
			},
		},
	}
}

func TestBuild(t *testing.T) {
	topology := lan()
	ns, sh := world(t, topology)
	if err := wire.Build(topology, ns); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ node, script, want string }{
		{"host", "ip -br link show br0", "02:00:00:00:00:01"},
		{"host", "ip -o link show off", "state DOWN"},
		{"host", "ip -o link show va", "master br0"},
		{"host", "ip -o link show vb", "master br0 state DOWN"},
		{"host", "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/br0/proxy_arp", "1\n1"},
		{"a", "ip -o link show eth0", "mtu 1400"},
		{"a", "ip -o link show eth0", "02:00:00:00:00:02"},
		{"a", "ip route", "default via 10.1.0.1 dev eth0"},
		{"a", "ip route", "10.9.0.0/16 dev eth0 scope link"},
		{"a", "ip -o link show lo", "UP"},
		{"b", "ip -o link show lo", "state DOWN"},
		{"b", "ip -o link show eth0", "mtu 1300"},
		{"host", "ip -o link show va", "mtu 1500"}, // each end has its own
		{"host", "ip -o link show vb", "mtu 1500"},
		{"a", "ping -c1 -W1 10.1.0.1", "1 received"},
		{"a", "cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6", "1"},
	} {
		if out, code := sh(c.node, c.script); code != 0 || !strings.Contains(out, c.want) {
			t.Errorf("%s: %s: no %q in (%d)\n%s", c.node, c.script, c.want, code, out)
		}
	}
}

func TestIPv6StaysOnWhereItIsUsed(t *testing.T) {
	topology := &engine.Topology{
		Nodes: []engine.Node{{Name: "a"}, {Name: "b", Routes: []engine.Route{{To: "default", Via: "fd00::1"}}}},
		Links: []engine.Link{{
			A: engine.End{Node: "a", Name: "eth0", Address: []string{"fd00::1/64"}},
			B: engine.End{Node: "b", Name: "eth0", Address: []string{"fd00::2/64"}},
		}},
	}
	ns, sh := world(t, topology)
	if err := wire.Build(topology, ns); err != nil {
		t.Fatal(err)
	}
	if out, code := sh("b", "ping -6 -c3 -i0.3 -W2 fd00::1 && ip -6 route | grep 'default via fd00::1'"); code != 0 {
		t.Error(out)
	}
}

// port1 is what bridge(8) says of a port: its index, and its peer's unless that is
// the same.
var port1 = regexp.MustCompile(`^(\d+): p1(?:@if(\d+))?: `)

// A bridge passes frames to its ports as soon as the lab stands, also where both ends
// of a cable have the same index: the kernel looks at the carrier of such a device
// once a second unless it is asked, so this is tried with labs one after the other.
func TestPortsForwardAtOnce(t *testing.T) {
	for i := range 4 {
		inner, port := engine.End{Node: "n", Name: "eth0"}, engine.End{Node: "sw", Name: "p1", Bridge: "br0"}
		if i%2 == 0 {
			inner, port = port, inner // either end may be the one that is made first
		}
		topology := &engine.Topology{
			Nodes: []engine.Node{
				{Name: "sw", Bridges: []engine.Bridge{{Name: "br0"}}},
				{Name: "n", Bridges: []engine.Bridge{{Name: "br1"}}},
			},
			Links: []engine.Link{{A: inner, B: port}},
		}
		ns, sh := world(t, topology)
		if err := wire.Build(topology, ns); err != nil {
			t.Fatal(err)
		}
		out, _ := sh("sw", "bridge link")
		index := port1.FindStringSubmatch(out)
		if index == nil || index[2] != "" && index[2] != index[1] || !strings.Contains(out, "state forwarding") {
			t.Errorf("the port does not forward, or its index is not its peer's:\n%s", out)
		}
	}
}

func TestBuildSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*engine.Topology)
		want  string
	}{
		"missing bridge":  {func(t *engine.Topology) { t.Links[0].A.Bridge = "nobridge" }, "host has no bridge nobridge"},
		"bad address":     {func(t *engine.Topology) { t.Links[0].B.Address = []string{"10.1.0.999/24"} }, "a/eth0"},
		"bad MAC":         {func(t *engine.Topology) { t.Links[0].B.MAC = "zz" }, "zz"},
		"same name twice": {func(t *engine.Topology) { t.Links[1].B.Name = "va" }, "link b/eth0 to host/va"},
		"no way":          {func(t *engine.Topology) { t.Nodes[1].Routes[0].Via = "10.77.0.1" }, "a: route to default"},
		"no device":       {func(t *engine.Topology) { t.Nodes[1].Routes[1].Dev = "eth7" }, "a has no interface eth7"},
		"no such setting": {func(t *engine.Topology) { t.Nodes[0].Sysctls[0].Name = "net.ipv4.nonsense" }, "net.ipv4.nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			topology := lan()
			c.spoil(topology)
			ns, _ := world(t, topology)
			err := wire.Build(topology, ns)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}

func TestForgetUnresolved(t *testing.T) {
	topology := lan()
	ns, sh := world(t, topology)
	if err := wire.Build(topology, ns); err != nil {
		t.Fatal(err)
	}
	if out, code := sh("a", "ping -c1 -W5 10.1.0.1"); code != 0 {
		t.Fatal(out)
	}
	sh("a", "ping -c1 -W1 10.1.0.77")
	if out, _ := sh("a", "ip neigh"); !strings.Contains(out, "10.1.0.77") {
		t.Fatalf("the failed attempt left no entry: %s", out)
	}
	if err := wire.ForgetUnresolved(ns["a"]); err != nil {
		t.Fatal(err)
	}
	out, _ := sh("a", "ip neigh")
	if strings.Contains(out, "10.1.0.77") || !strings.Contains(out, "10.1.0.1 ") {
		t.Errorf("the neighbours left are:\n%s", out)
	}
}
