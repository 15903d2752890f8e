package workspace

import (
	tea "charm.land/bubbletea/v2"

	"underlay/tui/tasks"
)

const wheelLines = 3

// Mouse handles the mouse: tabs and tasks can be clicked, the panel scrolls
// under the wheel, and what happens over the shell is the shell's.
func (w *Workspace) Mouse(msg tea.MouseMsg) tea.Cmd {
	m := msg.Mouse()
	r := w.rects
	click, isClick := msg.(tea.MouseClickMsg)
	left := isClick && click.Button == tea.MouseLeft
	switch {
	case r.Tabs.Contains(m.X, m.Y):
		if i := w.shells.at(m.X-r.Tabs.X, r.Tabs.W); left && i >= 0 {
			w.pickTab(i)
			w.panel = false
		}
	case r.Body.Contains(m.X, m.Y):
		w.mousePanel(msg, left)
	case r.Map.Contains(m.X, m.Y):
		if n := wheel(msg); n != 0 {
			w.chart.Scroll(n)
		}
	case r.Path.Contains(m.X, m.Y):
		w.mousePath(msg, left)
	case r.Strip.Contains(m.X, m.Y):
		if left {
			w.uncover()
			w.toTasks()
			w.panel, w.zoom = !w.panel, false
			w.tasks.Show(tasks.List)
		}
	case r.Shell.Contains(m.X, m.Y):
		w.walks = w.walks && !left
		return w.mouseShell(msg)
	}
	return nil
}

// wheel is how many lines down the wheel asks to go; 0 if it was not the wheel.
func wheel(msg tea.MouseMsg) int {
	if m, ok := msg.(tea.MouseWheelMsg); ok {
		switch m.Button {
		case tea.MouseWheelUp:
			return -wheelLines
		case tea.MouseWheelDown:
			return wheelLines
		}
	}
	return 0
}

func (w *Workspace) mousePanel(msg tea.MouseMsg, left bool) {
	if n := wheel(msg); n != 0 {
		w.scroll(n)
		return
	}
	if i := w.tasks.At(msg.Mouse().Y - w.rects.Body.Y); left && i >= 0 {
		w.choose(i)
	}
}

// mouseShell passes the event on, in the shell's own coordinates. The pane
// decides what it means: the program's, if that asked for the mouse, else
// scrolling.
func (w *Workspace) mouseShell(msg tea.MouseMsg) tea.Cmd {
	p := w.shells.pane()
	if p == nil || w.resetting {
		return nil
	}
	return p.Update(shifted(msg, w.rects.Shell.X, w.rects.Shell.Y))
}

// shifted moves a mouse message to the coordinates of a rectangle at x, y.
func shifted(msg tea.MouseMsg, x, y int) tea.Msg {
	m := msg.Mouse()
	m.X, m.Y = m.X-x, m.Y-y
	switch msg.(type) {
	case tea.MouseClickMsg:
		return tea.MouseClickMsg(m)
	case tea.MouseReleaseMsg:
		return tea.MouseReleaseMsg(m)
	case tea.MouseWheelMsg:
		return tea.MouseWheelMsg(m)
	}
	return tea.MouseMotionMsg(m)
}
