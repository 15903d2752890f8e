package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/dialog"
)

// calm is how long the keyboard must rest before a dialog that opened by itself
// takes a key: keys before that were meant for the shell, and go to it.
const calm = 700 * time.Millisecond

func (m *model) onKey(k tea.KeyPressMsg) tea.Cmd {
	now := m.now()
	hasty := m.guard && now.Sub(m.lastKey) < calm
	m.lastKey = now
	if hasty {
		return m.below(k)
	}
	m.guard = false
	if m.rects.TooSmall {
		return m.keyTooSmall(k)
	}
	m.note = ""
	if !m.dialogs.Empty() {
		return m.act(m.dialogs.Update(k))
	}
	return m.screen.Key(k)
}

// below hands a key to the lab under a dialog that opened while the learner
// typed. Another screen does not get it: there a key may lead away.
func (m *model) below(k tea.KeyPressMsg) tea.Cmd {
	if !m.typing() || m.rects.TooSmall {
		return nil
	}
	return m.screen.Key(k)
}

// typing reports whether what the learner types goes to a lab's shell.
func (m *model) typing() bool {
	return m.work != nil && m.screen == screen(m.work) && m.work.Typing()
}

// keyTooSmall lets the learner out of a window in which nothing shows.
func (m *model) keyTooSmall(k tea.KeyPressMsg) tea.Cmd {
	if m.work == nil && (k.String() == "q" || k.String() == "ctrl+c") {
		return m.quit()
	}
	return nil
}

func (m *model) onPaste(msg tea.PasteMsg) tea.Cmd {
	switch {
	case m.rects.TooSmall:
		return nil
	case !m.dialogs.Empty():
		return m.act(m.dialogs.Update(msg))
	}
	return m.screen.Paste(msg)
}

func (m *model) onMouse(msg tea.MouseMsg) tea.Cmd {
	switch {
	case m.rects.TooSmall:
		return nil
	case !m.dialogs.Empty():
		return m.act(m.dialogs.Update(msg))
	}
	return m.screen.Mouse(msg)
}

// quitNow is the action of the dialog that asks before quitting.
type quitNow struct{}

// act carries out the action of a dialog that has ended.
func (m *model) act(a dialog.Action) tea.Cmd {
	switch a := a.(type) {
	case nil, dialog.Close:
		return nil
	case dialog.Passed:
		switch msg := a.Msg.(type) {
		case tea.KeyPressMsg:
			return m.screen.Key(msg)
		case tea.PasteMsg:
			return m.screen.Paste(msg)
		}
		return nil
	case quitNow:
		return m.end()
	}
	if cmd, ok := m.onIntent(a); ok {
		return cmd
	}
	return m.screen.Act(a)
}
