package session

import (
	"context"
	"time"

	"underlay/engine"
)

// rest is somebody who waits until what has changed so far is judged.
type rest struct {
	since time.Time
	done  chan struct{}
}

// Rest waits until what has changed so far is judged, with the verdicts on what
// fails, and returns the newest evaluation. It starts none.
func (s *Session) Rest(ctx context.Context) (engine.Status, error) {
	if s.lab.Unwatched {
		return s.Status(), nil
	}
	if p, err := s.live(); err == nil && p.watcher != nil {
		p.watcher.Flush() // a busy machine tells of a change late
	}
	r := &rest{since: time.Now(), done: make(chan struct{})}
	for resting := s.resting; ; resting = nil {
		select {
		case resting <- r:
		case <-r.done:
			return s.Status(), nil
		case <-ctx.Done():
			return s.Status(), ctx.Err()
		case <-s.quit:
			return s.Status(), errClosed
		}
	}
}

// onRest takes in one more that waits.
func (l *loop) onRest(r *rest) {
	l.rests = append(l.rests, r)
	l.sooner(&l.look, time.Now())
}

// restsAt is when the lab will have been at rest for so long that those who wait
// for it may go on; zero while it is not, or nobody does.
func (l *loop) restsAt() time.Time {
	if len(l.rests) == 0 || l.running || l.explaining > 0 || !l.due.IsZero() {
		return time.Time{}
	}
	at := l.stirred
	for _, r := range l.rests {
		at = later(at, r.since)
	}
	return at.Add(l.s.calm())
}

// release lets those go on who wait for the lab to be at rest.
func (l *loop) release(now time.Time) {
	if at := l.restsAt(); at.IsZero() || now.Before(at) || len(l.s.triggers) > 0 {
		return
	}
	l.s.countTraffic()
	for _, r := range l.rests {
		close(r.done)
	}
	l.rests = nil
}
