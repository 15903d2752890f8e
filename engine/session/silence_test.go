package session_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"underlay/course/format"
	"underlay/engine"
	"underlay/engine/probe"
	"underlay/engine/session"
)

// hush is how long nothing must be heard of the judge: longer than any pause that
// it makes by itself.
const hush = 3500 * time.Millisecond

func TestTheJudgeIsSilentInEveryLab(t *testing.T) {
	everyLab(t, func(lab *engine.Lab) bool { return lab.Cluster == nil }, silence)
}

// A lab with a fault is one like any other; one of each lab has to do.
func TestTheJudgeIsSilentInFaultyLabs(t *testing.T) {
	everyLab(t, func(lab *engine.Lab) bool { return lab.Cluster == nil && len(lab.Faults) > 0 }, func(t *testing.T, lab *engine.Lab) {
		faulty, err := engine.Faulted(lab, lab.Faults[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, faulty)
		grownQuiet(t, s)
		eavesdrop(t, s).silentUnderCapture(faulty.Topology.FirstShell())
	})
}

// everyLab runs a test of each built-in lab that is wanted, side by side.
func everyLab(t *testing.T, wanted func(*engine.Lab) bool, test func(*testing.T, *engine.Lab)) {
	catalogue, err := format.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	all, err := catalogue.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, lab := range all {
		if wanted(lab) {
			t.Run(lab.ID, func(t *testing.T) {
				t.Parallel()
				test(t, lab)
			})
		}
	}
}

// silence counts what tests send in a lab that is left alone, while a capture runs,
// after listings, and after one change.
func silence(t *testing.T, lab *engine.Lab) {
	s := open(t, lab)
	session.Try(s) // or it would not tell what it knows
	grownQuiet(t, s)
	e := eavesdrop(t, s)
	e.silent("left alone", func() { time.Sleep(hush) })
	e.silent("output", func() {
		for begun := time.Now(); time.Since(begun) < hush; time.Sleep(hush / 100) {
			s.Poke()
		}
	})
	node := lab.Topology.FirstShell()
	line, dev := e.silentUnderCapture(node)
	for _, command := range listings {
		e.silent(command, func() { line(command) })
	}
	e.silent("a while after the listings", func() { time.Sleep(hush) })

	if n := unexplained(s.Status()); n > 0 {
		t.Errorf("at rest, %d failures are not explained", n)
	}
	// A probe that a busy machine has kept waiting is made once more.
	e.round("a change", 2, func() { line("ip addr add 198.18.0.1/32 dev lo") })
	line("tcpdump -ni " + dev + " -w /tmp/capture & sleep 0.2")
	awaitCapture(t, s, node)
	lost := failures(s.Status())
	e.round("a change while a capture runs", 1, func() { line("ip addr del 198.18.0.1/32 dev lo") })
	if n := unexplained(s.Status()); n != lost {
		t.Errorf("while a capture runs, %d of %d failures are explained", lost-n, lost)
	}
	// What was held back comes when the capture has ended.
	line("kill $!; wait")
	awaitStatus(t, s, "explained after the capture", func(st *engine.Status) bool { return unexplained(*st) == 0 })
	atRest(t, s)
	e.silent("in the end", func() { time.Sleep(hush) })
}

// listings change nothing. Where a tool is missing, nothing happens either.
var listings = []string{
	"", "ls", "ip -d -s addr", "ip route; ip rule; ip neigh", "ip netns; bridge link; bridge fdb", "ss -tuanp", "sysctl -a",
	"nft list ruleset", "iptables -nvL; iptables -t nat -nvL; iptables-save", "iptables-legacy -nvL; iptables-legacy -t nat -nvL",
	"conntrack -L; conntrack -C",
}

// atRest waits until nothing is under way.
func atRest(t *testing.T, s engine.Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := s.Rest(ctx); err != nil {
		t.Fatalf("it does not come to rest: %v", err)
	}
}

// grownQuiet waits until nothing is judged any more of a lab that was just opened: the
// kernel says within a second that a cable has lost its far end.
func grownQuiet(t *testing.T, s engine.Session) {
	t.Helper()
	for range 10 {
		atRest(t, s)
		evaluation := s.Status().Evaluation
		time.Sleep(1200 * time.Millisecond)
		atRest(t, s)
		if s.Status().Evaluation == evaluation {
			return
		}
	}
	t.Fatal("it is judged again and again")
}

// device is one of a node's devices, a bridge if there is one.
func device(t *testing.T, s engine.Session, node string) string {
	t.Helper()
	name := "lo"
	p := look(t, s)
	for _, d := range p.Node(node).Devices {
		if name == "lo" || d.Kind == "bridge" {
			name = d.Name
		}
	}
	return name
}

func awaitCapture(t *testing.T, s engine.Session, nodes ...string) {
	t.Helper()
	awaitStatus(t, s, fmt.Sprintf("captured in %q", nodes), func(st *engine.Status) bool { return slices.Equal(st.Captures, nodes) })
}

// failures counts the traffic that got no answer, and unexplained that of which
// there is no verdict.
func failures(st engine.Status) (n int) {
	for _, r := range slices.Concat(st.Tasks, st.Collateral) {
		if r.State == engine.Fail && r.Ended != "" && r.Ended != engine.OK {
			n++
		}
	}
	return n
}

func unexplained(st engine.Status) (n int) {
	for _, r := range slices.Concat(st.Tasks, st.Collateral) {
		if r.State == engine.Fail && r.Ended != "" && r.Ended != engine.OK && r.Verdict.Text == "" {
			n++
		}
	}
	return n
}

// What a learner sees in egress-nat with forwarding on and no NAT, where much is sent
// that gets no answer.
func TestWhatALearnerCaptures(t *testing.T) {
	everyLab(t, func(lab *engine.Lab) bool { return lab.ID == "egress-nat" }, func(t *testing.T, lab *engine.Lab) {
		s := open(t, lab)
		line := shell(t, s, "host")
		line("sysctl -w net.ipv4.ip_forward=1")
		await(t, s, "forward", engine.Pass)
		atRest(t, s)
		capture := func(name, filter string) {
			line("tcpdump -lni docker0 " + filter + " > /tmp/" + name + " & sleep 0.2")
			awaitCapture(t, s, "host")
		}
		captured := func(name string) string {
			out, err := session.Run(t.Context(), s, "host", "cat /tmp/"+name)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		capture("all", "")
		time.Sleep(hush)
		for l := range strings.Lines(captured("all")) { // the kernel asks whether neighbours are still there
			if strings.TrimSpace(l) != "" && !strings.Contains(l, "ARP") {
				t.Errorf("with nothing changed it is seen: %s", l)
			}
		}
		capture("filtered", "'"+engine.WithoutTests+" and "+engine.WithoutTestEchos+"'")
		evaluation := s.Status().Evaluation
		line("sysctl -w net.ipv4.conf.all.rp_filter=2")
		atRest(t, s)
		judged := s.Status().Evaluation - evaluation
		line("kill %1 %2; wait")
		if judged != 1 {
			t.Errorf("after one sysctl it is judged %d times", judged)
		}
		all := captured("all")
		t.Logf("one sysctl is followed by %d packets on docker0", strings.Count(all, "\n"))
		if n := strings.Count(all, "Flags [S]"); n == 0 || n > 8 {
			t.Errorf("one sysctl is followed by %d SYNs on docker0:\n%s", n, all)
		}
		for l := range strings.Lines(captured("filtered")) {
			if strings.TrimSpace(l) != "" && !strings.Contains(l, "ARP") {
				t.Errorf("the filter lets through %s", l)
			}
		}
	})
}

// ears hear what tests send in all nodes.
type ears struct {
	t     *testing.T
	s     engine.Session
	nodes []*probe.Capturing
}

func eavesdrop(t *testing.T, s engine.Session) *ears {
	t.Helper()
	e := &ears{t: t, s: s}
	for _, n := range session.Nodes(s) {
		c, err := probe.Capture(t.Context(), n, "any", probe.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		e.nodes = append(e.nodes, c)
	}
	return e
}

// heard are the packets of tests so far, by how often they were seen.
func (e *ears) heard() map[string]int {
	out := map[string]int{}
	for _, c := range e.nodes {
		for _, p := range c.Packets() {
			if p.Test() {
				out[p.String()]++
			}
		}
	}
	return out
}

func total(packets map[string]int) (n int) {
	for _, count := range packets {
		n += count
	}
	return n
}

// silent demands that nothing is judged and sent because of what is done.
func (e *ears) silent(what string, do func()) {
	e.t.Helper()
	before, evaluation := e.heard(), e.s.Status().Evaluation
	do()
	atRest(e.t, e.s)
	after := e.heard()
	if n := total(after) - total(before); n != 0 {
		maps.DeleteFunc(after, func(p string, n int) bool { return before[p] == n })
		e.t.Errorf("%s: %d packets, such as %s", what, n, strings.Join(slices.Collect(maps.Keys(after))[:1], ""))
	}
	if n := e.s.Status().Evaluation - evaluation; n != 0 {
		e.t.Errorf("%s: judged %d times", what, n)
	}
}

// silentUnderCapture demands it while a capture runs in a node, and returns how to type
// into a shell there, and which device it captured.
func (e *ears) silentUnderCapture(node string) (line func(string), dev string) {
	e.t.Helper()
	line, dev = shell(e.t, e.s, node), device(e.t, e.s, node)
	atRest(e.t, e.s)
	for what, capture := range map[string]string{"to the terminal": "tcpdump -lni " + dev, "to a file": "tcpdump -ni " + dev + " -w /tmp/capture"} {
		e.silent("a capture "+what, func() {
			line(capture + " & sleep 0.2")
			awaitCapture(e.t, e.s, node)
			time.Sleep(hush)
			line("kill $!; wait; test ! -e /tmp/capture -o -s /tmp/capture")
			awaitCapture(e.t, e.s)
		})
	}
	return line, dev
}

// round demands that a change is judged, no more often than it may be, and that there
// is silence afterwards.
func (e *ears) round(what string, most int, do func()) {
	e.t.Helper()
	before, evaluation, begun := e.heard(), e.s.Status().Evaluation, time.Now()
	do()
	atRest(e.t, e.s)
	took, n := time.Since(begun), e.s.Status().Evaluation-evaluation
	e.t.Logf("%s: judged %d times, with %d packets, in %v", what, n, total(e.heard())-total(before), took.Round(time.Millisecond))
	if n < 1 || n > most {
		e.t.Errorf("%s: judged %d times, want 1 to %d", what, n, most)
	}
	e.silent("after "+what, func() { time.Sleep(hush) })
}
