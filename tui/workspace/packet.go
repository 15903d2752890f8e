package workspace

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/keys"
)

// keyPacket is kept beside what it does.
const keyPacket keys.ID = "lab.packet"

// barWide is how many columns the key bar takes with all of the lab's keys.
const barWide = 120

// followNow is the action of the dialog that asks before a packet is followed in
// a lab with a fault.
type followNow struct{}

// packetKey is beside the map's: readline has all of Alt with a digit for the
// counts of its commands, so no shell loses more by it, and no lab has nine shells.
// It is kept out of the key bar where others would have to make room for it: the
// details of a task that a packet can tell of name it.
func (w *Workspace) packetKey() keys.Binding {
	b := keys.Binding{ID: keyPacket, Keys: []string{"alt+9"}, Show: "Alt+9", Long: "Follow the packet of the current task, or another", Off: w.noReset()}
	if w.rects.Split && w.rects.Width >= barWide {
		b.Help = "packet"
	}
	return b
}

// followPacket is what the key does: it follows the packet of the task that is
// looked at. Where that is what shows already, it hands the keyboard from the
// shell to the pane, which follows the packet again if the lab has changed, and
// back.
func (w *Workspace) followPacket() tea.Cmd {
	flow, ok := w.visit.Unmet(w.tasks.Looked())
	switch {
	case !w.packet.Open() || ok && flow != w.packet.Flow():
		return w.askFollow()
	case !w.walking():
		if w.walks = true; w.packet.Stale() {
			return w.packet.Again()
		}
	case w.rects.Shell.Empty():
		w.packet.Close()
	default:
		w.walks = false
	}
	return nil
}

// askFollow asks before a packet is followed where that may give away what the
// learner is to find out. Whoever has said yes is not asked again.
func (w *Workspace) askFollow() tea.Cmd {
	if !w.visit.GivesAway() {
		return w.openPacket()
	}
	return intent.Do(intent.Open{Dialog: dialog.Confirm("Follow the packet?", "follow it", followNow{},
		"The autopsy may name the cause, and finding it is the exercise.")})
}

// openPacket opens the pane: with the packet of the current task, else with the one
// that was followed last, else with the question which.
func (w *Workspace) openPacket() tea.Cmd {
	w.walks, w.zoom, w.panel = true, false, false
	if flow, ok := w.visit.Unmet(w.tasks.Looked()); ok {
		return w.packet.Follow(flow)
	}
	if w.packet.Show() {
		return w.packet.Look()
	}
	from := ""
	if t := w.shells.current(); t != nil {
		from = t.node
	}
	w.packet.Ask(from)
	return nil
}

// walking reports whether the pane has the keyboard.
func (w *Workspace) walking() bool {
	return !w.rects.Path.Empty() && (w.walks || w.rects.Shell.Empty())
}

// Typing reports whether what the learner types goes to a shell that shows.
func (w *Workspace) Typing() bool { return !w.rects.Shell.Empty() && !w.walking() }

// toShell gives the keyboard to the shell, which takes its place again if the pane
// is there.
func (w *Workspace) toShell() {
	w.walks = false
	if w.rects.Shell.Empty() {
		w.packet.Close()
	}
}

// toTasks closes the pane where the tasks would be, and reports whether it did.
func (w *Workspace) toTasks() bool {
	if w.rects.Path.Empty() || !w.rects.Body.Empty() || w.rects.Split && w.rects.Shell.Empty() {
		return false
	}
	w.packet.Close()
	return true
}

// mousePath: a click chooses a step and gives the pane the keyboard.
func (w *Workspace) mousePath(msg tea.MouseMsg, left bool) {
	if n := wheel(msg); n != 0 {
		w.packet.Scroll(n)
		return
	}
	if left {
		w.walks = true
		w.packet.Click(msg.Mouse().Y - w.rects.Path.Y)
	}
}

// markPath marks on the map where the packet is. It stays there when the pane is
// closed, as long as the lab does not change.
func (w *Workspace) markPath() {
	path, at := w.packet.Path()
	if !slices.Equal(path, w.path) || !slices.Equal(at, w.at) {
		w.path, w.at = path, at
		w.chart.Follow(path, at)
	}
}

// lookAgain says to those who show the lab that it may have changed.
func (w *Workspace) lookAgain() tea.Cmd {
	w.chart.Look()
	if w.rects.Path.Empty() && w.rects.Map.Empty() {
		return nil
	}
	return w.packet.Look()
}

func (w *Workspace) drawDivide(width int) string {
	st := w.cfg.Styles
	return st.Border.Render(strings.Repeat(st.Sym.Horizontal, width))
}

func (w *Workspace) drawPath() []string {
	if w.rects.Path.Empty() {
		return nil
	}
	return w.packet.Draw()
}

// covered takes away what is in the place of the panel, and reports whether that
// was all there was to do.
func (w *Workspace) covered() bool {
	path := w.toTasks()
	return (w.uncover() || path) && w.rects.Split
}
