package workspace

import (
	"fmt"

	"underlay/attempt"
	"underlay/tui/autopsy"
	"underlay/tui/keys"
	"underlay/tui/tasks"
)

// The actions of the lab screen.
const (
	keyMenu     keys.ID = "lab.menu"
	keyHint     keys.ID = "lab.hint"
	keyView     keys.ID = "lab.view"
	keyZoom     keys.ID = "lab.zoom"
	keyReset    keys.ID = "lab.reset"
	keyUndo     keys.ID = "lab.undo"
	keyNextTab  keys.ID = "lab.tab.next"
	keyPrevTab  keys.ID = "lab.tab.previous"
	keyAnswer   keys.ID = "lab.answer"
	keyTask     keys.ID = "lab.task.next"
	keySolution keys.ID = "lab.solution"
	keyLeave    keys.ID = "lab.leave"
	keyHelp     keys.ID = "lab.help"
	keyTests    keys.ID = "lab.tests"
	keyPick     keys.ID = "lab.tab.pick"
	keyUp       keys.ID = "lab.panel.up"
	keyDown     keys.ID = "lab.panel.down"
	keyBack     keys.ID = "lab.scroll.back"
	keyForward  keys.ID = "lab.scroll.forward"
)

// Leader opens the menu from any terminal; pressed twice it goes to the shell.
const Leader = "ctrl+\\"

// Keys are the bindings of the lab as it stands. None of them is a key that a
// shell, an editor or a multiplexer in the lab needs: function keys, Alt with a
// digit or an arrow, Shift with a page key, and one leader.
func (w *Workspace) Keys() keys.Map {
	m := keys.Map{
		{ID: keyMenu, Keys: []string{"f1", Leader}, Show: "F1", Help: "menu", Long: "Everything you can do here"},
		w.hintKey(),
		w.answerKey(),
		w.viewKey(),
		w.zoomKey(),
		{ID: keyNextTab, Keys: []string{"f6"}, Show: "F6", Help: "shell", Long: "Go to the next shell", Off: w.oneShell()},
		{ID: keyPrevTab, Keys: []string{"shift+f6", "f18"}, Show: "Shift+F6", Long: "Go to the previous shell", Off: w.oneShell()},
		{ID: keyTask, Keys: []string{"f8"}, Show: "F8", Long: "Look at the next task"},
		{ID: keyReset, Keys: []string{"f5"}, Show: "F5", Help: "reset", Long: "Start the lab again from the beginning", Off: w.noReset()},
		{ID: keyUndo, Keys: []string{"f12"}, Show: "F12", Help: "undo", Long: "Go back to the last checkpoint, or to another", Off: w.noReset()},
		w.solutionKey(),
		w.packetKey(),
		w.mapKey(),
		{ID: keyLeave, Keys: []string{"f10"}, Show: "F10", Help: "leave", Long: "Leave the lab"},
	}
	if w.visit.Solved() {
		i := len(m) - 1
		m[i].Help, m[i].Long = "finish", "Finish: see how it went and what comes next"
		m = append(keys.Map{m[0], m[i]}, m[1:i]...)
	}
	return m
}

// HelpKeys are Keys and the ones that the menu does not list, for the help.
func (w *Workspace) HelpKeys() []keys.Section {
	return []keys.Section{{Title: "In the lab", Keys: w.Keys()}, {Title: "Moving about", Keys: fixedKeys()}, {Title: "Along a packet's path", Keys: autopsy.Keys()}}
}

// fixedKeys work at all times and have no place in the menu.
func fixedKeys() keys.Map {
	pick := keys.Binding{ID: keyPick, Show: "Alt+1 … 8", Long: "Go to a shell by its number"}
	for i := 1; i <= 8; i++ {
		pick.Keys = append(pick.Keys, fmt.Sprintf("alt+%d", i))
	}
	return keys.Map{
		pick,
		{ID: keyUp, Keys: []string{"alt+up"}, Show: "Alt+↑", Long: "Scroll the tasks or the lesson up"},
		{ID: keyDown, Keys: []string{"alt+down"}, Show: "Alt+↓", Long: "Scroll the tasks or the lesson down"},
		{ID: keyBack, Keys: []string{"shift+pgup"}, Show: "Shift+PgUp", Long: "See earlier output of the shell"},
		{ID: keyForward, Keys: []string{"shift+pgdown"}, Show: "Shift+PgDn", Long: "See later output of the shell"},
		{ID: keyHelp, Show: `Ctrl+\`, Long: "The menu, if your terminal keeps F1; twice sends it to the shell"},
	}
}

// zoomKey is kept out of the key bar where the shell has the whole width anyway.
func (w *Workspace) zoomKey() keys.Binding {
	b := keys.Binding{ID: keyZoom, Keys: []string{"f4"}, Show: "F4", Long: "Give the shell the whole screen, and back"}
	if w.rects.Split || w.zoom {
		b.Help = "zoom"
	}
	return b
}

func (w *Workspace) oneShell() string {
	if len(w.shells.tabs) < 2 {
		return "this lab has one shell"
	}
	return ""
}

func (w *Workspace) noReset() string {
	switch {
	case w.resetting:
		return "the lab is already being reset"
	case w.visit.Held():
		return "the lab is already going back"
	}
	return ""
}

func (w *Workspace) hintKey() keys.Binding {
	b := keys.Binding{ID: keyHint, Keys: []string{"f2"}, Show: "F2", Help: "hint", Long: "Get a hint for the current task"}
	b.Off = w.visit.NoHint(w.tasks.Looked())
	return b
}

func (w *Workspace) answerKey() keys.Binding {
	b := keys.Binding{ID: keyAnswer, Keys: []string{"f7"}, Show: "F7", Help: "answer", Long: "Type the answer to the current task"}
	var q attempt.Question
	q, b.Off = w.visit.Asked(w.tasks.Looked())
	if len(q.Options) > 0 {
		b.Help, b.Long = "cause", "Name the cause"
	}
	return b
}

func (w *Workspace) viewKey() keys.Binding {
	b := keys.Binding{ID: keyView, Keys: []string{"f3"}, Show: "F3", Help: "lesson", Long: "Switch between the tasks and the lesson"}
	if w.rects.Split {
		if !w.tasks.HasLesson() {
			b.Off = "this lab has no lesson"
		} else if w.tasks.View() == tasks.Lesson {
			b.Help = "tasks"
		}
		return b
	}
	b.Long = "Switch between the shell, the tasks and the lesson"
	switch next, panel := w.nextView(); {
	case !panel:
		b.Help = "shell"
	case next == tasks.List:
		b.Help = "tasks"
	}
	return b
}

func (w *Workspace) solutionKey() keys.Binding {
	b := keys.Binding{ID: keySolution, Keys: []string{"f9"}, Show: "F9", Long: "See the solution"}
	if w.lab.Fault != nil {
		b.Long = "See the repair"
	}
	b.Off = w.visit.NoSolution()
	return b
}
