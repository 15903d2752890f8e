package check

import (
	"context"
	"sync"
	"testing"

	"underlay/engine"
	"underlay/engine/probe"
)

// besideSweep is a world in which a ping gets no answer while a sweep is under way.
type besideSweep struct {
	*fake
	swept  chan struct{} // closed once the sweep is under way; nil if there is none
	pinged chan struct{} // closed once the ping is, for which the sweep waits
	once   sync.Once
	mu     sync.Mutex
	pings  int
}

func (w *besideSweep) Probe(ctx context.Context, r probe.Request) (probe.Outcome, error) {
	if r.Proto != "icmp" {
		w.once.Do(func() { close(w.swept) })
		<-w.pinged
		return probe.Outcome{Ended: engine.Refused}, nil
	}
	w.mu.Lock()
	w.pings++
	first := w.pings == 1
	w.mu.Unlock()
	if !first {
		return w.fake.Probe(ctx, r)
	}
	if w.swept != nil {
		close(w.pinged)
		<-w.swept
	}
	return probe.Outcome{Ended: engine.Timeout}, nil
}

// TestAloneAfterACrowd: what seems lost beside a sweep is tried once more when that is over,
// and what is lost by itself is not.
func TestAloneAfterACrowd(t *testing.T) {
	ping := traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.1"})
	sweep := traffic(engine.TrafficCheck{From: "c1", To: "172.17.0.3", Proto: "tcp", Expect: engine.Refused, Sweep: &engine.Sweep{Ports: 50}})
	for _, beside := range []bool{true, false} {
		w := &besideSweep{fake: newFake()}
		c, want, pings := ping, engine.Fail, 1
		if beside {
			w.swept, w.pinged = make(chan struct{}), make(chan struct{})
			c, want, pings = engine.Check{All: []engine.Check{ping, sweep}}, engine.Pass, 2
		}
		if got := one(t, w, c); got.State != want || w.pings != pings {
			t.Errorf("beside a sweep %v: %s after %d pings: %s", beside, got.State, w.pings, got.Got)
		}
	}
}
