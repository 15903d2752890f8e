package autopsy_test

import "underlay/engine/autopsy"

var natFaults = []fault{
	{name: "no masquerade", topology: "egress", node: "host", breaks: "iptables -t nat -F", flow: tcp("c1", "192.168.50.2", 9000),
		outcome: autopsy.Dropped, at: "lan", object: "route to 172.17.0.2", reason: autopsy.ReasonNoReturnRoute, dir: reply, words: "lan has no route to 172.17.0.2"},
	{name: "masquerade for another device", topology: "egress", node: "host", breaks: "iptables -t nat -F; iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE", flow: ping("c1", "192.168.50.2"),
		outcome: autopsy.Dropped, at: "lan", object: "route to 172.17.0.2", reason: autopsy.ReasonNoReturnRoute, dir: reply, words: "the way back is missing"},
	{name: "forward policy", topology: "egress", node: "host", breaks: "iptables -P FORWARD DROP", flow: tcp("c1", "192.168.50.2", 9000),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonPolicyDrop, dir: request, words: "no rule accepted the packet from docker0 to eth0"},
	{name: "only one direction allowed", topology: "egress", node: "host", breaks: "iptables -P FORWARD DROP; iptables -A FORWARD -i docker0 -j ACCEPT", flow: udp("c1", "192.168.50.2", 9001),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonPolicyDrop, dir: reply, words: "the reply from eth0 to docker0"},
	{name: "snat to an address of nobody", topology: "egress", node: "host", breaks: "iptables -t nat -F; iptables -t nat -A POSTROUTING -o eth0 -j SNAT --to-source 192.168.50.77", flow: tcp("c1", "192.168.50.2", 9000),
		outcome: autopsy.Dropped, at: "lan", object: "neighbour 192.168.50.77 on eth0", reason: autopsy.ReasonNobodyHas, dir: reply, words: "192.168.50.77"},
	{name: "refused beyond the masquerade", topology: "egress", flow: tcp("c1", "192.168.50.2", 81),
		outcome: autopsy.Refused, at: "lan", object: "socket tcp/81", reason: autopsy.ReasonNoListener, dir: request, words: "refused by lan"},
	{name: "published port refused for want of a rule", topology: "published", node: "host", breaks: "iptables -t nat -F PREROUTING", flow: tcp("lan", "192.168.50.1", 8080),
		outcome: autopsy.Refused, at: "host", object: "socket tcp/8080", reason: autopsy.ReasonNoListener, dir: request, words: "refused by host"},
	{name: "published to a wrong port", topology: "published", node: "host", breaks: "iptables -t nat -R PREROUTING 1 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:81", flow: tcp("lan", "192.168.50.1", 8080),
		outcome: autopsy.Refused, at: "c2", object: "socket tcp/81", reason: autopsy.ReasonNoListener, dir: request, words: "refused by c2"},
	{name: "published to an address of nobody", topology: "published", node: "host", breaks: "iptables -t nat -R PREROUTING 1 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.99:80", flow: tcp("lan", "192.168.50.1", 8080),
		outcome: autopsy.Dropped, at: "host", object: "neighbour 172.17.0.99 on docker0", reason: autopsy.ReasonNobodyHas, dir: request, words: "host gets no ARP reply for 172.17.0.99 on docker0"},
	{name: "published server on loopback only", topology: "published", node: "host", breaks: "iptables -t nat -R PREROUTING 1 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:7000", flow: tcp("lan", "192.168.50.1", 8080),
		outcome: autopsy.Refused, at: "c2", object: "socket tcp/7000", reason: autopsy.ReasonWrongAddress, dir: request, words: "127.0.0.1 only"},
	{name: "published but not forwarded", topology: "published", node: "host", breaks: "iptables -P FORWARD DROP", flow: tcp("lan", "192.168.50.1", 8080),
		outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonPolicyDrop, dir: request,
		words: "dropped in host, iptables filter FORWARD, policy DROP: no rule accepted the packet from eth0 to docker0"},
	{name: "published by legacy, dropped by legacy", topology: "bridge", node: "host", legacy: []string{"nat", "filter"},
		breaks: "iptables-legacy -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80; iptables-legacy -A FORWARD -d 172.17.0.3 -j DROP",
		flow:   tcp("lan", "192.168.50.1", 8080), outcome: autopsy.Dropped, at: "host", object: "iptables filter FORWARD", reason: autopsy.ReasonRuleDrop, dir: request, words: "from eth0 to docker0"},
	{name: "published, called by the host itself", topology: "published", flow: tcp("host", "192.168.50.1", 8080),
		outcome: autopsy.Refused, at: "host", object: "socket tcp/8080", reason: autopsy.ReasonNoListener, dir: request, words: "nothing there listens on tcp/8080"},
	{name: "answer switched past conntrack", topology: "published", node: "host", breaks: "sysctl -qw net.bridge.bridge-nf-call-iptables=0", flow: tcp("c1", "192.168.50.1", 8080),
		outcome: autopsy.Dropped, at: "host", object: "docker0", reason: autopsy.ReasonUntranslated, dir: reply,
		words: "the reply left c2 untranslated, with source 172.17.0.3: the bridge docker0 in host switched it past conntrack (bridge-nf-call-iptables=0)"},
	{name: "server calls itself without masquerade", topology: "published", node: "host", breaks: "iptables -t nat -F POSTROUTING; sysctl -qw net.bridge.bridge-nf-call-iptables=0", flow: tcp("c2", "192.168.50.1", 8080),
		outcome: autopsy.Dropped, at: "c2", object: "source 172.17.0.3", reason: autopsy.ReasonMartian, dir: request, words: "martian"},
	{name: "server calls itself over a port without hairpin", topology: "published", flow: tcp("c2", "192.168.50.1", 8080),
		outcome: autopsy.Dropped, at: "host", object: "vc2", reason: autopsy.ReasonHairpinOff, dir: request, words: "hairpin is off"},
	{name: "published to loopback", topology: "published", node: "host", breaks: "iptables -t nat -R PREROUTING 1 -p tcp --dport 8080 -j DNAT --to-destination 127.0.0.1:80", flow: tcp("lan", "192.168.50.1", 8080),
		outcome: autopsy.Dropped, at: "host", object: "net.ipv4.conf.eth0.route_localnet", reason: autopsy.ReasonMartian, dir: request, words: "route_localnet=0"},
	{name: "answer leaves another way", topology: "published", node: "c2", breaks: "ip route replace 192.168.50.2 via 172.17.0.2", flow: tcp("lan", "192.168.50.1", 8080),
		outcome: autopsy.Dropped, at: "c1", object: "net.ipv4.ip_forward", reason: autopsy.ReasonForwardingOff, dir: reply, words: "c1 does not forward"},
	{name: "nft published but dropped", topology: "bridge", node: "host", breaks: `nft -f - <<'N'
table ip n {
	chain pre {
		type nat hook prerouting priority -100
		tcp dport 8080 dnat to 172.17.0.3:80
	}
}
table inet f {
	chain guard {
		type filter hook forward priority 0
		iifname "eth0" oifname "docker0" ct state new drop
	}
}
N`, flow: tcp("lan", "192.168.50.1", 8080), outcome: autopsy.Dropped, at: "host", object: "nft inet f guard", reason: autopsy.ReasonRuleDrop, dir: request, words: "ct state new"},
}

var tunnelFaults = []fault{
	{name: "other VNI", topology: "overlay", node: "h2", breaks: vx("h2", "id 43 dstport 4789 local 192.168.0.2 remote 192.168.0.1"), flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h2", object: "vx0", reason: autopsy.ReasonVNI, dir: request, words: "vx0 in h2 is VXLAN 43"},
	{name: "other tunnel port", topology: "overlay", node: "h2", breaks: vx("h2", "id 42 dstport 8472 local 192.168.0.2 remote 192.168.0.1"), flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h2", object: "vx0", reason: autopsy.ReasonTunnelPort, dir: request, words: "UDP port 8472"},
	{name: "no remote", topology: "overlay", node: "h1", breaks: vx("h1", "id 42 dstport 4789 local 192.168.0.1"), flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "vx0", reason: autopsy.ReasonNoRemote, dir: request, words: "no remote"},
	{name: "remote of nobody", topology: "overlay", node: "h1", breaks: vx("h1", "id 42 dstport 4789 local 192.168.0.1 remote 192.168.0.9"), flow: tcp("p1", "10.244.0.2", 9000),
		outcome: autopsy.Unreachable, at: "h1", object: "neighbour 192.168.0.9 on eth0", reason: autopsy.ReasonNobodyHas, dir: request, words: "192.168.0.9"},
	{name: "remote without a route", topology: "overlay", node: "h1", breaks: vx("h1", "id 42 dstport 4789 local 192.168.0.1 remote 192.168.9.2"), flow: tcp("p1", "10.244.0.2", 9000),
		outcome: autopsy.Unreachable, at: "h1", object: "route to 192.168.9.2", reason: autopsy.ReasonNoRoute, dir: request, words: "the packets that vx0 sends are lost"},
	{name: "tunnel dropped where it ends", topology: "overlay", node: "h2", breaks: "iptables -A INPUT -p udp --dport 4789 -j DROP", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h2", object: "iptables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "--dport 4789"},
	{name: "tunnel dropped where it begins", topology: "overlay", node: "h1", breaks: "iptables -A OUTPUT -p udp --dport 4789 -j DROP", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "iptables filter OUTPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "--dport 4789"},
	{name: "tunnel's answer dropped", topology: "overlay", node: "h1", breaks: "iptables -A INPUT -p udp --dport 4789 -j DROP", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "iptables filter INPUT", reason: autopsy.ReasonRuleDrop, dir: request, words: "--dport 4789"},
	{name: "tunnel on no bridge", topology: "overlay", node: "h1", breaks: "ip link set vx0 nomaster", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "vx0", reason: autopsy.ReasonNoBridgePort, dir: request, words: "vx0 in h1 is not a port of any bridge"},
	{name: "far tunnel on no bridge", topology: "overlay", node: "h2", breaks: "ip link set vx0 nomaster", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h2", object: "vx0", reason: autopsy.ReasonNoBridgePort, dir: request, words: "reached vx0 in h2, which is not a port of any bridge"},
	{name: "far tunnel down", topology: "overlay", node: "h2", breaks: "ip link set vx0 down", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h2", object: "vx0", reason: autopsy.ReasonLinkDown, dir: request, words: "vx0 in h2 is down"},
	{name: "near tunnel down", topology: "overlay", node: "h1", breaks: "ip link set vx0 down", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h1", object: "vx0", reason: autopsy.ReasonLinkDown, dir: request, words: "vx0 in h1 is down"},
	{name: "no tunnel at the far end", topology: "overlay", node: "h2", breaks: "ip link del vx0", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h2", object: "socket udp/4789", reason: autopsy.ReasonNoTunnel, dir: request, words: "no VXLAN device"},
	{name: "larger than the tunnel's MTU", topology: "overlay", node: "p1", breaks: "ip link set eth0 mtu 1500", also: [][2]string{{"h1", "ip link set vp mtu 1500"}, {"h2", "ip link set vp mtu 1500"}, {"p2", "ip link set eth0 mtu 1500"}},
		flow: autopsy.Flow{From: "p1", To: "10.244.0.2", Proto: "icmp", Size: 1450}, outcome: autopsy.Unreachable, at: "h1", object: "vx0", reason: autopsy.ReasonTooBig, dir: request, words: "encapsulated by vx0"},
	{name: "far pod's port on no bridge", topology: "overlay", node: "h2", breaks: "ip link set vp nomaster", flow: ping("p1", "10.244.0.2"),
		outcome: autopsy.Unreachable, at: "h2", object: "vp", reason: autopsy.ReasonNoBridgePort, dir: request, words: "vp"},
	{name: "bridged packets of the overlay filtered", topology: "overlay", node: "h2", breaks: "iptables -P FORWARD DROP", flow: tcp("p1", "10.244.0.2", 9000),
		outcome: autopsy.Dropped, at: "h2", object: "iptables filter FORWARD", reason: autopsy.ReasonPolicyDrop, dir: request, words: "policy DROP"},
	{name: "server of the overlay refuses", topology: "overlay", flow: tcp("p1", "10.244.0.2", 81),
		outcome: autopsy.Refused, at: "p2", object: "socket tcp/81", reason: autopsy.ReasonNoListener, dir: request, words: "refused by p2"},
}

// vx makes a host's VXLAN device anew.
func vx(_ string, options string) string {
	return "ip link del vx0; ip link add vx0 type vxlan " + options + "; ip link set vx0 master br0 up"
}

var macvlanFaults = []fault{
	{name: "parent calls its macvlan", topology: "macvlan", flow: ping("host", "192.168.7.11"),
		outcome: autopsy.Unreachable, at: "c1", object: "eth0", reason: autopsy.ReasonMacvlanParent, dir: request, words: "cannot reach each other"},
	{name: "macvlan calls its parent", topology: "macvlan", flow: tcp("c1", "192.168.7.1", 9000),
		outcome: autopsy.Unreachable, at: "c1", object: "eth0", reason: autopsy.ReasonMacvlanParent, dir: request, words: "cannot reach each other"},
	{name: "private macvlan", topology: "macvlan", node: "c2", breaks: "ip link set eth0 type macvlan mode private", flow: ping("c1", "192.168.7.12"),
		outcome: autopsy.Unreachable, at: "c2", object: "eth0", reason: autopsy.ReasonMacvlanPrivate, dir: request, words: "private"},
	{name: "macvlan's port nobody listens on", topology: "macvlan", flow: tcp("c1", "192.168.7.12", 81),
		outcome: autopsy.Refused, at: "c2", object: "socket tcp/81", reason: autopsy.ReasonNoListener, dir: request, words: "refused by c2"},
	{name: "macvlan's device down", topology: "macvlan", node: "c2", breaks: "ip link set eth0 down", flow: ping("c1", "192.168.7.12"),
		outcome: autopsy.Unreachable, at: "c2", object: "eth0", reason: autopsy.ReasonLinkDown, dir: request, words: "which is down"},
	// The kernel takes up to a second to take the macvlan's carrier away, too.
	{name: "parent's cable down", topology: "macvlan", node: "lan",
		breaks: "ip link set eth0 down; for i in $(seq 100); do ip -n c1 link show eth0 | grep -q NO-CARRIER && break; sleep 0.05; done",
		flow:   ping("c1", "192.168.7.2"), outcome: anyFailure, at: "lan", object: "eth0", reason: autopsy.ReasonPeerDown, dir: request,
		words: "eth0 in c1 has no carrier: "},
	{name: "macvlan's answer filtered", topology: "macvlan", node: "c2", breaks: "nft 'add table inet f; add chain inet f out { type filter hook output priority 0; }; add rule inet f out icmp type echo-reply drop'",
		flow: ping("c1", "192.168.7.12"), outcome: autopsy.Dropped, at: "c2", object: "nft inet f out", reason: autopsy.ReasonRuleDrop, dir: reply, words: "echo-reply"},
}
