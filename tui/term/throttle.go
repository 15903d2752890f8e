package term

import (
	"sync"
	"time"
)

// throttle turns any number of marks into signals that are at least an
// interval apart. The first mark after a quiet interval is signalled at once,
// as is the first after a key was pressed, which is most likely its echo; the
// last mark of a burst is never lost.
type throttle struct {
	ready chan struct{}

	mu       sync.Mutex
	interval time.Duration
	last     time.Time
	timer    *time.Timer // running while a signal is due
	eager    bool        // a key was pressed since the last signal
	stopped  bool
}

func newThrottle(interval time.Duration) *throttle {
	return &throttle{ready: make(chan struct{}, 1), interval: interval}
}

func (t *throttle) mark() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	if t.eager {
		if t.timer != nil {
			t.timer.Stop()
			t.timer = nil
		}
		t.signal()
		return
	}
	if t.timer != nil {
		return
	}
	if wait := t.interval - time.Since(t.last); wait > 0 {
		t.timer = time.AfterFunc(wait, t.due)
		return
	}
	t.signal()
}

func (t *throttle) due() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil && !t.stopped {
		t.timer = nil
		t.signal()
	}
}

// pressed lets the next mark be signalled at once.
func (t *throttle) pressed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.eager = true
}

// signal needs t.mu.
func (t *throttle) signal() {
	t.last, t.eager = time.Now(), false
	select {
	case t.ready <- struct{}{}:
	default: // one is waiting already, and will show this too
	}
}

func (t *throttle) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.timer != nil {
		t.timer.Stop()
	}
}
