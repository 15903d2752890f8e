package check

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

func trafficRows() []row {
	ping := func(from, to string) engine.TrafficCheck { return engine.TrafficCheck{From: from, To: to} }
	fetch := engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 80, Proto: "http"}
	with := func(c engine.TrafficCheck, change func(*engine.TrafficCheck)) engine.Check {
		change(&c)
		return traffic(c)
	}
	seenAs := func(a string) func(*engine.TrafficCheck) {
		return func(c *engine.TrafficCheck) { c.SeenAs = a }
	}
	return []row{
		{"ping", traffic(ping("c1", "172.17.0.1")), nil, engine.Pass,
			"c1 → 172.17.0.1 answers ping", "answered ping", ""},
		{"tcp refused", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81}), nil, engine.Fail,
			"c1 → 172.17.0.3:81 accepts a TCP connection", "connection refused (RST from 172.17.0.3)", "Nothing in c2 listens on TCP port 81."},
		{"tcp refused as wanted", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Expect: engine.Refused}), nil, engine.Pass,
			"c1 → 172.17.0.3:81 is refused over TCP", "connection refused (RST from 172.17.0.3)", ""},
		{"refused instead of silence", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Expect: engine.Timeout}), nil, engine.Fail,
			"c1 → 172.17.0.3:81 gets no answer over TCP", "connection refused (RST from 172.17.0.3)",
			"A refusal is an answer: the packet was turned away, not dropped."},
		{"silence instead of refusal", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 53, Proto: "udp", Expect: engine.Refused, Within: 2 * time.Second}), nil, engine.Fail,
			"c1 → 172.17.0.3:53 is refused over UDP", "no answer in 2 s",
			"A refusal is an answer that comes back; here the packet or its answer was lost or dropped."},
		{"answer instead of silence", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.1", Expect: engine.Timeout}), nil, engine.Fail,
			"c1 → 172.17.0.1 gets no answer to ping", "answered ping", ""},
		{"answer instead of unreachable", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.1", Expect: engine.Unreachable}), nil, engine.Fail,
			"c1 → 172.17.0.1 is unreachable", "answered ping", ""},
		{"answer instead of refusal", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 80, Proto: "http", Expect: engine.Refused}), nil, engine.Fail,
			"c1 → http://172.17.0.3:80/ is refused", "answered with status 200, the server saw 172.17.0.2", ""},
		{"unreachable as wanted", traffic(engine.TrafficCheck{From: "c2", To: "192.168.1.7", Expect: engine.Unreachable}), nil, engine.Pass,
			"c2 → 192.168.1.7 is unreachable", "no route to host", ""},
		{"http", with(fetch, func(c *engine.TrafficCheck) { c.SeenAs, c.Served, c.Body = "172.17.0.2", "c2", "hello" }), nil, engine.Pass,
			`c1 → http://172.17.0.3:80/ answers, and the server sees 172.17.0.2, served by c2, with "hello" in the reply`,
			"answered with status 200, the server saw 172.17.0.2", ""},
		{"http seen as itself", with(fetch, seenAs("172.17.0.1")), nil, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the server sees 172.17.0.1", "reached, but the server saw 172.17.0.2",
			"172.17.0.2 is the address of eth0 in c1 itself: nothing on the way rewrote the source."},
		{"http seen as another", with(fetch, seenAs("172.17.0.2")), func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:80/"] = probe.Outcome{Ended: engine.OK, SeenAs: "172.17.0.1"}
		}, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the server sees 172.17.0.2", "reached, but the server saw 172.17.0.1",
			"172.17.0.1 is the address of docker0 in h1: the source was rewritten there, or a process there made the connection."},
		{"http seen as nobody knows", with(fetch, seenAs("172.17.0.2")), func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:80/"] = probe.Outcome{Ended: engine.OK}
		}, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the server sees 172.17.0.2", "reached, but something other than this lab's server answered", ""},
		{"http served by nobody knows", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Path: "/x", Served: "c2"}), nil, engine.Fail,
			"c1 → http://172.17.0.3:80/x answers, served by c2", "reached, but something other than this lab's server answered", ""},
		{"tcp served by nobody knows", traffic(engine.TrafficCheck{From: "c1", To: "2001:db8::1", Port: 80, Served: "c2"}), nil, engine.Fail,
			"c1 → [2001:db8::1]:80 accepts a TCP connection, served by c2", "reached, but the server did not say who it is", ""},
		{"http served by another", with(fetch, func(c *engine.TrafficCheck) { c.Served = "c3" }), nil, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, served by c3", "reached, but c2 answered", ""},
		{"http wrong body", with(fetch, func(c *engine.TrafficCheck) { c.Path, c.Body = "/x", "hello" }), nil, engine.Fail,
			`c1 → http://172.17.0.3:80/x answers, with "hello" in the reply`, `reached, but the reply does not contain "hello"`,
			"The server answered with status 404."},
		{"purpose", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Purpose: "c1 connects to c2"}), nil, engine.Fail,
			"c1 connects to c2", "c1 → 172.17.0.3:81: connection refused (RST from 172.17.0.3)", "Nothing in c2 listens on TCP port 81."},
		{"dropped on the way out", traffic(ping("c1", "172.17.0.1")), func(w *fake) {
			w.outcomes["c1 icmp 172.17.0.1"] = probe.Outcome{Ended: engine.Timeout, Detail: "dropped on the way out by c1's own firewall"}
		}, engine.Fail, "c1 → 172.17.0.1 answers ping", "no answer: dropped on the way out by c1's own firewall", ""},
		{"purpose of silence", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 53, Proto: "udp", Expect: engine.Timeout, Purpose: "c1 asks c2"}), nil, engine.Pass,
			"c1 asks c2: no answer", "c1 → 172.17.0.3:53: no answer in 600 ms", ""},
		{"name without address", traffic(engine.TrafficCheck{From: "c1", To: "nowhere.test", Port: 80}), nil, engine.Fail,
			"c1 → nowhere.test:80 accepts a TCP connection", "unreachable: nowhere.test: no such name", ""},
		{"from no node", traffic(ping("red", "172.17.0.1")), nil, engine.Fail,
			"red → 172.17.0.1 answers ping", "there is no network namespace red", ""},
		{"traffic broken", traffic(ping("c1", "172.17.0.1")), gone, engine.Broken,
			"c1 → 172.17.0.1 answers ping", "", "Could not try c1 → 172.17.0.1: the world is gone."},
		{"traffic that ended somehow", with(fetch, func(c *engine.TrafficCheck) { c.Path = "/unknowable" }), nil, engine.Broken,
			"c1 → http://172.17.0.3:80/unknowable answers", "", "It could not be told how the attempt c1 → http://172.17.0.3:80/unknowable ended."},
	}
}

// TestExplain breaks the fake world in one way at a time and reads why.
func TestExplain(t *testing.T) {
	far := engine.TrafficCheck{From: "c1", To: "192.168.1.7"}
	near := engine.TrafficCheck{From: "c1", To: "172.17.0.3"}
	drop := func(rule bool, hook string) observe.FirewallRule {
		return observe.FirewallRule{Chain: "X", Hook: hook, Type: "filter", Policy: !rule, Does: "drop"}
	}
	clear := func(w *fake, node string) { w.edit(node, func(st *observe.State) { st.Firewall = nil }) }
	incomplete := func(w *fake, a string) {
		w.edit("c1", func(st *observe.State) {
			st.Neighs = []observe.Neigh{{Dev: "eth0", Addr: addr(a), State: "incomplete"}}
		})
	}
	cases := []struct {
		name  string
		check engine.TrafficCheck
		ended engine.Expect
		with  func(*fake)
		why   string
	}{
		{"device down", near, engine.Timeout, func(w *fake) {
			w.editLink("c1", "eth0", func(l *observe.Link) { l.AdminUp = false })
		}, "In c1 eth0 is down."},
		{"no carrier", near, engine.Timeout, func(w *fake) {
			w.editLink("c1", "eth0", func(l *observe.Link) { l.Carrier = false })
			w.editLink("h1", "veth1", func(l *observe.Link) { l.AdminUp = false })
		}, "In c1 eth0 is up, but NO-CARRIER: the other end is down. The other end is veth1 in h1."},
		{"route gone with its device", near, engine.Unreachable, func(w *fake) {
			delete(w.routes, "c1 172.17.0.3")
			w.edit("c1", func(st *observe.State) { st.Routes = nil })
			w.editLink("c1", "eth0", func(l *observe.Link) { l.AdminUp = false })
		}, "eth0 in c1 is down, so its route to 172.17.0.0/16 is not there."},
		{"only lo", near, engine.Unreachable, func(w *fake) {
			delete(w.routes, "c1 172.17.0.3")
			w.edit("c1", func(st *observe.State) {
				st.Routes, st.Addrs, st.Links = nil, nil, []observe.Link{st.Links[0], {Name: "tunl0"}}
			})
		}, "c1 has no interface but lo."},
		{"no address", near, engine.Unreachable, func(w *fake) {
			delete(w.routes, "c1 172.17.0.3")
			w.edit("c1", func(st *observe.State) { st.Routes, st.Addrs = nil, nil })
		}, "c1 has no IPv4 address."},
		{"no default route", far, engine.Unreachable, func(w *fake) {
			delete(w.routes, "c1 192.168.1.7")
			w.edit("c1", func(st *observe.State) { st.Routes = st.Routes[1:] })
		}, "c1 has no default route, and no route to a subnet with 192.168.1.7 in it."},
		{"blackhole", far, engine.Unreachable, func(w *fake) {
			w.routes["c1 192.168.1.7"] = RouteDecision{Unreachable: true, Reason: "blackhole route"}
		}, "c1 has no way to 192.168.1.7: blackhole route."},
		{"nobody has it", engine.TrafficCheck{From: "c1", To: "172.17.0.9"}, engine.Unreachable, func(w *fake) {
			w.routes["c1 172.17.0.9"] = RouteDecision{Dev: "eth0"}
			incomplete(w, "172.17.0.9")
		}, "ARP for 172.17.0.9 gets no answer on eth0 in c1: no node has that address."},
		{"its device is down", near, engine.Unreachable, func(w *fake) {
			incomplete(w, "172.17.0.3")
			w.editLink("c2", "eth0", func(l *observe.Link) { l.AdminUp = false })
		}, "ARP for 172.17.0.3 gets no answer on eth0 in c1: it is on eth0 in c2, and eth0 is down."},
		{"not plugged in", near, engine.Unreachable, func(w *fake) {
			incomplete(w, "172.17.0.3")
			w.editLink("h1", "veth1", func(l *observe.Link) { l.Master = "" })
		}, "ARP for 172.17.0.3 gets no answer on eth0 in c1: veth1 in h1, the other end, is a port of no bridge."},
		{"the other is not plugged in", near, engine.Unreachable, func(w *fake) {
			incomplete(w, "172.17.0.3")
			w.editLink("h1", "veth2", func(l *observe.Link) { l.Master = "" })
		}, "ARP for 172.17.0.3 gets no answer on eth0 in c1: veth2 in h1, the other end of eth0 in c2, is a port of no bridge."},
		{"not on that bridge", engine.TrafficCheck{From: "c1", To: "172.17.0.1"}, engine.Unreachable, func(w *fake) {
			incomplete(w, "172.17.0.1")
			w.editLink("h1", "veth1", func(l *observe.Link) { l.Master = "" })
		}, "ARP for 172.17.0.1 gets no answer on eth0 in c1: veth1 in h1, the other end, is not a port of docker0."},
		{"two bridges", near, engine.Unreachable, func(w *fake) {
			incomplete(w, "172.17.0.3")
			w.editLink("h1", "veth2", func(l *observe.Link) { l.Master = "br1" })
		}, "ARP for 172.17.0.3 gets no answer on eth0 in c1: veth1 is a port of docker0, but veth2 is a port of br1."},
		{"bridge down", near, engine.Unreachable, func(w *fake) {
			incomplete(w, "172.17.0.3")
			w.editLink("h1", "docker0", func(l *observe.Link) { l.AdminUp = false })
		}, "ARP for 172.17.0.3 gets no answer on eth0 in c1: the bridge docker0 in h1 is down."},
		{"bridge forwards by no port", near, engine.Unreachable, func(w *fake) {
			incomplete(w, "172.17.0.3")
			w.editLink("h1", "docker0", func(l *observe.Link) { l.Carrier = false })
		}, "ARP for 172.17.0.3 gets no answer on eth0 in c1: none of the ports of docker0 in h1 is forwarding."},
		{"not forwarding", far, engine.Timeout, func(w *fake) {
			w.edit("h1", func(st *observe.State) { st.Sysctls = map[string]string{forward4: "0"} })
		}, "net.ipv4.ip_forward is 0 in h1, so h1 does not forward."},
		{"router lost its way", far, engine.Timeout, func(w *fake) {
			clear(w, "h1")
			delete(w.routes, "h1 192.168.1.7")
			w.edit("h1", func(st *observe.State) {
				st.Addrs = st.Addrs[:1]
				st.Routes = nil
			})
		}, "h1 has no default route, and no route to a subnet with 192.168.1.7 in it."},
		{"no way back", far, engine.Timeout, func(w *fake) { clear(w, "h1") }, "The way back is missing: r1 has no route to 172.17.0.2."},
		{"forward policy", far, engine.Timeout, func(w *fake) {
			w.routes["r1 172.17.0.2"] = RouteDecision{Via: "192.168.1.100", Dev: "eth0"}
			w.edit("h1", func(st *observe.State) { st.Firewall = []observe.FirewallRule{drop(false, "forward")} })
		}, "The forward policy of h1 is drop."},
		{"masked, so the way back is not known", far, engine.Timeout, nil, "The forward policy of h1 is drop."},
		{"redirected at the source, so not known", near, engine.Timeout, func(w *fake) {
			w.edit("c1", func(st *observe.State) {
				st.Firewall = []observe.FirewallRule{{Hook: "output", Type: "nat", Does: "dnat", To: "127.0.0.1:53"}}
			})
			w.edit("c2", func(st *observe.State) { st.Firewall = []observe.FirewallRule{drop(false, "input")} })
		}, ""},
		{"drop rule", far, engine.Timeout, func(w *fake) {
			w.routes["r1 172.17.0.2"] = RouteDecision{Via: "192.168.1.100", Dev: "eth0"}
			w.edit("h1", func(st *observe.State) { st.Firewall = []observe.FirewallRule{drop(true, "forward")} })
		}, "h1 has a drop rule at forward."},
		{"input policy", near, engine.Timeout, func(w *fake) {
			w.routes["c2 172.17.0.2"] = RouteDecision{Dev: "eth0"}
			w.edit("c2", func(st *observe.State) { st.Firewall = []observe.FirewallRule{drop(false, "input")} })
		}, "The input policy of c2 is drop."},
		{"routing loop", far, engine.Unreachable, func(w *fake) {
			clear(w, "h1")
			w.edit("c1", func(st *observe.State) { st.Sysctls = map[string]string{forward4: "1"} })
			w.routes["h1 192.168.1.7"] = RouteDecision{Via: "172.17.0.2", Dev: "docker0"}
		}, "h1 and c1 send packets for 192.168.1.7 to each other."},
		{"bound to loopback", engine.TrafficCheck{From: "c2", To: "172.17.0.2", Port: 5432}, engine.Refused, nil,
			"In c1 the server on port 5432 is bound to 127.0.0.1 only."},
		{"rejected", engine.TrafficCheck{From: "c2", To: "172.17.0.2", Port: 80}, engine.Refused, func(w *fake) {
			w.edit("c1", func(st *observe.State) {
				st.Firewall = []observe.FirewallRule{{Hook: "input", Type: "filter", Does: "reject"}}
			})
		}, "A server is there, but c1 has a reject rule."},
		{"translated, so not known", engine.TrafficCheck{From: "r1", To: "192.168.1.100", Port: 8080}, engine.Refused, nil, ""},
		{"state not readable", near, engine.Timeout, func(w *fake) { w.snapErr = errWorld }, ""},
		{"firewall not readable", engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81}, engine.Refused, unreadable("c2", observe.Firewall), ""},
		{"all well, so not known", near, engine.Timeout, nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newFake()
			if c.with != nil {
				c.with(w)
			}
			w.outcomes[probeWords(request(c.check))] = probe.Outcome{Ended: c.ended}
			got := one(t, w, traffic(c.check))
			if got.State != engine.Fail || got.Why != c.why {
				t.Errorf("%s\n got %q\nwant %q", got.State, got.Why, c.why)
			}
		})
	}
}

func TestHold(t *testing.T) {
	hold := traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.1", Hold: 2 * time.Second})
	synctest.Test(t, func(t *testing.T) {
		w := newFake()
		start := time.Now()
		got := one(t, w, hold)
		if got.State != engine.Pass || got.Got != "answered ping for 2 s" || got.Want != "c1 → 172.17.0.1 answers ping, for 2 s" {
			t.Errorf("got %+v", got)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("held for %v", took)
		}
		if n := w.count("c1 icmp 172.17.0.1"); n != 11 {
			t.Errorf("%d attempts, want 11", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newFake()
		w.onProbe = func(f *fake, key string) {
			if f.attempts[key] == 4 {
				f.outcomes[key] = probe.Outcome{Ended: engine.Timeout}
			}
		}
		got := one(t, w, hold)
		if got.State != engine.Fail || got.Got != "no answer in 600 ms, 600 ms after it had been as wanted" {
			t.Errorf("got %+v", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		e := New(&engine.Lab{Tasks: []engine.Task{{ID: "t", Checks: []engine.Check{hold}}}})
		if got := e.Evaluate(ctx, newFake()).Tasks[0]; got.State != engine.Broken {
			t.Errorf("interrupted: got %+v", got)
		}
	})
}

// TestCaptureSeesItsOwnTrafficOnly: other attempts wait while a capture runs.
func TestCaptureSeesItsOwnTrafficOnly(t *testing.T) {
	const n = 20
	w := newFake()
	during := engine.TrafficCheck{From: "c1", To: "172.17.0.1"}
	var checks []engine.Check
	for i := range n {
		to := fmt.Sprintf("172.17.1.%d", i)
		w.outcomes["c1 icmp "+to] = probe.Outcome{Ended: engine.OK}
		checks = append(checks, traffic(engine.TrafficCheck{From: "c1", To: to}),
			engine.Check{Capture: &engine.CaptureCheck{Node: "h1", Dev: "docker0", Filter: to, During: &during}})
	}
	st := New(&engine.Lab{Tasks: []engine.Task{{ID: "t", Checks: checks}}}).Evaluate(context.Background(), w)
	if st.Tasks[0].State != engine.Pass {
		t.Fatalf("got %+v", st.Tasks[0])
	}
	if w.overlap {
		t.Error("an attempt was made while a capture ran")
	}
	if got := w.count("c1 icmp 172.17.0.1"); got != n {
		t.Errorf("%d captures sent traffic, want %d", got, n)
	}
}
