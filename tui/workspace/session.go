package workspace

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/intent"
)

// flashTime is how long a task that has turned green stands out.
const flashTime = 500 * time.Millisecond

// The messages of a workspace's own commands. Session tells messages of this
// lab from late ones of a lab that has been left.
type (
	changed struct {
		session engine.Session
		status  engine.Status
	}
	shellOpened struct {
		session engine.Session
		tab     int
		term    engine.Terminal
		err     error
	}
	wasReset struct {
		session engine.Session
		err     error
	}
	flashOver struct {
		session engine.Session
		flash   int
	}
)

// waitChanged waits for the next evaluation.
func (w *Workspace) waitChanged() tea.Cmd {
	ctx, s := w.cfg.Context, w.cfg.Session
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-s.Changed():
			if !ok {
				return nil
			}
			return changed{s, s.Status()}
		}
	}
}

func (w *Workspace) reset() tea.Cmd {
	ctx, s := w.cfg.Context, w.cfg.Session
	w.resetting = true
	w.visit.Hold()
	w.tasks.Fail(nil)
	close := w.shells.close()
	return tea.Sequence(close, func() tea.Msg { return wasReset{s, s.Reset(ctx)} })
}

// Close ends the shells and the lab; left is called when that is done.
func (w *Workspace) Close(left func()) tea.Cmd {
	s := w.cfg.Session
	return tea.Sequence(w.shells.close(), func() tea.Msg {
		defer left()
		if err := s.Close(); err != nil {
			return intent.Note{Text: "The lab did not close cleanly: " + err.Error()}
		}
		return nil
	})
}

// onSession handles what the commands above report.
func (w *Workspace) onSession(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case changed:
		if msg.session != w.cfg.Session {
			return nil, true
		}
		return tea.Batch(w.waitChanged(), w.happen(w.visit.See(msg.status, true)), w.lookAgain()), true
	case shellOpened:
		return w.shells.opened(msg, w.shellSize(), msg.session != w.cfg.Session || w.resetting), true
	case wasReset:
		if msg.session != w.cfg.Session {
			return nil, true
		}
		return w.onReset(msg.err), true
	case compared:
		if msg.session != w.cfg.Session {
			return nil, true
		}
		return w.onCompared(msg), true
	case restored:
		if msg.session != w.cfg.Session {
			return nil, true
		}
		return w.onRestored(msg), true
	case flashOver:
		if msg.session == w.cfg.Session && msg.flash == w.flashes {
			return w.endFlash(), true
		}
		return nil, true
	}
	return nil, false
}

func (w *Workspace) onReset(err error) tea.Cmd {
	w.resetting = false
	w.tasks.Fail(err)
	if err != nil {
		w.visit.Release()
		return nil
	}
	w.tasks.Look(-1)
	w.tasks.Calm()
	w.packet.Outdate()
	return tea.Batch(w.shells.openAll(w.shellSize()), w.chart.Checkpoint(), w.happen(w.visit.Reset(w.cfg.Session.Status())))
}

// happen shows what has happened, and has it recorded: tasks that have turned green
// stand out for a moment.
func (w *Workspace) happen(events []attempt.Event) tea.Cmd {
	cmds := []tea.Cmd{intent.Record(events...)}
	fresh := false
	for _, e := range events {
		switch e := e.(type) {
		case attempt.TaskDone:
			if e.Found {
				continue
			}
			fresh = true
			w.tasks.Done(e.Task, e.Index)
		case attempt.Marked:
			cmds = append(cmds, marked(e))
		case attempt.Solved:
			w.celebrate = true
		}
	}
	if fresh {
		cmds = append(cmds, w.chart.Checkpoint())
	}
	if fresh || w.celebrate {
		cmds = append(cmds, w.startFlash())
	}
	w.tasks.Refresh()
	return tea.Batch(cmds...)
}

func (w *Workspace) startFlash() tea.Cmd {
	w.flashes++
	over := flashOver{w.cfg.Session, w.flashes}
	return tea.Tick(flashTime, func(time.Time) tea.Msg { return over })
}

func (w *Workspace) endFlash() tea.Cmd {
	w.tasks.Calm()
	if !w.celebrate {
		return nil
	}
	w.celebrate = false
	return intent.Do(intent.Celebrate{})
}
