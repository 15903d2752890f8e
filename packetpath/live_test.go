package packetpath_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"testing"

	"gotest.tools/v3/golden"

	"underlay/engine"
	"underlay/engine/sandbox"
	"underlay/engine/sandbox/sandboxtest"
	"underlay/engine/session"
)

func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }

// recording is a report in testdata, and the lab that it comes from.
type recording struct {
	name     string
	topology engine.Topology
	from, to string
}

// recordings are taken from labs that are broken as they are built.
func recordings() []recording {
	return []recording{
		{"cable", cable(), "a", "10.0.0.2"},
		{"refused", cable(), "a", "10.0.0.2:81"},
		{"nobody", cable(), "a", "10.0.0.9:80"},
		{"name", cable(), "a", "web.example:80"},
		{"published", docker(), "lan", "192.168.50.1:8080"},
		{"policy", docker("iptables -P FORWARD DROP"), "lan", "192.168.50.1:8080"},
		{"switched", docker("sysctl -qw net.bridge.bridge-nf-call-iptables=0"), "c1", "192.168.50.1:8080"},
		{"egress", docker("iptables -t nat -F POSTROUTING"), "c1", "192.168.50.2:80/http"},
		{"nft", docker("nft 'add table inet f; add chain inet f guard { type filter hook forward priority 0; }; " +
			`add rule inet f guard iifname "eth0" oifname "docker0" ip saddr { 192.168.50.0/24, 10.0.0.0/8, 192.168.99.0/24 } tcp dport 80 ct state new counter reject with tcp reset'`), "lan", "192.168.50.1:8080"},
		{"overlay", overlay(), "p1", "10.244.0.2:80/http"},
		{"tunnel", overlay("iptables -A INPUT -p udp --dport 4789 -j DROP"), "p1", "10.244.0.2"},
		{"routers", routers(10), "r0", "10.0.9.2:80"},
	}
}

// TestRecordings holds the recorded reports to what the kernel says.
func TestRecordings(t *testing.T) {
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recordings() {
		t.Run(r.name, func(t *testing.T) {
			lab := &engine.Lab{ID: r.name, Topology: r.topology, Unwatched: true}
			s, err := session.Opener{Sandbox: sb}.Open(t.Context(), lab, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}()
			flow, err := engine.ParseFlow(r.from, r.to)
			if err != nil {
				t.Fatal(err)
			}
			report, err := s.Trace(t.Context(), flow)
			if err != nil {
				t.Fatal(err)
			}
			settle(report)
			got, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, string(got)+"\n", r.name+".json")
		})
	}
}

// within is how long an answer took.
var within = regexp.MustCompile(` in [0-9.]+ ms$`)

// outer is the port that a tunnel's packet comes from, a hash of what is in it.
var outer = regexp.MustCompile(`:\d+ →`)

// settle puts constants in the place of what differs each time: times, and the
// ports that the kernel draws.
func settle(a *engine.Autopsy) {
	a.TookMS = 12.5
	a.Detail = within.ReplaceAllString(a.Detail, " in 0.25 ms")
	ports := map[int]int{}
	port := func(p *int) {
		if *p < 32768 {
			return
		}
		if _, ok := ports[*p]; !ok {
			ports[*p] = 40000 + len(ports)
		}
		*p = ports[*p]
	}
	header := func(h *engine.Header) {
		if h != nil {
			port(&h.SPort)
			port(&h.DPort)
		}
	}
	for i := range a.Hops {
		h := &a.Hops[i]
		h.AtMS = float64(i*i) / 10
		h.Inside = outer.ReplaceAllString(h.Inside, ":50000 →")
		header(&h.Header)
		for k := range h.Decisions {
			header(h.Decisions[k].Before)
			header(h.Decisions[k].After)
		}
	}
	for i := range a.Tracked {
		header(&a.Tracked[i].Orig)
		header(&a.Tracked[i].Reply)
		switch a.Tracked[i].State {
		case "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "CLOSE": // on its way there
			a.Tracked[i].State = "TIME_WAIT"
		}
	}
}

func end(node, dev, addr string) engine.End {
	return engine.End{Node: node, Name: dev, Address: []string{addr}}
}

func port(node, dev, bridge string) engine.End {
	return engine.End{Node: node, Name: dev, Bridge: bridge}
}

func way(to, via string) []engine.Route { return []engine.Route{{To: to, Via: via}} }

var forwards = []engine.Sysctl{{Name: "net.ipv4.ip_forward", Value: "1"}}

// cable is a — b, with a server on b that knows no names.
func cable() engine.Topology {
	return engine.Topology{
		Nodes: []engine.Node{{Name: "a", DNS: []string{"10.0.0.2"}}, {Name: "b"}},
		Links: []engine.Link{{A: end("a", "eth0", "10.0.0.1/24"), B: end("b", "eth0", "10.0.0.2/24")}},
		Workloads: []engine.Workload{
			{Node: "b", Kind: "dns", Listen: ":53", Records: map[string][]string{"db.example": {"10.0.0.2"}}},
		},
	}
}

// docker is c1 and c2 on host's docker0, c2's port 80 published as 8080, and lan
// outside; setup is run on host at last.
func docker(setup ...string) engine.Topology {
	return engine.Topology{
		Nodes: []engine.Node{
			{Name: "host", Sysctls: forwards, Bridges: []engine.Bridge{{Name: "docker0", Address: []string{"172.17.0.1/16"}}}, Setup: append([]string{
				"iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
				"iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80",
			}, setup...)},
			{Name: "c1", Routes: way("default", "172.17.0.1")},
			{Name: "c2", Routes: way("default", "172.17.0.1")},
			{Name: "lan"},
		},
		Links: []engine.Link{
			{A: port("host", "vc1", "docker0"), B: end("c1", "eth0", "172.17.0.2/16")},
			{A: port("host", "vc2", "docker0"), B: end("c2", "eth0", "172.17.0.3/16")},
			{A: end("host", "eth0", "192.168.50.1/24"), B: end("lan", "eth0", "192.168.50.2/24")},
		},
		Workloads: []engine.Workload{{Node: "c2", Kind: "http", Listen: ":80"}, {Node: "lan", Kind: "http", Listen: ":80"}},
	}
}

// overlay is p1 and p2 on bridges of h1 and h2, which VXLAN joins; setup is run
// on h2 at last.
func overlay(setup ...string) engine.Topology {
	host := func(n int, setup []string) engine.Node {
		vxlan := fmt.Sprintf("ip link add vx0 mtu 1450 type vxlan id 42 dstport 4789 local 192.168.0.%d remote 192.168.0.%d\n"+
			"ip link set vx0 master br0 up", n, 3-n)
		return engine.Node{Name: fmt.Sprintf("h%d", n), Bridges: []engine.Bridge{{Name: "br0"}}, Setup: append([]string{vxlan}, setup...)}
	}
	pod := func(n int) engine.Link {
		l := engine.Link{A: port(fmt.Sprintf("h%d", n), "vp", "br0"), B: end(fmt.Sprintf("p%d", n), "eth0", fmt.Sprintf("10.244.0.%d/24", n))}
		l.A.MTU, l.B.MTU = 1450, 1450
		return l
	}
	return engine.Topology{
		Nodes:     []engine.Node{host(1, nil), host(2, setup), {Name: "p1"}, {Name: "p2"}},
		Links:     []engine.Link{{A: end("h1", "eth0", "192.168.0.1/24"), B: end("h2", "eth0", "192.168.0.2/24")}, pod(1), pod(2)},
		Workloads: []engine.Workload{{Node: "p2", Kind: "http", Listen: ":80"}},
	}
}

// routers are n+1 nodes in a row, each forwarding to the next.
func routers(n int) engine.Topology {
	var t engine.Topology
	for i := range n + 1 {
		node := engine.Node{Name: fmt.Sprintf("r%d", i), Sysctls: forwards}
		for k := range n {
			to := fmt.Sprintf("10.0.%d.0/24", k)
			switch {
			case k > i:
				node.Routes = append(node.Routes, engine.Route{To: to, Via: fmt.Sprintf("10.0.%d.2", i)})
			case k < i-1:
				node.Routes = append(node.Routes, engine.Route{To: to, Via: fmt.Sprintf("10.0.%d.1", i-1)})
			}
		}
		t.Nodes = append(t.Nodes, node)
		if i > 0 {
			net := fmt.Sprintf("10.0.%d.", i-1)
			t.Links = append(t.Links, engine.Link{A: end(fmt.Sprintf("r%d", i-1), "right", net+"1/24"), B: end(node.Name, "left", net+"2/24")})
		}
	}
	t.Workloads = []engine.Workload{{Node: fmt.Sprintf("r%d", n), Kind: "http", Listen: ":80"}}
	return t
}
