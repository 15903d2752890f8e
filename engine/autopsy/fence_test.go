package autopsy

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// HoldEnv makes the test binary put fences into the namespace that it inherits
// as descriptor 3, say so, and hold them until it is killed.
const HoldEnv = "UNDERLAY_TEST_HOLD_FENCES"

// Hold is the process that HoldEnv asks for.
func Hold() int {
	posts, err := watch(context.Background(), Instance{Nodes: []observe.Node{{Name: "n", NS: 3}}}, protocols("tcp"), fence)
	if err != nil || !posts[0].fenced[unix.NFPROTO_INET] {
		_, _ = os.Stderr.WriteString("no fences\n")
		return 1
	}
	_, _ = os.Stdout.WriteString("ready\n")
	select {}
}

// newNode makes a network namespace that lives as long as the test.
func newNode(t *testing.T) observe.Node {
	t.Helper()
	ns, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(ns) })
	return observe.Node{Name: "n", NS: ns}
}

// tool runs a command in a node and returns what it prints.
func tool(t *testing.T, n observe.Node, args ...string) string {
	t.Helper()
	var out []byte
	err := netns.Do(n.NS, func() (err error) {
		out, err = exec.Command(args[0], args[1:]...).CombinedOutput()
		return err
	})
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// TestFencesAreNotSeen puts fences beside a learner's table and looks.
func TestFencesAreNotSeen(t *testing.T) {
	n := newNode(t)
	tool(t, n, "nft", "add table inet mine")
	var mu sync.Mutex
	var events []observe.Event
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if _, err := observe.Watch(ctx, []observe.Node{n}, func(e observe.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}); err != nil {
		t.Fatal(err)
	}
	rules := func() int {
		states, err := observe.Snapshot([]observe.Node{n}, observe.Firewall, nil)
		if err != nil {
			t.Fatal(err)
		}
		return len(states[0].Firewall)
	}
	before := rules()
	posts, err := watch(t.Context(), Instance{Nodes: []observe.Node{n}}, protocols("tcp"), fence)
	if err != nil {
		t.Fatal(err)
	}
	if got := tool(t, n, "nft", "list", "tables"); strings.Count(got, observe.AutopsyTable) != len(fenceFamilies()) {
		t.Errorf("there are no fences to be seen:\n%s", got)
	}
	if got := rules(); got != before {
		t.Errorf("a snapshot shows %d rules and policies of the fences", got-before)
	}
	if tables, chains := dumped(t, n); tables != 1 || chains != 0 {
		t.Errorf("a dump shows %d tables and %d chains", tables, chains)
	}
	if err := closeAll(posts); err != nil {
		t.Fatal(err)
	}
	if got := tool(t, n, "nft", "list", "tables"); strings.TrimSpace(got) != "table inet mine" {
		t.Errorf("left behind:\n%s", got)
	}
	// What is announced after the fences came and went is the learner's.
	tool(t, n, "ip", "rule", "add", "priority", "77", "table", "77")
	await(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(events) > 0
	})
	mu.Lock()
	if events[0].Facets&observe.Rules == 0 {
		t.Errorf("the first event speaks of %b", events[0].Facets)
	}
	mu.Unlock()
	// A table of that name that nobody owns is the learner's too.
	tool(t, n, "nft", "add table inet "+observe.AutopsyTable+"; add chain inet "+observe.AutopsyTable+
		" c { type filter hook input priority 0; policy drop; }")
	if got := rules(); got != before+1 {
		t.Errorf("a table of the learner's is hidden by its name: %d rules", got)
	}
}

// dumped counts what a dump shows of nf_tables.
func dumped(t *testing.T, n observe.Node) (tables, chains int) {
	t.Helper()
	r, err := observe.NewReader([]observe.Node{n})
	if err != nil {
		t.Fatal(err)
	}
	dumps, err := r.Dump()
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return len(dumps[0].Tables), len(dumps[0].Chains)
}

func await(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it did not come")
		}
	}
}

// TestFencesDoNotOutliveTheProgram kills a process that holds fences.
func TestFencesDoNotOutliveTheProgram(t *testing.T) {
	n := newNode(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), HoldEnv+"=1")
	cmd.ExtraFiles = []*os.File{os.NewFile(uintptr(dup(t, n.NS)), "ns")}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if got := tool(t, n, "nft", "list", "tables"); !strings.Contains(got, observe.AutopsyTable) {
		t.Errorf("the process holds no fences: %s", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	await(t, func() bool { return tool(t, n, "nft", "list", "tables") == "" })
}

func dup(t *testing.T, fd int) int {
	t.Helper()
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestConntrackStaysOff follows nothing in a node without conntrack, and looks
// that watching did not switch it on.
func TestConntrackStaysOff(t *testing.T) {
	n := newNode(t)
	tool(t, n, "ip", "link", "set", "lo", "up")
	posts, err := watch(t.Context(), Instance{Nodes: []observe.Node{n}}, protocols("udp"), fence)
	if err != nil {
		t.Fatal(err)
	}
	out, probeErr := probe.Do(t.Context(), probe.Request{From: probe.Node{Name: n.Name, NS: n.NS}, To: "127.0.0.1", Port: 9, Proto: "udp"})
	if probeErr != nil {
		t.Fatal(probeErr)
	}
	if err := halt(posts); err != nil {
		t.Fatal(err)
	}
	states, err := observe.Snapshot([]observe.Node{n}, observe.Conntrack, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(posts[0].frames) == 0 || len(posts[0].events) == 0 {
		t.Errorf("nothing was seen of an attempt that was %s", out.Ended)
	}
	if len(states[0].Conntrack) != 0 {
		t.Errorf("conntrack is on: %v", states[0].Conntrack)
	}
	if err := closeAll(posts); err != nil {
		t.Fatal(err)
	}
}
