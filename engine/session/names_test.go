package session_test

import (
	"strings"
	"testing"

	"underlay/engine"
)

// named is a lab in which a is to reach the web server of b by the name db. The name server
// in r knows db.lab, and anything in wild.lab is r itself, where another server listens.
func named() *engine.Lab {
	lab := routed()
	lab.Topology.Nodes[1].DNS = []string{"10.0.1.1"}
	lab.Topology.Nodes[1].Shell = true
	lab.Topology.Workloads = append(lab.Topology.Workloads,
		engine.Workload{Node: "r", Kind: "dns", Listen: ":53", Records: map[string][]string{"db.lab": {"10.0.2.2"}, "db.wild.lab": {"10.0.1.1"}}},
		engine.Workload{Node: "r", Kind: "http", Listen: ":80"},
	)
	fetch := engine.TrafficCheck{From: "a", To: "db", Port: 80, Proto: "http", Served: "b"}
	lab.Tasks[0].Checks = []engine.Check{{Traffic: &fetch}}
	musl := fetch
	musl.Resolver = engine.Musl
	lab.Tasks = append(lab.Tasks, engine.Task{ID: "musl", Goal: "the same on Alpine", Checks: []engine.Check{{Traffic: &musl}}})
	return lab
}

// TestNamesAsProgramsResolveThem follows the files of a node while the learner writes them.
func TestNamesAsProgramsResolveThem(t *testing.T) {
	s := open(t, named())
	line := shell(t, s, "a")
	st := s.Status()
	if got := st.Tasks[0]; got.Code != "traffic.unresolved" || got.Got != "could not resolve db: NXDOMAIN from 10.0.1.1" || got.Args.Name != "db" {
		t.Errorf("before: %+v", got)
	}
	both := func(want engine.State) {
		t.Helper()
		await(t, s, "web", want)
		await(t, s, "musl", want)
	}
	trace := func(want string) {
		t.Helper()
		a, err := s.Trace(t.Context(), engine.Flow{From: "a", To: "db", Proto: "http", Port: 80})
		if err != nil || a.Address != want {
			t.Errorf("a trace goes to %s: %v, want %s", a.Address, err, want)
		}
	}
	line("echo search lab >> /etc/resolv.conf; curl -fs db")
	both(engine.Pass)
	trace("10.0.2.2")
	line("sed 's/search lab/search wild.lab lab/' /etc/resolv.conf > /tmp/r; cat /tmp/r > /etc/resolv.conf; curl -fs db")
	// For a moment the file was empty, and nothing could be resolved.
	awaitStatus(t, s, "the wrong server answers", func(st *engine.Status) bool {
		return st.Tasks[0].Code == "traffic.served" && st.Tasks[1].Code == "traffic.served"
	})
	trace("10.0.1.1")
	line("echo 10.0.2.2 db >> /etc/hosts; curl -fs db")
	both(engine.Pass)
	line("sed -i 's/^hosts:.*/hosts: dns files/' /etc/nsswitch.conf")
	await(t, s, "web", engine.Fail)
	await(t, s, "musl", engine.Pass) // musl has no nsswitch.conf
	line("sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf; : > /etc/hosts")
	awaitStatus(t, s, "without a name server", func(st *engine.Status) bool {
		return strings.Contains(st.Tasks[0].Got, "it is not in a's /etc/hosts, and /etc/nsswitch.conf leads to no name server")
	})
}

// TestQueriesOfALookup counts what looking up a name takes, until the learner has it take less.
func TestQueriesOfALookup(t *testing.T) {
	lab := named()
	a := &lab.Topology.Nodes[1]
	a.DNSSearch, a.DNSOptions = []string{"wild.lab", "lab"}, []string{"ndots:3"}
	lab.Topology.Workloads[len(lab.Topology.Workloads)-2].Records = map[string][]string{
		"db.lab": {"CNAME host.lab"}, "host.lab": {"10.0.2.2"}, "api.example.com": {"10.0.2.3"}, "broken.lab": {"SERVFAIL"},
	}
	few := engine.ResolveCheck{From: "a", Name: "api.example.com", Answer: []string{"10.0.2.3"}, Queries: 2}
	alias := engine.ResolveCheck{From: "a", Name: "db", Answer: []string{"10.0.2.2"}}
	broken := engine.ResolveCheck{From: "a", Name: "broken"}
	lab.Tasks = []engine.Task{
		{ID: "few", Goal: "an outside name takes two queries", Checks: []engine.Check{{Resolve: &few}}},
		{ID: "alias", Goal: "db is an alias", Checks: []engine.Check{{Resolve: &alias}}},
		{ID: "broken", Goal: "broken has no address", Checks: []engine.Check{{Not: &engine.Check{Resolve: &broken}}}},
	}
	s := open(t, lab)
	line := shell(t, s, "a")
	want := "api.example.com is 10.0.2.3, but only after 6 queries: " +
		"api.example.com.wild.lab A+AAAA → NXDOMAIN; api.example.com.lab A+AAAA → NXDOMAIN; api.example.com A+AAAA → NOERROR"
	st := s.Status()
	if got := st.Tasks[0]; got.State != engine.Fail || got.Got != want {
		t.Errorf("before: %s %s", got.State, got.Got)
	}
	if st.Tasks[1].State != engine.Pass || st.Tasks[2].State != engine.Pass || !strings.Contains(st.Tasks[2].Got, "SERVFAIL") {
		t.Errorf("an alias: %+v; what is broken: %+v", st.Tasks[1], st.Tasks[2])
	}
	line("sed 's/ndots:3/ndots:1/' /etc/resolv.conf > /tmp/r; cat /tmp/r > /etc/resolv.conf; getent hosts api.example.com")
	await(t, s, "few", engine.Pass)
}
