package workspace

import (
	"errors"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/keys"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/tasks"
	"underlay/tui/term"
	"underlay/tui/theme"
)

// The actions of the dialogs that a workspace opens.
type (
	resetNow     struct{}
	showSolution struct{}
)

// Update handles everything but keys, paste and mouse.
func (w *Workspace) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case term.Frame:
		t := w.shells.byID(msg.ID)
		if t == nil {
			return nil
		}
		w.cfg.Session.Poke()
		return tea.Batch(t.pane.Wait(), w.lookAgain())
	case term.Exited:
		if t := w.shells.byID(msg.ID); t != nil {
			pane, node := t.pane, t.node
			*t = tab{node: node, ended: true}
			return func() tea.Msg { return endedNote(node, errors.Join(msg.Err, pane.Close())) }
		}
		return nil
	case term.Dropped:
		return intent.Do(intent.Note{Text: "The program in the shell is busy and did not take all you typed."})
	}
	if cmd, ok := w.chart.Update(msg); ok {
		return cmd
	}
	if cmd, ok := w.packet.Update(msg); ok {
		return cmd
	}
	cmd, _ := w.onSession(msg)
	return cmd
}

// endedNote says why a shell has ended, if it was not by its own will.
func endedNote(node string, err error) tea.Msg {
	if err == nil {
		return nil
	}
	return intent.Note{Text: "The shell in " + node + " ended: " + err.Error()}
}

// Key handles a key press. Keys that are not the workspace's own go to the
// shell, to the packet's way where that has the keyboard, or scroll the panel
// where that hides the shell.
func (w *Workspace) Key(k tea.KeyPressMsg) tea.Cmd {
	all := append(w.Keys(), fixedKeys()...)
	if b, ok := all.Match(k); ok {
		if b.Off != "" {
			return intent.Do(intent.Note{Text: paint.Sentence(b.Off)})
		}
		return w.do(b.ID, k)
	}
	switch {
	case w.walking():
		return w.packet.Key(k)
	case w.rects.Shell.Empty() && w.mapCovers():
		w.mapKeyPress(k)
		return nil
	case w.rects.Shell.Empty():
		return w.panelKey(k)
	}
	t := w.shells.current()
	switch {
	case t == nil || w.resetting:
		return nil
	case t.pane == nil:
		if k.String() == "enter" && (t.ended || t.err != nil) {
			return w.shells.open(w.shells.active, w.shellSize())
		}
		return nil
	}
	return t.pane.Update(k)
}

// Paste hands pasted text to the shell.
func (w *Workspace) Paste(msg tea.PasteMsg) tea.Cmd {
	if w.walking() {
		w.packet.Paste(msg)
		return nil
	}
	if p := w.shells.pane(); p != nil && !w.resetting && !w.rects.Shell.Empty() {
		return p.Update(msg)
	}
	return nil
}

func (w *Workspace) panelKey(k tea.KeyPressMsg) tea.Cmd {
	page := w.tasks.Page()
	switch k.String() {
	case "esc", "q":
		w.panel = false
	case "up", "k":
		w.scroll(-1)
	case "down", "j":
		w.scroll(1)
	case "pgup":
		w.scroll(-page)
	case "pgdown", "space":
		w.scroll(page)
	case "tab", "enter":
		if w.tasks.View() == tasks.List {
			w.nextTask()
		}
	}
	return nil
}

// do carries out an action.
func (w *Workspace) do(id keys.ID, k tea.KeyPressMsg) tea.Cmd {
	switch id {
	case keyMenu:
		return intent.Do(intent.Open{Dialog: w.menu()})
	case keyHint:
		return w.hint()
	case keyView:
		w.turn()
	case keyMap:
		w.toggleMap()
	case keyPacket:
		return w.followPacket()
	case keyZoom:
		if !w.rects.Split && !w.zoom {
			w.panel = false
		}
		w.zoom = !w.zoom
	case keyNextTab:
		w.pickTab(w.shells.step(1))
	case keyPrevTab:
		w.pickTab(w.shells.step(-1))
	case keyPick:
		w.pickTab(int(k.Code - '1'))
	case keyTask:
		w.nextTask()
	case keyAnswer:
		return w.ask()
	case keyReset:
		return intent.Do(intent.Open{Dialog: dialog.Confirm("Start again?", "start again", resetNow{},
			"The lab is rebuilt. What you set up in it is lost, and open shells end.")})
	case keyUndo:
		return w.compare(lastCheckpoint)
	case keySolution:
		if w.visit.Peeked() {
			return w.showSolution()
		}
		return intent.Do(intent.Open{Dialog: dialog.Confirm(w.solutionQuestion(), "show it", showSolution{},
			"It is worth trying the hints first. The lab will be marked as done with the solution in view.")})
	case keyLeave:
		return w.leave()
	case keyTests:
		return intent.Do(intent.Open{Dialog: w.aboutTests()})
	case keyUp:
		w.scroll(-3)
	case keyDown:
		w.scroll(3)
	case keyBack:
		w.scrollShell(1)
	case keyForward:
		w.scrollShell(-1)
	}
	return nil
}

func (w *Workspace) menu() *dialog.Menu {
	items := slices.DeleteFunc(w.Keys(), func(b keys.Binding) bool { return b.ID == keyMenu })
	items = append(items,
		keys.Binding{ID: keyTests, Long: "What Underlay sends, and how to keep it out of a capture"},
		keys.Binding{ID: keyHelp, Keys: []string{"?"}, Show: "?", Long: "All keys"})
	return &dialog.Menu{Title: "What would you like to do?", Items: items, Through: Leader}
}

// Act carries out what a dialog of this workspace has asked for.
func (w *Workspace) Act(a dialog.Action) tea.Cmd {
	switch a := a.(type) {
	case dialog.Picked:
		if a.ID == keyHelp {
			return intent.Do(intent.Help{})
		}
		if id, ok := checkpointOf(a.ID); ok {
			return w.compare(id)
		}
		return w.do(a.ID, tea.KeyPressMsg{})
	case dialog.Sent:
		if p := w.shells.pane(); p != nil {
			return p.Update(a.Key)
		}
	case dialog.Answered:
		return w.answer(a)
	case resetNow:
		return w.reset()
	case followNow:
		w.visit.Forewarn()
		return w.openPacket()
	case goBack:
		return w.restore(a.to)
	case otherCheckpoint:
		return intent.Do(intent.Open{Dialog: w.checkpointMenu(a.all)})
	case showSolution:
		return w.showSolution()
	}
	return nil
}

func (w *Workspace) leave() tea.Cmd {
	if w.visit.Solved() {
		return intent.Do(intent.Celebrate{Asked: true})
	}
	return intent.Do(intent.Open{Dialog: dialog.Confirm("Leave the lab?", "leave", intent.Leave{}, w.Lost())})
}

// Lost says what is lost, and what is not, if the lab is left as it stands.
func (w *Workspace) Lost() string {
	if w.visit.WasSolved() {
		return "It was solved, and that is recorded, but it is not solved now. The lab itself is thrown away."
	}
	return "It is not solved yet. The tasks you have done are recorded, but the lab itself is thrown away."
}

// hint shows the next hint of the task that is looked at. In the panel where
// that is visible, else in a dialog.
func (w *Workspace) hint() tea.Cmd {
	i := w.tasks.Looked()
	w.tasks.Track()
	cmds := []tea.Cmd{w.happen(w.visit.Hint(i))}
	if w.rects.Body.Empty() {
		cmds = append(cmds, intent.Do(intent.Open{Dialog: &dialog.Text{Title: strings.ReplaceAll(w.lab.Tasks[i].Goal, "`", ""), Typing: w.Typing(), Body: func(st *theme.Styles, width int) []string {
			return w.tasks.HintLines(st, i, width)
		}}}))
	}
	return tea.Batch(cmds...)
}

func (w *Workspace) showSolution() tea.Cmd {
	title := "The solution, typed in "
	if w.lab.Fault != nil {
		title = "The repair, typed in "
	}
	shown := &dialog.Text{Title: title + w.visit.SolutionNode(), Wide: true, Typing: w.Typing(), Body: func(st *theme.Styles, width int) []string {
		return prose.Script(st, w.lab.Solution.Text, width)
	}}
	return tea.Batch(w.happen(w.visit.ShowSolution()), intent.Do(intent.Open{Dialog: shown}))
}

func (w *Workspace) ask() tea.Cmd {
	q, _ := w.visit.Asked(w.tasks.Looked())
	if len(q.Options) > 0 {
		return w.offer(q)
	}
	task := &w.lab.Tasks[q.Index]
	return intent.Do(intent.Open{Dialog: &dialog.Prompt{Title: strings.ReplaceAll(strings.TrimSuffix(task.Goal, "."), "`", ""), Text: q.Prompt, For: task.ID}})
}

// nextView is what follows when the views take turns.
func (w *Workspace) nextView() (tasks.View, bool) {
	switch {
	case !w.panel:
		return tasks.List, true
	case w.tasks.View() == tasks.List && w.tasks.HasLesson():
		return tasks.Lesson, true
	}
	return tasks.List, false
}

func (w *Workspace) turn() {
	if w.covered() {
		return
	}
	if w.rects.Split {
		w.tasks.Show(1 - w.tasks.View())
	} else {
		next, panel := w.nextView()
		w.panel, w.zoom = panel, false
		w.tasks.Show(next)
	}
}

func (w *Workspace) pickTab(i int) {
	if w.shells.pick(i) {
		w.toShell()
	}
}

func (w *Workspace) nextTask() {
	if len(w.lab.Tasks) > 0 {
		w.choose(w.tasks.Next())
	}
}

func (w *Workspace) choose(i int) {
	w.tasks.Look(i)
	w.tasks.Track()
	w.uncover()
	w.toTasks()
}

func (w *Workspace) scroll(n int) {
	if w.walking() {
		w.packet.Scroll(n)
		return
	}
	if w.mapCovers() {
		w.chart.Scroll(n)
		return
	}
	w.tasks.Scroll(n)
}

// scrollShell shows earlier (1) or later (-1) output, half a screen at a time.
func (w *Workspace) scrollShell(dir int) {
	if p := w.shells.pane(); p != nil {
		p.Scroll(dir * max(1, w.rects.Shell.H/2))
	}
}
