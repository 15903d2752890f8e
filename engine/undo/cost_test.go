package undo_test

import (
	"fmt"
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/undo"
)

// containers is a host with a bridge and n-1 containers on it.
func containers(n int) *engine.Topology {
	t := &engine.Topology{Nodes: []engine.Node{{
		Name: "host", Bridges: []engine.Bridge{{Name: "br0", Address: []string{"10.1.0.1/24"}}},
		Setup: []string{"iptables -t nat -A POSTROUTING -s 10.1.0.0/24 ! -o br0 -j MASQUERADE"},
	}}}
	for i := 1; i < n; i++ {
		name := fmt.Sprintf("c%d", i)
		t.Nodes = append(t.Nodes, engine.Node{Name: name, Routes: []engine.Route{{To: "default", Via: "10.1.0.1"}}})
		t.Links = append(t.Links, engine.Link{
			A: engine.End{Node: "host", Name: fmt.Sprintf("v%d", i), Bridge: "br0"},
			B: engine.End{Node: name, Name: "eth0", Address: []string{fmt.Sprintf("10.1.0.%d/24", i+1)}},
		})
	}
	return t
}

// TestCost says how long a checkpoint and the way back take. It judges only that
// the way back leads there.
func TestCost(t *testing.T) {
	for _, n := range []int{3, 10} {
		l := build(t, containers(n))
		l.state() // opens the sockets
		var before *undo.State
		taking := lowest(func() { before = l.state() })
		still := lowest(func() {
			if _, err := undo.TakeStill(t.Context(), func() (undo.Lab, error) { return undo.Lab{Reader: l.reader, Tools: l.world}, nil }); err != nil {
				t.Fatal(err)
			}
		})
		nothing := lowest(func() { l.back(before) })
		back := time.Hour
		for range 5 {
			l.sh("host", "ip link del v1; ip addr add 10.9.0.1/24 dev br0; sysctl -qw net.ipv4.ip_forward=1; iptables -t nat -F")
			back = min(back, once(func() { l.back(before) }))
		}
		t.Logf("%d nodes: a reading takes %v, a checkpoint %v; going back from nothing %v, from a lost link, an address, a setting and a rule %v", n, taking, still, nothing, back)
	}
}

func lowest(do func()) time.Duration {
	best := time.Hour
	for range 5 {
		best = min(best, once(do))
	}
	return best
}

func once(do func()) time.Duration {
	begin := time.Now()
	do()
	return time.Since(begin)
}
