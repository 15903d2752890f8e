package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/home"
	"underlay/tui/intent"
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

// record keeps an event, on the screen at once and in the store when it can.
// Events are stored one after another, in the order in which they happened.
func (m *model) record(event any) tea.Cmd {
	m.marks.Apply(event)
	m.home.SetMarks(m.marks.Clone())
	if m.store == nil {
		return nil
	}
	m.unstored = append(m.unstored, event)
	return m.storeNext()
}

// storeNext stores what has come together, unless that is being done already.
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
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, saveTime)
		defer cancel()
		var errs []error
		for _, e := range events {
			errs = append(errs, store.Record(ctx, e))
		}
		return saved{errors.Join(errs...)}
	}
}

// readTo keeps a reading position. It is stored when the lesson is left, or at
// once when its end has been seen for the first time.
func (m *model) readTo(to intent.ReadTo) tea.Cmd {
	fresh := to.Done && !m.marks.Lessons[to.Lesson].Read
	m.position = &to
	if fresh {
		return m.savePosition()
	}
	return nil
}

func (m *model) savePosition() tea.Cmd {
	if m.position == nil {
		return nil
	}
	to := *m.position
	m.position = nil
	return m.record(to)
}
