package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/sandbox"
)

// questioner is a shell that asks as the command does.
type questioner struct {
	t    *testing.T
	term engine.Terminal
}

func typing(t *testing.T, s engine.Session, node string) questioner {
	t.Helper()
	term, err := s.Shell(t.Context(), node, engine.Size{Cols: 4000, Rows: 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = term.Close() })
	return questioner{t, term}
}

// asks sends a question and returns what the shell shows until it is answered.
func (q questioner) asks(question string) string {
	q.t.Helper()
	if _, err := fmt.Fprintf(q.term, "head -1 < <(nc -U %s < <(echo '%s'; exec sleep 60)); echo an''swered\n", sandbox.SocketPath, question); err != nil {
		q.t.Fatal(err)
	}
	timer := time.AfterFunc(20*time.Second, func() { _ = q.term.Close() })
	defer timer.Stop()
	var all strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(all.String(), "answered\r\n") {
		n, err := q.term.Read(buf)
		if all.Write(buf[:n]); err != nil {
			q.t.Fatalf("%v after:\n%s", err, all.String())
		}
	}
	return all.String()
}

// asks asks in a new shell of a node.
func asks(t *testing.T, s engine.Session, node, question string) string {
	t.Helper()
	return typing(t, s, node).asks(question)
}

func TestAShellAsksForATrace(t *testing.T) {
	for _, unwatched := range []bool{false, true} {
		lab := cable()
		lab.Unwatched = unwatched
		lab.Topology.Links[0].A.Down = false
		s := open(t, lab)
		for node, want := range map[string]string{
			"a": `"flow":{"from":"a","to":"10.0.0.2","proto":"http","port":80},"address":"10.0.0.2","outcome":"delivered"`,
			"b": `"flow":{"from":"b","to":"10.0.0.2","proto":"http","port":80},"address":"10.0.0.2","outcome":"delivered"`,
		} {
			if got := asks(t, s, node, `{"version":1,"target":"10.0.0.2/http"}`); !strings.Contains(got, want) {
				t.Errorf("unwatched %v: in %s it was answered\n%s", unwatched, node, got)
			}
		}
		if got := asks(t, s, "a", `{"version":1,"from":"c","target":"10.0.0.2/http"}`); !strings.Contains(got, `"kind":"not found"`) || !strings.Contains(got, "its nodes are a, b") {
			t.Errorf("a node that is not there: %s", got)
		}
		// A node that is made anew is the node; a shell that is left in the old one is nowhere.
		left := typing(t, s, "b")
		shell(t, s, "a")("ip netns del b; ip netns add b")
		if got := asks(t, s, "a", `{"version":1,"from":"b","target":"127.0.0.1"}`); !strings.Contains(got, `"from":"b"`) {
			t.Errorf("from the node that was made anew: %s", got)
		}
		if got := left.asks(`{"version":1,"target":"10.0.0.1"}`); !strings.Contains(got, "not a node of this lab") {
			t.Errorf("in the node that is no more: %s", got)
		}
	}
}

// Whoever traces without end, or floods the socket, keeps no task from being
// judged, however long its evaluation takes, and no reset from being done.
func TestTracesWithoutEndHarmNobody(t *testing.T) {
	lab := cable()
	lab.Topology.Nodes[1].Setup = []string{"iptables -A INPUT -p udp -j DROP"}
	lab.Tasks = append(lab.Tasks, engine.Task{ID: "silence", Goal: "b says nothing", Checks: []engine.Check{
		{Traffic: &engine.TrafficCheck{From: "a", To: "10.0.0.2", Port: 9, Proto: "udp", Expect: engine.Timeout}},
	}})
	s := open(t, lab)
	shell(t, s, "b")("(while :; do echo '{\"version\":1,\"target\":\"10.0.0.9:80\"}' | nc -NU " + sandbox.SocketPath + "; head -c 9999 /dev/zero | nc -NU " + sandbox.SocketPath + "; done >/dev/null 2>&1) & " +
		"for i in 1 2 3 4 5 6 7 8 9 10; do nc -dU " + sandbox.SocketPath + " >/dev/null & done")
	ctx, stop := context.WithCancel(t.Context())
	var tracing sync.WaitGroup
	for range 2 {
		tracing.Go(func() {
			for ctx.Err() == nil {
				_, _ = s.Trace(ctx, engine.Flow{From: "b", To: "10.0.0.1", Proto: "icmp"}) // how it ends does not matter
			}
		})
	}
	types := shell(t, s, "a")
	for range 2 {
		types("ip link set eth0 up")
		await(t, s, "web", engine.Pass)
		await(t, s, "silence", engine.Pass)
		types("ip link set eth0 down")
		await(t, s, "silence", engine.Fail)
	}
	if err := s.Reset(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
	tracing.Wait()
}

// A trace that still waits for silence ends with the lab that it is in.
func TestAResetEndsATrace(t *testing.T) {
	lab := cable()
	lab.Topology.Links[0].A.Down = false
	lab.Topology.Nodes[1].Setup = []string{"iptables -A INPUT -p udp -j DROP"}
	s := open(t, lab)
	ended := make(chan error, 1)
	flow, err := engine.ParseFlow("a", "10.0.0.2:9/udp")
	if err != nil {
		t.Fatal(err)
	}
	flow.Wait = time.Hour
	go func() {
		_, err := s.Trace(t.Context(), flow)
		ended <- err
	}()
	// The packet is under way once the rule has counted it.
	shell(t, s, "b")("until iptables -vxnL INPUT | grep -q '^ *[1-9].*DROP'; do sleep 0.05; done")
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "was reset") {
		t.Errorf("the trace ended with %v", err)
	}
	if a, err := s.Trace(t.Context(), engine.Flow{From: "a", To: "10.0.0.2", Proto: "icmp"}); err != nil || a.Outcome != engine.EndingDelivered {
		t.Errorf("after the reset: %+v, %v", a, err)
	}
	if _, err := s.Trace(t.Context(), engine.Flow{From: "nobody", To: "10.0.0.2", Proto: "icmp"}); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("from a node that is not there: %v", err)
	}
}
