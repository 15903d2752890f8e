package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// swept are the attempts of a sweep, as "tcp 10.96.0.10:80".
func swept(c engine.TrafficCheck, seed int64) (out []string) {
	for _, one := range planSweep(c, seed) {
		out = append(out, one.Proto+" "+endpoint(one.To, one.Port))
	}
	return out
}

func TestSweepPlan(t *testing.T) {
	c := engine.TrafficCheck{From: "ext", To: "192.168.1.100", Proto: "tcp", Expect: engine.Refused,
		Sweep: &engine.Sweep{Ports: 200, But: []string{"3000/tcp"}}}
	for seed := range int64(50) {
		plan := swept(c, seed)
		if len(plan) != 199 || slices.Contains(plan, "tcp 192.168.1.100:3000") {
			t.Fatalf("seed %d: %d attempts: %v", seed, len(plan), plan)
		}
		for _, port := range []int{1, 22, 80, 443, 1023, 1024, 2999, 3001, 7777, 8080, 65535} {
			if !slices.Contains(plan, fmt.Sprintf("tcp 192.168.1.100:%d", port)) {
				t.Errorf("seed %d leaves out port %d", seed, port)
			}
		}
		// A range of 1400 ports is more than two of the parts that one port each is drawn from.
		for low := 1; low+1400 <= 65536; low += 700 {
			if !slices.ContainsFunc(planSweep(c, seed), func(one engine.TrafficCheck) bool { return one.Port >= low && one.Port < low+1400 }) {
				t.Errorf("seed %d has no port from %d to %d", seed, low, low+1400)
			}
		}
		if again := swept(c, seed); !slices.Equal(plan, again) {
			t.Errorf("seed %d gives other ports the second time", seed)
		}
	}
	if slices.Equal(swept(c, 1), swept(c, 2)) {
		t.Error("two seeds draw the same ports")
	}
}

func TestSweepExceptions(t *testing.T) {
	c := engine.TrafficCheck{From: "c1", To: "10.96.0.10", Proto: "icmp", Sweep: &engine.Sweep{
		Protos: []string{"tcp", "udp", "tcp"}, To: []string{"10.96.0.0/28", "10.99.0.1"},
		But: []string{"10.96.0.10:80/tcp", "10.96.0.12", "53/udp"}}}
	plan := swept(c, 7)
	for _, want := range []string{
		"icmp 10.96.0.10", "udp 10.96.0.10:80", "tcp 10.96.0.10:53", "tcp 10.96.0.9:80", "tcp 10.96.0.11:80", "icmp 10.96.0.11",
		"udp 10.96.0.13:80", "tcp 10.96.0.1:53", "tcp 10.99.0.1:80",
	} {
		if !slices.Contains(plan, want) {
			t.Errorf("%s is not tried", want)
		}
	}
	addresses := map[string]bool{}
	for _, one := range planSweep(c, 7) {
		addresses[one.To] = true
		a := netip.MustParseAddr(one.To)
		for _, e := range []string{"10.96.0.0", "10.96.0.12", "10.96.0.15"} {
			if one.To == e {
				t.Errorf("%s is tried", e)
			}
		}
		if one.Port == 53 && one.Proto == "udp" || a == netip.MustParseAddr("10.96.0.10") && one.Port == 80 && one.Proto == "tcp" {
			t.Errorf("%s %s:%d is tried, though left out", one.Proto, one.To, one.Port)
		}
	}
	if len(addresses) < 1+sweptAddresses-1+1 { // that which is left out may be among those drawn
		t.Errorf("addresses: %v", addresses)
	}
	if slices.Contains(swept(engine.TrafficCheck{To: "10.0.0.1", Proto: "icmp", Sweep: &engine.Sweep{Protos: []string{"tcp"}, Ports: 3, But: []string{"icmp"}}}, 1), "icmp 10.0.0.1") {
		t.Error("a protocol that is left out is tried")
	}
}

func TestSweep(t *testing.T) {
	refusal := probe.Outcome{Ended: engine.Refused, Detail: "connection refused (RST from 172.17.0.3)"}
	all := func(expect engine.Expect, more ...string) engine.TrafficCheck {
		return engine.TrafficCheck{From: "c1", To: "172.17.0.3", Proto: "tcp", Expect: expect, Sweep: &engine.Sweep{Ports: 40, Protos: more, But: []string{"80/tcp"}}}
	}
	// ending makes all attempts end so, but for some.
	ending := func(by probe.Outcome, but map[string]probe.Outcome) *fake {
		w := newFake()
		w.onProbe = func(f *fake, key string) {
			f.outcomes[key] = by
			if out, ok := but[key]; ok {
				f.outcomes[key] = out
			}
		}
		return w
	}
	ok, silence := probe.Outcome{Ended: engine.OK}, probe.Outcome{Ended: engine.Timeout}
	for _, row := range []struct {
		name  string
		check engine.TrafficCheck
		w     *fake
		state engine.State
		got   string
	}{
		{"all refused", all(engine.Refused), ending(refusal, nil), engine.Pass, "of 39 tries: refused 39"},
		{"one answered", all(engine.Refused), ending(refusal, map[string]probe.Outcome{"c1 tcp 172.17.0.3:8080": ok}), engine.Fail,
			"c1 → 172.17.0.3:8080/tcp: connected"},
		{"one silent", all(engine.Refused), ending(refusal, map[string]probe.Outcome{"c1 tcp 172.17.0.3:443": silence}), engine.Fail,
			"c1 → 172.17.0.3:443/tcp: no answer in 600 ms"},
		{"UDP may be silent", all(engine.Refused, "udp"), ending(refusal, map[string]probe.Outcome{"c1 udp 172.17.0.3:443": silence}), engine.Pass,
			"of 79 tries: no answer 1 and refused 78"},
		{"UDP is answered", all(engine.Refused, "udp"), ending(refusal, map[string]probe.Outcome{"c1 udp 172.17.0.3:80": ok}), engine.Fail,
			"c1 → 172.17.0.3:80/udp: answered"},
		{"nobody answers", all(engine.NoAnswer, "icmp"), ending(refusal, map[string]probe.Outcome{"c1 icmp 172.17.0.3": silence, "c1 tcp 172.17.0.3:81": silence}), engine.Pass,
			"of 40 tries: no answer 2 and refused 38"},
		{"ping is answered", all(engine.NoAnswer, "icmp"), ending(refusal, map[string]probe.Outcome{"c1 icmp 172.17.0.3": ok}), engine.Fail,
			"c1 → 172.17.0.3: answered ping"},
	} {
		got := one(t, row.w, traffic(row.check))
		if got.State != row.state || got.Got != row.got {
			t.Errorf("%s: %s %q, want %s %q", row.name, got.State, got.Got, row.state, row.got)
		}
	}
	// What is lost once is made again, however much it is.
	for _, lose := range []int{1, lostFirst, lostFirst + 1, 39} {
		w := newFake()
		lost := map[string]bool{}
		w.onProbe = func(f *fake, key string) {
			f.outcomes[key] = refusal
			if len(lost) < lose && !lost[key] {
				lost[key] = true
				f.outcomes[key] = silence
			}
		}
		if got := one(t, w, traffic(all(engine.Refused))); got.State != engine.Pass || len(lost) != lose {
			t.Errorf("%d lost: %+v", lose, got)
		}
	}
	// What is lost for good takes no more than a few tries again.
	deaf := newFake()
	tries := 0
	deaf.onProbe = func(f *fake, key string) {
		tries++
		f.outcomes[key] = silence
	}
	if got := one(t, deaf, traffic(all(engine.Refused))); got.State != engine.Fail || tries != 39+lostFirst {
		t.Errorf("%d tries where all are lost: %+v", tries, got)
	}
	if s := Describe(traffic(all(engine.NoAnswer, "udp"))); s != "c1 → 172.17.0.3, 40 drawn ports by TCP and UDP, except 80/tcp: all not answered" {
		t.Errorf("described as %q", s)
	}
	w := newFake()
	w.err = errWorld
	if got := one(t, w, traffic(all(engine.Refused))); got.State != engine.Broken {
		t.Errorf("got %+v", got)
	}
}

// flowTo is what a node tracks of an attempt from a port, and who answers it.
func flowTo(orig string, sport int, reply string) observe.Flow {
	to, from := netip.MustParseAddrPort(orig), netip.MustParseAddrPort(reply)
	return observe.Flow{Proto: "tcp",
		Orig:  observe.Tuple{Src: addr("192.168.1.7"), Dst: to.Addr(), SPort: sport, DPort: int(to.Port())},
		Reply: observe.Tuple{Src: from.Addr(), Dst: addr("192.168.1.7"), SPort: int(from.Port()), DPort: sport}}
}

func TestDNAT(t *testing.T) {
	out := probe.Outcome{Ended: engine.OK, SeenAs: "192.168.1.7", Served: "c1", Address: "192.168.1.100", SPort: 61000}
	to := func(to ...string) engine.TrafficCheck {
		return engine.TrafficCheck{From: "r1", To: "192.168.1.100", Port: 8080, Proto: "tcp", DNAT: &engine.DNAT{Node: "h1", To: to}}
	}
	for _, row := range []struct {
		name  string
		check engine.TrafficCheck
		flows []observe.Flow
		state engine.State
		got   string
		why   string
	}{
		{"to the address", to("172.17.0.2"), []observe.Flow{flowTo("192.168.1.100:8080", 61001, "172.17.0.1:9"), flowTo("192.168.1.100:8080", 61000, "172.17.0.2:80")},
			engine.Pass, "connected, the server saw 192.168.1.7", ""},
		{"into the network", to("10.0.0.1", "172.17.0.0/16"), []observe.Flow{flowTo("192.168.1.100:8080", 61000, "172.17.0.2:80")},
			engine.Pass, "connected, the server saw 192.168.1.7", ""},
		{"to a program", to("172.17.0.2"), []observe.Flow{flowTo("192.168.1.100:8080", 61000, "172.17.0.1:9")}, engine.Fail,
			"reached, but h1 leads the connection to 172.17.0.1:9",
			"172.17.0.1 is an address of h1 itself: a program there took the connection."},
		{"to the same address", to("172.17.0.2"), []observe.Flow{flowTo("192.168.1.100:8080", 61000, "192.168.1.100:8080")}, engine.Fail,
			"reached, but h1 did not rewrite the destination 192.168.1.100", ""},
		{"not tracked", to("172.17.0.2"), []observe.Flow{flowTo("192.168.1.100:8080", 61001, "172.17.0.2:80")}, engine.Fail,
			"reached, but h1 tracks no such connection", ""},
		{"left alone", to("none"), []observe.Flow{flowTo("192.168.1.100:8080", 61000, "192.168.1.100:8080")}, engine.Pass, "connected, the server saw 192.168.1.7", ""},
		{"not tracked and so left alone", to("none"), nil, engine.Pass, "connected, the server saw 192.168.1.7", ""},
		{"rewritten", to("none"), []observe.Flow{flowTo("192.168.1.100:8080", 61000, "192.168.1.100:80")}, engine.Fail,
			"r1 → 192.168.1.100:8080: h1 rewrites the destination to 192.168.1.100:80", ""},
	} {
		w := newFake()
		w.outcomes["r1 tcp 192.168.1.100:8080"], w.flows = out, map[string][]observe.Flow{"h1": row.flows}
		got := one(t, w, traffic(row.check))
		if got.State != row.state || got.Got != row.got || got.Why != row.why {
			t.Errorf("%s: %s %q %q, want %s %q %q", row.name, got.State, got.Got, got.Why, row.state, row.got, row.why)
		}
		if !strings.Contains(got.Want, "h1 ") {
			t.Errorf("%s: wants %q", row.name, got.Want)
		}
	}
	w := newFake()
	w.flowsErr = errWorld
	if got := one(t, w, traffic(to("none"))); got.State != engine.Broken {
		t.Errorf("got %+v", got)
	}
	elsewhere := to("none")
	elsewhere.DNAT.Node = "red"
	if got := one(t, newFake(), traffic(elsewhere)); got.State != engine.Fail || got.Got != "there is no network namespace red" {
		t.Errorf("got %+v", got)
	}
}

// TestDNATOfMany: each attempt of a spread and of a sweep is looked at, those included that
// are refused.
func TestDNATOfMany(t *testing.T) {
	w := newFake()
	sport := 61000
	w.flows = map[string][]observe.Flow{}
	w.onProbe = func(f *fake, key string) {
		out := probe.Outcome{Ended: engine.OK, Served: "c1", SeenAs: "192.168.1.7", Address: "192.168.1.100", SPort: sport}
		by := "172.17.0.2:80"
		if sport == 61017 {
			by = "172.17.0.1:9"
		}
		f.outcomes[key] = out
		f.flows["h1"] = append(f.flows["h1"], flowTo("192.168.1.100:8080", sport, by))
		sport++
	}
	c := engine.TrafficCheck{From: "r1", To: "192.168.1.100", Port: 8080, Proto: "tcp", DNAT: &engine.DNAT{Node: "h1", To: []string{"172.17.0.2"}},
		Spread: &engine.Spread{Over: []string{"c1"}, Tries: 30, Each: 30}}
	if got := one(t, w, traffic(c)); got.State != engine.Fail || got.Got != "reached, but h1 leads the connection to 172.17.0.1:9" {
		t.Errorf("spread: %+v", got)
	}
	c.Spread.Tries, c.Spread.Each = 40, 40 // another check; no attempt goes astray any more
	if got := one(t, w, traffic(c)); got.State != engine.Pass {
		t.Errorf("spread: %+v", got)
	}

	w = newFake()
	w.onProbe = func(f *fake, key string) {
		f.outcomes[key] = probe.Outcome{Ended: engine.Refused, Address: "192.168.1.100", SPort: 61000}
	}
	w.flows = map[string][]observe.Flow{"h1": {flowTo("192.168.1.100:22", 61000, "192.168.1.100:22"), flowTo("192.168.1.100:7777", 61000, "172.17.0.2:7777")}}
	c = engine.TrafficCheck{From: "r1", To: "192.168.1.100", Proto: "tcp", Expect: engine.Refused,
		DNAT: &engine.DNAT{Node: "h1", To: []string{"none"}}, Sweep: &engine.Sweep{Ports: 60}}
	if got := one(t, w, traffic(c)); got.State != engine.Fail || got.Got != "r1 → 192.168.1.100:7777/tcp: h1 rewrites the destination to 172.17.0.2:7777" {
		t.Errorf("sweep: %+v", got)
	}
	w.flows["h1"] = w.flows["h1"][:1]
	if got := one(t, w, traffic(c)); got.State != engine.Pass {
		t.Errorf("sweep: %+v", got)
	}
}
