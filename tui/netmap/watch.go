package netmap

import (
	"context"
	"reflect"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
)

const (
	// period is how often the kernel is asked unasked, and slow how often once
	// nothing has changed for quiet periods.
	period = time.Second
	slow   = 2 * time.Second
	quiet  = 5
	// spacing is the least time from one picture to the next.
	spacing = 150 * time.Millisecond
	// compareEvery is the least time from one comparison with the checkpoint to the
	// next, which reads far more than a picture, and compareSlow how long it takes
	// until the lab is compared unasked.
	compareEvery = time.Second
	compareSlow  = 5 * time.Second
	// patience is how many pictures in a row may fail before that is told: while a
	// lab is built anew, some do.
	patience = 4
)

// watch asks for pictures while the pane shows.
type watch struct {
	ctx  context.Context // ends when the pane is hidden
	lab  Lab
	kick chan struct{}

	asked    bool      // somebody has said that the lab may have changed since
	compared time.Time // with the checkpoint last
	changes  []engine.Change
}

// seen is a picture that has come, or why none comes.
type seen struct {
	watch   *watch
	picture engine.Picture
	changes []engine.Change // since the checkpoint
	err     error
	same    bool // as the one before
}

func (w *watch) first() tea.Msg { return w.look(seen{watch: w}, false) }

// next waits, then looks until there is something to tell after last.
func (w *watch) next(last seen) tea.Msg { return w.look(last, true) }

// look tells of the next picture that differs, and once of one that does not: so
// that what stood out as new can go back to its place.
func (w *watch) look(last seen, wait bool) tea.Msg {
	failures, unchanged := 0, 0
	for {
		every := period
		if unchanged >= quiet {
			every = slow
		}
		if wait && !w.wait(every) {
			return nil
		}
		picture, err := w.lab.Picture(w.ctx)
		w.compare()
		if w.ctx.Err() != nil {
			return nil
		}
		now := seen{watch: w, picture: picture, changes: w.changes, err: err}
		switch {
		case err != nil:
			if failures++; failures == patience && last.err == nil {
				return now
			}
		case !wait || last.err != nil || !reflect.DeepEqual(picture, last.picture) || !slices.Equal(w.changes, last.changes):
			return now
		case !last.same:
			now.same = true
			return now
		default:
			unchanged++
		}
		wait = true
	}
}

// compare finds what has changed since the last checkpoint, where it is time to.
// What cannot be found out now stays as it was.
func (w *watch) compare() {
	since := time.Since(w.compared)
	if !w.compared.IsZero() && (since < compareEvery || !w.asked && since < compareSlow) {
		return
	}
	w.asked = false
	h := w.lab.History()
	all := h.Checkpoints()
	if len(all) > 0 {
		if changes, err := h.Diff(w.ctx, all[len(all)-1].ID); err == nil {
			w.changes = changes
		}
	}
	w.compared = time.Now()
}

// wait waits until it is time to look again, and reports false once nobody does.
func (w *watch) wait(every time.Duration) bool {
	timer := time.NewTimer(spacing)
	defer timer.Stop()
	select {
	case <-w.ctx.Done():
		return false
	case <-timer.C:
	}
	timer.Reset(every - spacing)
	select {
	case <-w.ctx.Done():
		return false
	case <-w.kick:
		w.asked = true
	case <-timer.C:
	}
	return true
}
