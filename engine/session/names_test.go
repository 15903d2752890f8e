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
	both(engine.Fail)
	if got := s.Status().Tasks[0]; got.Code != "traffic.served" {
		t.Errorf("the wrong server answers: %+v", got)
	}
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
