package check

import (
	"context"
	"sync"
	"sync/atomic"

	"underlay/engine"
	"underlay/engine/probe"
)

// crowds are the spreads and sweeps of one evaluation. Hundreds of tries at once keep a slow
// machine from answering another check's single one in time, which then looks lost.
type crowds struct {
	alone sync.RWMutex // held for reading by a crowd, for writing by what must not meet one
	begun atomic.Int64
	under atomic.Int64 // way
}

// crowd makes many attempts.
func (r *run) crowd(attempts func()) {
	r.crowds.alone.RLock()
	defer r.crowds.alone.RUnlock()
	r.crowds.begun.Add(1)
	r.crowds.under.Add(1)
	defer r.crowds.under.Add(-1)
	attempts()
}

// single makes one attempt, which should end as wanted. What is lost while a crowd is under
// way is tried once more, by itself.
func (r *run) single(ctx context.Context, req probe.Request, wanted engine.Expect) (probe.Outcome, error) {
	begun, crowded := r.crowds.begun.Load(), r.crowds.under.Load() > 0
	out, err := r.send(ctx, req)
	lost := out.Ended == engine.Timeout || out.Ended == engine.Unreachable && !out.Unresolved
	crowded = crowded || r.crowds.begun.Load() != begun
	if err != nil || !crowded || !lost || wanted.Met(out.Ended) {
		return out, err
	}
	r.crowds.alone.Lock()
	defer r.crowds.alone.Unlock()
	return r.send(ctx, req)
}

// send makes an attempt. No capture runs meanwhile.
func (r *run) send(ctx context.Context, req probe.Request) (probe.Outcome, error) {
	r.wire.RLock()
	defer r.wire.RUnlock()
	return r.w.Probe(ctx, req)
}
