package cni_test

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"underlay/kube/bgp"
	"underlay/kube/cni"
	"underlay/kube/cni/plugin"
	"underlay/kube/internal/netns"
	"underlay/kube/internal/world"
)

// TestMain makes this binary the CNI plugins and the BGP speaker as well, and
// runs the tests in a world.
func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); plugin.Known(name) {
		plugin.Main(name)
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == "bgp" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := bgp.Main(ctx, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(world.Main(m))
}

// limit is how long anything here may take on a machine that is busy.
const limit = time.Minute

// networks prepares the nodes for a kind of network.
func networks(t *testing.T, kind string, nodes []world.Node) []*cni.Network {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var all []*cni.Network
	for i, n := range nodes {
		c := cni.Config{Kind: kind, Dir: filepath.Join(t.TempDir(), "cni"), Plugins: self, Speaker: self, Self: cni.Node(n)}
		for j, peer := range nodes {
			if j != i {
				c.Peers = append(c.Peers, cni.Node(peer))
			}
		}
		network, err := cni.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := network.Prepare(ctx, func(err error) { t.Errorf("%s: %v", n.Name, err) }); err != nil {
			t.Fatalf("prepare %s: %v", n.Name, err)
		}
		all = append(all, network)
	}
	return all
}

// pod makes a network namespace and connects it.
func pod(t *testing.T, network *cni.Network, name string) (cni.Pod, netip.Addr) {
	t.Helper()
	p := cni.Pod{ID: "id-" + name, NetNS: netns.Path(name), Namespace: "default", Name: name, UID: "uid-" + name}
	shell(t, "", "ip netns add %s && ip -n %s link set lo up", name, name)
	t.Cleanup(func() { shell(t, "", "ip netns del %s", name) })
	addr, err := network.Add(t.Context(), p)
	if err != nil {
		t.Fatalf("connect %s: %v", name, err)
	}
	return p, addr
}

// shell runs a command in a network namespace and returns what it said.
func shell(t *testing.T, space, format string, args ...any) string {
	t.Helper()
	command := fmt.Sprintf(format, args...)
	cmd := exec.Command("sh", "-c", command)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	start := cmd.Start
	if space != "" {
		start = func() error { return netns.Do(netns.Path(space), cmd.Start) }
	}
	if err := start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %s: %v: %s", space, command, err, out.String())
	}
	return strings.TrimSpace(out.String())
}

// listen greets whoever connects with the address that it sees.
func listen(t *testing.T, space string, addr netip.Addr) string {
	t.Helper()
	l, err := netns.Listen(netns.Path(space), "tcp", netip.AddrPortFrom(addr, 80).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			ap, _ := netip.ParseAddrPort(c.RemoteAddr().String())
			_, _ = io.WriteString(c, ap.Addr().String())
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// ask connects from a namespace and returns which address the server saw. It
// tries again for as long as routes may take to spread.
func ask(t *testing.T, space, server string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for {
		try, cancel := context.WithTimeout(ctx, time.Second)
		c, err := netns.Dial(try, netns.Path(space), "tcp", server)
		cancel()
		if err == nil {
			text, err := io.ReadAll(c)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		if ctx.Err() != nil {
			t.Fatalf("%s → %s: %v", space, server, err)
		}
	}
}

// On every network pods of both nodes reach each other and the nodes by their
// own addresses, and what is outside by their node's.
func TestPodsReachEachOther(t *testing.T) {
	for _, kind := range []string{cni.Bridge, cni.Flannel, cni.Calico} {
		t.Run(kind, func(t *testing.T) {
			nodes := world.Nodes(t, "node1", "node2")
			begin := time.Now()
			n := networks(t, kind, nodes)
			t.Logf("nodes prepared in %v", time.Since(begin).Round(time.Millisecond))
			begin = time.Now()
			pa, a := pod(t, n[0], "a")
			t.Logf("first pod connected in %v", time.Since(begin).Round(time.Millisecond))
			begin = time.Now()
			_, b := pod(t, n[0], "b")
			t.Logf("second pod connected in %v", time.Since(begin).Round(time.Millisecond))
			_, c := pod(t, n[1], "c")
			for i, addr := range []netip.Addr{a, b, c} {
				if cidr := nodes[i/2].PodCIDR; !cidr.Contains(addr) {
					t.Errorf("pod %d has %s, not of %s", i, addr, cidr)
				}
			}
			onB, onC, onNode := listen(t, "b", b), listen(t, "c", c), listen(t, "node2", nodes[1].Address)
			outside := listen(t, world.Fabric, world.Subnet.Addr().Next())
			begin = time.Now()
			got := ask(t, "a", onC)
			t.Logf("to the other node after %v more", time.Since(begin).Round(time.Millisecond))
			for _, r := range []struct{ what, got, want string }{
				{"to a pod of the same node", ask(t, "a", onB), a.String()},
				{"to a pod of the other node", got, a.String()},
				{"to the other node", ask(t, "a", onNode), a.String()},
				{"to what is outside", ask(t, "a", outside), nodes[0].Address.String()},
				{"from its node", ask(t, "node2", onC), ""},
				{"from the other node", ask(t, "node1", onC), ""},
			} {
				if r.want != "" && r.got != r.want {
					t.Errorf("%s: the server saw %s, want %s", r.what, r.got, r.want)
				}
			}
			looksRight(t, kind, nodes, c)
			disconnects(t, n[0], pa)
		})
	}
}

// looksRight checks what a lesson shows of the network.
func looksRight(t *testing.T, kind string, nodes []world.Node, far netip.Addr) {
	t.Helper()
	route := shell(t, "node1", "ip route get %s", far)
	show := map[string][]struct{ space, command, want string }{
		cni.Bridge: {
			{"node1", "ip route", "10.244.1.0/24 via " + nodes[1].Address.String() + " dev eth0 proto static"},
			{"node1", "bridge link", "master cni0 state forwarding"},
			{"a", "ip route", "default via 10.244.0.1 dev eth0"},
		},
		cni.Flannel: {
			{"node1", "ip -d link show flannel.1", "vxlan id 1 local " + nodes[0].Address.String() + " dev eth0"},
			{"node1", "ip -d link show flannel.1", "dstport 8472 nolearning"},
			{"node1", "ip route", "10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink"},
			{"node1", "ip neigh show dev flannel.1", "10.244.1.0 lladdr 0e:58:c0:a8:32:0b PERMANENT"},
			{"node1", "bridge fdb show dev flannel.1", "0e:58:c0:a8:32:0b dst " + nodes[1].Address.String() + " self permanent"},
			{"a", "ip link show eth0", "mtu 1450"},
		},
		cni.Calico: {
			{"node1", "ip route", "10.244.1.0/24 via " + nodes[1].Address.String() + " dev eth0 proto bird"},
			{"node1", "ip route", "blackhole 10.244.0.0/24 proto bird"},
			{"a", "ip route", "default via 169.254.1.1 dev eth0"},
			{"a", "ip route", "169.254.1.1 dev eth0 scope link"},
			{"a", "ip -4 addr show eth0", "/32"},
		},
	}
	for _, s := range show[kind] {
		if got := shell(t, s.space, "%s", s.command); !strings.Contains(got, s.want) {
			t.Errorf("%s: %s does not show %q:\n%s", s.space, s.command, s.want, got)
		}
	}
	if !strings.Contains(route, "dev") {
		t.Errorf("route to %s: %s", far, route)
	}
}

// disconnects checks that DEL gives back what ADD took, and may come twice.
func disconnects(t *testing.T, n *cni.Network, p cni.Pod) {
	t.Helper()
	veths := func() int { return strings.Count(shell(t, "node1", "ip -o link show type veth"), "\n") }
	before := veths()
	for range 2 {
		if err := n.Del(t.Context(), p); err != nil {
			t.Fatalf("disconnect: %v", err)
		}
	}
	if after := veths(); after != before-1 {
		t.Errorf("%d cables of pods after one was taken away, %d before", after, before)
	}
	if got := shell(t, "a", "ip -o link show"); strings.Contains(got, "eth0") {
		t.Errorf("the pod still has: %s", got)
	}
	if _, err := n.Add(t.Context(), p); err != nil {
		t.Errorf("connect again: %v", err)
	}
}

// The bridge, which pods know as their gateway, keeps its MAC address when others
// come and go.
func TestBridgeKeepsItsAddress(t *testing.T) {
	n := networks(t, cni.Bridge, world.Nodes(t, "node1", "node2"))[0]
	a, _ := pod(t, n, "a")
	mac := func() string {
		return strings.Fields(shell(t, "node1", "ip -o link show cni0 | grep -o 'link/ether [^ ]*'"))[1]
	}
	before := mac()
	pod(t, n, "b")
	if after := mac(); after != before {
		t.Errorf("when a pod came it changed from %s to %s", before, after)
	}
	if err := n.Del(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if after := mac(); after != before {
		t.Errorf("when a pod went it changed from %s to %s", before, after)
	}
}

// A pod that cannot be connected leaves nothing behind.
func TestAddFails(t *testing.T) {
	nodes := world.Nodes(t, "node1")
	n := networks(t, cni.Bridge, nodes)[0]
	_, err := n.Add(t.Context(), cni.Pod{ID: "x", NetNS: netns.Path("nowhere"), Namespace: "default", Name: "x"})
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("connect a namespace that is not there: %v", err)
	}
	if _, addr := pod(t, n, "first"); addr != netip.MustParseAddr("10.244.0.3") { // .2 was given and taken back
		t.Errorf("the first pod got %s", addr)
	}
	if got := shell(t, "node1", "ip -o link show type veth | grep -c cni0"); got != "1" {
		t.Errorf("%s cables on the bridge", got)
	}
}

// Kind none does nothing at all.
func TestNone(t *testing.T) {
	nodes := world.Nodes(t, "node1", "node2")
	n := networks(t, cni.None, nodes)
	if _, addr := pod(t, n[0], "bare"); addr.IsValid() {
		t.Errorf("it got %s", addr)
	}
	if got := shell(t, "bare", "ls /proc/sys/net/ipv4/conf | tr '\\n' ' '"); strings.Contains(got, "eth") {
		t.Errorf("it has %s", got)
	}
	if _, err := cni.New(cni.Config{Kind: "weave"}); err == nil {
		t.Error("a kind that there is not was taken")
	}
}

// A speaker that is killed comes back, and routes with it.
func TestSpeakerComesBack(t *testing.T) {
	nodes := world.Nodes(t, "node1", "node2")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	failures := make(chan error, 16)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for i := range nodes {
		network, err := cni.New(cni.Config{
			Kind: cni.Calico, Dir: t.TempDir(), Plugins: self, Speaker: self,
			Self: cni.Node(nodes[i]), Peers: []cni.Node{cni.Node(nodes[1-i])},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := network.Prepare(ctx, func(err error) { failures <- err }); err != nil {
			t.Fatal(err)
		}
	}
	const learned = "ip route | grep -c 'via .* proto bird' || true"
	eventually(t, "learn a route", func() bool { return shell(t, "node1", learned) == "1" })
	shell(t, "", "kill -KILL $(ip netns pids node2)")
	if err := <-failures; !strings.Contains(err.Error(), "BGP speaker") {
		t.Errorf("what is said of it: %v", err)
	}
	eventually(t, "lose the route", func() bool { return shell(t, "node1", learned) == "0" })
	eventually(t, "learn it again", func() bool { return shell(t, "node1", learned) == "1" })
}

func eventually(t *testing.T, what string, try func() bool) {
	t.Helper()
	begin := time.Now()
	for !try() {
		if time.Since(begin) > limit {
			t.Fatalf("%s: not in %v", what, limit)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("%s: %v", what, time.Since(begin).Round(time.Millisecond))
}
