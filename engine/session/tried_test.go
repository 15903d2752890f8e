package session_test

import (
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/session"
)

// awaitKnown waits until an autopsy has found out why something fails.
func awaitKnown(t *testing.T, s engine.Session) {
	t.Helper()
	for deadline := time.After(time.Minute); !session.Knows(s); {
		select {
		case <-s.Changed():
		case <-deadline:
			t.Fatal("no autopsy has found anything")
		}
	}
}

// TestNothingIsGivenAway: why something fails is told once the learner has tried something,
// or asks, and no command that only looks counts.
func TestNothingIsGivenAway(t *testing.T) {
	s := open(t, routed("sysctl -qw net.ipv4.ip_forward=0"))
	told := reason("forwarding-off")
	secret := func(when string) {
		t.Helper()
		awaitKnown(t, s)
		atRest(t, s)
		if got := s.Status().Tasks[0]; got.State != engine.Fail || got.Verdict.Text != "" || got.Why != "" || got.Flow.Proto == "" {
			t.Errorf("%s: %+v", when, got)
		}
	}
	for _, x := range []struct {
		what, node, line string
	}{
		{"a ping", "a", "ping -c1 -W1 10.0.2.2; true"},
		{"a connection", "a", "curl -m1 -s 10.0.2.2; true"},
		{"a datagram", "a", "echo hello > /dev/udp/10.0.2.2/9"},
		{"a ping to another node", "r", "ip netns exec a ping -c1 -W1 10.0.1.1"},
		{"a change", "r", "ip link add d0 type bridge"},
		{"a setting", "r", "sysctl -qw net.ipv4.conf.toa.rp_filter=1"},
	} {
		secret("before " + x.what)
		line := shell(t, s, x.node)
		line("ip addr; ip route; sysctl net.ipv4.ip_forward; ss -tan; iptables -S; cat /etc/hosts; getent hosts 10.0.1.9; tcpdump -c1 -i lo 2>&1 & sleep 0.3; kill $!")
		line("")
		secret("before " + x.what + ", after looking around")
		line(x.line)
		awaitStatus(t, s, "told after "+x.what, told)
		if err := s.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	secret("after a reset")
	if _, err := s.Trace(t.Context(), engine.Flow{From: "a", To: "10.0.2.2", Proto: "icmp"}); err != nil {
		t.Fatal(err)
	}
	awaitStatus(t, s, "told who asks", told)
}

// TestBlamesWhatIsInReach: where nobody has the address, the last node with a shell is named
// that sent the packet on untranslated, not the one without that dropped it.
func TestBlamesWhatIsInReach(t *testing.T) {
	lab := routed("ip route add default via 10.0.2.2")
	lab.Tasks[0].Checks[0].Traffic.To = "10.96.0.10"
	s := open(t, lab)
	session.Try(s)
	st := awaitStatus(t, s, "explained", func(st *engine.Status) bool { return st.Tasks[0].Verdict.Text != "" })
	want := "r sent the packet for 10.96.0.10 out on tob, to b: no rule in r translated that address, and no node has it."
	if got := st.Tasks[0]; got.Why != want || got.Verdict.Node != "r" || got.Verdict.Reason != "untranslated" {
		t.Errorf("%q, %+v", got.Why, got.Verdict)
	}
	a, err := s.Trace(t.Context(), engine.Flow{From: "a", To: "10.96.0.10", Port: 80, Proto: "http"})
	if err != nil || a.Verdict.Node != "b" {
		t.Errorf("a trace names where the packet died: %+v, %v", a, err)
	}
	line := shell(t, s, "r")
	line("ip netns exec b ip addr add 10.96.0.10/32 dev lo; ip netns exec b iptables -A INPUT -d 10.96.0.10 -j DROP")
	awaitStatus(t, s, "blamed on b, which has it", func(st *engine.Status) bool { return st.Tasks[0].Verdict.Node == "b" })
}
