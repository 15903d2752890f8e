package check

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

func TestAffected(t *testing.T) {
	once := task("once", nil, socket(engine.SocketCheck{Node: "c2", Port: 1}))
	once.Mode = engine.Once
	state := task("state", nil, hasEth1)
	state.Misconceptions = []engine.Misconception{{ID: "m", When: []engine.Check{nat(engine.NATCheck{Node: "c1"})}}}
	after := task("after", []string{"state"}, addrc(engine.AddrCheck{Node: "h1"}))
	way := task("way", nil, route(engine.RouteCheck{Node: "r1", To: "10.0.0.1"}))
	near := task("near", nil, engine.Check{Neigh: &engine.NeighCheck{Node: "c1", Addr: "172.17.0.9"}})
	e := New(&engine.Lab{
		Topology: engine.Topology{Nodes: []engine.Node{{Name: "h1"}, {Name: "c1"}, {Name: "c2"}, {Name: "r1"}}},
		Tasks:    []engine.Task{once, state, after, way, near},
	})
	w := newFake()
	w.edit("c2", func(st *observe.State) { st.Sockets = []observe.Socket{{Proto: "tcp", Addr: addr("0.0.0.0"), Port: 1}} })
	ask := func(node string, f observe.Facet, want bool) {
		t.Helper()
		if got := e.Affected(node, f); got != want {
			t.Errorf("%s %b: %v, want %v", node, f, got, want)
		}
	}
	ask("c2", observe.Sockets, true)
	if got := states(e.Evaluate(context.Background(), w)); got != "once pass, state fail, after waiting, way fail, near fail" {
		t.Fatal(got)
	}
	ask("c2", observe.Sockets, false) // latched
	ask("c1", observe.Links, true)
	ask("c1", observe.Firewall, true) // a misconception of a failed task
	ask("c1", observe.Routes, false)
	ask("h1", observe.Addrs, false) // waits for another
	ask("r1", observe.Rules, true)
	ask("r1", observe.Sockets, false)
	ask("c1", observe.Neighs, true)
	ask("c1", observe.Conntrack, false)
	if needs := e.Needs(); len(needs) != 2 || needs["c1"] != observe.Links|observe.Firewall|observe.Neighs || needs["r1"] != routing {
		t.Errorf("needs %v", needs)
	}
	addEth1(w)
	e.Evaluate(context.Background(), w)
	ask("c1", observe.Firewall, false) // the task passes now
	ask("h1", observe.Addrs, true)
}

// What is told of a wrong choice is looked at again when it may have changed, as a
// misconception is, and the packets for it are no secret.
func TestAffectedByAWrongChoice(t *testing.T) {
	told := []engine.Check{nat(engine.NATCheck{Node: "c1"}), {Sysctl: &engine.SysctlCheck{Node: "c1", Name: forward4, Is: "1"}}, pingC2}
	e := New(&engine.Lab{Tasks: []engine.Task{task("cause", nil, engine.Check{Choice: &engine.ChoiceCheck{Right: "right", Options: []engine.Option{
		{ID: "wrong", Text: "It is NAT.", Tell: told}, {ID: "right", Text: "It is not.", Tell: []engine.Check{socket(engine.SocketCheck{Node: "r1", Port: 1}), pingC2}},
	}}})}})
	if got := e.Sysctls(); !slices.Contains(got, forward4) {
		t.Errorf("settings %q", got)
	}
	for _, c := range []struct {
		answer string
		looks  bool
	}{{"", false}, {"wrong", true}, {"nonsense", false}, {" wrong ", true}, {"right", false}} {
		e.Answer("cause", c.answer)
		for range 2 { // before and after an evaluation
			if nat := e.Affected("c1", observe.Firewall); nat != c.looks || e.Sends() != c.looks || e.Affected("r1", observe.Sockets) != c.looks {
				t.Errorf("%q is the answer: affected by rules %v, sends %v", c.answer, nat, e.Sends())
			}
			e.Evaluate(context.Background(), newFake())
		}
	}
}

// TestAffectedByOwnTraffic: the traces of an evaluation's own packets do not
// call for another evaluation.
func TestAffectedByOwnTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := task("flow", nil, conntrack(engine.ConntrackCheck{Node: "c2", Proto: "udp"}))
		e := New(&engine.Lab{Tasks: []engine.Task{flow}, Collateral: []engine.Collateral{{Goal: "g", Check: pingC2}}})
		w := newFake()
		w.onProbe = func(*fake, string) {
			if e.Affected("c2", observe.Conntrack) {
				t.Error("affected by a flow while the evaluation sends traffic")
			}
			if !e.Affected("c2", observe.Firewall) {
				t.Error("not affected by a new rule while the evaluation sends traffic")
			}
		}
		e.Evaluate(context.Background(), w)
		if e.Affected("c2", observe.Conntrack) {
			t.Error("affected by a flow right after the evaluation")
		}
		time.Sleep(calm)
		if !e.Affected("c2", observe.Conntrack) {
			t.Error("not affected by a later flow")
		}
		w.onProbe = nil
		w.edit("c2", func(st *observe.State) { st.Conntrack = []observe.Flow{{Proto: "udp"}} })
		e.Evaluate(context.Background(), w)
		time.Sleep(calm)
		if e.Affected("c2", observe.Conntrack) {
			t.Error("affected by a flow though the task is done")
		}
		if !e.Affected("unheard-of", observe.Links) {
			t.Error("not affected by a new node's links, though traffic may pass there")
		}
	})
}

// TestAffectedByOtherTraffic: what is sent outside an evaluation does not call for
// one either, and it is known that something may have been missed.
func TestAffectedByOtherTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := task("flow", nil, conntrack(engine.ConntrackCheck{Node: "c2", Proto: "udp"}))
		e := New(&engine.Lab{Tasks: []engine.Task{flow}, Collateral: []engine.Collateral{{Goal: "g", Check: pingC2}}})
		e.Evaluate(context.Background(), newFake())
		time.Sleep(calm)
		if e.Send(func() {}) {
			t.Error("disturbed by nothing")
		}
		if !e.Send(func() {
			if e.Affected("c2", observe.Conntrack) {
				t.Error("affected by a flow of the program's own")
			}
			if !e.Affected("c2", observe.Conntrack|observe.Firewall) {
				t.Error("not affected by a new rule")
			}
		}) {
			t.Error("a flow that may have been another's is not told of")
		}
		if e.Affected("c2", observe.Conntrack) {
			t.Error("affected by a flow right afterwards")
		}
		time.Sleep(calm)
		if !e.Affected("c2", observe.Conntrack) {
			t.Error("not affected by a later flow")
		}
	})
}

// What a task fails for, and what is pending, says whether packets have to do with it.
func TestSending(t *testing.T) {
	both := task("both", nil, hasEth1, pingC2)
	near := task("near", []string{"both"}, engine.Check{Neigh: &engine.NeighCheck{Node: "c1", Addr: "172.17.0.9"}})
	e := New(&engine.Lab{Tasks: []engine.Task{both, near}})
	w := newFake()
	look := func(sent, sends, awaits bool) {
		t.Helper()
		st := e.Evaluate(context.Background(), w)
		if st.Tasks[0].Sent != sent || e.Sends() != sends || e.AwaitsTraffic() != awaits {
			t.Errorf("%s: sent %v, sends %v, awaits traffic %v", states(st), st.Tasks[0].Sent, e.Sends(), e.AwaitsTraffic())
		}
	}
	look(false, true, false) // it has no eth1; near waits
	addEth1(w)
	w.onProbe = func(f *fake, key string) { f.outcomes[key] = probe.Outcome{Ended: engine.Timeout} }
	look(true, true, false) // nobody answers
	w.onProbe = func(f *fake, key string) { f.outcomes[key] = probe.Outcome{Ended: engine.OK} }
	look(false, true, true) // it passes, and near is looked at
	if e := New(&engine.Lab{Tasks: []engine.Task{task("state", nil, hasEth1)}}); e.Sends() {
		t.Error("to look at links is to send")
	}
}
