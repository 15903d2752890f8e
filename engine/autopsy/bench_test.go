package autopsy_test

import (
	"fmt"
	"testing"
	"time"

	"underlay/engine"
	"underlay/engine/autopsy"
)

// crowd is host with a bridge and containers, n nodes in all.
func crowd(n int) *engine.Topology {
	t := &engine.Topology{Nodes: []engine.Node{{
		Name: "host", Bridges: []engine.Bridge{{Name: "docker0", Address: []string{"172.17.0.1/16"}}}, Sysctls: []engine.Sysctl{forwards},
		Setup: []string{"iptables -A FORWARD -p udp --dport 7 -j DROP"},
	}}}
	for i := 1; i < n; i++ {
		c := fmt.Sprintf("c%d", i)
		t.Nodes = append(t.Nodes, engine.Node{Name: c})
		t.Links = append(t.Links, engine.Link{A: port("host", "v"+c, "docker0"), B: end(c, "eth0", fmt.Sprintf("172.17.0.%d/16", i+1))})
	}
	t.Workloads = servers("c2")
	return t
}

// BenchmarkTrace measures an autopsy. Of a packet that is silently dropped
// the time beyond the wait is reported too.
func BenchmarkTrace(b *testing.B) {
	const wait = 100 * time.Millisecond
	for _, n := range []int{4, 12} {
		l := open(b, crowd(n))
		for _, c := range []struct {
			name string
			flow autopsy.Flow
			want autopsy.Outcome
		}{
			{"delivered", tcp("c1", "172.17.0.3", 9000), autopsy.Delivered},
			{"refused", tcp("c1", "172.17.0.3", 81), autopsy.Refused},
			{"dropped", udp("c1", "172.17.0.3", 7), autopsy.Dropped},
		} {
			b.Run(fmt.Sprintf("%s/nodes=%d", c.name, n), func(b *testing.B) {
				c.flow.Wait = wait
				for b.Loop() {
					if r := l.trace(b, c.flow); r.Outcome != c.want {
						b.Fatal(picture(r))
					}
				}
				took := float64(b.Elapsed().Microseconds()) / 1000 / float64(b.N)
				if c.want == autopsy.Dropped {
					took -= float64(wait.Milliseconds())
				}
				b.ReportMetric(took, "ms-beyond-wait")
			})
		}
	}
}
