package session_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"underlay/engine"
)

// checkpoints waits until there are n of them.
func checkpoints(t *testing.T, s engine.Session, n int) []engine.Checkpoint {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		if cs := s.History().Checkpoints(); len(cs) >= n {
			return cs
		}
		select {
		case <-s.Changed():
		case <-deadline:
			t.Fatalf("no checkpoint %d: %+v", n, s.History().Checkpoints())
		}
	}
}

// goBack restores a checkpoint and fails unless nothing differs from it then.
func goBack(t *testing.T, s engine.Session, id int) engine.Restored {
	t.Helper()
	r, err := s.History().Restore(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	left, err := s.History().Diff(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("after going back these differ: %+v (said %q)", left, r.Why)
	}
	return r
}

func states(s engine.Session) string {
	var out []string
	for _, r := range s.Status().Tasks {
		out = append(out, r.ID+":"+string(r.State))
	}
	return strings.Join(out, " ")
}

func TestCheckpointsFollowTheTasks(t *testing.T) {
	s := open(t, cable())
	cs := checkpoints(t, s, 1)
	if len(cs) != 1 || cs[0].ID != 0 || cs[0].Label != "the start" || len(cs[0].Tasks) != 0 {
		t.Fatalf("opened with %+v", cs)
	}
	line := shell(t, s, "a")
	line("sysctl -w net.ipv4.ip_forward=1")
	cs = checkpoints(t, s, 2)
	if c := cs[1]; c.Label != "a forwards" || !slices.Equal(c.Tasks, []string{"forward"}) || c.At.Before(cs[0].At) {
		t.Errorf("after a task the checkpoint is %+v", c)
	}
	line("iptables-legacy -A INPUT -p tcp --dport 7 -j DROP")
	await(t, s, "legacy", engine.Pass)
	checkpoints(t, s, 3)
	line("sysctl -w net.ipv4.ip_forward=0; iptables-legacy -F; ip addr add 10.9.9.9/32 dev lo")
	await(t, s, "forward", engine.Fail)

	changes, err := s.History().Diff(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []engine.Change{
		{Node: "a", What: "address", After: "10.9.9.9/32 dev lo"},
		{Node: "a", What: "setting", Before: "net.ipv4.ip_forward = 1", After: "net.ipv4.ip_forward = 0"},
		{Node: "a", What: "firewall", Before: "iptables-legacy filter: -A INPUT -p tcp -m tcp --dport 7 -j DROP"},
	} {
		if !slices.Contains(changes, want) {
			t.Errorf("the diff lacks %+v:\n%+v", want, changes)
		}
	}
	if r := goBack(t, s, 2); r.Rebuilt || r.Changes != len(changes) {
		t.Errorf("going back was %+v for %d changes", r, len(changes))
	}
	if got := states(s); got != "up:fail web:fail forward:pass listen:fail legacy:pass" {
		t.Errorf("back at the second task: %s", got)
	}
	line("echo the shell goes on") // in place
	goBack(t, s, 1)
	if got := states(s); got != "up:fail web:fail forward:pass listen:fail legacy:fail" {
		t.Errorf("back at the first task, a task that was done once later is still done: %s", got)
	}
	if cs := s.History().Checkpoints(); len(cs) != 2 {
		t.Errorf("later checkpoints are still there: %+v", cs)
	}
	if _, err := s.History().Restore(t.Context(), 2); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a checkpoint that is gone: %v", err)
	}
	if _, err := s.History().Diff(t.Context(), 9); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("a checkpoint that never was: %v", err)
	}
	goBack(t, s, 0)
	line("sysctl -w net.ipv4.ip_forward=1")
	await(t, s, "forward", engine.Pass)
	checkpoints(t, s, 2)
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if cs := s.History().Checkpoints(); len(cs) != 1 || cs[0].ID != 0 {
		t.Errorf("after a reset the checkpoints are %+v", cs)
	}
}

func TestOnceStaysDoneAtItsCheckpoint(t *testing.T) {
	s := open(t, cable())
	line := shell(t, s, "a")
	line("iptables-legacy -A INPUT -p tcp --dport 7 -j DROP")
	await(t, s, "legacy", engine.Pass)
	checkpoints(t, s, 2)
	line("iptables-legacy -F; sysctl -w net.ipv4.ip_forward=1")
	await(t, s, "forward", engine.Pass)
	checkpoints(t, s, 3)
	line("sysctl -w net.ipv4.ip_forward=0")
	await(t, s, "forward", engine.Fail)
	goBack(t, s, 2) // the rule is gone there, the task was done
	if got := states(s); got != "up:fail web:fail forward:pass listen:fail legacy:pass" {
		t.Errorf("%s", got)
	}
}

func TestAServerThatEndedIsStartedAgain(t *testing.T) {
	s := open(t, cable())
	line := shell(t, s, "a")
	line("ip link set eth0 up")
	await(t, s, "web", engine.Pass)
	cs := checkpoints(t, s, 2)
	line("nsenter --net=/run/netns/b ip addr del 10.0.0.2/24 dev eth0; kill -9 $(pgrep -f workload-http)")
	await(t, s, "web", engine.Fail)
	changes, err := s.History().Diff(t.Context(), cs[len(cs)-1].ID)
	if err != nil || !slices.Contains(changes, engine.Change{What: "server", Before: "the http server of b (:80) runs", After: "the http server of b (:80) has ended"}) {
		t.Errorf("the diff does not speak of the server: %+v, %v", changes, err)
	}
	if r := goBack(t, s, cs[len(cs)-1].ID); r.Rebuilt {
		t.Errorf("a server made a rebuild needed: %+v", r)
	}
	await(t, s, "web", engine.Pass)
}

func TestWhatCannotBeDoneInPlaceIsRebuilt(t *testing.T) {
	for name, c := range map[string]struct{ do, why string }{
		"deleted":        {"ip netns del b", "b was deleted."},
		"made anew":      {"ip netns del b; ip netns add b", "b was deleted and made again"},
		"all names gone": {"rm -f /run/netns/*; umount /run/netns/* 2>/dev/null; rm -f /run/netns/*", "b was deleted."},
		"port taken":     {"kill -9 $(pgrep -f workload-http); while pgrep -f workload-http; do :; done; nsenter --net=/run/netns/b nc -lk -p 80 >/dev/null 2>&1 & until nsenter --net=/run/netns/b ss -ltnH 'sport = :80' | grep -q .; do :; done", "the http server of b (:80) did not start again"},
		"in place":       {"ip link del eth0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, cable())
			line := shell(t, s, "a")
			line("ip link set eth0 up; ip addr add 10.0.0.77/24 dev eth0; sysctl -w net.ipv4.ip_forward=1")
			await(t, s, "web", engine.Pass)
			await(t, s, "forward", engine.Pass)
			allDone := func(c engine.Checkpoint) bool { return len(c.Tasks) >= 3 }
			cs := checkpoints(t, s, 2)
			for !slices.ContainsFunc(cs, allDone) {
				cs = checkpoints(t, s, len(cs)+1)
			}
			last := cs[slices.IndexFunc(cs, allDone)].ID
			line(c.do)
			r := goBack(t, s, last)
			if r.Rebuilt != (c.why != "") || !strings.Contains(strings.Join(r.Why, " "), c.why) {
				t.Errorf("going back was %+v", r)
			}
			await(t, s, "web", engine.Pass)
			await(t, s, "forward", engine.Pass)
			if h := s.Status().Health; len(h) > 0 {
				t.Errorf("the world says %q", h)
			}
			again := goBack(t, s, 0)
			if again.Rebuilt {
				t.Errorf("going further back after a rebuild needed another one: %+v", again)
			}
			await(t, s, "web", engine.Fail)
			line = shell(t, s, "a")
			line("ip link set eth0 up")
			await(t, s, "web", engine.Pass)
		})
	}
}
