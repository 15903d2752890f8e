package check

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

var (
	hasEth0  = link(engine.LinkCheck{Node: "c1", Name: "eth0"})
	hasEth1  = link(engine.LinkCheck{Node: "c1", Name: "eth1"})
	pingHost = traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.1"})
	pingC2   = traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3"})
)

func task(id string, after []string, checks ...engine.Check) engine.Task {
	return engine.Task{ID: id, Goal: "Goal " + id, After: after, Checks: checks}
}

func addEth1(w *fake) {
	w.edit("c1", func(st *observe.State) {
		st.Links = append(slices.Clone(st.Links), observe.Link{Index: 3, Name: "eth1"})
	})
}

func dropEth1(w *fake) {
	w.edit("c1", func(st *observe.State) { st.Links = st.Links[:2] })
}

func states(st engine.Status) string {
	var out []string
	for _, t := range slices.Concat(st.Tasks, st.Collateral) {
		s := string(t.State)
		if t.Waiting {
			s = "waiting"
		}
		out = append(out, t.ID+" "+s)
	}
	return strings.Join(out, ", ")
}

func TestDAG(t *testing.T) {
	lab := &engine.Lab{
		Tasks: []engine.Task{
			task("late", []string{"base", "middle"}, pingC2),
			task("base", nil, hasEth0),
			task("middle", []string{"base"}, hasEth1),
			task("loop", []string{"pool"}, hasEth0),
			task("pool", []string{"loop"}, hasEth0),
			task("stray", []string{"nowhere"}, hasEth0),
			task("empty", nil),
		},
		Collateral: []engine.Collateral{{Goal: "c1 pings its host", Check: pingHost}},
	}
	w := newFake()
	e := New(lab)
	st := e.Evaluate(context.Background(), w)
	const rest = ", loop broken, pool broken, stray broken, empty broken, collateral-1 pass"
	if got, want := states(st), "late waiting, base pass, middle fail"+rest; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if late := st.Tasks[0]; late.State != engine.Fail || late.Why != "Comes after: Goal middle" || late.Got != "not checked yet" || late.Goal != "Goal late" {
		t.Errorf("got %+v", late)
	}
	if w.count("c1 icmp 172.17.0.3") != 0 {
		t.Error("a waiting task sent traffic")
	}
	addEth1(w)
	st = e.Evaluate(context.Background(), w)
	if got, want := states(st), "late pass, base pass, middle pass"+rest; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if st.Evaluation != 2 || st.Solved || st.Done() != 3 {
		t.Errorf("evaluation %d, solved %v, done %d", st.Evaluation, st.Solved, st.Done())
	}
}

func TestSolvedNeedsCollateral(t *testing.T) {
	lab := &engine.Lab{
		Tasks:      []engine.Task{task("a", nil, hasEth0)},
		Collateral: []engine.Collateral{{Goal: "c1 pings its host", Check: pingHost}},
	}
	w := newFake()
	e := New(lab)
	if st := e.Evaluate(context.Background(), w); !st.Solved {
		t.Fatalf("not solved: %s", states(st))
	}
	w.outcomes["c1 icmp 172.17.0.1"] = probe.Outcome{Ended: engine.Timeout}
	st := e.Evaluate(context.Background(), w)
	if st.Solved || st.Collateral[0].State != engine.Fail || st.Collateral[0].Got != "no answer in 600 ms" {
		t.Errorf("solved %v, collateral %+v", st.Solved, st.Collateral[0])
	}
	if st := New(&engine.Lab{}).Evaluate(context.Background(), w); st.Solved {
		t.Error("a lab without tasks is solved")
	}
}

func TestOnceLatchesAndNowDoesNot(t *testing.T) {
	once := task("once", nil, hasEth1)
	once.Mode = engine.Once
	e := New(&engine.Lab{Tasks: []engine.Task{once, task("now", nil, hasEth1)}})
	w := newFake()
	look := func(want string) {
		t.Helper()
		if got := states(e.Evaluate(context.Background(), w)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	look("once fail, now fail")
	addEth1(w)
	look("once pass, now pass")
	dropEth1(w)
	look("once pass, now fail")
	e.Reset()
	look("once fail, now fail")
}

func TestResetForgetsAnswers(t *testing.T) {
	ask := engine.Check{Answer: &engine.AnswerCheck{Prompt: "Which?", Of: "ifindex:c1/eth0"}}
	e := New(&engine.Lab{Tasks: []engine.Task{task("a", nil, ask), task("b", nil, ask)}})
	w := newFake()
	e.Answer("a", "2")
	if st := e.Evaluate(context.Background(), w); states(st) != "a pass, b fail" {
		t.Errorf("got %s", states(st))
	}
	e.Reset()
	st := e.Evaluate(context.Background(), w)
	if states(st) != "a fail, b fail" || st.Evaluation != 2 {
		t.Errorf("got %s, evaluation %d", states(st), st.Evaluation)
	}
}

// TestResetDuringEvaluation: what was seen of the world before does not latch
// in the world after.
func TestResetDuringEvaluation(t *testing.T) {
	once := task("once", nil, pingHost)
	once.Mode = engine.Once
	e := New(&engine.Lab{Tasks: []engine.Task{once}})
	w := newFake()
	w.onProbe = func(*fake, string) { e.Reset() }
	e.Evaluate(context.Background(), w)
	w.onProbe = nil
	w.outcomes["c1 icmp 172.17.0.1"] = probe.Outcome{Ended: engine.Timeout}
	if st := e.Evaluate(context.Background(), w); st.Tasks[0].State != engine.Fail {
		t.Errorf("got %+v", st.Tasks[0])
	}
}

func TestSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(&engine.Lab{Tasks: []engine.Task{task("a", nil, hasEth1)}})
		w := newFake()
		since := func() time.Time { return e.Evaluate(context.Background(), w).Tasks[0].Since }
		first := since()
		time.Sleep(time.Minute)
		if got := since(); got != first {
			t.Errorf("failing since %v, want %v", got, first)
		}
		addEth1(w)
		if got := since(); got != first.Add(time.Minute) {
			t.Errorf("passing since %v, want %v", got, first.Add(time.Minute))
		}
	})
}

func TestFirstFailureInTheOrderOfTheFile(t *testing.T) {
	w := newFake()
	w.outcomes["c1 icmp 172.17.0.1"] = probe.Outcome{Ended: engine.Timeout}
	e := New(&engine.Lab{Tasks: []engine.Task{
		task("a", nil, hasEth0, hasEth1, pingHost),
		task("b", nil, pingHost, hasEth1),
	}})
	st := e.Evaluate(context.Background(), w)
	if got := st.Tasks[0].Got; got != "c1 has no interface eth1" {
		t.Errorf("a: %s", got)
	}
	if got := st.Tasks[1].Got; got != "no answer in 600 ms" {
		t.Errorf("b: %s", got)
	}
}

func TestMisconceptions(t *testing.T) {
	wrong := task("wrong", nil, hasEth1)
	wrong.Misconceptions = []engine.Misconception{
		{ID: "vacuous", Says: "never said"},
		{ID: "half", When: []engine.Check{hasEth0, hasEth1}, Says: "never said"},
		{ID: "broken", When: []engine.Check{addrc(engine.AddrCheck{Node: "c2"})}, Says: "never said"},
		{ID: "first", When: []engine.Check{hasEth0, pingC2}, Says: "You left eth1 out."},
		{ID: "second", When: []engine.Check{hasEth0}, Says: "never said"},
	}
	right := task("right", nil, hasEth0)
	right.Misconceptions = []engine.Misconception{{ID: "no", When: []engine.Check{pingHost}, Says: "never said"}}
	waits := task("waits", []string{"wrong"}, hasEth0)
	waits.Misconceptions = right.Misconceptions
	lost := task("lost", nil, addrc(engine.AddrCheck{Node: "c2"}))
	lost.Misconceptions = right.Misconceptions
	w := newFake()
	unreadable("c2", observe.Addrs)(w)
	e := New(&engine.Lab{Tasks: []engine.Task{wrong, right, waits, lost}})
	st := e.Evaluate(context.Background(), w)
	if got := states(st); got != "wrong fail, right pass, waits waiting, lost broken" {
		t.Fatal(got)
	}
	if got := st.Tasks[0]; got.Misconception != "first" || got.Says != "You left eth1 out." {
		t.Errorf("got %q, %q", got.Misconception, got.Says)
	}
	for _, other := range st.Tasks[1:] {
		if other.Misconception != "" || other.Says != "" {
			t.Errorf("%s: got %q", other.ID, other.Misconception)
		}
	}
	if n := w.count("c1 icmp 172.17.0.1"); n != 0 {
		t.Errorf("misconceptions of tasks that do not fail sent traffic %d times", n)
	}
}

func TestNothingIsAskedTwice(t *testing.T) {
	spelled := traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Proto: "icmp", Within: probe.DefaultWait, Purpose: "c1 pings c2"})
	web := dns(engine.DNSCheck{From: "c1", Name: "web"})
	a := task("a", nil, pingC2, web, hasEth0, engine.Check{Not: &hasEth1})
	b := task("b", nil, spelled, engine.Check{Any: []engine.Check{hasEth1, pingC2, web}}, addrc(engine.AddrCheck{Node: "c1"}), hasEth1)
	b.Misconceptions = []engine.Misconception{{ID: "m", When: []engine.Check{pingC2, hasEth0,
		socket(engine.SocketCheck{Node: "c1", Port: 80})}, Says: "yes"}}
	w := newFake()
	e := New(&engine.Lab{Tasks: []engine.Task{a, b}, Collateral: []engine.Collateral{{Goal: "g", Check: pingC2}}})
	st := e.Evaluate(context.Background(), w)
	if got := states(st); got != "a pass, b fail, collateral-1 pass" || st.Tasks[1].Misconception != "m" {
		t.Fatalf("%s, misconception %q", got, st.Tasks[1].Misconception)
	}
	for key, n := range w.attempts {
		if n != 1 {
			t.Errorf("%s: asked %d times", key, n)
		}
	}
	for what, n := range w.reads {
		if n != 1 {
			t.Errorf("%s: read %d times", what, n)
		}
	}
	if len(w.snapshots) != 2 {
		t.Errorf("%d snapshots, want one for tasks and one for the misconception: %v", len(w.snapshots), w.snapshots)
	}
}

// TestVolatileStateIsReadAfterTraffic: a task that sends a packet and then looks
// for its traces finds them in the same evaluation.
func TestVolatileStateIsReadAfterTraffic(t *testing.T) {
	flow := conntrack(engine.ConntrackCheck{Node: "c2", Proto: "icmp"})
	w := newFake()
	w.onProbe = func(f *fake, _ string) {
		f.edit("c2", func(st *observe.State) {
			st.Conntrack = []observe.Flow{{Proto: "icmp", Orig: observe.Tuple{Src: addr("172.17.0.2"), Dst: addr("172.17.0.3")}}}
		})
	}
	e := New(&engine.Lab{Tasks: []engine.Task{task("a", nil, flow, pingC2)}})
	if st := e.Evaluate(context.Background(), w); st.Tasks[0].State != engine.Pass {
		t.Errorf("got %+v", st.Tasks[0])
	}
	if n := w.count("c1 icmp 172.17.0.3"); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

func TestPublish(t *testing.T) {
	lab := &engine.Lab{Tasks: []engine.Task{task("state", nil, hasEth1), task("slow", nil, pingHost)}}
	w := newFake()
	e := New(lab)
	var early []engine.Status
	e.EvaluateEach(context.Background(), w, func(st engine.Status) bool { early = append(early, st); return true })
	if len(early) != 0 {
		t.Fatalf("the first evaluation published %d statuses", len(early))
	}
	addEth1(w)
	published := make(chan string, 1)
	release := make(chan struct{})
	w.onProbe = func(*fake, string) { <-release }
	st := e.EvaluateEach(context.Background(), w, func(st engine.Status) bool {
		early = append(early, st)
		published <- states(st)
		close(release) // the attempt ends only now
		return true
	})
	if got := <-published; got != "state pass, slow pass" {
		t.Errorf("published %s", got)
	}
	if len(early) != 1 || !early[0].Checking || early[0].Solved || early[0].Evaluation != 1 {
		t.Errorf("published %+v", early)
	}
	if !st.Solved || st.Checking || st.Evaluation != 2 {
		t.Errorf("returned %+v", st)
	}
}

// TestWhatWasShownAsDoneStaysDone: a change cuts the evaluation short that has shown a task
// as done once and for all, and undoes what the task asks for.
func TestWhatWasShownAsDoneStaysDone(t *testing.T) {
	for _, shown := range []bool{true, false} {
		once := task("once", nil, hasEth1)
		once.Mode = engine.Once
		e := New(&engine.Lab{Tasks: []engine.Task{once, task("slow", nil, pingHost)}})
		w := newFake()
		e.Evaluate(context.Background(), w)
		addEth1(w)
		ctx, cancel := context.WithCancel(context.Background())
		w.onProbe = func(*fake, string) { <-ctx.Done() }
		e.EvaluateEach(ctx, w, func(engine.Status) bool { cancel(); return shown })
		w.onProbe = nil
		dropEth1(w)
		want := "once fail, slow pass"
		if shown {
			want = "once pass, slow pass"
		}
		if got := states(e.Evaluate(context.Background(), w)); got != want {
			t.Errorf("shown %v: %s, not %s", shown, got, want)
		}
	}
}

// TestAnInterruptedEvaluationIsForgotten: broken results of a cancelled context
// must not be taken for news.
func TestAnInterruptedEvaluationIsForgotten(t *testing.T) {
	e := New(&engine.Lab{Tasks: []engine.Task{task("a", nil, pingHost)}})
	w := newFake()
	first := e.Evaluate(context.Background(), w).Tasks[0]
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.err = ctx.Err()
	if st := e.Evaluate(ctx, w); st.Tasks[0].State != engine.Broken {
		t.Errorf("got %+v", st.Tasks[0])
	}
	w.err = nil
	if got := e.Evaluate(context.Background(), w).Tasks[0]; !reflect.DeepEqual(got, first) {
		t.Errorf("got %+v\nwant %+v", got, first)
	}
}

func TestNextTaskIsTriedAhead(t *testing.T) {
	// Once "first" has passed, the traffic of "second" does not wait for it: both
	// attempts have to be under way for either to end.
	lab := &engine.Lab{Tasks: []engine.Task{task("first", nil, pingHost), task("second", []string{"first"}, pingC2)}}
	w := newFake()
	e := New(lab)
	if st := e.Evaluate(context.Background(), w); !st.Solved {
		t.Fatal(states(st))
	}
	both := &meeting{World: w, want: 2, met: make(chan struct{})}
	if st := e.Evaluate(context.Background(), both); !st.Solved {
		t.Error(states(st))
	}
}

// meeting is a World whose attempts end only once want of them are under way.
type meeting struct {
	World
	want int
	came int
	met  chan struct{}
}

func (m *meeting) Probe(ctx context.Context, r probe.Request) (probe.Outcome, error) {
	out, err := m.World.Probe(ctx, r)
	if m.World.(*fake).arrive(m) {
		close(m.met)
	}
	<-m.met
	return out, err
}

func (f *fake) arrive(m *meeting) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.came++
	return m.came == m.want
}
