package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/tui/home"
	"underlay/tui/marks"
)

// saveTime is how long storing one event may take.
const saveTime = 5 * time.Second

type (
	marksLoaded struct {
		marks marks.Marks
		err   error
	}
	labsChecked struct{ available map[string]home.Availability }
	saved       struct{ err error }
)

// loadMarks reads what has been done.
func (m *model) loadMarks() tea.Cmd {
	store, ctx := m.store, m.ctx
	if store == nil {
		return nil
	}
	return func() tea.Msg {
		got, err := store.Marks(ctx)
		return marksLoaded{got, err}
	}
}

// checkLabs finds out which labs can run here.
func (m *model) checkLabs() tea.Cmd {
	labs, available := m.deps.Labs, m.deps.Available
	if available == nil {
		return nil
	}
	return func() tea.Msg {
		available := available.Once()
		out := map[string]home.Availability{}
		for _, l := range labs {
			reason, remedy := available(l.Requires)
			out[l.ID] = home.Availability{Reason: reason, Remedy: remedy}
		}
		return labsChecked{out}
	}
}

func (m *model) onStore(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case marksLoaded:
		if msg.err != nil {
			m.note = "Your progress could not be read: " + msg.err.Error()
			return nil
		}
		m.marks = msg.marks
		m.home.SetMarks(m.marks.Clone())
	case labsChecked:
		m.available = msg.available
		m.home.SetAvailable(msg.available)
	case saved:
		if msg.err != nil {
			m.note = "Your progress could not be saved: " + msg.err.Error()
		}
		m.storing = false
		return m.storeNext()
	}
	return nil
}

// happened keeps what has happened. How far a lesson was read is kept when that is
// left, or at once when its end has been seen for the first time.
func (m *model) happened(events []attempt.Event) tea.Cmd {
	for _, e := range events {
		to, ok := e.(attempt.ReadTo)
		if !ok {
			m.keep(e)
			continue
		}
		fresh := to.Done && !m.marks.Lessons[to.Lesson].Read
		m.position = &to
		if fresh {
			m.keepPosition()
		}
	}
	return m.storeNext()
}

// keep keeps events, on the screen at once and to be stored.
func (m *model) keep(events ...attempt.Event) {
	for _, e := range events {
		m.marks.Apply(e)
		if m.store != nil {
			m.unstored = append(m.unstored, e)
		}
	}
	m.home.SetMarks(m.marks.Clone())
}

// record keeps events and stores them when that can be.
func (m *model) record(events ...attempt.Event) tea.Cmd {
	m.keep(events...)
	return m.storeNext()
}

// keepPosition keeps how far the open lesson was read.
func (m *model) keepPosition() {
	if to := m.position; to != nil {
		m.position = nil
		m.keep(*to)
	}
}

// storeNext stores what has come together, unless that is being done already: events
// are stored one after another, in the order in which they happened.
func (m *model) storeNext() tea.Cmd {
	if m.storing || len(m.unstored) == 0 {
		return nil
	}
	m.storing = true
	return m.storeAll()
}

// storeAll stores everything that is waiting.
func (m *model) storeAll() tea.Cmd {
	events, store, ctx := m.unstored, m.store, context.WithoutCancel(m.ctx)
	m.unstored = nil
	if len(events) == 0 {
		return nil
	}
	return func() tea.Msg { return saved{storeEvents(ctx, store, events)} }
}

func storeEvents(ctx context.Context, store Store, events []attempt.Event) error {
	ctx, cancel := context.WithTimeout(ctx, saveTime)
	defer cancel()
	var errs []error
	for _, e := range events {
		errs = append(errs, store.Record(ctx, e))
	}
	return errors.Join(errs...)
}
