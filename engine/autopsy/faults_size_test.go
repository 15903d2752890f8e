package autopsy_test

import (
	"strings"
	"testing"

	"underlay/engine/autopsy"
)

// much sends more than one packet takes on a connection, and wants it back.
func much(from, to, proto string, port int) autopsy.Flow {
	return autopsy.Flow{From: from, To: to, Proto: proto, Port: port, Size: 3000}
}

const noErrors = "iptables -A OUTPUT -p icmp -j DROP"

// sizeFaults let a connection be made, and then lose what is sent on it or what comes back.
var sizeFaults = []fault{
	{name: "path MTU black hole", topology: "router", node: "r", breaks: "ip link set eth1 mtu 1400; " + noErrors, flow: much("a", "10.2.0.2", "tcp", 9000),
		outcome: autopsy.Dropped, at: "r", object: "eth1", reason: autopsy.ReasonTooBig, dir: request, words: "the 1500-byte packet has DF set, and the MTU of eth1 is 1400"},
	{name: "path MTU black hole, upload", topology: "router", node: "r", breaks: "ip link set eth1 mtu 1400; " + noErrors, flow: much("a", "10.2.0.2", "http", 80),
		outcome: autopsy.Dropped, at: "r", object: "eth1", reason: autopsy.ReasonTooBig, dir: request, words: "1400"},
	{name: "path MTU black hole by a route", topology: "router", node: "r", breaks: "ip route change 10.2.0.0/24 dev eth1 mtu 1300; " + noErrors, flow: much("a", "10.2.0.2", "tcp", 9000),
		outcome: autopsy.Dropped, at: "r", object: "route to 10.2.0.2", reason: autopsy.ReasonTooBig, dir: request, words: "the MTU of the route to 10.2.0.2 is 1300"},
	{name: "path MTU black hole on the way back", topology: "router", node: "r", breaks: "ip route change 10.1.0.0/24 dev eth0 mtu 1300", also: [][2]string{{"b", "iptables -A INPUT -p icmp -j DROP"}}, flow: much("a", "10.2.0.2", "tcp", 9000),
		outcome: autopsy.Dropped, at: "r", object: "route to 10.1.0.2", reason: autopsy.ReasonTooBig, dir: reply, words: "the 1500-byte reply has DF set, and the MTU of the route to 10.1.0.2 is 1300"},
	{name: "path MTU black hole for a large page", topology: "router", node: "r", breaks: "ip route change 10.1.0.0/24 dev eth0 mtu 1300", also: [][2]string{{"b", "iptables -A INPUT -p icmp -j DROP"}}, flow: much("a", "10.2.0.2", "http", 80),
		outcome: autopsy.Dropped, at: "r", object: "route to 10.1.0.2", reason: autopsy.ReasonTooBig, dir: reply, words: "1300"},
	{name: "port with a smaller MTU and much to send", topology: "bridge", node: "host", breaks: "ip link set docker0 mtu 1500; ip link set vc2 mtu 1000", flow: much("c1", "172.17.0.3", "tcp", 9000),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonMTUMismatch, dir: request, words: "a bridge does not fragment"},
	{name: "pods with the MTU of their hosts", topology: "overlay", node: "h1", breaks: "ip link set br0 mtu 1500; ip link set vp mtu 1500",
		also: [][2]string{{"h2", "ip link set br0 mtu 1500; ip link set vp mtu 1500"}, {"p1", "ip link set eth0 mtu 1500; iptables -A INPUT -p icmp -j DROP"}, {"p2", "ip link set eth0 mtu 1500"}}, flow: much("p1", "10.244.0.2", "tcp", 9000),
		outcome: autopsy.Dropped, at: "h1", object: "vx0", reason: autopsy.ReasonTooBig, dir: request, words: "the 1500-byte packet has DF set and, encapsulated by vx0, exceeds the path MTU"},
	{name: "rule for large packets", topology: "egress", node: "host", breaks: "iptables -A FORWARD -i docker0 -m length --length 1000:65535 -j DROP", flow: much("c1", "192.168.50.2", "tcp", 9000),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonRuleDrop, dir: request, words: "--length 1000:65535"},
	{name: "rule for large answers", topology: "egress", node: "host", breaks: "iptables -A FORWARD -o docker0 -m length --length 1000:65535 -j DROP", flow: much("c1", "192.168.50.2", "http", 80),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonRuleDrop, dir: reply, words: "--length 1000:65535"},
	{name: "rule that resets a connection with much to send", topology: "egress", node: "host", breaks: "iptables -A FORWARD -i docker0 -p tcp -m length --length 1000:65535 -j REJECT --reject-with tcp-reset", flow: much("c1", "192.168.50.2", "tcp", 9000),
		outcome: autopsy.Refused, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonRuleReject, dir: request, words: "reject"},
	{name: "server that takes nothing", topology: "cable", node: "b", listen: listenOn("b", "tcp", 9200, ""), flow: much("a", "10.0.0.2", "http", 9200),
		outcome: autopsy.Dropped, at: "b", object: "socket tcp/9200", reason: autopsy.ReasonSilent, dir: reply, words: "no answer"},
}

// TestPathMTU sends more than the path takes in one packet, of which the router tells.
func TestPathMTU(t *testing.T) {
	t.Parallel()
	l := open(t, topologies["router"]())
	if _, _, err := l.world.Run(t.Context(), "r", "", "ip", "link", "set", "eth1", "mtu", "1400"); err != nil {
		t.Fatal(err)
	}
	r := l.trace(t, much("a", "10.2.0.2", "tcp", 9000))
	if r.Outcome != autopsy.Delivered || !strings.Contains(r.Detail, "sent 3000 bytes and got 3000 back (path MTU 1400, ") {
		t.Error(picture(r))
	}
}
