package check

import (
	"testing"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// TestExplainNoRoute takes c1's way to c2 away in one way at a time and reads why.
func TestExplainNoRoute(t *testing.T) {
	cases := []struct {
		name string
		to   string
		with func(*fake)
		why  string
	}{
		{"route gone with its device", "172.17.0.3", func(w *fake) {
			w.edit("c1", func(st *observe.State) { st.Routes = nil })
			w.editLink("c1", "eth0", func(l *observe.Link) { l.AdminUp = false })
		}, "eth0 in c1 is down, so its route to 172.17.0.0/16 is gone."},
		{"only lo", "172.17.0.3", func(w *fake) {
			w.edit("c1", func(st *observe.State) {
				st.Routes, st.Addrs, st.Links = nil, nil, []observe.Link{st.Links[0], {Name: "tunl0"}}
			})
		}, "c1 has no interface but lo."},
		{"nothing up", "172.17.0.3", func(w *fake) {
			w.edit("c1", func(st *observe.State) { st.Routes, st.Addrs = nil, nil })
			w.editLink("c1", "eth0", func(l *observe.Link) { l.AdminUp = false })
		}, "No interface of c1 but lo is up."},
		{"no address", "172.17.0.3", func(w *fake) {
			w.edit("c1", func(st *observe.State) { st.Routes, st.Addrs = nil, nil })
		}, "c1 has no IPv4 address."},
		{"no default route", "192.168.1.7", func(w *fake) {
			w.edit("c1", func(st *observe.State) { st.Routes = st.Routes[1:] })
		}, "c1 has no default route and no route to a subnet that holds 192.168.1.7."},
		{"a route that refuses", "192.168.1.7", func(*fake) {}, ""},
		{"state not readable", "172.17.0.3", func(w *fake) { w.snapErr = errWorld }, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newFake()
			c.with(w)
			w.routes["c1 "+c.to] = RouteDecision{Unreachable: true}
			got := one(t, w, engine.Check{Route: &engine.RouteCheck{Node: "c1", To: c.to}})
			if got.State != engine.Fail || got.Why != c.why {
				t.Errorf("%s\n got %q\nwant %q", got.State, got.Why, c.why)
			}
		})
	}
}

// TestExplainUnseen: a packet for an address of the sender's own leaves it only
// if a rule gives it another destination.
func TestExplainUnseen(t *testing.T) {
	own := func(w *fake) { holds("c1", "lo", "192.168.1.7/32")(w) }
	rule := func(r observe.FirewallRule) func(*fake) {
		return func(w *fake) {
			own(w)
			w.edit("c1", func(st *observe.State) { st.Firewall = []observe.FirewallRule{r} })
		}
	}
	const because, words = "Nothing arrives.", "192.168.1.7 is an address of c1 itself, so the packet does not leave it."
	cases := []struct {
		name string
		with func(*fake)
		why  string
	}{
		{"another's address", func(*fake) {}, because},
		{"its own address", own, because + " " + words},
		{"translated at output", rule(observe.FirewallRule{Family: "ip", Hook: "output", Type: "nat", Does: "dnat"}), because},
		{"translated elsewhere", rule(observe.FirewallRule{Family: "ip", Hook: "prerouting", Type: "nat", Does: "dnat"}), because + " " + words},
		{"rules not readable", func(w *fake) { own(w); unreadable("c1", observe.Firewall)(w) }, because},
	}
	during := engine.TrafficCheck{From: "c1", To: "192.168.1.7"}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newFake()
			c.with(w)
			w.outcomes["c1 icmp 192.168.1.7"] = probe.Outcome{Ended: engine.Timeout}
			got := one(t, w, engine.Check{Because: because,
				Capture: &engine.CaptureCheck{Node: "r1", Dev: "eth0", Filter: "icmp", Sees: true, During: &during}})
			if got.State != engine.Fail || got.Why != c.why || got.Authored {
				t.Errorf("%s, authored %v\n got %q\nwant %q", got.State, got.Authored, got.Why, c.why)
			}
		})
	}
}

// TestFlow: a task that fails for traffic says which, and how that ended.
func TestFlow(t *testing.T) {
	refused := engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81}
	rst := engine.Flow{From: "c1", To: "172.17.0.3", Port: 81, Proto: "tcp"}
	web := engine.Flow{From: "c1", To: "172.17.0.3", Port: 80, Proto: "http"}
	ping := engine.TrafficCheck{From: "c1", To: "172.17.0.1"}
	echo := engine.Flow{From: "c1", To: "172.17.0.1", Proto: "icmp"}
	is := func(c engine.TrafficCheck, e engine.Expect) engine.Check { c.Expect = e; return traffic(c) }
	not := func(c engine.Check) engine.Check { return engine.Check{Not: &c} }
	capture := func(during engine.TrafficCheck, sees bool) engine.Check {
		return engine.Check{Capture: &engine.CaptureCheck{Node: "h1", Dev: "docker0", Filter: "icmp", Sees: sees, During: &during}}
	}
	route := engine.Check{Route: &engine.RouteCheck{Node: "c1", To: "172.17.0.1", Via: "10.0.0.1"}}
	cases := []struct {
		name  string
		check engine.Check
		flow  engine.Flow
		ended engine.Expect
	}{
		{"refused", traffic(refused), rst, engine.Refused},
		{"refused as wanted", is(refused, engine.Refused), engine.Flow{}, ""},
		{"answered though not wanted", is(ping, engine.Timeout), echo, engine.OK},
		{"seen as another", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Proto: "http", SeenAs: "172.17.0.1"}), web, engine.OK},
		{"tried from no node", traffic(engine.TrafficCheck{From: "red", To: "172.17.0.1"}), engine.Flow{}, ""},
		{"no traffic", route, engine.Flow{}, ""},
		{"not to be answered", not(traffic(ping)), echo, engine.OK},
		{"not to be refused", not(is(refused, engine.Refused)), rst, engine.Refused},
		{"the last of any", engine.Check{Any: []engine.Check{traffic(refused), route}}, engine.Flow{}, ""},
		{"any, and the last is traffic", engine.Check{Any: []engine.Check{route, traffic(refused)}}, rst, engine.Refused},
		{"the first of all", engine.Check{All: []engine.Check{traffic(refused), is(ping, engine.Refused)}}, rst, engine.Refused},
		{"capture sees nothing", capture(refused, true), rst, engine.Refused},
		{"capture sees what it should not", capture(ping, false), echo, ""},
		{"capture's traffic ends otherwise", capture(engine.TrafficCheck{From: "c1", To: "172.17.0.1", Expect: engine.Refused}, true), echo, engine.OK},
		{"name server silent", engine.Check{DNS: &engine.DNSCheck{From: "c1", Name: "lost"}},
			engine.Flow{From: "c1", To: "10.0.0.2", Port: 53, Proto: "udp"}, engine.Timeout},
		{"no name server", engine.Check{DNS: &engine.DNSCheck{From: "c2", Name: "web"}}, engine.Flow{}, ""},
		{"name server says no", engine.Check{DNS: &engine.DNSCheck{From: "c1", Name: "nope"}}, engine.Flow{}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newFake()
			w.seen["h1/docker0 icmp"] = nil
			if c.name == "capture sees what it should not" {
				w.seen["h1/docker0 icmp"] = []string{"icmp echo request"}
			}
			got := one(t, w, c.check)
			if got.Flow != c.flow || got.Ended != c.ended {
				t.Errorf("%s: %s ended %q, want %s ended %q", got.State, got.Flow, got.Ended, c.flow, c.ended)
			}
			as := New(&engine.Lab{Collateral: []engine.Collateral{{Goal: "it stays", Check: c.check}}}).Evaluate(t.Context(), w).Collateral[0]
			if as.Flow != c.flow || as.Ended != c.ended {
				t.Errorf("as a collateral goal: %s ended %q", as.Flow, as.Ended)
			}
		})
	}
}

// TestAuthored: the author's own words say it all, except of a capture.
func TestAuthored(t *testing.T) {
	lost := engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 53, Proto: "udp"}
	for _, because := range []string{"", "It is so."} {
		got := one(t, newFake(), engine.Check{Because: because, Traffic: &lost})
		if got.Authored != (because != "") || got.Why != because {
			t.Errorf("with %q: authored %v, %q", because, got.Authored, got.Why)
		}
	}
}
