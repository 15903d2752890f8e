package session

import (
	"context"
	"fmt"
	"time"

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
	// idleLook is how often state that sends no events is looked at unasked, and
	// firstLooks how soon after there was reason to: then it is looked at each time
	// that as much time again has passed, since a server takes a while to start.
	idleLook   = 2 * time.Second
	firstLooks = 100 * time.Millisecond
	// lookEvery bounds looks that output asks for.
	lookEvery = 50 * time.Millisecond
)

// retries are the pauses after which a lab is tried again without being asked, where
// something fails of which no autopsy has confirmed that it does. Of what becomes
// well by itself there is an event, or it is looked at; what is left is one probe that
// a busy machine has kept waiting. A cluster does what it is told in turn, and not all
// of that (its name server's cache) shows in a node.
var (
	retries        = []time.Duration{time.Second}
	retriesCluster = []time.Duration{time.Second, 3 * time.Second}
)

// softFacets change without the learner doing anything.
const softFacets = observe.Neighs | observe.FDB | observe.Conntrack

// trigger asks the loop to look.
type trigger struct {
	hard bool // something the learner can have done has changed
	at   int  // which of the changes that was, counted
	soft bool // something traffic changes has changed
	poke bool // look at what sends no events
	anew bool // an evaluation was cut short, though nothing has changed
	// taught says that packets of ours that were asked for have changed something of
	// what traffic changes.
	taught bool
	// explain says that the lab was judged, and that what fails is to be explained.
	explain bool
}

func (s *Session) trigger(t trigger) {
	if t.hard {
		t.at = s.outdate()
	}
	select {
	case s.triggers <- t:
	default: // the loop has enough to wake it
	}
}

// watch subscribes to the instance's kernel events and its health.
func (s *Session) watch(p *instance) error {
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
	var err error
	p.watcher, err = observe.Watch(ctx, p.nodes, func(e observe.Event) {
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
	l.stir()
	l.explain()
	for {
		select {
		case <-s.quit:
			return
		case t := <-s.triggers:
			l.onTrigger(t)
		case r := <-s.resting:
			l.onRest(r)
		case <-l.timer.C:
			l.onTimer()
		case whole := <-l.done:
			l.onDone(whole)
		case <-l.explained:
			l.explaining--
			l.stir()
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

	explaining int           // how often what failed is being explained: one that was cut short may end late
	explained  chan struct{} // that has ended

	due   time.Time // evaluate then
	must  bool      // also if nothing has changed since the last evaluation
	look  time.Time // look at polled state and for captures then
	tries int       // retries made since the last hard trigger
	last  time.Time // end of the last evaluation

	stirred time.Time // when something was last under way
	stimuli time.Time // when there was last reason to look at polled state
	looked  time.Time // when that was last looked at
	// held is what is to be done when a capture has ended: an evaluation, or else what
	// explains and tries again.
	held  struct{ evaluation, rest bool }
	rests []*rest
}

// stir says that something is, or was just now, under way.
func (l *loop) stir() { l.stirred = time.Now() }

func (l *loop) onTrigger(t trigger) {
	now := time.Now()
	if t.hard || t.soft || t.anew || t.taught {
		l.stir()
	}
	if t.hard {
		l.tries = 0
		l.s.cancelOlder(t.at) // it looks at what is no longer so
		l.sooner(&l.due, now.Add(gather))
	}
	if t.hard || t.poke {
		l.stimuli = now
		l.sooner(&l.look, later(now.Add(gather), l.looked.Add(lookEvery)))
	}
	if t.anew {
		l.demand(now.Add(gather))
	}
	if t.explain {
		l.explain()
	}
	if t.taught && l.s.capturing() {
		l.held.evaluation, t.taught = true, false
	}
	if t.soft || t.taught {
		l.demand(later(now.Add(gather), l.last.Add(softEvery)))
	}
}

// demand has an evaluation made also if nothing has changed.
func (l *loop) demand(at time.Time) {
	l.must = true
	l.sooner(&l.due, at)
}

func (l *loop) onTimer() {
	now := time.Now()
	if !l.look.IsZero() && !now.Before(l.look) {
		l.onLook(now)
	}
	if !l.due.IsZero() && !now.Before(l.due) && !l.running {
		l.onDue(now)
	}
	l.release(now)
}

func (l *loop) onLook(now time.Time) {
	l.looked = now
	l.look = now.Add(min(max(now.Sub(l.stimuli), firstLooks), idleLook))
	if l.s.pollChanged() {
		l.stir()
		l.stimuli = now
		l.tries = 0
		l.s.outdate()
		l.sooner(&l.due, now)
	}
	l.s.countTraffic()
	if l.s.capturing() {
		if l.s.settling.Load() == 0 { // whose autopsies are asked for
			l.s.giveWay()
		}
		return
	}
	held := l.held
	l.held.evaluation, l.held.rest = false, false
	switch {
	case held.evaluation:
		l.demand(now)
	case held.rest && !l.running:
		l.explain()
	}
}

func (l *loop) onDue(now time.Time) {
	if l.s.settling.Load() > 0 { // that evaluates by itself, and would wait for ours
		l.due = now.Add(softEvery)
		return
	}
	l.due = time.Time{}
	if !l.must && l.s.allJudged() {
		return
	}
	l.must = false
	l.start()
}

// allJudged reports whether the last evaluation is of the lab as it is.
func (s *Session) allJudged() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.judged == s.changes
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
	l.stir()
	if whole {
		l.explain()
	} else {
		l.scheduleRetry()
	}
}

// explain explains in the background what the last evaluation found failing.
func (l *loop) explain() {
	l.explaining++
	go func() {
		l.s.explainAlone(context.Background())
		select {
		case l.explained <- struct{}{}:
		case <-l.s.quit:
		}
	}()
}

// scheduleRetry arranges to try once more where something fails and may do so no
// longer, unless another evaluation is to come anyway. Autopsies of what failed were
// attempts, too.
func (l *loop) scheduleRetry() {
	pauses := retries
	if l.s.lab.Cluster != nil {
		pauses = retriesCluster
	}
	if l.running || l.explaining > 0 || !l.due.IsZero() || !l.s.unsure() {
		return
	}
	if l.s.capturing() {
		l.held.rest = true
		return
	}
	if l.tries >= len(pauses) {
		return
	}
	l.demand(time.Now().Add(pauses[l.tries]))
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
	if l.look.IsZero() {
		l.look = time.Now().Add(idleLook)
	}
	next := l.look
	if !l.due.IsZero() && !l.running {
		l.sooner(&next, l.due)
	}
	if at := l.restsAt(); !at.IsZero() {
		l.sooner(&next, at)
	}
	l.timer.Reset(time.Until(next))
}
