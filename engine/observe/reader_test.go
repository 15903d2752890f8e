package observe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

func TestLinks(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, `ip link set lo up
ip link add br0 type bridge
ip link add v0 type veth peer name v1
ip link set v0 master br0 up
ip link set v1 up mtu 1400 address 02:00:00:00:00:07
bridge link set dev v0 isolated on hairpin on
ip addr add 10.0.0.1/24 dev v1
ip link add vx7 type vxlan id 7 dstport 8472 local 10.0.0.1 remote 10.0.0.2 dev v1
ip link add mv0 link v1 type macvlan mode bridge`)
	// The kernel works out a port's state a little after its cable is plugged in.
	eventually(t, "v0 is up", func() bool { return linkNamed(t, snap(t, n, Links), "v0").Oper == "up" })
	s := snap(t, n, Links)

	lo := linkNamed(t, s, "lo")
	if lo.Kind != "loopback" || !lo.AdminUp || lo.Index != 1 || lo.PeerIndex != 0 {
		t.Errorf("lo: %+v", lo)
	}
	if br := linkNamed(t, s, "br0"); br.Kind != "bridge" || br.AdminUp || br.Oper != "down" {
		t.Errorf("br0: %+v", br)
	}
	v0, v1 := linkNamed(t, s, "v0"), linkNamed(t, s, "v1")
	if v0.Master != "br0" || !v0.Isolated || !v0.Hairpin || !v0.Carrier || v0.Oper != "up" {
		t.Errorf("v0: %+v", v0)
	}
	if v1.MTU != 1400 || v1.MAC != "02:00:00:00:00:07" || v1.Kind != "veth" || v1.Isolated {
		t.Errorf("v1: %+v", v1)
	}
	if v1.PeerNode != "host" || v1.PeerName != "v0" || v1.PeerIndex != v0.Index {
		t.Errorf("peer of v1: %+v", v1)
	}
	vx := linkNamed(t, s, "vx7")
	if vx.Kind != "vxlan" || vx.VNI != 7 || vx.Port != 8472 || vx.Remote != "10.0.0.2" || vx.Local != "10.0.0.1" {
		t.Errorf("vx7: %+v", vx)
	}
	mv := linkNamed(t, s, "mv0")
	if mv.Kind != "macvlan" || mv.Mode != "bridge" || mv.Parent != "v1" || mv.ParentNode != "host" || mv.PeerIndex != 0 {
		t.Errorf("mv0: %+v", mv)
	}
}

func TestLinkStats(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	pair(t, a, b, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	sh(t, a, "ping -c 3 -i 0.01 -W 2 10.1.0.2")
	if l := linkNamed(t, snap(t, b, Links), "eth0"); l.RxPackets < 3 || l.TxPackets < 3 {
		t.Errorf("after three pings: %+v", l)
	}
}

func TestAddrsRoutesRules(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, `ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 up; ip link set v1 up
ip addr add 10.0.0.1/24 dev v0
ip addr add fd00::1/64 dev v0 nodad
ip route add default via 10.0.0.254 metric 5
ip route add 10.9.0.0/16 via 10.0.0.9 src 10.0.0.1 table 100 proto static
ip route add blackhole 192.0.2.0/24
ip route add 10.8.0.0/16 via 172.31.0.1 dev v0 onlink
ip route add 10.7.0.0/16 nexthop via 10.0.0.3 nexthop via 10.0.0.4
ip rule add from 10.0.0.0/24 to 10.9.0.0/16 fwmark 7 iif v1 table 100 priority 50`)
	s := snap(t, n, Addrs|Routes|Rules)
	if s.Links != nil {
		t.Errorf("links were not asked for: %v", s.Links)
	}
	for _, want := range []Addr{
		{"lo", prefix("127.0.0.1/8"), "host"}, {"v0", prefix("10.0.0.1/24"), "global"}, {"v0", prefix("fd00::1/64"), "global"},
	} {
		has(t, s.Addrs, want.Prefix.String(), func(a Addr) bool { return a == want })
	}
	for _, want := range []Route{
		{To: prefix("0.0.0.0/0"), Via: addr("10.0.0.254"), Dev: "v0", Table: 254, Scope: "global", Proto: "boot", Metric: 5, Type: "unicast"},
		{To: prefix("10.0.0.0/24"), Dev: "v0", Src: addr("10.0.0.1"), Table: 254, Scope: "link", Proto: "kernel", Type: "unicast"},
		{To: prefix("10.9.0.0/16"), Via: addr("10.0.0.9"), Dev: "v0", Src: addr("10.0.0.1"), Table: 100, Scope: "global", Proto: "static", Type: "unicast"},
		{To: prefix("192.0.2.0/24"), Table: 254, Scope: "global", Proto: "boot", Type: "blackhole"},
		{To: prefix("10.8.0.0/16"), Via: addr("172.31.0.1"), Dev: "v0", Table: 254, Scope: "global", Proto: "boot", Type: "unicast", Onlink: true},
		{To: prefix("10.7.0.0/16"), Via: addr("10.0.0.3"), Dev: "v0", Table: 254, Scope: "global", Proto: "boot", Type: "unicast"},
		{To: prefix("10.7.0.0/16"), Via: addr("10.0.0.4"), Dev: "v0", Table: 254, Scope: "global", Proto: "boot", Type: "unicast"},
	} {
		has(t, s.Routes, want.To.String(), func(r Route) bool { return r == want })
	}
	has(t, s.Routes, "IPv6 route", func(r Route) bool { return r.To == prefix("fd00::/64") && r.Dev == "v0" && r.Proto == "kernel" })
	want := Rule{Family: "ip", Priority: 50, From: prefix("10.0.0.0/24"), To: prefix("10.9.0.0/16"), IIF: "v1", Mark: 7, Table: 100, Action: "lookup"}
	has(t, s.Rules, "rule 50", func(r Rule) bool { return r == want })
	has(t, s.Rules, "main rule", func(r Rule) bool { return r == Rule{Family: "ip", Priority: 32766, Table: 254, Action: "lookup"} })
}

func TestNeighsAndFDB(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, `ip link add br0 type bridge
ip link add v0 type veth peer name v1
ip link set v0 master br0 up; ip link set v1 up; ip link set br0 up
ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev v1 nud permanent
ip neigh add fd00::9 lladdr 02:00:00:00:00:0a dev v1 nud stale
bridge fdb add 02:00:00:00:00:0b dev v0 master
bridge fdb add 02:00:00:00:00:0c dev v0 master dynamic
ip link add vx7 type vxlan id 7 dstport 4789
bridge fdb append 00:00:00:00:00:00 dev vx7 dst 10.0.0.2`)
	s := snap(t, n, Neighs|FDB)
	for _, want := range []Neigh{
		{"v1", addr("10.0.0.9"), "02:00:00:00:00:09", "permanent"}, {"v1", addr("fd00::9"), "02:00:00:00:00:0a", "stale"},
	} {
		has(t, s.Neighs, want.MAC, func(x Neigh) bool { return x == want })
	}
	for _, want := range []FDBEntry{
		{Dev: "v0", Bridge: "br0", MAC: "02:00:00:00:00:0b", State: "permanent"},
		{Dev: "v0", Bridge: "br0", MAC: "02:00:00:00:00:0c", State: "learned"},
		{Dev: "vx7", MAC: "00:00:00:00:00:00", Dst: addr("10.0.0.2"), State: "permanent"},
	} {
		has(t, s.FDB, want.MAC, func(x FDBEntry) bool { return x == want })
	}
}

func TestSysctls(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	sh(t, a, "ip link add eth0.5 type veth peer name e1; sysctl -qw net.ipv4.ip_forward=1 net/ipv4/conf/eth0.5/proxy_arp=1")
	names := []string{"net.ipv4.ip_forward", "net.ipv4.conf.eth0/5.proxy_arp", "net/ipv4/conf/eth0.5/proxy_arp", "net.no.such"}
	got := snapAll(t, []Node{a, b}, Sysctls, names...)
	for _, name := range names[:3] {
		if got[0].Sysctls[name] != "1" {
			t.Errorf("%s = %q in a", name, got[0].Sysctls[name])
		}
	}
	if v := got[1].Sysctls["net.ipv4.ip_forward"]; v != "0" {
		t.Errorf("ip_forward = %q in b", v)
	}
	if v, ok := got[0].Sysctls["net.no.such"]; ok {
		t.Errorf("a sysctl that does not exist has value %q", v)
	}
	bad, err := Snapshot([]Node{a}, Sysctls, []string{"net/../../1/environ"})
	if err != nil || bad[0].Errs[Sysctls] == nil {
		t.Errorf("a name that leaves /proc/sys was taken: %v, %v", err, bad)
	}
}

func TestSockets(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, "ip link set lo up")
	err := netns.Do(n.NS, func() error {
		for _, l := range [][2]string{{"tcp4", "127.0.0.1:81"}, {"tcp", "[::]:82"}, {"tcp6", "[::1]:83"}} {
			ln, err := net.Listen(l[0], l[1])
			if err != nil {
				return err
			}
			closeLater(t, ln)
		}
		pc, err := net.ListenPacket("udp4", "0.0.0.0:53")
		if err != nil {
			return err
		}
		closeLater(t, pc)
		c, err := net.Dial("udp4", "127.0.0.1:53") // connected: does not wait for traffic
		if err != nil {
			return err
		}
		closeLater(t, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := snap(t, n, Sockets).Sockets
	want := []Socket{
		{Proto: "tcp", Addr: addr("127.0.0.1"), Port: 81}, {Proto: "udp", Addr: addr("0.0.0.0"), Port: 53},
		{Proto: "tcp", Addr: addr("::"), Port: 82}, {Proto: "tcp", Addr: addr("::1"), Port: 83, V6Only: true},
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("no %v in %v", w, got)
		}
	}
}

func TestReaderNodes(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	r := mustOpen(t, a)
	if _, err := r.Snapshot([]string{"b"}, Links, nil); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("unknown node: %v", err)
	}
	if err := r.AddNode(b); err != nil {
		t.Fatal(err)
	}
	if err := r.AddNode(b); err == nil {
		t.Error("a node could be added twice")
	}
	states, err := r.Snapshot([]string{"b", "a"}, Links, nil)
	if err != nil || len(states) != 2 || states[0].Node != "b" || states[0].Inode == states[1].Inode {
		t.Errorf("%v, %+v", err, states)
	}
	if err := r.RemoveNode("b"); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Snapshot(nil, Links, nil); err == nil {
		t.Error("a closed reader reads")
	}
}

func TestNotANamespace(t *testing.T) {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Close(fd); err != nil {
			t.Error(err)
		}
	})
	good := newNode(t, "good")
	states, err := Snapshot([]Node{{"bad", fd}, good}, Links|Sysctls, []string{"net.ipv4.ip_forward"})
	if err != nil {
		t.Fatal(err)
	}
	if states[0].Errs[Links] == nil || states[0].Errs[Sysctls] == nil {
		t.Errorf("errors of the bad node: %v", states[0].Errs)
	}
	if len(states[1].Errs) != 0 || len(states[1].Links) == 0 {
		t.Errorf("the good node suffered: %+v", states[1])
	}
	if _, err := Snapshot([]Node{{"closed", -1}}, Links, nil); err == nil {
		t.Error("a closed descriptor is no error")
	}
}

// Listings that change while they are read must come out whole, not fail.
func TestSnapshotWhileLinksChange(t *testing.T) {
	n := newNode(t, "host")
	script := "ip link add br0 type bridge\n"
	for i := range 100 { // enough that a listing takes several messages
		script += fmt.Sprintf("ip link add a%[1]d type veth peer name b%[1]d\n", i)
	}
	sh(t, n, script)
	batch := filepath.Join(t.TempDir(), "batch")
	lines := strings.Repeat("link add x type veth peer name y\nlink del x\n", 20)
	if err := os.WriteFile(batch, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var out string
	var churn error
	go func() {
		defer close(done)
		out, churn = try(t, n, "ip -batch "+batch)
	}()
	r := mustOpen(t, n)
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		states, err := r.Snapshot(nil, Links|Addrs|Routes, nil)
		if err != nil || len(states[0].Errs) != 0 {
			t.Fatal(err, states[0].Errs)
		}
		for i := range 100 {
			name := fmt.Sprintf("a%d", i)
			if l := linkNamed(t, states[0], name); l.PeerName != fmt.Sprintf("b%d", i) {
				t.Fatalf("%+v", l)
			}
		}
	}
	if churn != nil {
		t.Fatal(churn, out)
	}
}
