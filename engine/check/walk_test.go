package check

import (
	"slices"
	"testing"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

var (
	published = engine.TrafficCheck{From: "r1", To: "192.168.1.100", Port: 8080}
	neighbour = engine.TrafficCheck{From: "c1", To: "172.17.0.3"}
	outside   = engine.TrafficCheck{From: "c1", To: "192.168.1.7"}
)

// firewall gives a node these rules and policies and no others.
func firewall(node string, rules ...observe.FirewallRule) func(*fake) {
	return func(w *fake) { w.edit(node, func(st *observe.State) { st.Firewall = rules }) }
}

func dnat(hook, to, text string) observe.FirewallRule {
	return observe.FirewallRule{Family: "ip", Table: "nat", Hook: hook, Type: "nat", Does: "dnat", To: to, Text: text}
}

func drops(family, hook string, policy bool) observe.FirewallRule {
	return observe.FirewallRule{Family: family, Hook: hook, Type: "filter", Policy: policy, Does: "drop"}
}

func hit(r observe.FirewallRule) observe.FirewallRule {
	r.Packets = 1
	return r
}

func does(what string, r observe.FirewallRule) observe.FirewallRule {
	r.Does = what
	return r
}

func setting(node, name, value string) func(*fake) {
	return func(w *fake) { w.edit(node, func(st *observe.State) { st.Sysctls = map[string]string{name: value} }) }
}

// both breaks the world in several ways.
func both(ways ...func(*fake)) func(*fake) {
	return func(w *fake) {
		for _, way := range ways {
			way(w)
		}
	}
}

func isolate(names ...string) func(*fake) {
	return func(w *fake) {
		for _, name := range names {
			w.editLink("h1", name, func(l *observe.Link) { l.Isolated = true })
		}
	}
}

// asks leaves c1 without an answer to its ARP for c2.
func asks(w *fake) {
	w.edit("c1", func(st *observe.State) {
		st.Neighs = []observe.Neigh{{Dev: "eth0", Addr: addr("172.17.0.3"), State: "failed"}}
	})
}

const (
	toC1   = "-A PREROUTING -d 192.168.1.100/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80"
	noFwd  = "net.ipv4.ip_forward is 0 in h1, so h1 does not forward."
	policy = "The forward policy of h1 is drop."
)

type walkRow struct {
	name  string
	check engine.TrafficCheck
	ended engine.Expect
	with  func(*fake)
	why   string
}

func translationRows() []walkRow {
	good := dnat("prerouting", "172.17.0.2:80", toC1)
	closed := drops("ip", "forward", true)
	return []walkRow{
		{"forward policy behind dnat", published, engine.Timeout, firewall("h1", good, closed), policy},
		{"not forwarding behind dnat", published, engine.Timeout, both(firewall("h1", good), setting("h1", forward4, "0")), noFwd},
		{"no way back behind dnat", published, engine.Timeout, both(firewall("h1", good),
			func(w *fake) { delete(w.routes, "c1 192.168.1.7") }), "The way back is missing: c1 has no route to 192.168.1.7."},
		{"input policy behind dnat", published, engine.Timeout, both(firewall("h1", good), firewall("c1", drops("ip", "input", true)),
			func(w *fake) { w.routes["c1 192.168.1.7"] = RouteDecision{Via: "172.17.0.1", Dev: "eth0"} }), "The input policy of c1 is drop."},
		{"dnat to nobody", published, engine.Timeout, both(firewall("h1", dnat("prerouting", "172.17.0.9", "ip daddr 192.168.1.100 tcp dport 8080 dnat to 172.17.0.9")),
			func(w *fake) {
				w.routes["h1 172.17.0.9"] = RouteDecision{Dev: "docker0"}
				w.edit("h1", func(st *observe.State) {
					st.Neighs = []observe.Neigh{{Dev: "docker0", Addr: addr("172.17.0.9"), State: "failed"}}
				})
			}), "ARP for 172.17.0.9 gets no answer on docker0 in h1: no node has that address."},
		{"dnat to a port where nobody listens", published, engine.Refused, firewall("h1", hit(dnat("prerouting", "172.17.0.2:81", toC1))), "Nothing in c1 listens on TCP port 81."},
		{"dnat that may not have been met", published, engine.Refused, firewall("h1", dnat("prerouting", "172.17.0.2:81", toC1)), ""},
		{"dnat to two", published, engine.Timeout, firewall("h1", good, dnat("prerouting", "172.17.0.3:80", toC1), closed), ""},
		{"redirect", published, engine.Timeout, firewall("h1", does("redirect", dnat("prerouting", ":80", "tcp dport 8080 redirect to :80")), closed), ""},
		{"dnat of another port", published, engine.Refused, firewall("h1", dnat("prerouting", "172.17.0.2:80", "tcp dport 80 dnat to 172.17.0.2:80")), "Nothing in h1 listens on TCP port 8080."},
		{"dnat of other ports", published, engine.Refused, firewall("h1", dnat("prerouting", "172.17.0.2:80", "tcp dport != 80 dnat to 172.17.0.2:80")), ""},
		{"dnat of all but this port", published, engine.Refused, firewall("h1", dnat("prerouting", "172.17.0.2:80", "-A PREROUTING ! -d 10.0.0.0/8 -j DNAT")), ""},
		{"dnat of another protocol", published, engine.Refused, firewall("h1", dnat("prerouting", "172.17.0.2:80", "-A PREROUTING -p udp -j DNAT")), "Nothing in h1 listens on TCP port 8080."},
		{"dnat of another address", published, engine.Refused, firewall("h1", dnat("prerouting", "172.17.0.2:80", "ip daddr 192.168.1.101 dnat to 172.17.0.2:80")), "Nothing in h1 listens on TCP port 8080."},
		{"dnat at output", engine.TrafficCheck{From: "h1", To: "192.168.1.100", Port: 8080}, engine.Timeout,
			both(firewall("h1", dnat("output", "172.17.0.2:80", toC1)), firewall("c1", drops("ip", "input", true))), "The input policy of c1 is drop."},
		{"dnat back to the sender", engine.TrafficCheck{From: "c1", To: "192.168.1.100", Port: 8080}, engine.Timeout,
			both(firewall("h1", good), func(w *fake) { w.routes["c1 192.168.1.100"] = RouteDecision{Via: "172.17.0.1", Dev: "eth0"} }), ""},
	}
}

func filterRows() []walkRow {
	silence := "ARP for 172.17.0.3 gets no answer on eth0 in c1"
	apart := "veth1 and veth2 are isolated ports of docker0 in h1, which passes nothing from one to the other."
	frames := "h1 has a drop rule at forward for frames on its bridges."
	return []walkRow{
		{"output policy of the sender", neighbour, engine.Timeout, firewall("c1", drops("ip", "output", true)), "The output policy of c1 is drop."},
		{"output rule of the answerer", neighbour, engine.Timeout, both(firewall("c2", drops("ip", "output", false)),
			func(w *fake) { w.routes["c2 172.17.0.2"] = RouteDecision{Dev: "eth0"} }), "c2 has a drop rule at output."},
		{"input policy of the sender", neighbour, engine.Timeout, firewall("c1", drops("ip", "input", true)), "The input policy of c1 is drop."},
		{"policy of the other family", neighbour, engine.Timeout, firewall("c1", drops("ip6", "output", true), drops("arp", "output", true)), ""},
		{"reject rule on the way", outside, engine.Unreachable, firewall("h1", does("reject", drops("ip", "forward", false))), "h1 has a reject rule at forward."},
		{"reject rule at the target", neighbour, engine.Unreachable, firewall("c2", does("reject", drops("inet", "input", false))), "c2 has a reject rule at input."},
		{"isolated ports", neighbour, engine.Unreachable, both(asks, isolate("veth1", "veth2")), silence + ": " + apart},
		{"isolated ports, neighbour known", neighbour, engine.Timeout, isolate("veth1", "veth2"), apart},
		{"one isolated port", neighbour, engine.Timeout, isolate("veth1"), ""},
		{"isolated ports of others", engine.TrafficCheck{From: "c1", To: "172.17.0.1"}, engine.Timeout, isolate("veth1", "veth2"), ""},
		{"frames dropped, ARP too", neighbour, engine.Unreachable, both(asks, firewall("h1", drops("bridge", "forward", false))), silence + ". " + frames},
		{"frames dropped", neighbour, engine.Timeout, firewall("h1", drops("bridge", "forward", false)), frames},
		{"frames dropped by policy", engine.TrafficCheck{From: "c1", To: "172.17.0.1"}, engine.Timeout, firewall("h1", drops("bridge", "input", true)),
			"The input policy of h1 for frames on its bridges is drop."},
		{"frames from the bridge dropped", engine.TrafficCheck{From: "h1", To: "172.17.0.2"}, engine.Timeout, firewall("h1", drops("bridge", "output", true)),
			"The output policy of h1 for frames on its bridges is drop."},
		{"frames dropped elsewhere", neighbour, engine.Timeout, firewall("h1", drops("bridge", "input", false)), ""},
		{"bridged packets meet the IP filter", neighbour, engine.Timeout, both(firewall("h1", drops("ip", "forward", true)), setting("h1", callIP, "1")), policy},
		{"bridged packets do not", neighbour, engine.Timeout, both(firewall("h1", drops("ip", "forward", true)), setting("h1", callIP, "0")), ""},
	}
}

func TestWalk(t *testing.T) {
	for _, r := range slices.Concat(translationRows(), filterRows()) {
		t.Run(r.name, func(t *testing.T) {
			w := newFake()
			r.with(w)
			w.outcomes[probeWords(request(r.check))] = probe.Outcome{Ended: r.ended}
			if got := one(t, w, traffic(r.check)); got.State != engine.Fail || got.Why != r.why {
				t.Errorf("%s\n got %q\nwant %q", got.State, got.Why, r.why)
			}
		})
	}
}

// TestExplainUnseen: a capture that sees nothing says why no packet got so far,
// and not what would have happened to it beyond.
func TestExplainUnseen(t *testing.T) {
	noRoute := func(w *fake) {
		delete(w.routes, "c1 192.168.1.7")
		w.edit("c1", func(st *observe.State) { st.Routes = st.Routes[1:] })
	}
	own := func(w *fake) {
		holds("c1", "lo", "192.168.1.7/32")(w)
		w.routes["c1 192.168.1.7"] = RouteDecision{Dev: "lo"}
	}
	cases := []struct {
		name      string
		node, dev string
		with      func(*fake)
		ended     engine.Expect
		because   string
		why       string
	}{
		{"before it", "r1", "eth0", setting("h1", forward4, "0"), engine.Timeout, "", noFwd},
		{"after the author's words", "r1", "eth0", noRoute, engine.Unreachable, "Nothing arrives at r1.",
			"Nothing arrives at r1. c1 has no default route, and no route to a subnet with 192.168.1.7 in it."},
		{"where it leaves", "h1", "eth0", firewall("h1", drops("ip", "forward", true)), engine.Timeout, "", policy},
		{"beyond it", "h1", "docker0", firewall("h1", drops("ip", "forward", true)), engine.Timeout, "Nothing arrives at h1.", "Nothing arrives at h1."},
		{"only the way back", "r1", "eth0", firewall("h1"), engine.Timeout, "", ""},
		{"its own address", "r1", "eth0", own, engine.OK, "Nothing arrives.", "Nothing arrives. 192.168.1.7 is an address of c1 itself, so the packet does not leave it."},
		{"answered", "r1", "eth0", noRoute, engine.OK, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newFake()
			c.with(w)
			w.outcomes["c1 icmp 192.168.1.7"] = probe.Outcome{Ended: c.ended}
			got := one(t, w, engine.Check{Because: c.because,
				Capture: &engine.CaptureCheck{Node: c.node, Dev: c.dev, Filter: "icmp", Sees: true, During: &outside}})
			if got.State != engine.Fail || got.Why != c.why {
				t.Errorf("%s\n got %q\nwant %q", got.State, got.Why, c.why)
			}
		})
	}
}
