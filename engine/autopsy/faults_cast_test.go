package autopsy_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine/autopsy"
	"underlay/engine/internal/netns"
	"underlay/engine/observe"
)

// join has a node's device join a multicast group for as long as the test runs.
func join(node, dev, group string) func(*lab) error {
	return func(l *lab) error {
		i := slices.IndexFunc(l.instance.Nodes, func(n observe.Node) bool { return n.Name == node })
		return netns.Do(l.instance.Nodes[i].NS, func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			l.sockets = append(l.sockets, fd)
			var index int
			if out, err := observe.Snapshot(l.instance.Nodes[i:i+1], observe.Links, nil); err == nil {
				for _, link := range out[0].Links {
					if link.Name == dev {
						index = link.Index
					}
				}
			}
			if index == 0 {
				return fmt.Errorf("no %s in %s", dev, node)
			}
			return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP,
				&unix.IPMreqn{Multiaddr: netip.MustParseAddr(group).As4(), Ifindex: int32(index)})
		})
	}
}

// echo has a node answer one datagram, from the address that its routes give it.
func echo(node string, port int) func(*lab) error {
	return func(l *lab) error {
		if err := listenOn(node, "udp", port, "")(l); err != nil {
			return err
		}
		fd, err := unix.FcntlInt(uintptr(l.sockets[len(l.sockets)-1]), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
			return err
		}
		go func() {
			defer unix.Close(fd) //nolint:errcheck // the test ends
			b := make([]byte, 2048)
			if n, from, err := unix.Recvfrom(fd, b, 0); err == nil {
				_ = unix.Sendto(fd, b[:n], 0, from) // who waits for it notices
			}
		}()
		return nil
	}
}

// both does one after the other.
func both(fs ...func(*lab) error) func(*lab) error {
	return func(l *lab) error {
		for _, f := range fs {
			if err := f(l); err != nil {
				return err
			}
		}
		return nil
	}
}

const group = "239.1.2.3"

// castFaults are flows to many: groups and broadcast addresses.
var castFaults = []fault{
	{name: "group that nobody joined", topology: "segment", flow: udp("c1", group, 9001),
		outcome: autopsy.Dropped, at: "c1", object: "group " + group, reason: autopsy.ReasonNotJoined, dir: request, words: "no node has joined"},
	{name: "group that nobody joined, pinged", topology: "segment", flow: ping("c1", group),
		outcome: autopsy.Dropped, at: "c1", object: "group " + group, reason: autopsy.ReasonNotJoined, dir: request, words: "no node has joined"},
	{name: "group beyond a router", topology: "router", listen: join("b", "eth0", group), flow: udp("a", group, 9001),
		outcome: autopsy.Dropped, at: "r", object: "net.ipv4.conf.all.mc_forwarding", reason: autopsy.ReasonNoMulticast, dir: request, words: "b joined"},
	{name: "group joined, pings ignored", topology: "segment", listen: join("c2", "eth0", group), flow: ping("c1", group),
		outcome: autopsy.Dropped, at: "c2", object: "net.ipv4.icmp_echo_ignore_broadcasts", reason: autopsy.ReasonEchoIgnored, dir: request, words: "icmp_echo_ignore_broadcasts is 1"},
	{name: "group joined, nobody listens", topology: "segment", listen: join("c2", "eth0", group), flow: udp("c1", group, 81),
		outcome: autopsy.Dropped, at: "c2", object: "socket udp/81", reason: autopsy.ReasonNoListener, dir: request, words: "c2 has joined"},
	{name: "group joined, dropped by a rule", topology: "segment", node: "c2", breaks: "iptables -A INPUT -p udp --dport 9001 -j DROP", listen: join("c2", "eth0", group), flow: udp("c1", group, 9001),
		outcome: autopsy.Dropped, at: "c2", object: "iptables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "-j DROP"},
	{name: "group joined, not flooded", topology: "segment", node: "host", breaks: "bridge link set dev vc2 mcast_flood off; ip link set docker0 type bridge mcast_snooping 0", listen: join("c2", "eth0", group), flow: udp("c1", group, 9001),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonNotFlooded, dir: request, words: "mcast_flood"},
	{name: "group by tcp", topology: "segment", listen: join("c2", "eth0", group), flow: tcp("c1", group, 9000),
		outcome: autopsy.Unreachable, at: "c1", object: "group " + group, reason: autopsy.ReasonTCPToMany, dir: request, words: "TCP"},
	{name: "group without a route", topology: "segment", node: "c1", breaks: "ip route del default", flow: udp("c1", group, 9001),
		outcome: autopsy.Unreachable, at: "c1", object: "route to " + group, reason: autopsy.ReasonNoRoute, dir: request, words: "c1 has no route to " + group},
	{name: "group of IPv6", topology: "cable6", flow: udp("a", "ff05::1:3", 9001),
		outcome: autopsy.Dropped, at: "a", object: "group ff05::1:3", reason: autopsy.ReasonNotJoined, dir: request, words: "no node has joined"},
	{name: "broadcast, pings ignored", topology: "segment", flow: ping("c1", "172.17.255.255"),
		outcome: autopsy.Dropped, at: "host", object: "net.ipv4.icmp_echo_ignore_broadcasts", reason: autopsy.ReasonEchoIgnored, dir: request, words: "icmp_echo_ignore_broadcasts is 1"},
	{name: "broadcast, nobody listens", topology: "segment", flow: udp("c1", "172.17.255.255", 81),
		outcome: autopsy.Dropped, at: "host", object: "socket udp/81", reason: autopsy.ReasonNoListener, dir: request, words: "the packet reached host, c2 and c3"},
	{name: "limited broadcast, nobody listens", topology: "segment", flow: udp("c1", "255.255.255.255", 81),
		outcome: autopsy.Dropped, at: "host", object: "socket udp/81", reason: autopsy.ReasonNoListener, dir: request, words: "nothing there listens on udp/81"},
	{name: "broadcast by tcp", topology: "segment", flow: tcp("c1", "172.17.255.255", 9000),
		outcome: autopsy.Unreachable, at: "c1", object: "address 172.17.255.255", reason: autopsy.ReasonTCPToMany, dir: request, words: "TCP"},
	{name: "broadcast of another network", topology: "router", flow: udp("a", "10.2.0.255", 9001),
		outcome: autopsy.Dropped, at: "r", object: "net.ipv4.conf.all.bc_forwarding", reason: autopsy.ReasonNoBroadcast, dir: request, words: "bc_forwarding"},
	{name: "broadcast of another network, pinged", topology: "router", flow: ping("a", "10.2.0.255"),
		outcome: autopsy.Dropped, at: "r", object: "net.ipv4.conf.all.bc_forwarding", reason: autopsy.ReasonNoBroadcast, dir: request, words: "bc_forwarding"},
	{name: "limited broadcast without a route", topology: "cable", flow: udp("a", "255.255.255.255", 81),
		outcome: autopsy.Unreachable, at: "a", object: "route to 255.255.255.255", reason: autopsy.ReasonNoRoute, dir: request, words: "a has no route"},
	{name: "answer to a group dropped", topology: "segment", node: "c1", breaks: "iptables -A INPUT -p udp --sport 9005 -j DROP", listen: both(join("c2", "eth0", group), echo("c2", 9005)), flow: udp("c1", group, 9005),
		outcome: autopsy.Dropped, at: "c1", object: "iptables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: reply, words: "-j DROP"},
	{name: "broadcast not flooded", topology: "segment", node: "host", breaks: "bridge link set dev vc2 bcast_flood off; bridge link set dev vc3 bcast_flood off", flow: udp("c1", "172.17.255.255", 81),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonNotFlooded, dir: request, words: "bcast_flood"},
}

// TestDeliveredToMany: who answers a group or a broadcast does so from an address of its own.
func TestDeliveredToMany(t *testing.T) {
	t.Parallel()
	l := open(t, segment())
	if err := both(join("c2", "eth0", group), echo("c2", 9005))(l); err != nil {
		t.Fatal(err)
	}
	if err := l.run(t.Context(), "c3", "sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0"); err != nil {
		t.Fatal(err)
	}
	for flow, who := range map[autopsy.Flow]string{udp("c1", group, 9005): "c2", ping("c1", "172.17.255.255"): "c3"} {
		if r := l.trace(t, flow); r.Outcome != autopsy.Delivered || r.Verdict.Text != "delivered: "+who+" answered" {
			t.Error(picture(r))
		}
	}
}
