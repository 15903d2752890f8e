package check

import (
	"context"
	"testing"

	"underlay/engine"
	"underlay/engine/observe"
)

func askedRows() []row {
	ping := engine.TrafficCheck{From: "c1", To: "172.17.0.1"}
	capture := func(sees bool, filter string, during *engine.TrafficCheck) engine.Check {
		return engine.Check{Capture: &engine.CaptureCheck{Node: "h1", Dev: "docker0", Filter: filter, Sees: sees, During: during}}
	}
	sees := func(w *fake) { w.seen["h1/docker0 icmp"] = []string{"172.17.0.2 > 172.17.0.1 icmp echo"} }
	ok := link(engine.LinkCheck{Node: "c1", Name: "eth0"})
	bad := link(engine.LinkCheck{Node: "c1", Name: "eth1"})
	lost := link(engine.LinkCheck{Node: "c2", Name: "eth0"})
	noC2 := unreadable("c2", observe.Links)
	const broken = "Could not read the interfaces of c2: the world is gone."
	const sends = " during the test c1 → 172.17.0.1"
	return []row{
		{"capture", capture(true, "icmp", &ping), sees, engine.Pass,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "1 packet seen: 172.17.0.2 > 172.17.0.1 icmp echo", ""},
		{"capture in vain", capture(true, "icmp", &ping), nil, engine.Fail,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "no such packet was seen", ""},
		{"capture unwanted", capture(false, "icmp", &ping), sees, engine.Fail,
			`no packets matching "icmp" are seen on docker0 in h1` + sends, "1 packet seen: 172.17.0.2 > 172.17.0.1 icmp echo", ""},
		{"capture of traffic that fails", capture(true, "icmp", &engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Expect: engine.OK}), sees, engine.Fail,
			"c1 → 172.17.0.3:81 accepts a TCP connection", "connection refused (RST from 172.17.0.3)", ""},
		{"capture of nothing", capture(true, "icmp", nil), nil, engine.Broken,
			`packets matching "icmp" are seen on docker0 in h1`, "", "This check names no traffic to watch."},
		{"capture without traffic", capture(true, "icmp", &ping), func(w *fake) { w.silent = true }, engine.Broken,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "", "No traffic was sent while docker0 in h1 was watched."},
		{"capture broken", capture(true, "icmp", &ping), func(w *fake) { w.captureErr = errWorld }, engine.Broken,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "", "Could not watch docker0 in h1: the world is gone."},
		{"capture of unreadable node", capture(true, "icmp", &ping), gone, engine.Broken,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "", "Could not read the interfaces of h1: the world is gone."},
		{"capture on no interface", engine.Check{Capture: &engine.CaptureCheck{Node: "c1", Dev: "eth1", During: &ping}}, nil, engine.Fail,
			"no packets are seen on eth1 in c1" + sends, "c1 has no interface eth1", "c1 has lo and eth0."},

		{"dns", dns(engine.DNSCheck{From: "c1", Name: "web", Answer: []string{"172.18.0.3"}}), nil, engine.Pass,
			"c1 asks for the A record of web: 172.18.0.3", "NOERROR, 172.18.0.3", ""},
		{"dns answer", dns(engine.DNSCheck{From: "c1", Name: "web", Answer: []string{"172.18.0.4"}}), nil, engine.Fail,
			"c1 asks for the A record of web: 172.18.0.4", "NOERROR, 172.18.0.3", ""},
		{"dns nxdomain", dns(engine.DNSCheck{From: "c1", Name: "nope", Rcode: "NXDOMAIN"}), nil, engine.Pass,
			"c1 asks for the A record of nope: NXDOMAIN", "NXDOMAIN", ""},
		{"dns unexpected nxdomain", dns(engine.DNSCheck{From: "c1", Name: "nope", Server: "10.0.0.2"}), nil, engine.Fail,
			"c1 asks 10.0.0.2 for the A record of nope: an answer", "NXDOMAIN", ""},
		{"dns silent", dns(engine.DNSCheck{From: "c1", Name: "lost"}), nil, engine.Fail,
			"c1 asks for the A record of lost: an answer", "no answer from 10.0.0.2 in 600 ms", ""},
		{"dns broken", dns(engine.DNSCheck{From: "c1", Name: "web"}), gone, engine.Broken,
			"c1 asks for the A record of web: an answer", "", "Could not ask for web: the world is gone."},

		{"resolve", resolve(engine.ResolveCheck{From: "c1", Name: "web", Answer: []string{"172.18.0.3"}, Queries: 2}), nil, engine.Pass,
			"c1 resolves web to 172.18.0.3 with at most 2 queries", "web is 172.18.0.3, after 2 queries", ""},
		{"resolve by a file", resolve(engine.ResolveCheck{From: "c1", Name: "db", Resolver: engine.Musl, Queries: 1}), nil, engine.Pass,
			"c1 resolves db by musl's rules with at most 1 query", "db is 172.18.0.9", ""},
		{"resolve to another", resolve(engine.ResolveCheck{From: "c1", Name: "web", Answer: []string{"172.18.0.4"}, Queries: 1}), nil, engine.Fail,
			"c1 resolves web to 172.18.0.4 with at most 1 query", "web is 172.18.0.3, after 2 queries", ""},
		{"resolve by many queries", resolve(engine.ResolveCheck{From: "c1", Name: "api.example"}), nil, engine.Pass,
			"c1 resolves api.example", "api.example is 203.0.113.7, after 4 queries", ""},
		{"resolve by too many queries", resolve(engine.ResolveCheck{From: "c1", Name: "api.example", Queries: 2}), nil, engine.Fail,
			"c1 resolves api.example with at most 2 queries",
			"api.example is 203.0.113.7, but only after 4 queries: api.example.lab A → NXDOMAIN; api.example.lab AAAA → no answer; api.example A+AAAA → NOERROR", ""},
		{"resolve in vain", resolve(engine.ResolveCheck{From: "c1", Name: "lost"}), nil, engine.Fail,
			"c1 resolves lost", "could not resolve lost: no answer from 10.0.0.2 within 600 ms", ""},
		{"resolve broken", resolve(engine.ResolveCheck{From: "c1", Name: "web"}), gone, engine.Broken,
			"c1 resolves web", "", "Could not look up web: the world is gone."},

		{"all", engine.Check{All: []engine.Check{ok, ok}}, nil, engine.Pass,
			"c1 has the interface eth0; c1 has the interface eth0", "eth0 in c1 is a veth, up; eth0 in c1 is a veth, up", ""},
		{"all, one fails", engine.Check{All: []engine.Check{ok, lost, bad}}, noC2, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "c1 has lo and eth0."},
		{"all, one broken", engine.Check{All: []engine.Check{ok, lost}}, noC2, engine.Broken, "c2 has the interface eth0", "", broken},
		{"any", engine.Check{Any: []engine.Check{bad, lost, ok}}, noC2, engine.Pass, "c1 has the interface eth0", "eth0 in c1 is a veth, up", ""},
		{"any, none", engine.Check{Any: []engine.Check{bad, bad}}, nil, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "c1 has lo and eth0."},
		{"any, one broken", engine.Check{Any: []engine.Check{lost, bad}}, noC2, engine.Broken, "c2 has the interface eth0", "", broken},
		{"not", engine.Check{Not: &bad}, nil, engine.Pass, "not: c1 has the interface eth1", "c1 has no interface eth1", ""},
		{"not, but it is", engine.Check{Not: &ok}, nil, engine.Fail, "not: c1 has the interface eth0", "eth0 in c1 is a veth, up", ""},
		{"not broken", engine.Check{Not: &lost}, noC2, engine.Broken, "not: c2 has the interface eth0", "", broken},
		{"because", engine.Check{Link: bad.Link, Because: "The cable is missing."}, nil, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "The cable is missing."},
		{"because of the whole", engine.Check{All: []engine.Check{bad}, Because: "Nothing is plugged in."}, nil, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "Nothing is plugged in."},
		{"because does not hide breakage", engine.Check{Link: lost.Link, Because: "The cable is missing."}, noC2, engine.Broken,
			"c2 has the interface eth0", "", broken},
		{"nothing asked", engine.Check{}, nil, engine.Broken, "", "", "This check asks for nothing."},
	}
}

func answerOutcomes(t *testing.T) map[engine.State]bool {
	out := map[engine.State]bool{}
	for _, r := range answerRows {
		out[answered(t, r.of, r.text).State] = true
	}
	return out
}

var answerRows = []struct {
	of, text string
	state    engine.State
	got, why string
}{
	{"mac:c1/eth0", "02-42-AC-11-00-02", engine.Pass, `you answered "02-42-AC-11-00-02"`, ""},
	{"mac:c1/eth0", "02:42:00:00:00:01", engine.Fail, `you answered "02:42:00:00:00:01"`, ""},
	{"mac:c1/eth0", "2", engine.Fail, `you answered "2"`, "A MAC address is six pairs of hexadecimal digits, such as 02:42:ac:11:00:02."},
	{"mac:c1/eth0", " ", engine.Fail, "no answer yet", ""},
	{"addr:c1/eth0", "172.17.0.2", engine.Pass, `you answered "172.17.0.2"`, ""},
	{"addr:c1/eth0", "172.17.0.2/24", engine.Fail, `you answered "172.17.0.2/24"`, ""},
	{"addr:c1/eth0", "eth0", engine.Fail, `you answered "eth0"`, "An address looks like 172.17.0.2 or 172.17.0.2/16."},
	{"ifindex:c1/eth0", " 2 ", engine.Pass, `you answered "2"`, ""},
	{"ifindex:c1/eth0", "two", engine.Fail, `you answered "two"`, "The answer is a number."},
	{"mtu:c1/eth0", "1450", engine.Fail, `you answered "1450"`, ""},
	{"mtu:c1/eth0", "1500", engine.Pass, `you answered "1500"`, ""},
	{"peer:c1/eth0", "veth1@if2", engine.Pass, `you answered "veth1@if2"`, ""},
	{"peer:c1/eth0", "h1/veth1", engine.Pass, `you answered "h1/veth1"`, ""},
	{"peer:c1/eth0", "veth2", engine.Fail, `you answered "veth2"`, ""},
	{"peer:h1/docker0", "veth2", engine.Broken, "", "Could not find the other end of docker0 in h1."},
	{"mac:c1/eth7", "2", engine.Fail, "c1 has no interface eth7", "c1 has lo and eth0."},
	{"colour:c1/eth0", "2", engine.Broken, "", `An answer cannot be compared with "colour:c1/eth0".`},
}

func answered(t *testing.T, of, text string) engine.TaskResult {
	t.Helper()
	e := New(&engine.Lab{Tasks: []engine.Task{{ID: "t", Checks: []engine.Check{
		{Answer: &engine.AnswerCheck{Prompt: "Which?", Of: of}},
	}}}})
	e.Answer("t", text)
	got := e.Evaluate(context.Background(), newFake()).Tasks[0]
	wellSaid(t, got)
	return got
}

func TestAnswers(t *testing.T) {
	for _, r := range answerRows {
		got := answered(t, r.of, r.text).Result
		want := engine.Result{State: r.state, Got: r.got, Want: "the right answer to: Which?", Why: r.why}
		if !sameWords(got, want) {
			t.Errorf("%s %q:\n got %+v\nwant %+v", r.of, r.text, got, want)
		}
	}
}
