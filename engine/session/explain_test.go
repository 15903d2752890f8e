package session_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/session"
)

// routed is a lab in which a is to reach the web server of b through r. Lines are
// run in r before.
func routed(lines ...string) *engine.Lab {
	return &engine.Lab{
		ID: "routed",
		Topology: engine.Topology{
			Nodes: []engine.Node{
				{Name: "r", Shell: true, Setup: lines, Sysctls: []engine.Sysctl{{Name: "net.ipv4.ip_forward", Value: "1"}}},
				{Name: "a", Routes: []engine.Route{{To: "default", Via: "10.0.1.1"}}},
				{Name: "b", Routes: []engine.Route{{To: "default", Via: "10.0.2.1"}}},
			},
			Links: []engine.Link{
				{A: engine.End{Node: "r", Name: "toa", Address: []string{"10.0.1.1/24"}}, B: engine.End{Node: "a", Name: "eth0", Address: []string{"10.0.1.2/24"}}},
				{A: engine.End{Node: "r", Name: "tob", Address: []string{"10.0.2.1/24"}}, B: engine.End{Node: "b", Name: "eth0", Address: []string{"10.0.2.2/24"}}},
			},
			Workloads: []engine.Workload{{Node: "b", Kind: "http", Listen: ":80"}},
		},
		Tasks: []engine.Task{{ID: "web", Goal: "a fetches a page of b", Checks: []engine.Check{
			{Traffic: &engine.TrafficCheck{From: "a", To: "10.0.2.2", Port: 80, Proto: "http"}},
		}}},
	}
}

const dropWeb = "iptables -A FORWARD -p tcp --dport 80 -j DROP"

// awaitStatus waits for a status that is as wanted.
func awaitStatus(t *testing.T, s engine.Session, what string, is func(*engine.Status) bool) engine.Status {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		st := s.Status()
		if is(&st) {
			return st
		}
		select {
		case <-s.Changed():
		case <-deadline:
			t.Fatalf("never %s: %+v", what, st)
		}
	}
}

func reason(r engine.Reason) func(*engine.Status) bool {
	return func(st *engine.Status) bool { return st.Tasks[0].Verdict.Reason == r }
}

func TestWhatFailsIsExplained(t *testing.T) {
	s := open(t, routed(dropWeb))
	session.Try(s)
	st := awaitStatus(t, s, "explained", reason("rule-drop"))
	got := st.Tasks[0]
	if got.Verdict.Node != "r" || !strings.HasPrefix(got.Why, "Dropped in r, iptables filter FORWARD: ") || !strings.HasSuffix(got.Why, ".") {
		t.Errorf("it is explained as %+v, %q", got.Verdict, got.Why)
	}
	if got.Flow.String() != "a → 10.0.2.2:80/http" || got.Ended != engine.Timeout {
		t.Errorf("it is about %s, which ended %s", got.Flow, got.Ended)
	}
}

// What was found is gone as soon as something has changed, long before it is
// known how the lab stands now, and what is found then takes its place.
func TestAVerdictGoesWithItsState(t *testing.T) {
	s := open(t, routed(dropWeb))
	session.Try(s)
	line := shell(t, s, "r")
	awaitStatus(t, s, "explained", reason("rule-drop"))
	line("iptables -P FORWARD DROP; iptables -F FORWARD")
	bare := awaitStatus(t, s, "without a verdict", reason(""))
	if got := bare.Tasks[0]; got.State != engine.Fail || got.Why != "" {
		t.Errorf("after a change it says %+v", got)
	}
	st := awaitStatus(t, s, "explained anew", func(st *engine.Status) bool { return st.Tasks[0].Verdict.Text != "" })
	if st.Tasks[0].Verdict.Reason != "policy-drop" {
		t.Errorf("it is explained as %+v", st.Tasks[0].Verdict)
	}
	line("iptables -P FORWARD ACCEPT")
	await(t, s, "web", engine.Pass)
	if got := s.Status().Tasks[0]; got.Verdict.Text != "" || got.Why != "" || got.Flow.Proto != "" {
		t.Errorf("what passes is explained: %+v", got)
	}
}

// A setting sends no event, and no check of this lab asks for it.
func TestAVerdictGoesWithASetting(t *testing.T) {
	s := open(t, routed("sysctl -qw net.ipv4.ip_forward=0"))
	session.Try(s)
	line := shell(t, s, "r")
	awaitStatus(t, s, "explained", reason("forwarding-off"))
	line("sysctl -w net.ipv4.ip_forward=1")
	await(t, s, "web", engine.Pass)
	if v := s.Status().Tasks[0].Verdict; v.Text != "" {
		t.Errorf("what passes is explained: %+v", v)
	}
}

// A change is judged while an autopsy would still be waiting for its answer.
func TestAnAutopsyGivesWay(t *testing.T) {
	const patience = 6 * time.Second
	lab := routed(dropWeb)
	lab.Tasks[0].Checks[0].Traffic.Within = patience
	lab.Tasks = append(lab.Tasks, engine.Task{ID: "device", Goal: "r has a device d0",
		Checks: []engine.Check{{Link: &engine.LinkCheck{Node: "r", Name: "d0"}}}})
	s := open(t, lab)
	line := shell(t, s, "r")
	for deadline := time.Now().Add(2 * patience); !session.Explains(s); {
		if time.Now().After(deadline) {
			t.Fatal("no autopsy is made")
		}
		time.Sleep(time.Millisecond)
	}
	begin := time.Now()
	line("ip link add d0 type bridge")
	await(t, s, "device", engine.Pass)
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("a command was judged after %v", took)
	}
}

// Nothing is sent once all passes: the counter of a rule stands still.
func TestNoAutopsyOfWhatPasses(t *testing.T) {
	s := open(t, routed("nft add table ip t; nft add chain ip t c '{ type filter hook forward priority 0; }'; "+
		"nft add rule ip t c tcp dport 80 counter accept", dropWeb))
	session.Try(s)
	line := shell(t, s, "r")
	awaitStatus(t, s, "explained", reason("rule-drop"))
	line("iptables -F FORWARD")
	if st, err := s.Settle(t.Context()); err != nil || !st.Solved {
		t.Fatalf("not solved: %+v, %v", st, err)
	}
	count := rest(t, s, time.Second)
	line("nft list table ip t > /tmp/before; sleep 3; nft list table ip t > /tmp/after; cmp /tmp/before /tmp/after && ip link add still type bridge")
	st, err := s.Picture(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := st.Nodes[0]; !slices.ContainsFunc(r.Devices, func(d engine.Device) bool { return d.Name == "still" }) {
		t.Errorf("packets were sent after all passed, %d evaluations later", s.Status().Evaluation-count)
	}
}

// Neither what autopsies send nor what they see calls for more of them: the lab
// comes to rest though a task fails and another waits for what traffic leaves behind.
func TestExplainingComesToRest(t *testing.T) {
	lab := routed(dropWeb, "nft add table ip t; nft add chain ip t c '{ type filter hook forward priority 0; }'; "+
		"nft add rule ip t c ct state established accept")
	lab.Tasks = append(lab.Tasks,
		engine.Task{ID: "tracked", Goal: "r tracks a flow to port 81", Checks: []engine.Check{
			{Conntrack: &engine.ConntrackCheck{Node: "r", Proto: "tcp", OrigDPort: 81}}}},
		engine.Task{ID: "ssh", Goal: "a connects to b", Checks: []engine.Check{
			{Traffic: &engine.TrafficCheck{From: "a", To: "10.0.2.2", Port: 22, Proto: "tcp"}}}})
	s := open(t, lab)
	session.Try(s)
	awaitStatus(t, s, "explained", func(st *engine.Status) bool {
		return st.Tasks[0].Verdict.Reason == "rule-drop" && st.Tasks[2].Verdict.Reason == "no-listener"
	})
	// What follows by itself are three more attempts within some five seconds
	// and the time that they take.
	if n := rest(t, s, 4*time.Second); n > 16 {
		t.Errorf("it took %d evaluations", n)
	}
}

// rest waits until no evaluation has been made for so long, and returns how many
// there have been.
func rest(t *testing.T, s engine.Session, so time.Duration) int {
	t.Helper()
	quiet, limit := time.NewTimer(so), time.After(time.Minute)
	for before := s.Status().Evaluation; ; {
		select {
		case <-s.Changed():
			if n := s.Status().Evaluation; n != before {
				before = n
				quiet.Reset(so)
			}
		case <-quiet.C:
			return before
		case <-limit:
			t.Fatalf("after %d evaluations there is still no rest", before)
		}
	}
}

// Where naming the cause is the task, no verdict names it.
func TestVerdictsAreWithheldUntilTheCauseIsNamed(t *testing.T) {
	base := routed()
	web := base.Tasks[0].Checks[0]
	base.Tasks[0].Checks = []engine.Check{{Link: &engine.LinkCheck{Node: "r", Name: "tob", State: "up"}}}
	base.Collateral = []engine.Collateral{{Goal: "a fetches a page of b", Check: web}}
	up := engine.Check{Link: &engine.LinkCheck{Node: "r", Name: "d0"}}
	base.Faults = []engine.Fault{
		{ID: "rule", Cause: "A rule drops it.", Checks: []engine.Check{up}, Tell: []engine.Check{up},
			Break: engine.Script{Name: "break", Text: dropWeb}, Repair: engine.Script{Text: "true"}},
		{ID: "route", Cause: "A route is missing.", Checks: []engine.Check{up}, Tell: []engine.Check{up}},
	}
	base.Solution = engine.Script{Name: "solve", Text: "true"}
	lab, err := engine.Faulted(base, "rule")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, lab)
	st, err := s.Settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := st.Collateral[0]; got.Flow.Proto == "" || got.Verdict.Text != "" || got.Why != "" {
		t.Errorf("before the cause is named: %+v", got)
	}
	s.Answer(engine.TaskCause, "rule")
	if st, err = s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := st.Collateral[0]; st.Tasks[0].State != engine.Pass || got.Verdict.Reason != "rule-drop" {
		t.Errorf("after it was named: %+v", got)
	}
}

// Settle returns with the verdicts in, but for a lab that nobody watches.
func TestSettleExplains(t *testing.T) {
	for _, unwatched := range []bool{false, true} {
		lab := routed(dropWeb)
		lab.Unwatched = unwatched
		s := open(t, lab)
		session.Try(s)
		st, err := s.Settle(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := st.Tasks[0]; (got.Verdict.Text == "") != unwatched || got.Flow.Proto == "" {
			t.Errorf("unwatched %v: %+v", unwatched, got)
		}
	}
}

// What is asked for is done also while a capture runs; what is not, when it has ended.
func TestWhatIsDoneUnderACapture(t *testing.T) {
	s := open(t, routed())
	line := shell(t, s, "r")
	line("tcpdump -ni tob -w /tmp/capture & sleep 0.2")
	awaitCapture(t, s, "r")
	line(dropWeb)
	await(t, s, "web", engine.Fail)
	atRest(t, s)
	if v := s.Status().Tasks[0].Verdict; v.Text != "" {
		t.Errorf("nobody has asked for it, and it says %+v", v)
	}
	a, err := s.Trace(t.Context(), engine.Flow{From: "a", To: "10.0.2.2", Port: 80, Proto: "tcp"})
	if err != nil || a.Verdict.Reason != "rule-drop" {
		t.Errorf("traced %+v, %v", a, err)
	}
	st, err := s.Settle(t.Context())
	if err != nil || st.Tasks[0].Verdict.Reason != "rule-drop" {
		t.Errorf("settled, it says %+v, %v", st.Tasks[0].Verdict, err)
	}
	line("iptables -P FORWARD DROP; iptables -F FORWARD")
	awaitStatus(t, s, "without a verdict", reason(""))
	atRest(t, s)
	if v := s.Status().Tasks[0].Verdict; v.Text != "" {
		t.Errorf("after a change it says %+v", v)
	}
	line("kill $!; wait")
	awaitStatus(t, s, "explained", reason("policy-drop"))
}

// An autopsy that the learner asks for neither waits for one in the background
// nor does away with what is known.
func TestTraceBesidesExplaining(t *testing.T) {
	s := open(t, routed(dropWeb))
	flow := engine.Flow{From: "a", To: "10.0.2.2", Proto: "icmp"}
	a, err := s.Trace(t.Context(), flow)
	if err != nil || a.Outcome != engine.EndingDelivered {
		t.Fatalf("traced %+v, %v", a, err)
	}
	awaitStatus(t, s, "explained", reason("rule-drop"))
	if _, err := s.Trace(t.Context(), flow); err != nil {
		t.Fatal(err)
	}
	if v := s.Status().Tasks[0].Verdict; v.Reason != "rule-drop" {
		t.Errorf("after tracing the verdict is %+v", v)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Trace(ctx, flow); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled trace says %v", err)
	}
	if _, err := s.Trace(t.Context(), engine.Flow{From: "nobody", To: "10.0.2.2", Proto: "icmp"}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a trace from nowhere says %v", err)
	}
}

// Nobody who types a command sees that an autopsy was under way.
func TestAutopsiesHideFromCommands(t *testing.T) {
	lab := routed(dropWeb)
	lab.Tasks[0].Checks[0].Traffic.Within = 2 * time.Second // long enough to be caught
	s := open(t, lab)
	line := shell(t, s, "r")
	for range 5 {
		awaitExplaining(t, s)
		line("if nft list tables | grep -q autopsy; then ip link add seen type bridge; fi; iptables -A FORWARD -p udp -j ACCEPT")
	}
	p := look(t, s)
	if p.Device(engine.DeviceRef{Node: "r", Name: "seen"}) != nil {
		t.Error("a command listed an autopsy's table")
	}
	awaitStatus(t, s, "explained", reason("rule-drop"))
}

// awaitExplaining waits until an autopsy is under way in the background.
func awaitExplaining(t *testing.T, s engine.Session) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !session.Explains(s); {
		if time.Now().After(deadline) {
			t.Fatal("no autopsy is made")
		}
		time.Sleep(time.Millisecond)
	}
}
