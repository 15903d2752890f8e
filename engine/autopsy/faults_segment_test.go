package autopsy_test

import (
	"strings"
	"testing"

	"underlay/engine/autopsy"
)

// known has c1, c2 and c3 know each other's MAC addresses, so that nobody asks for them.
var known = [][2]string{
	{"c1", "ip neigh replace 172.17.0.3 lladdr " + mac2 + " dev eth0 nud permanent; ip neigh replace 172.17.0.4 lladdr " + mac3 + " dev eth0 nud permanent"},
	{"c2", "ip neigh replace 172.17.0.2 lladdr " + mac1 + " dev eth0 nud permanent"},
	{"c3", "ip neigh replace 172.17.0.2 lladdr " + mac1 + " dev eth0 nud permanent"},
}

// forwardingPorts waits until the segment's ports forward, which the kernel would otherwise
// have them do after they were told not to.
const forwardingPorts = "for p in vc1 vc2 vc3; do until grep -qx up /sys/class/net/$p/operstate; do :; done; done; "

// segmentFaults are what a bridge keeps from its ports while its packets also come by
// iptables' hooks and the node does not forward.
var segmentFaults = []fault{
	{name: "isolated ports, neighbours known", topology: "segment", node: "host", breaks: "bridge link set dev vc1 isolated on; bridge link set dev vc2 isolated on", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "docker0", reason: autopsy.ReasonIsolated, dir: request, words: "isolated ports of docker0"},
	{name: "disabled port, neighbours known", topology: "segment", node: "host", breaks: forwardingPorts + "bridge link set dev vc2 state disabled", also: known, flow: tcp("c1", "172.17.0.3", 9000),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonPortBlocked, dir: request, words: "disabled, not forwarding"},
	{name: "listening port, neighbours known", topology: "segment", node: "host", breaks: forwardingPorts + "bridge link set dev vc2 state listening", also: known, flow: udp("c1", "172.17.0.3", 9001),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonPortBlocked, dir: request, words: "listening, not forwarding"},
	{name: "own port listening, neighbours known", topology: "segment", node: "host", breaks: forwardingPorts + "bridge link set dev vc1 state listening", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc1", reason: autopsy.ReasonPortBlocked, dir: request, words: "vc1 of docker0 is listening"},
	{name: "own port learning, neighbours known", topology: "segment", node: "host", breaks: forwardingPorts + "bridge link set dev vc1 state learning", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc1", reason: autopsy.ReasonPortBlocked, dir: request, words: "vc1 of docker0 is learning"},
	{name: "pinned to a third port, neighbours known", topology: "segment", node: "host", breaks: "bridge fdb replace " + mac2 + " dev vc3 master static sticky", also: known, flow: tcp("c1", "172.17.0.3", 9000),
		outcome: autopsy.Dropped, at: "host", object: "fdb " + mac2 + " on docker0", reason: autopsy.ReasonFDB, dir: request, words: "out on vc3"},
	{name: "pinned to the port that it came by, neighbours known", topology: "segment", node: "host", breaks: "bridge fdb replace " + mac2 + " dev vc1 master static sticky", also: known, flow: tcp("c1", "172.17.0.3", 9000),
		outcome: autopsy.Dropped, at: "host", object: "fdb " + mac2 + " on docker0", reason: autopsy.ReasonFDB, dir: request, words: "behind vc1, but it is behind vc2"},
	{name: "pinned to the bridge itself, neighbours known", topology: "segment", node: "host", breaks: "bridge fdb replace " + mac2 + " dev vc3 master permanent", also: known, flow: tcp("c1", "172.17.0.3", 9000),
		outcome: autopsy.Dropped, at: "host", object: "fdb " + mac2 + " on docker0", reason: autopsy.ReasonFDB, dir: request, words: "local"},
	{name: "caller pinned to a third port", topology: "segment", node: "host", breaks: "bridge fdb replace " + mac1 + " dev vc3 master static sticky", also: known, flow: tcp("c1", "172.17.0.3", 9000),
		outcome: autopsy.Dropped, at: "host", object: "fdb " + mac1 + " on docker0", reason: autopsy.ReasonFDB, dir: reply, words: "out on vc3"},
	{name: "unknown frames not flooded to a port that does not learn", topology: "segment", node: "host", breaks: "bridge link set dev vc2 learning off flood off; bridge fdb del " + mac2 + " dev vc2 master 2>/dev/null || true", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonNotFlooded, dir: request, words: "has no forwarding entry for " + mac2},
	{name: "unknown frames not flooded, neighbours not known", topology: "segment", node: "host", breaks: "bridge link set dev vc2 learning off flood off; bridge fdb del " + mac2 + " dev vc2 master 2>/dev/null || true", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonNotFlooded, dir: request, words: "has no forwarding entry for " + mac2},
	{name: "answers not flooded to the caller", topology: "segment", node: "host", breaks: "bridge link set dev vc1 learning off flood off; bridge fdb del " + mac1 + " dev vc1 master 2>/dev/null || true", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc1", reason: autopsy.ReasonNotFlooded, dir: reply, words: "flood"},
	{name: "broadcast not flooded", topology: "segment", node: "host", breaks: "bridge link set dev vc2 bcast_flood off", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "vc2", reason: autopsy.ReasonNotFlooded, dir: request, words: "bcast_flood"},
	{name: "locked port", topology: "segment", node: "host", breaks: "bridge link set dev vc1 learning off; bridge fdb del " + mac1 + " dev vc1 master 2>/dev/null || true; bridge link set dev vc1 locked on", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc1", reason: autopsy.ReasonPortLocked, dir: request, words: "locked"},
	{name: "frames filtered by ebtables", topology: "segment", node: "host", breaks: "ebtables -A FORWARD -d " + mac2 + " -j DROP", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "nft bridge filter FORWARD", reason: autopsy.ReasonRuleDrop, dir: request, words: "ether daddr " + mac2},
	{name: "frames filtered by nft before the bridge decides", topology: "segment", node: "host", breaks: "nft 'add table bridge f; add chain bridge f pre { type filter hook prerouting priority 0; }; add rule bridge f pre ip protocol icmp drop'", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "nft bridge f pre", reason: autopsy.ReasonRuleDrop, dir: request, words: "coming in on vc1"},
	{name: "filter at the port", topology: "segment", node: "host", breaks: "nft 'add table netdev f; add chain netdev f in { type filter hook ingress device vc1 priority 0; }; add rule netdev f in ip protocol icmp counter drop'", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "nft netdev f in", reason: autopsy.ReasonRuleDrop, dir: request, words: "ip protocol icmp"},
	{name: "iptables drops what is bridged", topology: "segment", node: "host", breaks: "iptables -P FORWARD DROP", also: known, flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonPolicyDrop, dir: request, words: "policy DROP"},
	{name: "port with a smaller MTU, neighbours known", topology: "segment", node: "host", breaks: "ip link set docker0 mtu 1500; ip link set vc2 mtu 1000", also: known, flow: bigPing("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonMTUMismatch, dir: request, words: "a bridge does not fragment"},
	{name: "port with a smaller MTU, called by the host", topology: "segment", node: "host", breaks: "ip link set docker0 mtu 1500; ip link set vc2 mtu 1000", flow: bigPing("host", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonMTUMismatch, dir: anyDir, words: "1000"},
	{name: "caller's port with a smaller MTU", topology: "segment", node: "host", breaks: "ip link set docker0 mtu 1500; ip link set vc1 mtu 1000", also: known, flow: bigPing("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc1", reason: autopsy.ReasonMTUMismatch, dir: request, words: "1000"},
	{name: "port that drops by its queue", topology: "segment", node: "host", breaks: "tc qdisc add dev vc2 root tbf rate 1mbit burst 500 limit 500", also: known, flow: bigPing("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "qdisc tbf on vc2", reason: autopsy.ReasonQueueing, dir: request, words: "tbf"},
	{name: "beyond a bridge that does not forward", topology: "segment", flow: ping("c1", "192.168.50.2"),
		outcome: autopsy.Dropped, at: "host", object: "net.ipv4.ip_forward", reason: autopsy.ReasonForwardingOff, dir: request, words: "host does not forward"},
	{name: "published without forwarding", topology: "segment", node: "host", breaks: "iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.168.50.2:9000", flow: tcp("c1", "172.17.0.1", 8080),
		outcome: autopsy.Dropped, at: "host", object: "net.ipv4.ip_forward", reason: autopsy.ReasonForwardingOff, dir: request, words: "host does not forward"},
	{name: "published to the caller's own segment without forwarding", topology: "segment", node: "host", breaks: "iptables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:9000", flow: tcp("c1", "172.17.0.1", 8080),
		outcome: autopsy.Dropped, at: "host", object: "net.ipv4.ip_forward", reason: autopsy.ReasonForwardingOff, dir: request, words: "host does not forward"},
	{name: "container that nobody has switched on", topology: "segment", node: "c2", breaks: "ip link set eth0 down", also: known[:1], flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "c2", object: "eth0", reason: autopsy.ReasonPeerDown, dir: request, words: "eth0 in c2 is down"},
	{name: "neighbour entry with a MAC address of the switches' own", topology: "segment", node: "c1", breaks: "ip neigh replace 172.17.0.3 lladdr 01:80:c2:00:00:0e dev eth0 nud permanent", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "c1", object: "neighbour 172.17.0.3 on eth0", reason: autopsy.ReasonWrongMAC, dir: request, words: "01:80:c2:00:00:0e"},
}

// trunkFaults are of bridges that lead to other bridges.
var trunkFaults = []fault{
	{name: "trunk isolated from the container", topology: "trunk", node: "h1", breaks: "bridge link set dev vc1 isolated on; bridge link set dev trunk isolated on", also: known[:2], flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "h1", object: "br0", reason: autopsy.ReasonIsolated, dir: request, words: "vc1 and trunk are isolated"},
	{name: "trunk isolated, neighbours not known", topology: "trunk", node: "h1", breaks: "bridge link set dev vc1 isolated on; bridge link set dev trunk isolated on", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "h1", object: "br0", reason: autopsy.ReasonIsolated, dir: request, words: "vc1 and trunk are isolated"},
	{name: "trunk that does not flood", topology: "trunk", node: "h2", breaks: "bridge link set dev vc2 learning off flood off; bridge fdb del " + mac2 + " dev vc2 master 2>/dev/null || true", also: known[:2], flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "h2", object: "vc2", reason: autopsy.ReasonNotFlooded, dir: request, words: "has no forwarding entry for " + mac2},
	{name: "trunk with a smaller MTU", topology: "trunk", node: "h1", breaks: "ip link set br0 mtu 1500; ip link set trunk mtu 1000", also: append(known[:2:2], [2]string{"h2", "ip link set trunk mtu 1000"}), flow: bigPing("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "h1", object: "trunk", reason: autopsy.ReasonMTUMismatch, dir: request, words: "MTU of port trunk"},
	{name: "trunk's far end is no port", topology: "trunk", node: "h2", breaks: "ip link set trunk nomaster", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "h2", object: "trunk", reason: autopsy.ReasonNoBridgePort, dir: request, words: "trunk"},
	{name: "trunk down", topology: "trunk", node: "h1", breaks: "ip link set trunk down", flow: ping("c1", "172.17.0.3"),
		outcome: anyFailure, at: "h1", object: "trunk", reason: autopsy.ReasonLinkDown, dir: request, words: "trunk in h1 is down"},
	{name: "trunk's far end down", topology: "trunk", node: "h2", breaks: "ip link set trunk down", also: known[:2], flow: ping("c1", "172.17.0.3"),
		outcome: anyFailure, at: "h2", object: "trunk", reason: autopsy.ReasonPeerDown, dir: request, words: "trunk in h2"},
	{name: "MAC pinned to the wrong side of a trunk", topology: "trunk", node: "h2", breaks: "bridge fdb replace " + mac2 + " dev trunk master static sticky", also: known[:2], flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "h2", object: "fdb " + mac2 + " on br0", reason: autopsy.ReasonFDB, dir: request, words: "behind vc2"},
	{name: "far bridge down", topology: "trunk", node: "h2", breaks: "ip link set br0 down", also: known[:2], flow: ping("c1", "172.17.0.3"),
		outcome: anyFailure, at: "h2", object: "br0", reason: autopsy.ReasonBridgeDown, dir: request, words: "br0"},
	{name: "tunnel port with a smaller MTU", topology: "overlay", node: "h1", breaks: "ip link set br0 mtu 1450; ip link set vx0 mtu 1000", flow: bigPing("p1", "10.244.0.2"),
		outcome: autopsy.Dropped, at: "h1", object: "vx0", reason: autopsy.ReasonMTUMismatch, dir: request, words: "MTU of port vx0"},
	{name: "tunnel isolated", topology: "overlay", node: "h1", breaks: "bridge link set dev vx0 isolated on; bridge link set dev vp isolated on", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "br0", reason: autopsy.ReasonIsolated, dir: request, words: "vp and vx0 are isolated"},
	{name: "tunnel gets no broadcast", topology: "overlay", node: "h1", breaks: "bridge link set dev vx0 bcast_flood off", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "vx0", reason: autopsy.ReasonNotFlooded, dir: request, words: "bcast_flood is off on vx0"},
	{name: "far tunnel blocked", topology: "overlay", node: "h2", breaks: "until grep -qx unknown /sys/class/net/vx0/operstate; do :; done; bridge link set dev vx0 state disabled", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h2", object: "vx0", reason: autopsy.ReasonPortBlocked, dir: request, words: "disabled"},
	{name: "tunnel's packets queued for nobody", topology: "overlay", node: "h1", breaks: "iptables -A OUTPUT -p udp --dport 4789 -j NFQUEUE --queue-num 3", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "iptables filter OUTPUT", reason: autopsy.ReasonQueue, dir: request, words: "queued the tunnel packet"},
	{name: "tunnel's packets dropped last", topology: "overlay", node: "h1", breaks: "iptables -t mangle -A POSTROUTING -p udp --dport 4789 -j DROP", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "iptables mangle POSTROUTING", reason: autopsy.ReasonRuleDrop, dir: request, words: "the tunnel packet"},
}

// twiceFaults are addresses that occur twice on a segment.
var twiceFaults = []fault{
	{name: "two containers with one MAC", topology: "segment", node: "c3", breaks: "ip link set eth0 address " + mac2, also: [][2]string{
		{"c1", "ip neigh replace 172.17.0.4 lladdr " + mac2 + " dev eth0 nud permanent"},
		{"host", "bridge fdb del " + mac3 + " dev vc3 master 2>/dev/null || true; bridge fdb replace " + mac2 + " dev vc2 master dynamic"},
	}, flow: ping("c1", "172.17.0.4"),
		outcome: autopsy.Dropped, at: "host", object: "fdb " + mac2 + " on docker0", reason: autopsy.ReasonTwoMACs, dir: request, words: mac2},
	{name: "two containers with one MAC, one calls the other", topology: "segment", node: "c2", breaks: "ip link set eth0 address " + mac1, flow: ping("c1", "172.17.0.3"),
		outcome: anyFailure, at: "host", object: "fdb " + mac1 + " on docker0", reason: autopsy.ReasonTwoMACs, dir: anyDir, words: mac1},
	{name: "container with the gateway's MAC", topology: "segment", node: "host", breaks: "ip link set docker0 address " + mac2, flow: ping("c2", "172.17.0.1"),
		outcome: anyFailure, at: "host", object: "fdb " + mac2 + " on docker0", reason: autopsy.ReasonTwoMACs, dir: anyDir, words: mac2},
	{name: "container with the bridge's own MAC", topology: "bridge", node: "c2", breaks: "true", also: [][2]string{{"host", "ip link set docker0 address 02:42:00:00:00:55"}, {"c2", "ip link set eth0 address 02:42:00:00:00:55"}}, flow: ping("lan", "172.17.0.3"),
		outcome: anyFailure, at: "host", object: "fdb 02:42:00:00:00:55 on docker0", reason: autopsy.ReasonTwoMACs, dir: anyDir, words: "docker0 in host"},
	{name: "two with one address, the wrong one answers", topology: "segment", node: "c2", breaks: "ip link set eth0 down", also: [][2]string{{"c3", "ip addr add 172.17.0.3/16 dev eth0"}, {"c2", "ip link set eth0 up"},
		{"c1", "ip neigh replace 172.17.0.3 lladdr " + mac3 + " dev eth0 nud reachable"}},
		flow: udp("c1", "172.17.0.3", 9001), outcome: autopsy.Refused, at: "c3", object: "172.17.0.3", reason: autopsy.ReasonTwoAddresses, dir: request, words: "c2"},
	{name: "caller's address twice, the answer goes astray", topology: "segment", node: "c2", breaks: "ip addr add 172.17.0.2/16 dev eth0", also: [][2]string{{"c3", "ip neigh replace 172.17.0.2 lladdr " + mac2 + " dev eth0 nud permanent"}},
		flow: tcp("c1", "172.17.0.4", 9000), outcome: autopsy.Dropped, at: "c2", object: "172.17.0.2", reason: autopsy.ReasonTwoAddresses, dir: reply, words: "eth0 in c1"},
	{name: "caller's address is the server's as well", topology: "segment", node: "c2", breaks: "ip addr add 172.17.0.2/16 dev eth0", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "c2", object: "172.17.0.2", reason: autopsy.ReasonTwoAddresses, dir: request, words: "eth0 in c1"},
	{name: "caller's address twice, pinged", topology: "segment", node: "c2", breaks: "ip addr add 172.17.0.2/16 dev eth0", also: [][2]string{{"c3", "ip neigh replace 172.17.0.2 lladdr " + mac2 + " dev eth0 nud permanent"}},
		flow: ping("c1", "172.17.0.4"), outcome: autopsy.Dropped, at: "c2", object: "172.17.0.2", reason: autopsy.ReasonTwoAddresses, dir: reply, words: "eth0 in c1"},
	{name: "gateway's address twice", topology: "bridge", node: "c2", breaks: "ip addr add 172.17.0.1/16 dev eth0", also: [][2]string{{"c1", "ip neigh replace 172.17.0.1 lladdr " + mac2 + " dev eth0 nud reachable"}},
		flow: ping("c1", "192.168.50.2"), outcome: autopsy.Dropped, at: "c2", object: "172.17.0.1", reason: autopsy.ReasonTwoAddresses, dir: request, words: "docker0 in host"},
	{name: "learned MAC of one who answers for another", topology: "segment", node: "c1", breaks: "ip neigh replace 172.17.0.3 lladdr " + mac3 + " dev eth0 nud reachable", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "c1", object: "neighbour 172.17.0.3 on eth0", reason: autopsy.ReasonWrongMAC, dir: request, words: "belongs to eth0 in c3"},
}

// TestDeliveredTwice: what two devices have is told though the flow was answered.
func TestDeliveredTwice(t *testing.T) {
	t.Parallel()
	l := open(t, segment())
	if err := l.run(t.Context(), "c3", "ip addr add 172.17.0.3/16 dev eth0"); err != nil {
		t.Fatal(err)
	}
	r := l.trace(t, tcp("c1", "172.17.0.3", 9000))
	if r.Outcome != autopsy.Delivered || r.Verdict.Reason != autopsy.ReasonDelivered || r.Verdict.Object != "172.17.0.3" {
		t.Fatal(picture(r))
	}
	for _, words := range []string{"two devices have 172.17.0.3", mac2, mac3, "answered the ARP request"} {
		if !strings.Contains(r.Verdict.Text, words) {
			t.Errorf("its words lack %q\n%s", words, picture(r))
		}
	}
}

// anyDir is the direction where it is open which packet of the flow dies first.
const anyDir autopsy.Direction = ""
