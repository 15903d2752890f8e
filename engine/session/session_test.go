package session_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/cluster"
	"underlay/engine/sandbox"
	"underlay/engine/sandbox/sandboxtest"
	"underlay/engine/session"
	"underlay/engine/typist"
)

func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }

// cable is a lab of two nodes whose cable is down at a's end.
func cable() *engine.Lab {
	return &engine.Lab{
		ID: "cable",
		Topology: engine.Topology{
			Nodes: []engine.Node{{Name: "a", Shell: true}, {Name: "b"}},
			Links: []engine.Link{{
				A: engine.End{Node: "a", Name: "eth0", Address: []string{"10.0.0.1/24"}, Down: true},
				B: engine.End{Node: "b", Name: "eth0", Address: []string{"10.0.0.2/24"}},
			}},
			Workloads: []engine.Workload{{Node: "b", Kind: "http", Listen: ":80"}},
		},
		Tasks: []engine.Task{
			{ID: "up", Goal: "eth0 of a is up", Checks: []engine.Check{{Link: &engine.LinkCheck{Node: "a", Name: "eth0", State: "up"}}}},
			{ID: "web", Goal: "a fetches a page of b", After: []string{"up"}, Checks: []engine.Check{
				{Traffic: &engine.TrafficCheck{From: "a", To: "10.0.0.2", Port: 80, Proto: "http", Expect: engine.OK, SeenAs: "10.0.0.1"}},
			}},
			{ID: "forward", Goal: "a forwards", Checks: []engine.Check{{Sysctl: &engine.SysctlCheck{Node: "a", Name: "net.ipv4.ip_forward", Is: "1"}}}},
			{ID: "listen", Goal: "something listens in a", Checks: []engine.Check{{Socket: &engine.SocketCheck{Node: "a", Proto: "tcp", Port: 9000}}}},
			{ID: "legacy", Goal: "a has a legacy rule", Mode: engine.Once, Checks: []engine.Check{
				{Filter: &engine.FilterCheck{Node: "a", Hook: "input", Does: "drop", Match: "dport 7"}},
			}},
		},
		Collateral: []engine.Collateral{{Goal: "b keeps its address", Check: engine.Check{
			Addr: &engine.AddrCheck{Node: "b", Dev: "eth0", Addr: "10.0.0.2/24"},
		}}},
	}
}

func newOpener(t *testing.T) engine.Opener {
	t.Helper()
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	warm := cluster.NewWarm(sb, cluster.WhileReading)
	t.Cleanup(func() {
		if err := warm.Close(); err != nil {
			t.Error(err)
		}
	})
	return session.Opener{Sandbox: sb, Warm: warm}
}

func open(t *testing.T, lab *engine.Lab) engine.Session {
	t.Helper()
	var steps []string
	s, err := newOpener(t).Open(t.Context(), lab, func(step string) { steps = append(steps, step) })
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) < 3 {
		t.Errorf("opening said only %q", steps)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// shell opens a shell in a node and returns how to type into it.
func shell(t *testing.T, s engine.Session, node string) func(line string) {
	t.Helper()
	term, err := s.Shell(t.Context(), node, engine.Size{Cols: 100, Rows: 30})
	if err != nil {
		t.Fatal(err)
	}
	ty := typist.New(term)
	if err := ty.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func(line string) {
		t.Helper()
		if err := ty.Line(t.Context(), line, 20*time.Second); err != nil {
			t.Fatalf("%v\n%s", err, ty.Output())
		}
		s.Poke()
	}
}

// await waits until a task is in a state, woken by the session alone.
func await(t *testing.T, s engine.Session, task string, want engine.State) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		for _, r := range s.Status().Tasks {
			if r.ID == task && r.State == want {
				return
			}
		}
		select {
		case <-s.Changed():
		case <-deadline:
			t.Fatalf("%s never became %s: %+v", task, want, s.Status().Tasks)
		}
	}
}

func TestTasksFollowTheKernel(t *testing.T) {
	s := open(t, cable())
	for _, r := range s.Status().Tasks {
		if r.State != engine.Fail {
			t.Errorf("untouched, %s is %s", r.ID, r.State)
		}
	}
	line := shell(t, s, "a")
	line("ip link set eth0 up")
	await(t, s, "up", engine.Pass)
	await(t, s, "web", engine.Pass)
	line("ip link set eth0 down")
	await(t, s, "up", engine.Fail)
	await(t, s, "web", engine.Fail)
	line("sysctl -w net.ipv4.ip_forward=1")
	await(t, s, "forward", engine.Pass)
	line("nc -lk -p 9000 >/dev/null &")
	await(t, s, "listen", engine.Pass)
	line("iptables-legacy -A INPUT -p tcp --dport 7 -j DROP")
	await(t, s, "legacy", engine.Pass)
	line("iptables-legacy -F")
	if st, err := s.Settle(t.Context()); err != nil || st.Tasks[4].State != engine.Pass {
		t.Errorf("a task that is done once did not stay done: %+v, %v", st.Tasks[4], err)
	}
}

func TestWhatALabPreparesIsThereFromTheStart(t *testing.T) {
	lab := cable()
	lab.Prepare = []engine.Script{
		{Name: "solve", Text: "ip link set eth0 up\n# node: b\nip addr add 10.0.0.3/24 dev eth0\n"},
		{Name: "break", Node: "b", Text: "false\nip addr del 10.0.0.2/24 dev eth0\n"},
	}
	s := open(t, lab)
	check := func(when string) {
		t.Helper()
		st := s.Status()
		if st.Tasks[0].State != engine.Pass || st.Tasks[1].State != engine.Fail || st.Collateral[0].State != engine.Fail {
			t.Errorf("%s: %+v", when, st)
		}
	}
	check("opened")
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("reset")
}

func TestAPreparationThatFailsOpensNoLab(t *testing.T) {
	lab := cable()
	lab.Prepare = []engine.Script{{Name: "solve", Text: "ip link set nothing up\n"}}
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	_, err = session.Opener{Sandbox: sb}.Open(t.Context(), lab, nil)
	if err == nil || !strings.Contains(err.Error(), "solve in a ended with 1: Cannot find device") {
		t.Errorf("opened with %v", err)
	}
}

func TestSolvedNeedsCollateral(t *testing.T) {
	s := open(t, cable())
	line := shell(t, s, "a")
	line("ip link set eth0 up; sysctl -w net.ipv4.ip_forward=1; iptables-legacy -A INPUT -p tcp --dport 7 -j DROP")
	line("nc -lk -p 9000 >/dev/null &")
	st, err := s.Settle(t.Context())
	if err != nil || !st.Solved {
		t.Fatalf("not solved: %+v, %v", st, err)
	}
	line("nsenter --net=/run/netns/b ip addr add 10.0.0.2/32 dev lo; nsenter --net=/run/netns/b ip addr del 10.0.0.2/24 dev eth0")
	st, err = s.Settle(t.Context())
	if err != nil || st.Solved || st.Collateral[0].State != engine.Fail {
		t.Errorf("b lost its address and the lab is solved: %+v, %v", st, err)
	}
}

func TestResetBringsTheStartBack(t *testing.T) {
	s := open(t, cable())
	line := shell(t, s, "a")
	line("ip link set eth0 up; rm -rf /etc /run/* 2>/dev/null; true")
	await(t, s, "up", engine.Pass)
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, s, "up", engine.Fail)
	if h := s.Status().Health; len(h) > 0 {
		t.Errorf("after a reset the world says %q", h)
	}
	line = shell(t, s, "a")
	line("ip link set eth0 up")
	await(t, s, "web", engine.Pass)
}

// What a reset lab says of itself is about the new world from the first moment,
// also where something cuts the first look at it short, as an answer does here.
func TestAResetLabIsNotSolvedAnyMore(t *testing.T) {
	lab := cable()
	lab.Tasks = lab.Tasks[:2]
	s := open(t, lab)
	shell(t, s, "a")("ip link set eth0 up")
	await(t, s, "web", engine.Pass)
	ctx, stop := context.WithCancel(t.Context())
	var answering sync.WaitGroup
	answering.Go(func() {
		for ctx.Err() == nil {
			s.Answer("up", "again")
		}
	})
	err := s.Reset(t.Context())
	st := s.Status()
	stop()
	answering.Wait()
	if err != nil || st.Solved || len(st.Tasks) != 2 || st.Tasks[0].State != engine.Fail {
		t.Errorf("just reset, it says %+v, %v", st, err)
	}
	await(t, s, "up", engine.Fail)
}

func TestANodeMadeAnewIsFollowed(t *testing.T) {
	lab := cable()
	lab.Collateral = nil
	s := open(t, lab)
	line := shell(t, s, "a")
	line("ip netns del b; ip netns add b; ip link del eth0; ip link add eth0 type veth peer name eth0 netns b")
	line("ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up; ip -n b addr add 10.0.0.2/24 dev eth0; ip -n b link set eth0 up")
	await(t, s, "up", engine.Pass)
	line("ip -n b link set eth0 down")
	await(t, s, "up", engine.Fail) // no carrier: seen through the new b
	if h := s.Status().Health; len(h) != 0 {
		t.Errorf("a node that was made anew is called %q", h)
	}
	line("ip netns del b")
	deadline := time.After(time.Minute)
	for len(s.Status().Health) == 0 {
		select {
		case <-s.Changed():
		case <-deadline:
			t.Fatal("a deleted node is not spoken of")
		}
	}
}

func TestWorldThatEndsIsSaid(t *testing.T) {
	s := open(t, cable())
	term, err := s.Shell(t.Context(), "nowhere", engine.Size{Cols: 80, Rows: 24})
	if !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a shell in a node that is not there: %v, %v", term, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Reset(t.Context()); err == nil {
		t.Error("a closed lab can be reset")
	}
	if _, err := s.Shell(t.Context(), "a", engine.Size{Cols: 80, Rows: 24}); err == nil {
		t.Error("a closed lab opens shells")
	}
}

func TestOpenSaysWhatFailed(t *testing.T) {
	sb, err := sandbox.New()
	if err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*engine.Lab){
		"line 2 of the setup of a, “echo $x; false”, ended with 1: once": func(l *engine.Lab) { l.Topology.Nodes[0].Setup = []string{"x=once", "echo $x; false", "echo twice"} },
		"line 1 of the setup of a, “echo $x; exit 7”, ended with 7: ":    func(l *engine.Lab) { l.Topology.Nodes[0].Setup = []string{"echo $x; exit 7", "true"} },
		"address already in use": func(l *engine.Lab) {
			l.Topology.Workloads = append(l.Topology.Workloads, engine.Workload{Node: "b", Kind: "tcp", Listen: ":80"})
		},
	} {
		lab := cable()
		spoil(lab)
		_, err := session.Opener{Sandbox: sb}.Open(t.Context(), lab, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("opening says %v, not %q", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (session.Opener{Sandbox: sb}).Open(ctx, cable(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled opening says %v", err)
	}
}

// An unwatched lab is judged by Settle alone: before it, no packet is sent that
// could be seen in the lab.
func TestUnwatchedIsJudgedWhenAsked(t *testing.T) {
	lab := cable()
	lab.Topology.Links[0].A.Down = false
	lab.Unwatched = true
	s := open(t, lab)
	enter := shell(t, s, "a")
	enter("ip neigh show > /tmp/before")
	if st := s.Status(); len(st.Tasks) != 0 {
		t.Errorf("it was judged before it was asked: %+v", st.Tasks)
	}
	enter("test ! -s /tmp/before && sysctl -w net.ipv4.ip_forward=1")
	st, err := s.Settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range st.Tasks[:3] {
		if task.State != engine.Pass {
			t.Errorf("%s: %+v", task.ID, task.Result)
		}
	}
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
}
