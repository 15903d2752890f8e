package session

import (
	"context"
	"time"

	"underlay/engine"
)

// calm is the time between two evaluations that have to agree: what was under way in
// the kernel has ended by then. A cluster says itself when it has settled, but for what
// programs in its pods have heard of by then.
const (
	calm        = 200 * time.Millisecond
	calmCluster = time.Second
)

func (s *Session) calm() time.Duration {
	if s.lab.Cluster != nil {
		return calmCluster
	}
	return calm
}

// A lab does not come to rest if this many looks at it over this long did not find two
// in a row that agree. It takes both: a machine that is slow needs the time for two looks,
// one that is busy for a moment has made the looks meanwhile.
const (
	restlessLooks = 8
	restlessTime  = 20 * time.Second
)

// Settle evaluates until two evaluations in a row agree, with time between them
// for what is under way, and returns the last one with the verdicts on what fails. Where
// there is a cluster, it has settled before each of them; what that does not come to in
// time is judged as it is.
func (s *Session) Settle(ctx context.Context) (engine.Status, error) {
	const maxExplained = 3 // of a lab in which something changes all the time
	between := s.calm()
	s.settling.Add(1)
	defer s.settling.Add(-1)
	s.cancelEvaluation() // the first one here is newer
	s.claim()
	s.countTrafficNow()
	s.evalMu.Unlock()
	began := time.Now()
	rests := s.awaitCluster(ctx)
	before, whole := s.evaluate(ctx)
	for explained, looks := 0, 1; ; looks++ {
		if looks >= restlessLooks && time.Since(began) >= restlessTime {
			return s.Status(), engine.ErrRestless
		}
		select {
		case <-ctx.Done():
			return s.Status(), ctx.Err()
		case <-s.quit:
			return s.Status(), errClosed
		case <-time.After(between):
		}
		rests = rests && s.awaitCluster(ctx) // what was late once is not waited for again
		now, nowWhole := s.evaluate(ctx)
		if whole && nowWhole && sameOutcome(before, now) {
			explained++
			if s.explain(ctx, false) || ctx.Err() != nil || explained == maxExplained {
				return s.Status(), nil
			}
		}
		before, whole = now, nowWhole
	}
}

// awaitCluster returns once the lab's cluster has settled. It says whether it has: false
// too if it could not be asked, as while it is started again.
func (s *Session) awaitCluster(ctx context.Context) bool {
	p, err := s.live()
	if err != nil {
		return false
	}
	late, err := p.cluster.Settle(ctx)
	return late == "" && err == nil
}

func sameOutcome(a, b engine.Status) bool {
	return sameStates(a.Tasks, b.Tasks) && sameStates(a.Collateral, b.Collateral)
}

func sameStates(a, b []engine.TaskResult) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].State != b[i].State || a[i].Misconception != b[i].Misconception {
			return false
		}
	}
	return true
}
