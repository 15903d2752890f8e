package autopsy_test

import (
	"fmt"

	"underlay/engine"
)

// end is one end of a cable: its node, device and address, "" for none.
func end(node, dev, addr string) engine.End {
	e := engine.End{Node: node, Name: dev}
	if addr != "" {
		e.Address = []string{addr}
	}
	return e
}

func port(node, dev, bridge string) engine.End {
	return engine.End{Node: node, Name: dev, Bridge: bridge}
}

// servers are one of each kind in a node.
func servers(node string) []engine.Workload {
	return []engine.Workload{
		{Node: node, Kind: "http", Listen: ":80"},
		{Node: node, Kind: "tcp", Listen: ":9000"},
		{Node: node, Kind: "udp", Listen: ":9001"},
		{Node: node, Kind: "tcp", Listen: "127.0.0.1:7000"},
	}
}

func routes(pairs ...string) (out []engine.Route) {
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, engine.Route{To: pairs[i], Via: pairs[i+1]})
	}
	return out
}

var forwards = engine.Sysctl{Name: "net.ipv4.ip_forward", Value: "1"}

// cable is a — b.
func cable() *engine.Topology {
	return &engine.Topology{
		Nodes: []engine.Node{
			{Name: "a", DNS: []string{"10.0.0.2"}, Hosts: map[string]string{"b": "10.0.0.2"}},
			{Name: "b", DNS: []string{"10.0.0.1"}}, // where a server is that is none of names
		},
		Links: []engine.Link{{A: end("a", "eth0", "10.0.0.1/24"), B: end("b", "eth0", "10.0.0.2/24")}},
		Workloads: append(servers("b"),
			engine.Workload{Node: "a", Kind: "udp", Listen: ":53"},
			engine.Workload{Node: "b", Kind: "dns", Listen: ":53", Records: map[string][]string{"web.example": {"10.0.0.2"}}}),
	}
}

// cable6 is a — b with IPv6.
func cable6() *engine.Topology {
	return &engine.Topology{
		Nodes:     []engine.Node{{Name: "a"}, {Name: "b"}},
		Links:     []engine.Link{{A: end("a", "eth0", "fd00::1/64"), B: end("b", "eth0", "fd00::2/64")}},
		Workloads: servers("b"),
	}
}

// mac2 is the MAC address of c2.
const mac2 = "02:42:ac:11:00:03"

// bridge is c1 and c2 on host's docker0, and lan beyond it.
func bridge() *engine.Topology {
	t := &engine.Topology{
		Nodes: []engine.Node{
			{Name: "host", Bridges: []engine.Bridge{{Name: "docker0", Address: []string{"172.17.0.1/16"}}}, Sysctls: []engine.Sysctl{forwards}},
			{Name: "c1", Routes: routes("default", "172.17.0.1")},
			{Name: "c2", Routes: routes("default", "172.17.0.1")},
			{Name: "lan", Routes: routes("172.17.0.0/16", "192.168.50.1")},
		},
		Links: []engine.Link{
			{A: port("host", "vc1", "docker0"), B: end("c1", "eth0", "172.17.0.2/16")},
			{A: port("host", "vc2", "docker0"), B: end("c2", "eth0", "172.17.0.3/16")},
			{A: end("host", "eth0", "192.168.50.1/24"), B: end("lan", "eth0", "192.168.50.2/24")},
		},
		Workloads: append(append(servers("c2"), servers("lan")...), servers("host")...),
	}
	t.Links[1].B.MAC = mac2
	return t
}

// router is a — r — b.
func router() *engine.Topology {
	return &engine.Topology{
		Nodes: []engine.Node{
			{Name: "a", Routes: routes("default", "10.1.0.1")},
			{Name: "r", Sysctls: []engine.Sysctl{forwards}},
			{Name: "b", Routes: routes("default", "10.2.0.1")},
		},
		Links: []engine.Link{
			{A: end("a", "eth0", "10.1.0.2/24"), B: end("r", "eth0", "10.1.0.1/24")},
			{A: end("r", "eth1", "10.2.0.1/24"), B: end("b", "eth0", "10.2.0.2/24")},
		},
		Workloads: servers("b"),
	}
}

// routers is a — r1 — r2 — b.
func routers() *engine.Topology {
	return &engine.Topology{
		Nodes: []engine.Node{
			{Name: "a", Routes: routes("default", "10.1.0.1")},
			{Name: "r1", Sysctls: []engine.Sysctl{forwards}, Routes: routes("10.2.0.0/24", "10.9.0.2")},
			{Name: "r2", Sysctls: []engine.Sysctl{forwards}, Routes: routes("10.1.0.0/24", "10.9.0.1")},
			{Name: "b", Routes: routes("default", "10.2.0.1")},
		},
		Links: []engine.Link{
			{A: end("a", "eth0", "10.1.0.2/24"), B: end("r1", "eth0", "10.1.0.1/24")},
			{A: end("r1", "eth1", "10.9.0.1/24"), B: end("r2", "eth0", "10.9.0.2/24")},
			{A: end("r2", "eth1", "10.2.0.1/24"), B: end("b", "eth0", "10.2.0.2/24")},
		},
		Workloads: servers("b"),
	}
}

// The MAC addresses of c1 and c3 on the segment.
const (
	mac1 = "02:42:ac:11:00:02"
	mac3 = "02:42:ac:11:00:04"
)

// segment is c1, c2 and c3 on host's docker0, with lan beyond it. host does not forward,
// and bridged packets come by iptables' hooks all the same.
func segment() *engine.Topology {
	t := bridge()
	t.Nodes[0].Sysctls = []engine.Sysctl{{Name: "net.ipv4.ip_forward", Value: "0"}, {Name: "net.bridge.bridge-nf-call-iptables", Value: "1"}}
	t.Nodes = append(t.Nodes, engine.Node{Name: "c3", Routes: routes("default", "172.17.0.1")})
	t.Links = append(t.Links, engine.Link{A: port("host", "vc3", "docker0"), B: end("c3", "eth0", "172.17.0.4/16")})
	t.Links[0].B.MAC, t.Links[3].B.MAC = mac1, mac3
	t.Workloads = append(t.Workloads, engine.Workload{Node: "c3", Kind: "tcp", Listen: ":9000"})
	return t
}

// trunk is c1 on a bridge of h1 and c2 on one of h2, which a cable between two ports joins.
func trunk() *engine.Topology {
	host := func(n int) engine.Node {
		return engine.Node{Name: fmt.Sprintf("h%d", n), Bridges: []engine.Bridge{{Name: "br0"}}}
	}
	t := &engine.Topology{
		Nodes: []engine.Node{host(1), host(2), {Name: "c1"}, {Name: "c2"}},
		Links: []engine.Link{
			{A: port("h1", "trunk", "br0"), B: port("h2", "trunk", "br0")},
			{A: port("h1", "vc1", "br0"), B: end("c1", "eth0", "172.17.0.2/16")},
			{A: port("h2", "vc2", "br0"), B: end("c2", "eth0", "172.17.0.3/16")},
		},
		Workloads: servers("c2"),
	}
	t.Links[1].B.MAC, t.Links[2].B.MAC = mac1, mac2
	return t
}

// egress is c1 behind host, which masquerades towards web. web has no way back
// to 172.17.0.0/16.
func egress() *engine.Topology {
	t := bridge()
	t.Nodes[0].Setup = []string{"iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"}
	t.Nodes[3].Routes = nil
	return t
}

// published is c2's port 80 published as host's 8080, by DNAT, for lan and for
// c1, whose packets turn back at host.
func published() *engine.Topology {
	t := egress()
	t.Nodes[0].Setup = append(t.Nodes[0].Setup,
		"iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80",
		"iptables -t nat -A POSTROUTING -s 172.17.0.3/32 -d 172.17.0.3/32 -p tcp --dport 80 -j MASQUERADE")
	return t
}

// overlay is pods p1 and p2 on bridges of h1 and h2, which VXLAN joins.
func overlay() *engine.Topology {
	host := func(n int) engine.Node {
		return engine.Node{
			Name: fmt.Sprintf("h%d", n), Bridges: []engine.Bridge{{Name: "br0"}},
			Setup: []string{fmt.Sprintf(`ip link add vx0 type vxlan id 42 dstport 4789 local 192.168.0.%d remote 192.168.0.%d
ip link set vx0 master br0
ip link set vx0 up
ip link set br0 mtu 1450`, n, 3-n)},
		}
	}
	pod := func(n int) engine.Link {
		l := engine.Link{A: port(fmt.Sprintf("h%d", n), "vp", "br0"), B: end(fmt.Sprintf("p%d", n), "eth0", fmt.Sprintf("10.244.0.%d/24", n))}
		l.A.MTU, l.B.MTU = 1450, 1450
		return l
	}
	return &engine.Topology{
		Nodes: []engine.Node{host(1), host(2), {Name: "p1"}, {Name: "p2"}},
		Links: []engine.Link{
			{A: end("h1", "eth0", "192.168.0.1/24"), B: end("h2", "eth0", "192.168.0.2/24")},
			pod(1), pod(2),
		},
		Workloads: servers("p2"),
	}
}

// macvlan is c1 and c2 with macvlans on host's eth0, and lan at its other end.
func macvlan() *engine.Topology {
	child := func(n int) string {
		return fmt.Sprintf(`ip link add mv%[1]d link eth0 type macvlan mode bridge
ip link set mv%[1]d netns c%[1]d name eth0
ip -n c%[1]d addr add 192.168.7.1%[1]d/24 dev eth0
ip -n c%[1]d link set eth0 up`, n)
	}
	return &engine.Topology{
		Nodes: []engine.Node{
			{Name: "host", Setup: []string{child(1), child(2)}},
			{Name: "c1"}, {Name: "c2"}, {Name: "lan"},
		},
		Links: []engine.Link{
			{A: end("host", "eth0", "192.168.7.1/24"), B: end("lan", "eth0", "192.168.7.2/24")},
		},
		Workloads: append(append(servers("c2"), servers("lan")...), servers("host")...),
	}
}

// topologies by name.
var topologies = map[string]func() *engine.Topology{
	"cable": cable, "cable6": cable6, "bridge": bridge, "router": router, "routers": routers, "egress": egress,
	"published": published, "segment": segment, "trunk": trunk, "overlay": overlay, "macvlan": macvlan,
}
