package workspace

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// guess is what the learner chose for a task, until it is marked.
type guess struct {
	task, option string
	before       string // what the task said of the choice before
}

// drawFault says what was reported of a lab with a fault in it and, once it is
// repaired, what it was.
func (w *Workspace) drawFault(width int) {
	if w.lab.Fault == nil {
		return
	}
	st := w.cfg.Styles
	if w.status.Solved {
		w.add(-1, prose.Callout(st, st.Good, "What it was", w.lab.Fault.Explain, width)...)
	} else {
		w.add(-1, prose.Callout(st, st.Warn, "Something is broken", w.report(), width)...)
	}
	w.add(-1, "")
}

// report is what somebody says of the fault.
func (w *Workspace) report() string { return "“" + w.lab.Fault.Symptom + "”" }

// tellFault says at the beginning what was reported, where the panel does not.
func (w *Workspace) tellFault() tea.Cmd {
	if w.lab.Fault == nil || !w.rects.Body.Empty() {
		return nil
	}
	return intent.Do(intent.Open{Dialog: &dialog.Text{Title: "Something is broken", Body: func(st *theme.Styles, width int) []string {
		lines := append(prose.Sentence(st, st.Strong, w.report(), width), "")
		lines = append(lines, prose.Sentence(st, st.Text, "The lab was solved, and then this came in. Look around in the shells. When you know the cause, name it with F7; then repair it.", width)...)
		return append(append(lines, ""), prose.Sentence(st, st.Muted, "F3 shows this again, with the tasks.", width)...)
	}}})
}

// choice is what a task asks the learner to choose from, or nil.
func (w *Workspace) choice(i int) *engine.ChoiceCheck {
	if i < 0 || i >= len(w.lab.Tasks) {
		return nil
	}
	return w.lab.Tasks[i].Choice()
}

// offer shows the options of a task. What was wrong already cannot be chosen
// again.
func (w *Workspace) offer(i int) tea.Cmd {
	c, task := w.choice(i), w.lab.Tasks[i].ID
	p := &dialog.Pick{Title: c.Prompt, Enter: "this is it"}
	if w.lab.Fault != nil {
		p.Text = w.report()
	}
	for _, o := range c.Options {
		p.Items = append(p.Items, dialog.Item{Text: o.Text, Off: w.wrong[o.ID], Action: dialog.Answered{For: task, Text: o.ID}})
	}
	return intent.Do(intent.Open{Dialog: p})
}

// answer hands in an answer. One that was chosen is awaited, so that the learner
// is told how it was marked wherever the tasks do not show.
func (w *Workspace) answer(a dialog.Answered) {
	for i := range w.lab.Tasks {
		if w.lab.Tasks[i].ID == a.For && w.choice(i) != nil {
			w.guessed = &guess{task: a.For, option: a.Text, before: w.result(i).Got}
		}
	}
	w.selected, w.view, w.follow = -1, Tasks, true
	w.cfg.Session.Answer(a.For, a.Text)
}

// marked says how a choice was marked, once it is.
func (w *Workspace) marked() tea.Cmd {
	g := w.guessed
	if g == nil {
		return nil
	}
	for i := range w.status.Tasks {
		t := &w.status.Tasks[i]
		if t.ID != g.task {
			continue
		}
		switch {
		case t.State == engine.Pass:
			w.guessed = nil
			return intent.Do(intent.Note{Text: "That is the cause. Now repair it."})
		case t.State == engine.Fail && t.Got != g.before:
			w.guessed = nil
			w.wrong[g.option] = true
			return intent.Do(intent.Note{Text: strings.ReplaceAll(t.Why, "`", "")})
		}
	}
	return nil
}

// solutionQuestion is asked before the solution, or the repair, is shown.
func (w *Workspace) solutionQuestion() string {
	if w.lab.Fault != nil {
		return "See the repair?"
	}
	return "See the solution?"
}
