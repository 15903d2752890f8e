package observe

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/netns"
)

// joined makes two nodes with a cable, in which the kernel does nothing by itself.
func joined(t *testing.T) (n, other Node) {
	t.Helper()
	n, other = newNode(t, "host"), newNode(t, "other")
	for _, n := range []Node{n, other} {
		sh(t, n, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1")
	}
	pair(t, n, other, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	for _, n := range []Node{n, other} {
		eventually(t, "that the cable is up", func() bool { return linkNamed(t, snap(t, n, Links), "eth0").Oper == "up" })
	}
	return n, other
}

// bridged makes a node with a bridge, one of whose ports leads to other.
func bridged(t *testing.T) (n, other Node) {
	t.Helper()
	n, other = joined(t)
	sh(t, n, "ip link add br0 type bridge; ip link set br0 up; ip link set eth0 master br0; ip addr flush dev eth0; ip addr add 10.1.0.1/24 dev br0")
	eventually(t, "that the bridge is up", func() bool { return linkNamed(t, snap(t, n, Links), "br0").Oper == "up" })
	return n, other
}

// silent demands that nothing was announced but what a barrier is.
func (l *log) silent(t *testing.T, what string, nodes ...Node) {
	t.Helper()
	for _, n := range nodes {
		l.barrier(t, n)
		sh(t, n, "ip rule del priority 77")
		eventually(t, "end of the barrier", func() bool { return l.count(n.Name) >= 2 })
		if f := l.facets(n.Name); f != Rules {
			t.Errorf("%s: %s announces %b", what, n.Name, f&^Rules)
		}
	}
	l.clear()
}

// count is how many events of a node there were.
func (l *log) count(node string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Node == node {
			n++
		}
	}
	return n
}

func TestWatchIsSilentAboutCaptures(t *testing.T) {
	n, other := bridged(t)
	l := watch(t, All, n, other)
	file := t.TempDir() + "/file"
	// Ended when it listens, however long that takes.
	capture := func(args string) string {
		said := t.TempDir() + "/said"
		return "tcpdump -ni " + args + " 2>" + said + " & p=$!; until grep -q 'listening on' " + said + " || ! kill -0 $p; do sleep 0.02; done; kill $p; wait $p"
	}
	for _, cmd := range []string{
		capture("br0"),
		capture("eth0"),
		capture("any"),
		capture("br0 -w " + file),
		"ip link set br0 promisc on; ip link set br0 promisc off",
		"ip link set eth0 allmulticast on; ip link set eth0 allmulticast off",
	} {
		_, _ = try(t, n, cmd) // one that is interrupted, or that this machine lacks
		l.silent(t, cmd, n, other)
	}
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		t.Errorf("tcpdump wrote nothing: %v", err)
	}
}

func TestWatchIsSilentAboutListings(t *testing.T) {
	n, other := bridged(t)
	l := watch(t, All, n, other)
	for _, cmd := range []string{
		"ip -d -s link", "ip addr", "ip route", "ip neigh", "ip rule", "bridge -d link", "bridge fdb", "ss -tuanp",
		"nft list ruleset", "iptables-nft -nvL", "iptables-nft -t nat -nvL", "iptables-nft-save", "conntrack -L", "sysctl -a",
		"ip netns", "ip link set eth0 up", "ip link set br0 mtu 1500",
	} {
		_, _ = try(t, n, cmd) // one that is interrupted, or that this machine lacks
		l.silent(t, cmd, n, other)
	}
}

// A bridge speaks of a port once more when it would have begun to forward with STP.
func TestWatchIsSilentAboutPortsThatForward(t *testing.T) {
	n, other := joined(t)
	sh(t, n, "ip link add br0 type bridge forward_delay 200; ip link set br0 up; ip link set eth0 master br0")
	eventually(t, "that the bridge is up", func() bool { return linkNamed(t, snap(t, n, Links), "br0").Oper == "up" })
	timer := func() bool { return !strings.Contains(sh(t, n, "ip -d link show eth0"), "forward_delay_timer    0.00") }
	l := watch(t, All, n, other)
	eventually(t, "that the port's timer has run out", func() bool { return !timer() })
	l.silent(t, "a port that goes on forwarding", n)
}

// What comes back to where it was is announced both times.
func TestWatchTellsThereAndBack(t *testing.T) {
	n, other := bridged(t)
	l := watch(t, All, n, other)
	for range 2 {
		for _, cmd := range []string{
			"ip link set eth0 down", "ip link set eth0 up", "ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500",
			"ip link set eth0 nomaster", "ip link set eth0 master br0",
			// Before Linux 6.3 a device that is up keeps its name.
			"ip link set eth0 down; ip link set eth0 name eth1; ip link set eth1 up",
			"ip link set eth1 down; ip link set eth1 name eth0; ip link set eth0 up",
			"bridge link set dev eth0 hairpin on", "bridge link set dev eth0 hairpin off", "ip link set br0 type bridge stp_state 1",
			"ip link set br0 type bridge stp_state 0", "ip link add d0 type bridge", "ip link del d0",
			"ip link set eth0 alias x", "ip link set eth0 alias ''",
		} {
			l.clear()
			sh(t, n, cmd)
			eventually(t, cmd, func() bool { return l.facets("host")&Links != 0 })
		}
	}
	// A device that has gone to another namespace and comes back is the same.
	sh(t, n, "ip link add v0 type veth peer name v1; ip link set v1 up")
	eventually(t, "a new veth", func() bool { return l.facets("host")&Links != 0 })
	for range 2 {
		l.clear()
		sh(t, n, "ip link set v1 netns "+at(other))
		eventually(t, "v1 leaves host", func() bool { return l.facets("host")&Links != 0 })
		eventually(t, "v1 comes to other", func() bool { return l.facets("other")&Links != 0 })
		l.clear()
		sh(t, other, "ip link set v1 netns "+at(n))
		eventually(t, "v1 leaves other", func() bool { return l.facets("other")&Links != 0 })
		eventually(t, "v1 comes to host", func() bool { return l.facets("host")&Links != 0 })
	}
}

// A neighbour is announced when it becomes known and when that ends, not each time
// that the kernel looks whether it is still there.
func TestWatchNeighboursOnce(t *testing.T) {
	n, other := joined(t)
	l := watch(t, All, n, other)
	tell := func(cmd string) {
		t.Helper()
		l.clear()
		sh(t, n, cmd)
		eventually(t, cmd, func() bool { return l.facets("host")&Neighs != 0 })
		l.clear()
	}
	const to = "10.1.0.2 lladdr 02:00:00:00:00:02 dev eth0"
	tell("ip neigh add " + to + " nud reachable")
	for _, state := range []string{"stale", "delay", "reachable", "probe", "stale"} {
		sh(t, n, "ip neigh replace "+to+" nud "+state)
		l.silent(t, "neighbour "+state, n)
	}
	tell("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:03 dev eth0 nud stale")
	tell("ip neigh replace 10.1.0.2 lladdr 02:00:00:00:00:03 dev eth0 nud permanent")
	tell("ip neigh del 10.1.0.2 dev eth0")
	tell("ip neigh add " + to + " nud stale")
	// One that nobody answers is announced when it is asked for, and not when the
	// kernel gives up.
	l.clear()
	sh(t, n, "sysctl -qw net.ipv4.neigh.eth0.retrans_time_ms=50")
	_, _ = try(t, n, "ping -c1 -W1 10.1.0.77")
	eventually(t, "a question", func() bool { return l.facets("host")&Neighs != 0 })
	l.clear()
	eventually(t, "that the kernel has given up", func() bool { return strings.Contains(sh(t, n, "ip neigh show 10.1.0.77"), "FAILED") })
	sh(t, n, "ip neigh del 10.1.0.77 dev eth0")
	l.silent(t, "a neighbour that was not found", n)
}

// A bridge that forgets a machine of which it has not heard for long says so, but
// nobody has done anything.
func TestWatchIsSilentAboutAgeing(t *testing.T) {
	n, other := bridged(t)
	sh(t, n, "ip link set br0 type bridge ageing_time 100")
	l := watch(t, FDB, n)
	sh(t, other, "ping -c1 -W1 10.1.0.1")
	learned := func() bool { return strings.Contains(sh(t, n, "bridge fdb show br br0 dynamic"), "dev eth0") }
	eventually(t, "an address that is learned", func() bool { return l.facets("host")&FDB != 0 && learned() })
	l.clear()
	eventually(t, "that it is forgotten", func() bool { return !learned() })
	l.silent(t, "ageing", n)
	sh(t, other, "ping -c1 -W1 10.1.0.1")
	eventually(t, "that it is learned anew", func() bool { return l.facets("host")&FDB != 0 && learned() })
	sh(t, n, "ip link set br0 type bridge ageing_time 30000")
	sh(t, other, "ping -c1 -W1 10.1.0.1")
	l.clear()
	sh(t, n, "ip link set br0 type bridge fdb_flush")
	eventually(t, "that it is flushed", func() bool { return l.facets("host")&FDB != 0 })
}

// Flows of our own are not announced.
func TestWatchIsSilentAboutTests(t *testing.T) {
	n := newNode(t, "host")
	sh(t, n, "ip link set lo up; iptables-nft -A INPUT -m conntrack --ctstate INVALID -j DROP")
	l := watch(t, Conntrack|Rules, n)
	send := func(from int) {
		err := netns.Do(n.NS, func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer unix.Close(fd) //nolint:errcheck // it has sent
			if err := unix.Bind(fd, &unix.SockaddrInet4{Port: from}); err != nil {
				return err
			}
			return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	send(engine.TestPortFirst)
	send(engine.TestPortLast)
	l.silent(t, "a flow from a port of ours", n)
	send(engine.TestPortFirst - 1)
	eventually(t, "a flow from another port", func() bool { return l.facets("host")&Conntrack != 0 })
}
