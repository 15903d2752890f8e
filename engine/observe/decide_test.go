package observe

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// TestDecide asks about packets that a node makes, takes in and refuses.
func TestDecide(t *testing.T) {
	n, other := newNode(t, "n"), newNode(t, "other")
	pair(t, n, other, "eth0", "10.1.0.1/24", "10.1.0.2/24")
	sh(t, n, `ip route add blackhole 10.7.0.0/24
ip route add prohibit 10.8.0.0/24
ip route add 10.9.0.0/24 via 10.1.0.2
ip route add unreachable default table 70
ip rule add fwmark 7 table 70 priority 50`)
	addr := netip.MustParseAddr
	for _, c := range []struct {
		what  string
		q     RouteQuery
		via   string
		errno unix.Errno
		local bool
	}{
		{"through a gateway", RouteQuery{To: addr("10.9.0.1")}, "10.1.0.2", 0, false},
		{"to itself", RouteQuery{To: addr("10.1.0.1")}, "", 0, true},
		{"nowhere", RouteQuery{To: addr("10.99.0.1")}, "", unix.ENETUNREACH, false},
		{"into a blackhole", RouteQuery{To: addr("10.7.0.1")}, "", unix.EINVAL, false},
		{"where it is prohibited", RouteQuery{To: addr("10.8.0.1")}, "", unix.EACCES, false},
		{"by its mark", RouteQuery{To: addr("10.9.0.1"), Mark: 7}, "", unix.EHOSTUNREACH, false},
		{"in, without forwarding", RouteQuery{To: addr("10.9.0.1"), From: addr("10.1.0.2"), IIF: "eth0"}, "", unix.EHOSTUNREACH, false},
		{"in, for itself", RouteQuery{To: addr("10.1.0.1"), From: addr("10.1.0.2"), IIF: "eth0"}, "", 0, true},
	} {
		d, err := Decide(n, c.q)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if d.Via != c.via || d.Errno != c.errno || d.Local != c.local || d.Unreachable != (c.errno != 0) {
			t.Errorf("%s: %+v", c.what, d)
		}
	}
}

// TestWhatFollowingAPacketNeeds reads the fields by which a packet is followed.
func TestWhatFollowingAPacketNeeds(t *testing.T) {
	n := newNode(t, "n")
	sh(t, n, `ip link set lo up
ip link add br0 type bridge
ip link set br0 up
ip link add v1 type veth peer name v2
ip link set v1 master br0 up
ip link set v2 up`)
	// A port begins to forward a little after its cable is up.
	eventually(t, "that v1 forwards", func() bool { return linkNamed(t, snap(t, n, Links), "v1").PortState == "forwarding" })
	sh(t, n, `bridge link set dev v1 state disabled
ip rule add to 10.5.0.0/16 priority 60 blackhole
nft add table ip f
nft 'add chain ip f c { type filter hook input priority 0; }'
nft add rule ip f c tcp dport 80 drop
nft add rule ip f c tcp dport 81 drop`)
	err := netns.Do(n.NS, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		if err := unix.BindToDevice(fd, "v2"); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Port: 5300})
	})
	if err != nil {
		t.Fatal(err)
	}
	s := snap(t, n, Links|Rules|Sockets|Firewall)
	if l := linkNamed(t, s, "v1"); l.PortState != "disabled" {
		t.Errorf("v1 is %q", l.PortState)
	}
	has(t, s.Rules, "blackhole rule", func(r Rule) bool { return r.Priority == 60 && r.Action == "blackhole" })
	has(t, s.Sockets, "socket of a device", func(k Socket) bool { return k.Port == 5300 && k.Dev == linkNamed(t, s, "v2").Index })
	seen := map[uint64]bool{}
	for _, r := range s.Firewall {
		if r.Policy != (r.Handle == 0) || seen[r.Handle] {
			t.Errorf("handle %d of %q", r.Handle, r.Text)
		}
		seen[r.Handle] = true
	}
}
