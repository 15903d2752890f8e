package autopsy_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"underlay/engine"
	"underlay/engine/autopsy"
	"underlay/engine/probe"
)

// solvedFlows are flows that work in the topologies as they are.
var solvedFlows = []struct {
	topology string
	flow     autopsy.Flow
	way      string // nodes that the request went through, then the reply
}{
	{"cable", ping("a", "10.0.0.2"), "a b | b a"},
	{"cable", autopsy.Flow{From: "a", To: "web.example", Proto: "http"}, "a b | b a"},
	{"cable", autopsy.Flow{From: "a", To: "b", Proto: "icmp", Size: 1400}, "a b | b a"},
	{"cable", ping("a", "10.0.0.1"), "a | a"},
	{"cable6", tcp("a", "fd00::2", 9000), "a b | b a"},
	{"bridge", tcp("c1", "172.17.0.3", 9000), "c1 host c2 | c2 host c1"},
	{"bridge", udp("c1", "192.168.50.2", 9001), "c1 host lan | lan host c1"},
	{"router", udp("a", "10.2.0.2", 9001), "a r b | b r a"},
	{"routers", autopsy.Flow{From: "a", To: "10.2.0.2", Proto: "http", Port: 80}, "a r1 r2 b | b r2 r1 a"},
	{"egress", tcp("c1", "192.168.50.2", 9000), "c1 host lan | lan host c1"},
	{"published", autopsy.Flow{From: "lan", To: "192.168.50.1", Proto: "http", Port: 8080}, "lan host c2 | c2 host lan"},
	{"published", tcp("c1", "192.168.50.1", 8080), "c1 host c2 | c2 host c1"},
	{"overlay", tcp("p1", "10.244.0.2", 9000), "p1 h1 h2 p2 | p2 h2 h1 p1"},
	{"macvlan", tcp("c1", "192.168.7.12", 9000), "c1 host c2 | c2 host c1"},
	{"macvlan", udp("c1", "192.168.7.2", 9001), "c1 host lan | lan host c1"},
	{"cable6", much("a", "fd00::2", "tcp", 9000), "a b | b a"},
	{"published", much("lan", "192.168.50.1", "http", 8080), "lan host c2 | c2 host lan"},
	{"overlay", much("p1", "10.244.0.2", "tcp", 9000), "p1 h1 h2 p2 | p2 h2 h1 p1"},
}

// wayOf is a report's way, as solvedFlows gives it.
func wayOf(r *autopsy.Report) string {
	var words []string
	for i, h := range r.Hops {
		if i > 0 && h.Direction != r.Hops[i-1].Direction {
			words = append(words, "|")
		}
		words = append(words, h.Node)
	}
	return strings.Join(words, " ")
}

func TestDelivered(t *testing.T) {
	for _, s := range solvedFlows {
		t.Run(s.topology+"/"+s.flow.String(), func(t *testing.T) {
			t.Parallel()
			r := open(t, topologies[s.topology]()).trace(t, s.flow)
			if r.Outcome != autopsy.Delivered || r.Verdict.Reason != autopsy.ReasonDelivered {
				t.Errorf("got %s, %s", r.Outcome, r.Verdict.Reason)
			}
			if got := wayOf(r); got != s.way {
				t.Errorf("went %s, not %s", got, s.way)
			}
			if r.Hops == nil || r.Hops[len(r.Hops)-1].Died {
				t.Error("a packet that was delivered has died")
			}
			if t.Failed() {
				t.Log(picture(r))
			}
		})
	}
}

// TestTracked looks at what conntrack is said to remember.
func TestTracked(t *testing.T) {
	r := open(t, published()).trace(t, tcp("lan", "192.168.50.1", 8080))
	if len(r.Tracked) != 1 {
		t.Fatalf("%+v", r.Tracked)
	}
	got := r.Tracked[0]
	if got.Node != "host" || got.Orig.Dst != "192.168.50.1" || got.Orig.DPort != 8080 || got.Reply.Src != "172.17.0.3" || got.Reply.SPort != 80 {
		t.Errorf("%+v", got)
	}
	if r = open(t, router()).trace(t, tcp("a", "10.2.0.2", 9000)); len(r.Tracked) != 0 {
		t.Errorf("nobody tracks it: %+v", r.Tracked)
	}
}

// TestQuestion looks at the way of the ARP request that a packet waited for.
func TestQuestion(t *testing.T) {
	l := open(t, bridge())
	if err := l.run(t.Context(), "host", "bridge link set dev vc1 isolated on; bridge link set dev vc2 isolated on"); err != nil {
		t.Fatal(err)
	}
	r := l.trace(t, ping("c1", "172.17.0.3"))
	last := r.Hops[len(r.Hops)-1]
	if wayOf(r) != "c1 | c1 host" || last.Direction != autopsy.ARP || last.In != "vc1" || !last.Died {
		t.Error(picture(r))
	}
}

// TestHeaders looks at what a hop tells of NAT.
func TestHeaders(t *testing.T) {
	r := open(t, published()).trace(t, tcp("lan", "192.168.50.1", 8080))
	var got []string
	for _, h := range r.Hops {
		for _, d := range h.Decisions {
			if d.Before != nil {
				got = append(got, fmt.Sprintf("%s %s %s %s: %s:%d ← %s → %s:%d", h.Direction, h.Node, d.Hook, d.Does,
					d.Before.Dst, d.Before.DPort, h.Direction, d.After.Dst, d.After.DPort))
			}
		}
	}
	if len(got) != 2 || got[0] != "request host prerouting dnat: 192.168.50.1:8080 ← request → 172.17.0.3:80" ||
		!strings.HasPrefix(got[1], "reply host postrouting translate") {
		t.Errorf("%s\n%s", strings.Join(got, "\n"), picture(r))
	}
}

// randomLab draws a topology in which a reaches b: a chain of up to three routers
// with cables or bridges at its ends, and NAT or not.
func randomLab(t *rapid.T) (*engine.Topology, autopsy.Flow) {
	routersN := rapid.IntRange(0, 3).Draw(t, "routers")
	left, right := rapid.Bool().Draw(t, "bridge of a"), rapid.Bool().Draw(t, "bridge of b")
	idle := rapid.IntRange(0, 2).Draw(t, "idle neighbours")
	top := &engine.Topology{Nodes: []engine.Node{{Name: "a"}, {Name: "b"}}, Workloads: servers("b")}
	flow := autopsy.Flow{From: "a", To: "10.0.0.2", Proto: rapid.SampledFrom([]string{"icmp", "tcp", "udp", "http"}).Draw(t, "proto")}
	flow.Port = map[string]int{"tcp": 9000, "udp": 9001, "http": 80}[flow.Proto]
	if routersN == 0 {
		if left {
			top.Nodes = append(top.Nodes, engine.Node{Name: "sw", Bridges: []engine.Bridge{{Name: "br0"}}})
			plug(top, "sw", "br0", "10.0.0", []string{"a", "b"}, idle)
		} else {
			top.Links = append(top.Links, engine.Link{A: end("a", "eth0", "10.0.0.1/24"), B: end("b", "eth0", "10.0.0.2/24")})
		}
		return top, flow
	}
	first := len(top.Nodes)
	for i := 1; i <= routersN; i++ {
		r := engine.Node{Name: fmt.Sprintf("r%d", i), Sysctls: []engine.Sysctl{forwards}}
		if i > 1 {
			r.Routes = append(r.Routes, routes("10.1.0.0/24", fmt.Sprintf("10.9.%d.1", i-1))...)
		}
		if i < routersN {
			r.Routes = append(r.Routes, routes("10.2.0.0/24", fmt.Sprintf("10.9.%d.2", i))...)
		}
		top.Nodes = append(top.Nodes, r)
		if i > 1 {
			top.Links = append(top.Links, engine.Link{
				A: end(fmt.Sprintf("r%d", i-1), "east", fmt.Sprintf("10.9.%d.1/24", i-1)), B: end(r.Name, "west", fmt.Sprintf("10.9.%d.2/24", i-1)),
			})
		}
	}
	last := first + routersN - 1
	side(top, first, "a", "10.1.0", left, idle)
	side(top, last, "b", "10.2.0", right, idle)
	top.Nodes[0].Routes, top.Nodes[1].Routes = routes("default", "10.1.0.1"), routes("default", "10.2.0.1")
	flow.To = "10.2.0.2"
	translate(t, top, last, &flow)
	return top, flow
}

// translate draws NAT at the last router.
func translate(t *rapid.T, top *engine.Topology, last int, flow *autopsy.Flow) {
	if rapid.Bool().Draw(t, "masquerade") {
		top.Nodes[last].Setup = append(top.Nodes[last].Setup, "iptables -t nat -A POSTROUTING -s 10.1.0.0/24 -j MASQUERADE")
		top.Nodes[1].Routes = nil
	}
	if flow.Port != 0 && rapid.Bool().Draw(t, "publish") {
		proto := flow.Proto
		if proto == "http" {
			proto = "tcp"
		}
		top.Nodes[last].Setup = append(top.Nodes[last].Setup, fmt.Sprintf(
			"nft 'add table ip n; add chain ip n pre { type nat hook prerouting priority -100; }; add rule ip n pre ip daddr 10.2.0.1 %s dport 8080 dnat to 10.2.0.2:%d'", proto, flow.Port))
		flow.To, flow.Port = "10.2.0.1", 8080
	}
}

// side connects a node to a router, by a cable or a bridge with idle others on it.
func side(top *engine.Topology, router int, node, net string, bridged bool, idle int) {
	name := top.Nodes[router].Name
	dev := "to-" + node
	if !bridged {
		top.Links = append(top.Links, engine.Link{A: end(name, dev, net+".1/24"), B: end(node, "eth0", net+".2/24")})
		return
	}
	top.Nodes[router].Bridges = append(top.Nodes[router].Bridges, engine.Bridge{Name: "br-" + node, Address: []string{net + ".1/24"}})
	plug(top, name, "br-"+node, net, []string{"", node}, idle)
}

// plug puts nodes, and idle ones after them, on a bridge; "" leaves an address out.
func plug(top *engine.Topology, at, bridge, net string, nodes []string, idle int) {
	for i := range idle {
		n := fmt.Sprintf("i%d-%s", i, bridge)
		top.Nodes = append(top.Nodes, engine.Node{Name: n})
		nodes = append(nodes, n)
	}
	for i, n := range nodes {
		if n != "" {
			top.Links = append(top.Links, engine.Link{
				A: port(at, fmt.Sprintf("v%d%s", i, bridge), bridge), B: end(n, "eth0", fmt.Sprintf("%s.%d/24", net, i+1)),
			})
		}
	}
}

// TestRandomTopologies: what works is reported as delivered, and the reported
// way is the one that captures show which the autopsy has no part in.
func TestRandomTopologies(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := flag.Set("rapid.checks", "20"); err != nil { // each is a world of its own
			t.Fatal(err)
		}
	}
	stampPackets(t)
	rapid.Check(t, func(rt *rapid.T) {
		top, flow := randomLab(rt)
		l, err := build(context.Background(), top)
		if l != nil && l.world != nil {
			defer func() {
				for _, err := range l.close() {
					if err != nil {
						rt.Error(err)
					}
				}
			}()
		}
		if err != nil {
			rt.Fatal(err)
		}
		seen := l.captured(t, flow)
		r := l.trace(t, flow)
		if r.Outcome != autopsy.Delivered {
			rt.Fatalf("not delivered:\n%s", picture(r))
		}
		for dir, got := range seen() {
			if diff := compareWays(r, dir, got); diff != "" {
				rt.Fatalf("%s: %s\n%s", dir, diff, picture(r))
			}
		}
	})
}

// stampPackets has the kernel stamp packets from now on. It begins a little after
// it is asked to, and captures that begin sooner cannot be put in order by time.
func stampPackets(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		t.Cleanup(func() { _ = unix.Close(fd) })
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// point is where a capture saw a packet.
type point struct {
	node, dev string
	outgoing  bool
}

// seenAt is a point at a time.
type seenAt struct {
	point
	when time.Time
}

// captured begins to capture in all nodes. The returned function ends it and
// gives the places of the request and the reply.
func (l *lab) captured(t *testing.T, flow autopsy.Flow) func() map[autopsy.Direction][]seenAt {
	t.Helper()
	proto := flow.Proto
	if proto == "http" {
		proto = "tcp"
	}
	var all []*probe.Capturing
	for _, n := range l.instance.Nodes {
		c, err := probe.Capture(t.Context(), probe.Node{Name: n.Name, NS: n.NS}, "", probe.Filter{Proto: proto})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return func() map[autopsy.Direction][]seenAt {
		seen := map[autopsy.Direction][]seenAt{}
		for i, c := range all {
			for _, p := range c.Stop() {
				if dir := directionOf(p, flow); dir != "" {
					seen[dir] = append(seen[dir], seenAt{point{l.instance.Nodes[i].Name, p.Dev, p.Outgoing}, p.Time})
				}
			}
		}
		for _, s := range seen {
			slices.SortStableFunc(s, func(a, b seenAt) int { return a.when.Compare(b.when) })
		}
		return seen
	}
}

// directionOf tells the first packet of each direction by the server's port, or
// what it is.
func directionOf(p probe.Packet, flow autopsy.Flow) autopsy.Direction {
	switch {
	case p.Proto == "icmp" && strings.HasPrefix(p.Info, "EchoRequest"), p.Info == "SYN":
		return autopsy.Request
	case p.Proto == "icmp" && strings.HasPrefix(p.Info, "EchoReply"), p.Info == "SYN+ACK":
		return autopsy.Reply
	case p.Proto == "udp" && (p.DPort == flow.Port || p.DPort == 9001):
		return autopsy.Request
	case p.Proto == "udp" && (p.SPort == flow.Port || p.SPort == 9001):
		return autopsy.Reply
	}
	return ""
}

// compareWays says how a report's way in a direction differs from what captures
// saw, "" if it does not.
func compareWays(r *autopsy.Report, dir autopsy.Direction, captured []seenAt) string {
	told := map[point]bool{}
	var nodes, shown []string
	for _, h := range r.Hops {
		if h.Direction != dir {
			continue
		}
		nodes = append(nodes, h.Node)
		told[point{h.Node, h.In, false}] = h.In != ""
		told[point{h.Node, h.Out, true}] = h.Out != ""
		for _, dev := range h.Through { // a bridge takes a packet in or sends it
			told[point{h.Node, dev, true}], told[point{h.Node, dev, false}] = true, true
		}
	}
	for _, at := range captured {
		if !told[at.point] {
			return fmt.Sprintf("a capture saw it at %+v", at)
		}
		if len(shown) == 0 || shown[len(shown)-1] != at.node {
			shown = append(shown, at.node)
		}
	}
	for at, is := range told {
		through := slices.ContainsFunc(captured, func(p seenAt) bool { return p.node == at.node && p.dev == at.dev })
		if is && !through {
			return fmt.Sprintf("no capture saw it at %+v", at)
		}
	}
	if !slices.Equal(nodes, shown) {
		return fmt.Sprintf("captures saw it go %v", shown)
	}
	return ""
}
