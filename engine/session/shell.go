package session

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"underlay/engine"
)

// An autopsy has tables in nf_tables, and a command (`nft list ruleset`) would show
// them. So none is under way in the background when a line is sent to a shell, and
// none is begun until the shell waits for the next one.
const (
	// patience is how long a line waits at most until the tables have gone, which
	// takes the kernel some 25 ms.
	patience = 100 * time.Millisecond
	// startDelay is how long a shell takes to begin with a line.
	startDelay = 40 * time.Millisecond
	// maxBusy is how long is waited for a command, which may be one that stays.
	maxBusy = 2 * time.Second
	// pollEvery is how often a shell is looked at meanwhile.
	pollEvery = 20 * time.Millisecond
)

// watchedShell is a shell whose lines the background makes way for.
type watchedShell struct {
	engine.Terminal
	s    *Session
	node string // by its name in the lab, which a pod's namespace may not have

	ready atomic.Bool // the shell has said that it reads the next line
	tail  []byte      // the end of what came out, where a mark may be cut in two
}

// prompted is what a shell that edits lines says when it begins to read one.
var prompted = []byte("\x1b[?2004h")

// Node implements engine.Terminal.
func (t *watchedShell) Node() string { return t.node }

// Write implements engine.Terminal.
func (t *watchedShell) Write(b []byte) (int, error) {
	if bytes.ContainsAny(b, "\r\n") {
		t.s.lineSent(t)
	}
	return t.Terminal.Write(b)
}

// Read implements engine.Terminal.
func (t *watchedShell) Read(b []byte) (int, error) {
	n, err := t.Terminal.Read(b)
	t.tail = append(t.tail, b[:n]...)
	if bytes.Contains(t.tail, prompted) {
		t.ready.Store(true)
	}
	t.tail = bytes.Clone(t.tail[max(0, len(t.tail)-len(prompted)+1):])
	return n, err
}

// busy reports whether a line may still be under way. A shell that does not say when
// it is ready is asked whether it waits.
func (t *watchedShell) busy() bool { return !t.ready.Load() && !t.WaitsForInput() }

// WaitsForInput says what the shell itself does, so that those who type scripts can
// ask for it.
func (t *watchedShell) WaitsForInput() bool {
	w, ok := t.Terminal.(interface{ WaitsForInput() bool })
	return ok && w.WaitsForInput()
}

// lineSent notes a line and ends the autopsy under way in the background before a line arrives.
func (s *Session) lineSent(t *watchedShell) {
	t.ready.Store(false)
	s.typed()
	s.mu.Lock()
	if s.lines == nil {
		s.lines = map[*watchedShell]time.Time{}
	}
	s.lines[t] = time.Now()
	s.mu.Unlock()
	s.giveWay()
	select {
	case <-s.tables.none():
	case <-time.After(patience):
	}
}

// attending is how long the background still stays away at least; 0 says
// that no command is under way.
func (s *Session) attending() (left time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for t, sent := range s.lines {
		switch age := time.Since(sent); {
		case age < startDelay:
			left = max(left, startDelay-age)
		case age < maxBusy && t.busy():
			left = max(left, pollEvery)
		default:
			delete(s.lines, t)
		}
	}
	return left
}

// explainAlone is explain at a time when nobody is about to look: it waits until no
// command is under way, and begins anew where one is given meanwhile.
func (s *Session) explainAlone(ctx context.Context) {
	for {
		for left := s.attending(); left > 0; left = s.attending() {
			select {
			case <-s.quit:
				return
			case <-time.After(left):
			}
		}
		if s.explain(ctx, true) || s.attending() == 0 {
			return
		}
	}
}

// tables counts the autopsies that have tables in the lab.
type tables struct {
	mu    sync.Mutex
	count int
	gone  chan struct{} // closed when the count falls to 0
}

// watching implements autopsy.Place.
func (t *tables) watching() (gone func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count++; t.count == 1 {
		t.gone = make(chan struct{})
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.count--; t.count == 0 {
			close(t.gone)
		}
	}
}

// none is closed once there are none.
func (t *tables) none() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count > 0 {
		return t.gone
	}
	closed := make(chan struct{})
	close(closed)
	return closed
}
