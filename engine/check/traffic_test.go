package check

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"underlay/engine"
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
	replies := func(w *fake) {
		w.outcomes["c1 http 172.17.0.3:80/"] = probe.Outcome{Ended: engine.OK, Status: 200, SeenAs: "172.17.0.2",
			Reply: map[string]string{"Server": "underlay/c2"}, Seen: map[string]string{"X-A": "1", "X-B": "2", "Via": "1.1 lb, 1.1 web"}}
	}
	certificate := func(problem, detail string) func(w *fake) {
		return func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:443/"] = probe.Outcome{Ended: engine.OK, Status: 200,
				TLS: &probe.Certificate{Names: []string{"shop", "www"}, Problem: problem, Detail: detail}}
		}
	}
	return []row{
		{"ping", traffic(ping("c1", "172.17.0.1")), nil, engine.Pass,
			"c1 → 172.17.0.1 answers ping", "answered ping", ""},
		{"tcp refused", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81}), nil, engine.Fail,
			"c1 → 172.17.0.3:81 accepts a TCP connection", "connection refused (RST from 172.17.0.3)", ""},
		{"tcp refused as wanted", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Expect: engine.Refused}), nil, engine.Pass,
			"c1 → 172.17.0.3:81 is refused over TCP", "connection refused (RST from 172.17.0.3)", ""},
		{"refused instead of silence", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Expect: engine.Timeout}), nil, engine.Fail,
			"c1 → 172.17.0.3:81 gets no answer over TCP", "connection refused (RST from 172.17.0.3)",
			"A refusal is an answer: something turned the packet away and did not drop it."},
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
			`c1 → http://172.17.0.3:80/ answers, and the server sees 172.17.0.2, the server is c2 and the reply contains "hello"`,
			"answered with status 200, the server saw 172.17.0.2", ""},
		{"http seen as itself", with(fetch, seenAs("172.17.0.1")), nil, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the server sees 172.17.0.1", "reached, but the server saw 172.17.0.2",
			"172.17.0.2 is the address of eth0 in c1 itself: nothing on the way rewrote the source."},
		{"http seen as another", with(fetch, seenAs("172.17.0.2")), func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:80/"] = probe.Outcome{Ended: engine.OK, SeenAs: "172.17.0.1"}
		}, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the server sees 172.17.0.2", "reached, but the server saw 172.17.0.1",
			"172.17.0.1 is the address of docker0 in h1: something there rewrote the source or made the connection itself."},
		{"http seen as nobody knows", with(fetch, seenAs("172.17.0.2")), func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:80/"] = probe.Outcome{Ended: engine.OK}
		}, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the server sees 172.17.0.2", "reached, but something other than this lab's server answered", ""},
		{"http served by nobody knows", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Path: "/x", Served: "c2"}), nil, engine.Fail,
			"c1 → http://172.17.0.3:80/x answers, and the server is c2", "reached, but something other than this lab's server answered", ""},
		{"tcp served by nobody knows", traffic(engine.TrafficCheck{From: "c1", To: "2001:db8::1", Port: 80, Served: "c2"}), nil, engine.Fail,
			"c1 → [2001:db8::1]:80 accepts a TCP connection, and the server is c2", "reached, but the server did not say its name", ""},
		{"http served by another", with(fetch, func(c *engine.TrafficCheck) { c.Served = "c3" }), nil, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the server is c3", "reached, but c2 answered", ""},
		{"http wrong body", with(fetch, func(c *engine.TrafficCheck) { c.Path, c.Body = "/x", "hello" }), nil, engine.Fail,
			`c1 → http://172.17.0.3:80/x answers, and the reply contains "hello"`, `reached, but the reply does not contain "hello"`,
			"The server answered with status 404."},
		{"http as wanted", with(fetch, func(c *engine.TrafficCheck) {
			c.HTTP = &engine.HTTP{Method: "PUT", Headers: engine.Headers{"x-b": "2", "X-A": "1"}, Status: 200,
				Reply: engine.Headers{"server": "underlay/c2", "Location": "none"}, Seen: engine.Headers{"X-a": "1", "via": "*", "X-Real-IP": "none"}}
		}), replies, engine.Pass,
			"c1 → http://172.17.0.3:80/ answers to PUT with X-A: 1 with x-b: 2, and the status is 200, the reply has no header Location, " +
				"the reply has server: underlay/c2, the server gets no header X-Real-IP, the server gets X-a: 1 and the server gets a header via",
			"answered with status 200, the server saw 172.17.0.2", ""},
		{"http redirected", with(fetch, func(c *engine.TrafficCheck) { c.HTTP = &engine.HTTP{Status: 200} }), func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:80/"] = probe.Outcome{Ended: engine.OK, Status: 308, Reply: map[string]string{"Location": "https://shop/"}}
		}, engine.Fail, "c1 → http://172.17.0.3:80/ answers, and the status is 200",
			"reached, but the server answered with status 308 and Location: https://shop/", ""},
		{"http of another status", with(fetch, func(c *engine.TrafficCheck) { c.HTTP = &engine.HTTP{Status: 404} }), replies, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the status is 404", "reached, but the server answered with status 200", ""},
		{"http reply's header", with(fetch, func(c *engine.TrafficCheck) { c.HTTP = &engine.HTTP{Reply: engine.Headers{"Server": "nginx"}} }), replies, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the reply has Server: nginx", "reached, but the reply has Server: underlay/c2", ""},
		{"http without the reply's header", with(fetch, func(c *engine.TrafficCheck) { c.HTTP = &engine.HTTP{Reply: engine.Headers{"Location": "*"}} }), replies, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the reply has a header Location", "reached, but the reply has Location: (none)", ""},
		{"http seen header", with(fetch, func(c *engine.TrafficCheck) { c.HTTP = &engine.HTTP{Seen: engine.Headers{"X-A": "none"}} }), replies, engine.Fail,
			"c1 → http://172.17.0.3:80/ answers, and the server gets no header X-A", "reached, but the server got X-A: 1", ""},
		{"http seen by nobody knows", with(fetch, func(c *engine.TrafficCheck) { c.HTTP = &engine.HTTP{Seen: engine.Headers{"X-A": "none"}} }), func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:80/"] = probe.Outcome{Ended: engine.OK, Status: 200}
		}, engine.Fail, "c1 → http://172.17.0.3:80/ answers, and the server gets no header X-A",
			"reached, but something other than this lab's server answered", ""},
		{"not http", with(fetch, func(c *engine.TrafficCheck) { c.HTTP = &engine.HTTP{Reply: engine.Headers{"Location": "none"}} }), func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:80/"] = probe.Outcome{Ended: engine.OK}
		}, engine.Fail, "c1 → http://172.17.0.3:80/ answers, and the reply has no header Location", "reached, but the answer is not HTTP", ""},
		{"over TLS", with(fetch, func(c *engine.TrafficCheck) {
			c.Port, c.Host, c.TLS = 0, "shop", &engine.TLS{Names: []string{"SHOP", "www"}}
		}), certificate("", ""), engine.Pass,
			"c1 → https://shop/ at 172.17.0.3:443 answers, and the certificate is good and it is for SHOP and www, too",
			"answered with status 200", ""},
		{"over TLS with another name", with(fetch, func(c *engine.TrafficCheck) { c.Port, c.TLS = 443, &engine.TLS{Name: "old"} }), certificate("expired", "the certificate expired on 1 May"), engine.Fail,
			"c1 → https://172.17.0.3:443/ answers, and the certificate shown for old is good", "reached, but the certificate expired on 1 May; it is for shop and www", ""},
		{"expired as wanted", with(fetch, func(c *engine.TrafficCheck) { c.Port, c.TLS = 443, &engine.TLS{Problem: engine.CertExpired} }), certificate("expired", "…"), engine.Pass,
			"c1 → https://172.17.0.3:443/ answers, and the certificate has expired", "answered with status 200", ""},
		{"good, and not wanted so", with(fetch, func(c *engine.TrafficCheck) { c.Port, c.TLS = 443, &engine.TLS{Problem: engine.CertSelfSigned} }), certificate("", ""), engine.Fail,
			"c1 → https://172.17.0.3:443/ answers, and the certificate is signed with its own key", "reached, and the certificate is good, for shop and www", ""},
		{"for others", with(fetch, func(c *engine.TrafficCheck) { c.Port, c.TLS = 443, &engine.TLS{Names: []string{"www", "db"}} }), certificate("", ""), engine.Fail,
			"c1 → https://172.17.0.3:443/ answers, and the certificate is good and it is for www and db, too", "reached, but the certificate is for shop and www, and not for db", ""},
		{"no TLS", with(fetch, func(c *engine.TrafficCheck) { c.Port, c.TLS = 443, &engine.TLS{} }), func(w *fake) {
			w.outcomes["c1 http 172.17.0.3:443/"] = probe.Outcome{Ended: engine.OK}
		}, engine.Fail, "c1 → https://172.17.0.3:443/ answers, and the certificate is good", "reached, but the server does not speak TLS", ""},
		{"much", with(fetch, func(c *engine.TrafficCheck) { c.Size = 3000 }), nil, engine.Pass,
			"c1 → http://172.17.0.3:80/ answers with 3000 bytes", "answered with status 200, the server saw 172.17.0.2", ""},
		{"too much", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Size: 3000, SPort: 53}), func(w *fake) {
			w.outcomes["c1 tcp 172.17.0.3:81"] = probe.Outcome{Ended: engine.Timeout, Detail: "connection established with 172.17.0.3:81, but 3000 of 3000 bytes were not acknowledged within 600 ms (0 came back)"}
		}, engine.Fail,
			"c1 → 172.17.0.3:81 accepts a TCP connection from port 53 with 3000 bytes",
			"no answer: connection established with 172.17.0.3:81, but 3000 of 3000 bytes were not acknowledged within 600 ms (0 came back)", ""},
		{"purpose", traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Purpose: "c1 connects to c2"}), nil, engine.Fail,
			"c1 connects to c2", "c1 → 172.17.0.3:81: connection refused (RST from 172.17.0.3)", ""},
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
			"c1 → http://172.17.0.3:80/unknowable answers", "", "Could not tell how c1 → http://172.17.0.3:80/unknowable ended."},
	}
}

// TestUnresolved: a name without an address is told as that, and musl's way of resolving it
// is an attempt of its own.
func TestUnresolved(t *testing.T) {
	w := newFake()
	w.onProbe = func(f *fake, key string) {
		f.outcomes[key] = probe.Outcome{Ended: engine.Unreachable, Unresolved: true, Detail: "could not resolve db: NXDOMAIN from 10.0.0.53"}
	}
	c := engine.TrafficCheck{From: "c1", To: "db", Port: 80, Proto: "tcp"}
	musl := c
	musl.Resolver = engine.Musl
	got := one(t, w, engine.Check{All: []engine.Check{traffic(c), traffic(musl)}})
	if got.Code != "traffic.unresolved" || got.Args.Name != "db" || got.Got != "could not resolve db: NXDOMAIN from 10.0.0.53" {
		t.Errorf("got %+v", got)
	}
	if got.Flow.Resolver != "" {
		t.Errorf("it is about %+v", got.Flow)
	}
	if got := one(t, w, traffic(musl)); got.Flow.Resolver != engine.Musl {
		t.Errorf("musl's attempt is about %+v", got.Flow)
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
		if got.State != engine.Fail || got.Got != "no answer in 600 ms, after holding for 600 ms" {
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
