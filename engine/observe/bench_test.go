package observe

import (
	"fmt"
	"testing"
)

// star is a host with a bridge and n-1 containers on it.
func star(b *testing.B, n int) []Node {
	b.Helper()
	host := newNode(b, "host")
	nodes := []Node{host}
	script := "ip link set lo up\nip link add br0 type bridge\nip link set br0 up\nip addr add 10.0.0.1/16 dev br0\n"
	for i := 1; i < n; i++ {
		c := newNode(b, fmt.Sprintf("c%d", i))
		nodes = append(nodes, c)
		script += fmt.Sprintf("ip link add v%[1]d type veth peer name eth0 netns %[2]s\nip link set v%[1]d master br0 up\n", i, at(c))
	}
	sh(b, host, script)
	for i, c := range nodes[1:] {
		sh(b, c, fmt.Sprintf("ip link set lo up\nip addr add 10.0.%d.%d/16 dev eth0\nip link set eth0 up\nip route add default via 10.0.0.1", i/250, i%250+2))
	}
	return nodes
}

func BenchmarkSnapshot(b *testing.B) {
	for _, n := range []int{3, 50} {
		nodes := star(b, n)
		sh(b, nodes[0], "iptables-nft -t nat -A POSTROUTING -s 10.0.0.0/16 ! -o br0 -j MASQUERADE; iptables-nft -P FORWARD DROP")
		sysctls := []string{"net.ipv4.ip_forward"}
		for _, what := range []struct {
			name   string
			facets Facet
		}{{"LinksAddrsRoutes", Links | Addrs | Routes}, {"All", All}, {"Firewall", Firewall}, {"Sysctls", Sysctls},
			{"Sockets", Sockets}, {"Conntrack", Conntrack}, {"Rules", Rules}, {"Neighs", Neighs}, {"FDB", FDB}} {
			b.Run(fmt.Sprintf("%s/%d", what.name, n), func(b *testing.B) {
				r := mustOpen(b, nodes...)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := r.Snapshot(nil, what.facets, sysctls); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("Cold/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := Snapshot(nodes, Links|Addrs|Routes, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
