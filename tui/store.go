package tui

import (
	"context"
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
	store, ctx := m.deps.Progress, m.ctx
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
		out := map[string]home.Availability{}
		for _, l := range labs {
			reason, remedy := available(l)
			out[l.ID] = home.Availability{Reason: reason, Remedy: remedy}
		}
		return labsChecked{out}
	}
}

func (m *model) onStore(msg tea.Msg) {
	switch msg := msg.(type) {
	case marksLoaded:
		if msg.err != nil {
			m.note = "Your progress could not be read: " + msg.err.Error()
			return
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
	}
}

// record keeps an event, on the screen at once and in the store when it can.
func (m *model) record(event any) tea.Cmd {
	m.marks.Apply(event)
	m.home.SetMarks(m.marks.Clone())
	store, ctx := m.deps.Progress, context.WithoutCancel(m.ctx)
	if store == nil {
		return nil
	}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, saveTime)
		defer cancel()
		return saved{store.Record(ctx, event)}
	}
}

// readTo keeps a reading position. It is stored when the lesson is left, or at
// once when its end has been seen for the first time.
func (m *model) readTo(to intent.ReadTo) tea.Cmd {
	fresh := to.Done && !m.marks.Lessons[to.Lesson].Read
	m.unsaved = &to
	if fresh {
		return m.savePosition()
	}
	return nil
}

func (m *model) savePosition() tea.Cmd {
	if m.unsaved == nil {
		return nil
	}
	to := *m.unsaved
	m.unsaved = nil
	return m.record(to)
}
