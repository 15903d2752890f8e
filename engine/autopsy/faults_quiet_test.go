package autopsy_test

import (
	"errors"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"underlay/engine/autopsy"
	"underlay/engine/internal/netns"
	"underlay/engine/observe"
)

// sumOff has a node's device leave checksums to nobody: packets are sent with those that they
// have, and whoever takes them in looks at them.
func sumOff(node, dev string) func(*lab) error {
	return func(l *lab) error {
		i := slices.IndexFunc(l.instance.Nodes, func(n observe.Node) bool { return n.Name == node })
		return netns.Do(l.instance.Nodes[i].NS, func() (err error) {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, unix.Close(fd)) }()
			value := struct{ cmd, data uint32 }{cmd: unix.ETHTOOL_STXCSUM}
			request := struct {
				name [unix.IFNAMSIZ]byte
				data unsafe.Pointer
				_    [16]byte
			}{data: unsafe.Pointer(&value)}
			copy(request.name[:], dev)
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
				return errno
			}
			return nil
		})
	}
}

// quietFaults are those that the kernel only counts.
var quietFaults = []fault{
	{name: "localhost to a published port", topology: "published", node: "host", breaks: "iptables -t nat -A OUTPUT -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80",
		flow: tcp("host", "127.0.0.1", 8080), outcome: anyFailure, at: "host", object: "net.ipv4.conf.docker0.route_localnet", reason: autopsy.ReasonMartian, dir: request, words: "172.17.0.3"},
	{name: "localhost to a published port, routed but not masqueraded", topology: "published", node: "host", breaks: "sysctl -qw net.ipv4.conf.docker0.route_localnet=1; iptables -t nat -A OUTPUT -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80",
		flow: tcp("host", "127.0.0.1", 8080), outcome: anyFailure, at: "c2", object: "source 127.0.0.1", reason: autopsy.ReasonMartian, dir: request, words: "loopback"},
	{name: "router's queue too small", topology: "router", node: "r", breaks: "tc qdisc add dev eth1 root tbf rate 1mbit burst 500 limit 500", flow: bigPing("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "r", object: "qdisc tbf on eth1", reason: autopsy.ReasonQueueing, dir: request, words: "dropped packet"},
	{name: "router's queue that swallows all", topology: "router", node: "r", breaks: "tc qdisc add dev eth1 root blackhole", flow: tcp("a", "10.2.0.2", 9000),
		outcome: autopsy.Dropped, at: "r", object: "qdisc blackhole on eth1", reason: autopsy.ReasonQueueing, dir: request, words: "dropped packet"},
	{name: "own queue too small", topology: "cable", node: "a", breaks: "ping -c1 -W1 10.0.0.2 >/dev/null; tc qdisc add dev eth0 root tbf rate 1mbit burst 500 limit 500", flow: bigPing("a", "10.0.0.2"),
		outcome: autopsy.Dropped, at: "a", object: "qdisc tbf on eth0", reason: autopsy.ReasonQueueing, dir: request, words: "dropped packet"},
	{name: "answer's queue too small", topology: "cable", node: "b", breaks: "tc qdisc add dev eth0 root tbf rate 1mbit burst 500 limit 500", flow: bigPing("a", "10.0.0.2"),
		outcome: autopsy.Dropped, at: "b", object: "qdisc tbf on eth0", reason: autopsy.ReasonQueueing, dir: reply, words: "dropped packet"},
	{name: "queue that is too slow", topology: "router", node: "r", breaks: "tc qdisc add dev eth1 root tbf rate 1kbit burst 1600 limit 100000; for i in 1 2 3; do ping -c1 -W1 -s 1400 10.2.0.2 >/dev/null 2>&1 || true; done", flow: bigPing("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "r", object: "qdisc tbf on eth1", reason: autopsy.ReasonQueueing, dir: request, words: "holds"},
	{name: "bridge's queue", topology: "segment", node: "host", breaks: "tc qdisc add dev docker0 root tbf rate 1mbit burst 500 limit 500", flow: bigPing("host", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "qdisc tbf on docker0", reason: autopsy.ReasonQueueing, dir: request, words: "dropped packet"},
	{name: "underlay's queue", topology: "overlay", node: "h1", breaks: "tc qdisc add dev eth0 root tbf rate 1mbit burst 500 limit 500", flow: bigPing("p1", "10.244.0.2"),
		outcome: autopsy.Dropped, at: "h1", object: "qdisc tbf on eth0", reason: autopsy.ReasonQueueing, dir: request, words: "dropped packet"},
	{name: "filter of tc that drops what comes in", topology: "cable", node: "b", breaks: "tc qdisc add dev eth0 ingress; tc filter add dev eth0 parent ffff: bpf da bytecode '1,6 0 0 2,'", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Unreachable, at: "b", object: "qdisc ingress on eth0", reason: autopsy.ReasonQueueing, dir: request, words: "dropped packet"},
	{name: "no free port to masquerade to, udp", topology: "egress", node: "host", breaks: "iptables -t nat -I POSTROUTING -o eth0 -p udp -j MASQUERADE --to-ports 40000-40000",
		also: [][2]string{{"c2", "echo x >/dev/udp/192.168.50.2/9001"}}, flow: udp("c1", "192.168.50.2", 9001),
		outcome: autopsy.Dropped, at: "host", object: "iptables nat POSTROUTING", reason: autopsy.ReasonNoPort, dir: request, words: "--to-ports 40000"},
	{name: "no free port to masquerade to, tcp", topology: "egress", node: "host", breaks: "iptables -t nat -I POSTROUTING -o eth0 -p tcp -j SNAT --to-source 192.168.50.1:40000-40001",
		also: [][2]string{{"c2", "for i in 1 2; do sleep 8 3<>/dev/tcp/192.168.50.2/9000 & done; for i in 1 2; do until conntrack -L 2>/dev/null | grep -q x; do break; done; done; sleep 0.3"}}, flow: tcp("c1", "192.168.50.2", 9000),
		outcome: autopsy.Dropped, at: "host", object: "iptables nat POSTROUTING", reason: autopsy.ReasonNoPort, dir: request, words: "--to-source"},
	{name: "wrong checksum", topology: "router", node: "r", breaks: wrongSum("forward", "udp"), listen: sumOff("a", "eth0"), flow: udp("a", "10.2.0.2", 9001),
		outcome: autopsy.Dropped, at: "b", object: "InCsumErrors", reason: autopsy.ReasonChecksum, dir: request, words: "wrong udp checksum"},
	{name: "wrong checksum of tcp", topology: "router", node: "r", breaks: wrongSum("forward", "tcp"), listen: sumOff("a", "eth0"), flow: tcp("a", "10.2.0.2", 9000),
		outcome: autopsy.Dropped, at: "b", object: "InCsumErrors", reason: autopsy.ReasonChecksum, dir: request, words: "wrong tcp checksum"},
	{name: "answer with a wrong checksum", topology: "router", node: "r", breaks: wrongSum("forward", "udp"), listen: sumOff("b", "eth0"), flow: udp("a", "10.2.0.2", 9001),
		outcome: autopsy.Dropped, at: "a", object: "InCsumErrors", reason: autopsy.ReasonChecksum, dir: reply, words: "the reply has a wrong udp checksum"},
	{name: "wrong checksum of the tunnel", topology: "overlay", node: "h2", breaks: "nft 'add table netdev f; add chain netdev f in { type filter hook ingress device eth0 priority 0; }; add rule netdev f in udp dport 4789 udp checksum set 0x1234'", listen: sumOff("h1", "eth0"),
		also: [][2]string{{"h1", vx("h1", "id 42 dstport 4789 local 192.168.0.1 remote 192.168.0.2 udpcsum")}}, flow: ping("p1", "10.244.0.2"),
		outcome: anyFailure, at: "h2", object: "InCsumErrors", reason: autopsy.ReasonChecksum, dir: request, words: "wrong udp checksum"},
	{name: "no route to where a rule of its own sends it", topology: "published", node: "host", breaks: "iptables -t nat -A OUTPUT -p tcp --dport 8080 -j DNAT --to-destination 10.99.0.3:80", flow: tcp("host", "192.168.50.1", 8080),
		outcome: anyFailure, at: "host", object: "route to 10.99.0.3", reason: autopsy.ReasonNoRoute, dir: request, words: "host has no route to 10.99.0.3"},
}

// wrongSum is a rule of nft that gives packets a wrong checksum.
func wrongSum(hook, proto string) string {
	return "nft 'add table ip f; add chain ip f w { type filter hook " + hook + " priority 0; }; add rule ip f w " + proto + " checksum set 0x1234'"
}
