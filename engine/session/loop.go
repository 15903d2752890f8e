package session

import (
	"context"
	"fmt"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
)

// How the loop paces itself. An evaluation may send packets, so it is not made
// more often than something asks for it.
const (
	// gather is how long events are collected before an evaluation: a command
	// such as iptables sends several.
	gather = 4 * time.Millisecond
	// softEvery bounds evaluations asked for by neighbour, FDB and conntrack
	// events, most of which our own probes cause.
	softEvery = 400 * time.Millisecond
	// idleLook is how often state that sends no events is looked at unasked.
	idleLook = 2 * time.Second
)

// retries are the pauses after which a lab with a failing attempt is tried again
// without being asked, once it is explained: a server that starts, an ARP entry
// that ages.
var retries = []time.Duration{300 * time.Millisecond, time.Second, 3 * time.Second}

// softFacets change without the learner doing anything.
const softFacets = observe.Neighs | observe.FDB | observe.Conntrack

// trigger asks the loop to look.
type trigger struct {
	hard bool // something the learner can have done has changed
	soft bool // something traffic changes has changed
	poke bool // look at what sends no events
	anew bool // an evaluation may have been cut short, though nothing has changed
}

func (s *Session) trigger(t trigger) {
	if t.hard {
		s.outdate()
	}
	select {
	case s.triggers <- t:
	default: // the loop has enough to wake it
	}
}

// watch subscribes to the place's kernel events and its health.
func (s *Session) watch(p *place) error {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-p.world.HealthChanged():
			case <-p.world.Done():
				s.signal()
				return
			}
			s.signal()
		}
	}()
	err := observe.Watch(ctx, p.nodes, func(e observe.Event) {
		if !s.judge.Affected(e.Node, e.Facets) {
			return
		}
		s.trigger(trigger{hard: e.Facets&^softFacets != 0, soft: e.Facets&softFacets != 0})
	})
	if err != nil {
		return fmt.Errorf("watch the kernel: %w", err)
	}
	return nil
}

// watchLoop evaluates whenever there is reason to, until the session is closed.
func (s *Session) watchLoop() {
	l := loop{s: s, timer: time.NewTimer(idleLook), done: make(chan bool, 1), explained: make(chan struct{})}
	defer close(s.stopped)
	defer l.timer.Stop()
	l.quiet, _ = s.quietState()
	l.explain()
	for {
		select {
		case <-s.quit:
			return
		case t := <-s.triggers:
			l.onTrigger(t)
		case <-l.timer.C:
			l.onTimer()
		case whole := <-l.done:
			l.onDone(whole)
		case <-l.explained:
			l.scheduleRetry()
		}
		l.arm()
	}
}

// loop is the state of watchLoop. All times are deadlines; zero is none.
type loop struct {
	s       *Session
	timer   *time.Timer
	running bool      // an evaluation is under way
	done    chan bool // whether the evaluation was whole

	explained chan struct{} // what failed is explained, or that was cut short

	due   time.Time // evaluate then
	look  time.Time // look at quiet state then
	tries int       // retries made since the last hard trigger
	last  time.Time // end of the last evaluation
	quiet uint64    // fingerprint of the quiet state
}

func (l *loop) onTrigger(t trigger) {
	now := time.Now()
	switch {
	case t.hard:
		l.tries = 0
		l.s.cancelEvaluation() // it looks at what is no longer so
		l.sooner(&l.due, now.Add(gather))
	case t.anew:
		l.sooner(&l.due, now.Add(gather))
	case t.poke:
		l.sooner(&l.look, now.Add(gather))
	case t.soft:
		l.sooner(&l.due, later(now.Add(gather), l.last.Add(softEvery)))
	}
}

func (l *loop) onTimer() {
	now := time.Now()
	if !l.look.IsZero() && !now.Before(l.look) {
		l.look = now.Add(idleLook)
		if quiet, ok := l.s.quietState(); ok && quiet != l.quiet {
			l.quiet = quiet
			l.tries = 0
			l.s.outdate()
			l.sooner(&l.due, now)
		}
	}
	if l.due.IsZero() || now.Before(l.due) || l.running {
		return
	}
	if l.s.settling.Load() > 0 { // that evaluates by itself, and would wait for ours
		l.due = now.Add(softEvery)
		return
	}
	l.due = time.Time{}
	l.start()
}

func (l *loop) start() {
	l.running = true
	go func() {
		_, whole := l.s.evaluate(context.Background())
		l.done <- whole
	}()
}

func (l *loop) onDone(whole bool) {
	l.running = false
	l.last = time.Now()
	if whole {
		l.explain()
	} else {
		l.scheduleRetry()
	}
}

// explain explains in the background what the last evaluation found failing.
func (l *loop) explain() {
	go func() {
		l.s.explainAlone(context.Background())
		select {
		case l.explained <- struct{}{}:
		case <-l.s.quit:
		}
	}()
}

// scheduleRetry arranges to try once more where an attempt failed, unless another
// evaluation is to come anyway. The autopsies of what failed were attempts, too.
func (l *loop) scheduleRetry() {
	st := l.s.Status()
	if l.running || !l.due.IsZero() || st.Solved || l.tries >= len(retries) {
		return
	}
	l.due = time.Now().Add(retries[l.tries])
	l.tries++
}

func (l *loop) sooner(at *time.Time, t time.Time) {
	if at.IsZero() || t.Before(*at) {
		*at = t
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// arm sets the timer to the next deadline.
func (l *loop) arm() {
	next := l.look
	if next.IsZero() {
		next = time.Now().Add(idleLook)
		l.look = next
	}
	if !l.due.IsZero() && !l.running && l.due.Before(next) {
		next = l.due
	}
	l.timer.Reset(time.Until(next))
}

// calm is the time between two evaluations that have to agree: what was under way in
// the kernel has ended by then. A cluster does what it is told in turn, its
// controllers, then each node's proxy, and is slower on a busy machine.
const (
	calm        = 200 * time.Millisecond
	calmCluster = time.Second
)

// Settle evaluates until two evaluations in a row agree, with time between them
// for what is under way, and returns the last one with the verdicts on what fails.
func (s *Session) Settle(ctx context.Context) (engine.Status, error) {
	const maxExplained = 3 // of a lab in which something changes all the time
	between := calm
	if s.lab.Cluster != nil {
		between = calmCluster
	}
	s.settling.Add(1)
	defer s.settling.Add(-1)
	s.cancelEvaluation() // the first one here is newer
	before, whole := s.evaluate(ctx)
	for explained := 0; ; {
		select {
		case <-ctx.Done():
			return s.Status(), ctx.Err()
		case <-s.quit:
			return s.Status(), errClosed
		case <-time.After(between):
		}
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
