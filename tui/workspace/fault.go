package workspace

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// tellFault says at the beginning what was reported, where the panel does not.
func (w *Workspace) tellFault() tea.Cmd {
	if w.lab.Fault == nil || !w.rects.Body.Empty() {
		return nil
	}
	return intent.Do(intent.Open{Dialog: &dialog.Text{Title: "Something is broken", Typing: w.Typing(), Body: func(st *theme.Styles, width int) []string {
		lines := append(prose.Sentence(st, st.Strong, w.tasks.Report(), width), "")
		lines = append(lines, prose.Sentence(st, st.Text, "The lab was solved, and then this came in. Look around in the shells. When you know the cause, name it with F7; then repair it.", width)...)
		return append(append(lines, ""), prose.Sentence(st, st.Muted, "F3 shows this again, with the tasks.", width)...)
	}}})
}

// offer shows the options of a question. What was wrong already cannot be chosen
// again.
func (w *Workspace) offer(q attempt.Question) tea.Cmd {
	p := &dialog.Pick{Title: q.Prompt, Enter: "this is it"}
	if w.lab.Fault != nil {
		p.Text = w.tasks.Report()
	}
	for _, o := range q.Options {
		p.Items = append(p.Items, dialog.Item{Text: o.Text, Off: o.Wrong, Action: dialog.Answered{For: w.lab.Tasks[q.Index].ID, Text: o.ID}})
	}
	return intent.Do(intent.Open{Dialog: p})
}

// answer hands in an answer.
func (w *Workspace) answer(a dialog.Answered) tea.Cmd {
	i := slices.IndexFunc(w.lab.Tasks, func(t engine.Task) bool { return t.ID == a.For })
	events, no := w.visit.Answer(i, a.Text)
	if no != "" {
		return intent.Do(intent.Note{Text: paint.Sentence(no)})
	}
	w.tasks.Look(-1)
	w.tasks.Track()
	return w.happen(events)
}

// marked says how an answer was marked, wherever the tasks do not show. That one
// which was typed is right shows without words.
func marked(m attempt.Marked) tea.Cmd {
	text := strings.ReplaceAll(m.Why, "`", "")
	switch {
	case m.Right && !m.Choice:
		return nil
	case m.Right:
		text = "That is the cause. Now repair it."
	case !m.Choice:
		text = strings.TrimSpace("That does not do it yet. " + text)
	}
	return intent.Do(intent.Note{Text: text})
}

// solutionQuestion is asked before the solution, or the repair, is shown.
func (w *Workspace) solutionQuestion() string {
	if w.lab.Fault != nil {
		return "See the repair?"
	}
	return "See the solution?"
}
