package autopsy_test

import "underlay/engine/autopsy"

// fault breaks a topology that works and says what an autopsy must make of it.
type fault struct {
	name     string
	family   string // of its catalogue
	topology string
	node     string // where breaks is run; a topology with more than one break lists them in also
	breaks   string
	also     [][2]string // node, lines
	legacy   []string    // tables of iptables-legacy that breaks makes in node
	listen   func(l *lab) error
	flow     autopsy.Flow
	crowded  bool   // others send the same while it is followed
	trace    tracer // instead of autopsy.Trace

	outcome autopsy.Outcome
	at      string // the verdict's node
	object  string
	reason  autopsy.Reason
	dir     autopsy.Direction
	words   string // that the verdict's sentence must contain
}

func ping(from, to string) autopsy.Flow {
	return autopsy.Flow{From: from, To: to, Proto: "icmp"}
}

func bigPing(from, to string) autopsy.Flow {
	return autopsy.Flow{From: from, To: to, Proto: "icmp", Size: 1400}
}

func tcp(from, to string, port int) autopsy.Flow {
	return autopsy.Flow{From: from, To: to, Proto: "tcp", Port: port}
}

func udp(from, to string, port int) autopsy.Flow {
	return autopsy.Flow{From: from, To: to, Proto: "udp", Port: port}
}

// anyFailure is the outcome where the sender may see either: a carrier that is lost is
// noticed by the kernel a little later.
const anyFailure autopsy.Outcome = ""

const (
	request = autopsy.Request
	reply   = autopsy.Reply
)

// families are the faults by what is broken.
var families = []struct {
	name   string
	faults []fault
}{
	{"one cable", cableFaults}, {"one cable, IPv6", cable6Faults}, {"bridge and gateway", bridgeFaults}, {"kept by a bridge", segmentFaults},
	{"bridge behind bridge", trunkFaults}, {"twice on a segment", twiceFaults}, {"groups and broadcast", castFaults}, {"routing", routerFaults},
	{"translation", natFaults}, {"tunnels", tunnelFaults}, {"macvlan", macvlanFaults}, {"counted only", quietFaults}, {"much to send", sizeFaults}, {"rarer ones", moreFaults},
}

// catalogue is every fault.
func catalogue() (all []fault) {
	for _, family := range families {
		for _, f := range family.faults {
			f.family = family.name
			all = append(all, f)
		}
	}
	return all
}

var cableFaults = []fault{
	{name: "own device down", topology: "cable", node: "a", breaks: "ip link set eth0 down", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Unreachable, at: "a", object: "eth0", reason: autopsy.ReasonLinkDown, dir: request, words: "eth0 in a is down"},
	{name: "far device down", topology: "cable", node: "b", breaks: "ip link set eth0 down", flow: ping("a", "10.0.0.2"),
		outcome: anyFailure, at: "b", object: "eth0", reason: autopsy.ReasonPeerDown, dir: request, words: "its other end, is down"},
	{name: "no address", topology: "cable", node: "a", breaks: "ip addr flush dev eth0", flow: tcp("a", "10.0.0.2", 9000),
		outcome: autopsy.Unreachable, at: "a", object: "route to 10.0.0.2", reason: autopsy.ReasonNoRoute, dir: request, words: "a has no route to 10.0.0.2: it has no IPv4 address"},
	{name: "other end has another address", topology: "cable", node: "b", breaks: "ip addr flush dev eth0; ip addr add 10.0.0.3/24 dev eth0", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Unreachable, at: "a", object: "neighbour 10.0.0.2 on eth0", reason: autopsy.ReasonNobodyHas, dir: request, words: "no node has that address"},
	{name: "tcp port nobody listens on", topology: "cable", flow: tcp("a", "10.0.0.2", 81),
		outcome: autopsy.Refused, at: "b", object: "socket tcp/81", reason: autopsy.ReasonNoListener, dir: request, words: "nothing there listens on tcp/81"},
	{name: "udp port nobody listens on", topology: "cable", flow: udp("a", "10.0.0.2", 81),
		outcome: autopsy.Refused, at: "b", object: "socket udp/81", reason: autopsy.ReasonNoListener, dir: request, words: "nothing there listens on udp/81"},
	{name: "server on loopback only", topology: "cable", flow: tcp("a", "10.0.0.2", 7000),
		outcome: autopsy.Refused, at: "b", object: "socket tcp/7000", reason: autopsy.ReasonWrongAddress, dir: request, words: "bound to 127.0.0.1 only"},
	{name: "server on another device only", topology: "cable", listen: listenOn("b", "tcp", 7001, "lo"), flow: tcp("a", "10.0.0.2", 7001),
		outcome: autopsy.Refused, at: "b", object: "socket tcp/7001", reason: autopsy.ReasonWrongDevice, dir: request, words: "accepts packets only on lo"},
	{name: "udp server that does not answer", topology: "cable", listen: listenOn("b", "udp", 7002, ""), flow: udp("a", "10.0.0.2", 7002),
		outcome: autopsy.Dropped, at: "b", object: "socket udp/7002", reason: autopsy.ReasonSilent, dir: request, words: "its server on udp/7002 did not answer"},
	{name: "http server that does not answer", topology: "cable", listen: listenOn("b", "tcp", 7003, ""),
		flow: autopsy.Flow{From: "a", To: "10.0.0.2", Proto: "http", Port: 7003}, outcome: autopsy.Dropped,
		at: "b", object: "socket tcp/7003", reason: autopsy.ReasonSilent, dir: reply, words: "accepted the connection"},
	{name: "input policy of nft", topology: "cable", node: "b", breaks: "nft 'add table inet f; add chain inet f input { type filter hook input priority 0; policy drop; }'",
		flow: tcp("a", "10.0.0.2", 9000), outcome: autopsy.Dropped, at: "b", object: "nft inet f input", reason: autopsy.ReasonPolicyDrop, dir: request, words: "policy DROP"},
	{name: "input rule of nft in a chain of its own", topology: "cable", node: "b", breaks: "nft 'add table ip f; add chain ip f guard; add chain ip f input { type filter hook input priority 0; }; " +
		"add rule ip f guard udp dport 9001 drop; add rule ip f input jump guard'",
		flow: udp("a", "10.0.0.2", 9001), outcome: autopsy.Dropped, at: "b", object: "nft ip f guard", reason: autopsy.ReasonRuleDrop, dir: request, words: "udp dport 9001 drop"},
	{name: "input reject of iptables", topology: "cable", node: "b", breaks: "iptables -A INPUT -p tcp --dport 9000 -j REJECT", flow: tcp("a", "10.0.0.2", 9000),
		outcome: autopsy.Refused, at: "b", object: "iptables filter INPUT", reason: autopsy.ReasonRuleReject, dir: request, words: "-j REJECT"},
	{name: "input reset of iptables", topology: "cable", node: "b", breaks: "iptables -A INPUT -p tcp --dport 9000 -j REJECT --reject-with tcp-reset", flow: tcp("a", "10.0.0.2", 9000),
		outcome: autopsy.Refused, at: "b", object: "iptables filter INPUT", reason: autopsy.ReasonRuleReject, dir: request, words: "tcp-reset"},
	{name: "output rule", topology: "cable", node: "a", breaks: "iptables -A OUTPUT -p icmp -j DROP", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Dropped, at: "a", object: "iptables filter OUTPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "going out on eth0"},
	{name: "raw rule before conntrack", topology: "cable", node: "b", breaks: "iptables -t raw -A PREROUTING -p udp --dport 9001 -j DROP", flow: udp("a", "10.0.0.2", 9001),
		outcome: autopsy.Dropped, at: "b", object: "iptables raw PREROUTING", reason: autopsy.ReasonRuleDrop, dir: request, words: "coming in on eth0"},
	{name: "answer dropped where it is made", topology: "cable", node: "b", breaks: "iptables -A OUTPUT -p tcp --sport 9000 -j DROP", flow: tcp("a", "10.0.0.2", 9000),
		outcome: autopsy.Dropped, at: "b", object: "iptables filter OUTPUT", reason: autopsy.ReasonRuleDrop, dir: reply, words: "the reply going out on eth0"},
	{name: "answer dropped where it was awaited", topology: "cable", node: "a", breaks: "iptables -A INPUT -p icmp --icmp-type echo-reply -j DROP", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Dropped, at: "a", object: "iptables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: reply, words: "the reply coming in on eth0"},
	{name: "legacy rule", topology: "cable", node: "b", breaks: "iptables-legacy -A INPUT -p tcp --dport 9000 -j DROP", legacy: []string{"filter"}, flow: tcp("a", "10.0.0.2", 9000),
		outcome: autopsy.Dropped, at: "b", object: "iptables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "-j DROP"},
	{name: "legacy policy", topology: "cable", node: "b", breaks: "iptables-legacy -P INPUT DROP", legacy: []string{"filter"}, flow: udp("a", "10.0.0.2", 9001),
		outcome: autopsy.Dropped, at: "b", object: "iptables filter INPUT", reason: autopsy.ReasonPolicyDrop, dir: request, words: "no rule accepted the"},
	{name: "filter at the device", topology: "cable", node: "b", breaks: "nft 'add table netdev f; add chain netdev f in { type filter hook ingress device eth0 priority 0; }; add rule netdev f in ip protocol icmp counter drop'",
		flow: ping("a", "10.0.0.2"), outcome: autopsy.Dropped, at: "b", object: "nft netdev f in", reason: autopsy.ReasonRuleDrop, dir: request, words: "ip protocol icmp"},
	{name: "static neighbour with a wrong MAC", topology: "cable", node: "a", breaks: "ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:99 dev eth0 nud permanent", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Dropped, at: "a", object: "neighbour 10.0.0.2 on eth0", reason: autopsy.ReasonWrongMAC, dir: request, words: "02:00:00:00:00:99"},
	{name: "ARP not answered", topology: "cable", node: "b", breaks: "sysctl -qw net.ipv4.conf.all.arp_ignore=8", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Unreachable, at: "b", object: "net.ipv4.conf.all.arp_ignore", reason: autopsy.ReasonARPIgnored, dir: request, words: "does not answer"},
	{name: "ARP filtered", topology: "cable", node: "b", breaks: "nft 'add table arp f; add chain arp f input { type filter hook input priority 0; policy drop; }'", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Unreachable, at: "b", object: "nft arp f input", reason: autopsy.ReasonPolicyDrop, dir: request, words: "ARP request for 10.0.0.2"},
	{name: "ARP answer filtered", topology: "cable", node: "b", breaks: "nft 'add table arp f; add chain arp f output { type filter hook output priority 0; policy drop; }'", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Unreachable, at: "b", object: "nft arp f output", reason: autopsy.ReasonPolicyDrop, dir: request, words: "ARP reply from 10.0.0.2"},
	{name: "echo ignored", topology: "cable", node: "b", breaks: "sysctl -qw net.ipv4.icmp_echo_ignore_all=1", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Dropped, at: "b", object: "net.ipv4.icmp_echo_ignore_all", reason: autopsy.ReasonEchoIgnored, dir: request, words: "answers none"},
	{name: "answer larger than its own MTU", topology: "cable", node: "a", breaks: "ip link set eth0 mtu 1000", flow: bigPing("a", "10.0.0.2"),
		outcome: autopsy.Dropped, at: "a", object: "eth0", reason: autopsy.ReasonMTUMismatch, dir: reply, words: "the 1428-byte reply"},
	{name: "larger than the other end's MTU", topology: "cable", node: "b", breaks: "ip link set eth0 mtu 1000", flow: bigPing("a", "10.0.0.2"),
		outcome: autopsy.Dropped, at: "b", object: "eth0", reason: autopsy.ReasonMTUMismatch, dir: request, words: "its MTU of 1000"},
	{name: "blackhole", topology: "cable", node: "a", breaks: "ip route add blackhole 10.0.0.2/32", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Unreachable, at: "a", object: "route blackhole 10.0.0.2/32", reason: autopsy.ReasonBlackhole, dir: request, words: "blackhole"},
	{name: "prohibit", topology: "cable", node: "a", breaks: "ip route add prohibit 10.0.0.2/32", flow: udp("a", "10.0.0.2", 9001),
		outcome: autopsy.Unreachable, at: "a", object: "route prohibit 10.0.0.2/32", reason: autopsy.ReasonProhibit, dir: request, words: "prohibit"},
	{name: "unreachable route", topology: "cable", node: "a", breaks: "ip route add unreachable 10.0.0.2/32", flow: tcp("a", "10.0.0.2", 9000),
		outcome: autopsy.Unreachable, at: "a", object: "route unreachable 10.0.0.2/32", reason: autopsy.ReasonRouteDenied, dir: request, words: "unreachable"},
	{name: "policy routing rule", topology: "cable", node: "a", breaks: "ip rule add to 10.0.0.2 priority 50 prohibit", flow: ping("a", "10.0.0.2"),
		outcome: autopsy.Unreachable, at: "a", object: "ip rule 50 prohibit", reason: autopsy.ReasonProhibit, dir: request, words: "policy routing rule 50"},
	{name: "answer blackholed", topology: "cable", node: "b", breaks: "ip route add blackhole 10.0.0.1/32", flow: tcp("a", "10.0.0.2", 9000),
		outcome: autopsy.Dropped, at: "b", object: "route blackhole 10.0.0.1/32", reason: autopsy.ReasonBlackhole, dir: reply, words: "blackhole"},
	{name: "question to the name server dropped", topology: "cable", node: "b", breaks: "iptables -A INPUT -p udp --dport 53 -j DROP",
		flow: autopsy.Flow{From: "a", To: "web.example", Proto: "http", Port: 80}, outcome: autopsy.Unreachable,
		at: "b", object: "iptables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "web.example was not resolved"},
	{name: "name that is not there", topology: "cable", flow: autopsy.Flow{From: "a", To: "nosuch.example", Proto: "icmp"}, outcome: autopsy.Unreachable,
		at: "b", object: "name server 10.0.0.2", reason: autopsy.ReasonNoName, words: "NXDOMAIN"},
	{name: "name server that is none", topology: "cable", flow: autopsy.Flow{From: "b", To: "web.example", Proto: "icmp"}, outcome: autopsy.Unreachable,
		at: "a", object: "name server 10.0.0.1", reason: autopsy.ReasonBadReply, words: "could not resolve web.example"},
	{name: "no name server", topology: "router", flow: autopsy.Flow{From: "b", To: "web.example", Proto: "icmp"}, outcome: autopsy.Unreachable,
		at: "b", object: "/etc/resolv.conf", reason: autopsy.ReasonNoDNS, words: "no DNS server"},
}

var cable6Faults = []fault{
	{name: "port nobody listens on", topology: "cable6", flow: tcp("a", "fd00::2", 81),
		outcome: autopsy.Refused, at: "b", object: "socket tcp/81", reason: autopsy.ReasonNoListener, dir: request, words: "refused by b"},
	{name: "udp port nobody listens on", topology: "cable6", flow: udp("a", "fd00::2", 81),
		outcome: autopsy.Refused, at: "b", object: "socket udp/81", reason: autopsy.ReasonNoListener, dir: request, words: "refused by b"},
	{name: "input rule", topology: "cable6", node: "b", breaks: "ip6tables -A INPUT -p tcp --dport 9000 -j DROP", flow: tcp("a", "fd00::2", 9000),
		outcome: autopsy.Dropped, at: "b", object: "ip6tables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "coming in on eth0"},
	{name: "neighbour discovery dropped", topology: "cable6", node: "b", breaks: "ip6tables -A INPUT -p ipv6-icmp --icmpv6-type neighbour-solicitation -j DROP", flow: ping("a", "fd00::2"),
		outcome: autopsy.Unreachable, at: "b", object: "ip6tables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "no neighbour advertisement for fd00::2"},
	{name: "address of nobody", topology: "cable6", flow: ping("a", "fd00::9"),
		outcome: autopsy.Unreachable, at: "a", object: "neighbour fd00::9 on eth0", reason: autopsy.ReasonNobodyHas, dir: request, words: "no node has that address"},
	{name: "no route", topology: "cable6", flow: ping("a", "fd01::9"),
		outcome: autopsy.Unreachable, at: "a", object: "route to fd01::9", reason: autopsy.ReasonNoRoute, dir: request, words: "a has no route to fd01::9: neither a default route"},
}

var bridgeFaults = []fault{
	{name: "port that is on no bridge", topology: "bridge", node: "host", breaks: "ip link set vc2 nomaster", flow: tcp("c1", "172.17.0.3", 9000),
		outcome: autopsy.Unreachable, at: "host", object: "vc2", reason: autopsy.ReasonNoBridgePort, dir: request, words: "is not a port of any bridge"},
	{name: "port that is on no bridge, from the host", topology: "bridge", node: "host", breaks: "ip link set vc2 nomaster", flow: ping("host", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "vc2", reason: autopsy.ReasonNoBridgePort, dir: request, words: "host gets no ARP reply for 172.17.0.3 on docker0"},
	{name: "own port that is on no bridge", topology: "bridge", node: "host", breaks: "ip link set vc1 nomaster", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "vc1", reason: autopsy.ReasonNoBridgePort, dir: request, words: "the other end of eth0 in c1"},
	{name: "port on another bridge", topology: "bridge", node: "host", breaks: "ip link add br1 type bridge; ip link set br1 up; ip link set vc2 master br1", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "vc2", reason: autopsy.ReasonOtherBridge, dir: request, words: "vc2 is a port of br1"},
	{name: "isolated ports", topology: "bridge", node: "host", breaks: "bridge link set dev vc1 isolated on; bridge link set dev vc2 isolated on", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "docker0", reason: autopsy.ReasonIsolated, dir: request, words: "isolated ports of docker0"},
	{name: "bridge down", topology: "bridge", node: "host", breaks: "ip link set docker0 down", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "docker0", reason: autopsy.ReasonBridgeDown, dir: request, words: "docker0"},
	{name: "blocked port", topology: "bridge", node: "host", breaks: "until grep -qx up /sys/class/net/vc2/operstate; do :; done; bridge link set dev vc2 state disabled", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "vc2", reason: autopsy.ReasonPortBlocked, dir: request, words: "disabled, not forwarding"},
	{name: "port down", topology: "bridge", node: "host", breaks: "ip link set vc2 down", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "vc2", reason: autopsy.ReasonLinkDown, dir: request, words: "vc2 in host"},
	{name: "container's device down", topology: "bridge", node: "c2", breaks: "ip link set eth0 down", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "c2", object: "eth0", reason: autopsy.ReasonLinkDown, dir: request, words: "which is down"},
	{name: "bridged packets filtered", topology: "bridge", node: "host", breaks: "iptables -P FORWARD DROP", flow: tcp("c1", "172.17.0.3", 9000),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonPolicyDrop, dir: request, words: "policy DROP: no rule accepted the packet"},
	{name: "bridged packets filtered by legacy", topology: "bridge", node: "host", breaks: "iptables-legacy -A FORWARD -p tcp --dport 9000 -j DROP", legacy: []string{"filter"}, flow: tcp("c1", "172.17.0.3", 9000),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonRuleDrop, dir: request, words: "-j DROP"},
	{name: "frames filtered", topology: "bridge", node: "host", breaks: "nft 'add table bridge f; add chain bridge f guard { type filter hook forward priority 0; }; add rule bridge f guard ip protocol icmp drop'",
		flow: ping("c1", "172.17.0.3"), outcome: autopsy.Dropped, at: "host", object: "nft bridge f guard", reason: autopsy.ReasonRuleDrop, dir: request, words: "from vc1 to vc2"},
	{name: "frames of ARP filtered", topology: "bridge", node: "host", breaks: "nft 'add table bridge f; add chain bridge f guard { type filter hook forward priority 0; }; add rule bridge f guard ether type arp drop'",
		flow: ping("c1", "172.17.0.3"), outcome: autopsy.Unreachable, at: "host", object: "nft bridge f guard", reason: autopsy.ReasonRuleDrop, dir: request, words: "ARP request for 172.17.0.3"},
	{name: "forwarding entry for another port", topology: "bridge", node: "host", breaks: "bridge fdb replace " + mac2 + " dev vc1 master static sticky", flow: ping("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "fdb " + mac2 + " on docker0", reason: autopsy.ReasonFDB, dir: request, words: "added by hand"},
	{name: "port with a smaller MTU", topology: "bridge", node: "host", breaks: "ip link set vc2 mtu 1000", flow: bigPing("c1", "172.17.0.3"),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonMTUMismatch, dir: request, words: "a bridge does not fragment"},
	{name: "host does not forward", topology: "bridge", node: "host", breaks: "sysctl -qw net.ipv4.ip_forward=0", flow: tcp("c1", "192.168.50.2", 9000),
		outcome: autopsy.Dropped, at: "host", object: "net.ipv4.ip_forward", reason: autopsy.ReasonForwardingOff, dir: request, words: "host does not forward"},
	{name: "bridge device does not forward", topology: "bridge", node: "host", breaks: "sysctl -qw net.ipv4.conf.docker0.forwarding=0", flow: udp("c1", "192.168.50.2", 9001),
		outcome: autopsy.Dropped, at: "host", object: "net.ipv4.conf.docker0.forwarding", reason: autopsy.ReasonForwardingOff, dir: request, words: "came in on docker0"},
	{name: "no way back", topology: "bridge", node: "lan", breaks: "ip route del 172.17.0.0/16", flow: tcp("c1", "192.168.50.2", 9000),
		outcome: autopsy.Dropped, at: "lan", object: "route to 172.17.0.2", reason: autopsy.ReasonNoReturnRoute, dir: reply, words: "the way back is missing"},
	{name: "no default route", topology: "bridge", node: "c1", breaks: "ip route del default", flow: udp("c1", "192.168.50.2", 9001),
		outcome: autopsy.Unreachable, at: "c1", object: "route to 192.168.50.2", reason: autopsy.ReasonNoRoute, dir: request, words: "c1 has no route to 192.168.50.2: neither a default route nor one that covers it"},
	{name: "wrong gateway", topology: "bridge", node: "c1", breaks: "ip route replace default via 172.17.0.99", flow: ping("c1", "192.168.50.2"),
		outcome: autopsy.Unreachable, at: "c1", object: "neighbour 172.17.0.99 on eth0", reason: autopsy.ReasonNobodyHas, dir: request, words: "172.17.0.99"},
	{name: "gateway that does not forward", topology: "bridge", node: "c1", breaks: "ip route replace default via 172.17.0.3", flow: ping("c1", "192.168.50.2"),
		outcome: autopsy.Dropped, at: "c2", object: "net.ipv4.ip_forward", reason: autopsy.ReasonForwardingOff, dir: request, words: "c2 does not forward"},
	{name: "reverse path filter", topology: "bridge", node: "host", breaks: "sysctl -qw net.ipv4.conf.eth0.rp_filter=1; ip route add 192.168.50.2/32 dev docker0", flow: ping("lan", "172.17.0.3"),
		outcome: autopsy.Unreachable, at: "host", object: "net.ipv4.conf.eth0.rp_filter", reason: autopsy.ReasonRPFilter, dir: request, words: "reverse path filter"},
	{name: "answer dropped on the way", topology: "bridge", node: "host", breaks: "iptables -A FORWARD -i eth0 -o docker0 -j DROP", flow: tcp("c1", "192.168.50.2", 9000),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonRuleDrop, dir: reply, words: "from eth0 to docker0"},
	{name: "address of another network", topology: "bridge", node: "c1", breaks: "ip route add 192.168.50.2/32 dev eth0", flow: ping("c1", "192.168.50.2"),
		outcome: autopsy.Unreachable, at: "c1", object: "neighbour 192.168.50.2 on eth0", reason: autopsy.ReasonElsewhere, dir: request, words: "on another network"},
}

var routerFaults = []fault{
	{name: "router does not forward", topology: "router", node: "r", breaks: "sysctl -qw net.ipv4.ip_forward=0", flow: ping("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "r", object: "net.ipv4.ip_forward", reason: autopsy.ReasonForwardingOff, dir: request, words: "r does not forward"},
	{name: "router's far device down", topology: "router", node: "r", breaks: "ip link set eth1 down", flow: udp("a", "10.2.0.2", 9001),
		outcome: autopsy.Unreachable, at: "r", object: "eth1", reason: autopsy.ReasonLinkDown, dir: request, words: "eth1 in r is down"},
	{name: "router's neighbour gone", topology: "router", node: "b", breaks: "ip addr flush dev eth0; ip addr add 10.2.0.3/24 dev eth0", flow: ping("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "r", object: "neighbour 10.2.0.2 on eth1", reason: autopsy.ReasonNobodyHas, dir: request, words: "r gets no ARP reply for 10.2.0.2 on eth1"},
	{name: "router's blackhole", topology: "router", node: "r", breaks: "ip route add blackhole 10.2.0.2/32", flow: ping("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "r", object: "route blackhole 10.2.0.2/32", reason: autopsy.ReasonBlackhole, dir: request, words: "blackhole"},
	{name: "router rejects", topology: "router", node: "r", breaks: "iptables -A FORWARD -d 10.2.0.2 -j REJECT --reject-with icmp-admin-prohibited", flow: tcp("a", "10.2.0.2", 9000),
		outcome: autopsy.Unreachable, at: "r", object: "iptables filter FORWARD", reason: autopsy.ReasonRuleReject, dir: request, words: "from eth0 to eth1"},
	{name: "router's legacy policy", topology: "router", node: "r", breaks: "iptables-legacy -P FORWARD DROP", legacy: []string{"filter"}, flow: tcp("a", "10.2.0.2", 9000),
		outcome: autopsy.Dropped, at: "r", object: "iptables filter FORWARD", reason: autopsy.ReasonPolicyDrop, dir: request, words: "from eth0 to eth1"},
	{name: "smaller MTU on the way", topology: "router", node: "r", breaks: "ip link set eth1 mtu 1000", also: [][2]string{{"b", "ip link set eth0 mtu 1000"}}, flow: bigPing("a", "10.2.0.2"),
		outcome: autopsy.Unreachable, at: "r", object: "eth1", reason: autopsy.ReasonTooBig, dir: request, words: "has DF set"},
	{name: "path MTU black hole", topology: "router", node: "r", breaks: "ip link set eth1 mtu 1000; iptables -A OUTPUT -p icmp -j DROP", also: [][2]string{{"b", "ip link set eth0 mtu 1000"}}, flow: bigPing("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "r", object: "eth1", reason: autopsy.ReasonTooBig, dir: request, words: "has DF set"},
	{name: "answer goes to a wrong gateway", topology: "router", node: "b", breaks: "ip route replace default via 10.2.0.99", flow: ping("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "b", object: "neighbour 10.2.0.99 on eth0", reason: autopsy.ReasonNobodyHas, dir: reply, words: "10.2.0.99"},
	{name: "second router has no way back", topology: "routers", node: "r2", breaks: "ip route del 10.1.0.0/24", flow: udp("a", "10.2.0.2", 9001),
		outcome: autopsy.Dropped, at: "r2", object: "route to 10.1.0.2", reason: autopsy.ReasonNoReturnRoute, dir: reply, words: "r2 has no route to 10.1.0.2"},
	{name: "first router has no way", topology: "routers", node: "r1", breaks: "ip route del 10.2.0.0/24", flow: tcp("a", "10.2.0.2", 9000),
		outcome: autopsy.Unreachable, at: "r1", object: "route to 10.2.0.2", reason: autopsy.ReasonNoRoute, dir: request, words: "r1 has no route to 10.2.0.2"},
	{name: "routing loop", topology: "routers", node: "r1", breaks: "ip route add 10.3.0.0/24 via 10.9.0.2", also: [][2]string{{"r2", "ip route add 10.3.0.0/24 via 10.9.0.1"}}, flow: ping("a", "10.3.0.9"),
		outcome: autopsy.Unreachable, at: "r2", object: "route to 10.3.0.9", reason: autopsy.ReasonLoop, dir: request, words: "to each other"},
	{name: "cable between routers down", topology: "routers", node: "r2", breaks: "ip link set eth0 down", flow: ping("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "r2", object: "eth0", reason: autopsy.ReasonPeerDown, dir: request, words: "no carrier"},
	{name: "second router's strict filter", topology: "routers", node: "r2", breaks: "sysctl -qw net.ipv4.conf.all.rp_filter=1; ip route replace 10.1.0.0/24 via 10.2.0.2", flow: ping("a", "10.2.0.2"),
		outcome: autopsy.Dropped, at: "r2", object: "net.ipv4.conf.all.rp_filter", reason: autopsy.ReasonRPFilter, dir: request, words: "came in on eth0"},
}
