package autopsy_test

import (
	"slices"
	"strings"
	"testing"

	"underlay/engine/autopsy"
)

// TestPolicyRoute: an answer that a rule sends out by another door names the rule and the table.
func TestPolicyRoute(t *testing.T) {
	t.Parallel()
	l := open(t, bridge())
	// host answers lan from a table that knows only docker0.
	if err := l.run(t.Context(), "host", "ip rule add from 192.168.50.1 table 100 priority 70; ip route add 192.168.50.2 via 172.17.0.99 dev docker0 table 100"); err != nil {
		t.Fatal(err)
	}
	r := l.trace(t, tcp("lan", "192.168.50.1", 9000))
	if v := r.Verdict; v.Reason != autopsy.ReasonNobodyHas || v.Node != "host" || v.Direction != reply ||
		!strings.Contains(v.Text, "host sends the reply for 192.168.50.2 out on docker0 by the policy routing rule 70 (table 100), where its main table says eth0") {
		t.Error(picture(r))
	}
}

// TestStaleEntry: conntrack remembers a translation that no rule makes any more.
func TestStaleEntry(t *testing.T) {
	t.Parallel()
	l := open(t, published())
	const rule = " PREROUTING -p udp -d 192.168.50.1 --dport 53 -j DNAT --to-destination 172.17.0."
	for _, s := range [][2]string{
		{"host", "iptables -t nat -I" + rule + "2:9001"},
		{"lan", "echo x >/dev/udp/192.168.50.1/53"},
		{"host", "iptables -t nat -D" + rule + "2:9001; iptables -t nat -I" + rule + "3:9001"},
	} {
		if err := l.run(t.Context(), s[0], s[1]); err != nil {
			t.Fatal(err)
		}
	}
	r := l.trace(t, udp("lan", "192.168.50.1", 53))
	if r.Outcome != autopsy.Delivered || r.Verdict.Object != "conntrack in host" || !strings.Contains(r.Verdict.Text, "to 192.168.50.1 on to 172.17.0.2") {
		t.Error(picture(r))
	}
}

// TestHooks: a packet's hooks are told, whether a rule met it there or not.
func TestHooks(t *testing.T) {
	t.Parallel()
	l := open(t, router())
	r := l.trace(t, ping("a", "10.2.0.2"))
	want := map[string][]string{"a": {"output", "postrouting"}, "r": {"prerouting", "forward", "postrouting"}, "b": {"prerouting", "input"}}
	for _, h := range r.Hops {
		if h.Direction == request && !slices.Equal(h.Hooks, want[h.Node]) {
			t.Errorf("%s: %v\n%s", h.Node, h.Hooks, picture(r))
		}
	}
}

// TestSourcePort sends from the port that is asked for, time and again.
func TestSourcePort(t *testing.T) {
	t.Parallel()
	l := open(t, router())
	for _, flow := range []autopsy.Flow{tcp("a", "10.2.0.2", 9000), tcp("a", "10.2.0.2", 9000), udp("a", "10.2.0.2", 9001), {From: "a", To: "10.2.0.2", Proto: "http", Port: 80}} {
		flow.SPort = 4321
		if r := l.trace(t, flow); r.Outcome != autopsy.Delivered || r.Hops[0].Header.SPort != 4321 {
			t.Error(picture(r))
		}
	}
}
