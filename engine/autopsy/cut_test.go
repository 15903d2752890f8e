package autopsy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"underlay/engine/autopsy"
)

// cut ends an autopsy a while after its begin and returns how long after that it
// was over, and whether it had been before.
func (l *lab) cut(tb testing.TB, flow autopsy.Flow, after time.Duration) (late time.Duration, over bool) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	ended := make(chan time.Time, 1)
	timer := time.AfterFunc(after, func() {
		ended <- time.Now()
		cancel()
	})
	_, err := autopsy.Trace(ctx, l.instance, flow)
	if timer.Stop() {
		return 0, true
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		tb.Fatal(err)
	}
	return time.Since(<-ended), false
}

// An autopsy that is cut short, at whatever it is, leaves nothing behind, and
// another one can follow at once.
func TestCutShort(t *testing.T) {
	l := open(t, crowd(4))
	flow := udp("c1", "172.17.0.3", 7)
	flow.Wait = 20 * time.Second
	for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond} {
		late, over := l.cut(t, flow, after)
		if over || late > 10*time.Second {
			t.Fatalf("cut after %v, it went on for %v", after, late)
		}
	}
	flow.Wait = patience
	if r := l.trace(t, flow); r.Verdict.Reason != autopsy.ReasonRuleDrop {
		t.Errorf("afterwards:\n%s", picture(r))
	}
	deadline := time.Now().Add(20 * time.Second)
	for _, node := range l.topology.NodeNames() {
		for {
			out, _, err := l.world.Run(t.Context(), node, "", "nft", "list", "tables")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out, "underlay-autopsy") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("tables stayed in %s: %s", node, out)
			}
		}
	}
}

// BenchmarkCut measures how long an autopsy goes on that is cut short.
func BenchmarkCut(b *testing.B) {
	for _, n := range []int{4, 12} {
		l := open(b, crowd(n))
		flow := udp("c1", "172.17.0.3", 7)
		flow.Wait = 100 * time.Millisecond
		for _, after := range []time.Duration{0, 5, 20, 80, 110, 125, 135} {
			b.Run(fmt.Sprintf("after=%dms/nodes=%d", after, n), func(b *testing.B) {
				var all, most time.Duration
				cut := 0
				for b.Loop() {
					late, over := l.cut(b, flow, after*time.Millisecond)
					all, most = all+late, max(most, late)
					if !over {
						cut++
					}
				}
				b.ReportMetric(float64(all.Microseconds())/1000/float64(max(cut, 1)), "ms-late")
				b.ReportMetric(float64(most.Microseconds())/1000, "ms-at-most")
			})
		}
	}
}
