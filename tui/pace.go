package tui

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	tea "charm.land/bubbletea/v2"
)

const (
	// frame is how often the screen is looked at while something happens. It
	// bounds what drawing adds to the time from a key to its echo.
	frame = 8 * time.Millisecond
	// rest is how long nothing must have happened for the looking to stop.
	rest = 300 * time.Millisecond
	// asleep is the period of a ticker that is not wanted.
	asleep = 24 * time.Hour
)

// pacer stops Bubble Tea's frame ticker while nothing happens, and lets it run
// fast while something does. Bubble Tea itself looks at the screen at a fixed
// rate for as long as the program runs; on some machines waking up sixty times
// a second costs more than all that Underlay is allowed when idle. Its ticker
// is not exported, which is why it is reached through reflection; where it is
// not found, the pacer does nothing.
type pacer struct {
	find func() *time.Ticker

	mu     sync.Mutex
	ticker *time.Ticker
	awake  bool
	last   time.Time
}

func newPacer(p *tea.Program) *pacer {
	return &pacer{find: func() *time.Ticker { return frameTicker(p) }}
}

// frameTicker is the ticker of a running program, or nil.
func frameTicker(p *tea.Program) *time.Ticker {
	f := reflect.ValueOf(p).Elem().FieldByName("ticker")
	if !f.IsValid() || f.Type() != reflect.TypeFor[*time.Ticker]() {
		return nil
	}
	return *(**time.Ticker)(unsafe.Pointer(f.UnsafeAddr()))
}

// wake is called for each message, on the program's own goroutine.
func (p *pacer) wake() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	if p.awake {
		return
	}
	if p.ticker == nil {
		if p.ticker = p.find(); p.ticker == nil {
			return
		}
	}
	p.awake = true
	p.ticker.Reset(frame)
	time.AfterFunc(rest, p.check)
}

// check stops the ticker when it has not been needed for a while.
func (p *pacer) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if quiet := time.Since(p.last); quiet < rest {
		time.AfterFunc(rest-quiet, p.check)
		return
	}
	p.awake = false
	p.ticker.Reset(asleep)
}
