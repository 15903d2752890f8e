package workspace

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/keys"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

// lastCheckpoint asks for the newest one, whichever that is.
const lastCheckpoint = -1

// The messages and actions of going back.
type (
	compared struct {
		session engine.Session
		all     []engine.Checkpoint
		to      engine.Checkpoint
		changes []engine.Change
		err     error
	}
	restored struct {
		session engine.Session
		to      engine.Checkpoint
		how     engine.Restored
		err     error
	}
	goBack          struct{ to engine.Checkpoint }
	otherCheckpoint struct{ all []engine.Checkpoint }
)

// compare looks at what has changed since a checkpoint.
func (w *Workspace) compare(id int) tea.Cmd {
	ctx, s := w.cfg.Context, w.cfg.Session
	return func() tea.Msg {
		all := s.History().Checkpoints()
		if len(all) == 0 {
			return intent.Note{Text: "There is no checkpoint to go back to yet."}
		}
		to := all[len(all)-1]
		for _, c := range all {
			if c.ID == id {
				to = c
			}
		}
		changes, err := s.History().Diff(ctx, to.ID)
		return compared{s, all, to, changes, err}
	}
}

// onCompared shows what would be undone and asks.
func (w *Workspace) onCompared(msg compared) tea.Cmd {
	if msg.err != nil {
		return intent.Do(intent.Note{Text: "Underlay could not tell what has changed: " + msg.err.Error()})
	}
	var options []dialog.Option
	if len(msg.changes) > 0 {
		options = append(options, dialog.Option{Keys: []string{"y", "Y"}, Show: "y", Label: "go back", Action: goBack{msg.to}})
	}
	if len(msg.all) > 1 {
		options = append(options, dialog.Option{Keys: []string{"c", "C"}, Show: "c", Label: "another checkpoint", Action: otherCheckpoint{msg.all}})
	}
	now := w.cfg.Now()
	page := &dialog.Page{Options: options, Text: dialog.Text{Title: "Go back?", Wide: true, Body: func(st *theme.Styles, width int) []string {
		return changeLines(st, msg.to, msg.changes, now, width)
	}}}
	return intent.Do(intent.Open{Dialog: page})
}

// changeLines draw what has changed since a checkpoint, node by node.
func changeLines(st *theme.Styles, to engine.Checkpoint, changes []engine.Change, now time.Time, width int) []string {
	out := paint.Each(paint.Wrap(st.Sym.Plain(to.Label), width), st.Strong.Render)
	out = append(out, st.Muted.Render("checkpoint of "+ago(now.Sub(to.At))), "")
	if len(changes) == 0 {
		return append(out, st.Text.Render("Nothing has changed since."))
	}
	out = append(out, st.Text.Render("Going back removes what has a + and restores what has a -."))
	node := "\x00"
	for _, c := range changes {
		if c.Node != node {
			node = c.Node
			out = append(out, "", st.Strong.Render(nodeTitle(node)))
		}
		out = append(out, changeLine(st, st.Bad, "-", c.What, c.Before, width)...)
		out = append(out, changeLine(st, st.Good, "+", c.What, c.After, width)...)
	}
	return out
}

func nodeTitle(node string) string {
	if node == "" {
		return "servers"
	}
	return node
}

// changeLine is one side of a change; its further lines are set in.
func changeLine(st *theme.Styles, style lipgloss.Style, mark, what, text string, width int) []string {
	if text == "" {
		return nil
	}
	const kinds = 9 // the longest kind's length
	lead := fmt.Sprintf("%s %-*s ", mark, kinds, what)
	wrapped := paint.Wrap(st.Sym.Plain(text), max(10, width-len(lead)))
	lines := []string{style.Render(lead + wrapped[0])}
	return append(lines, paint.Each(paint.Indent(strings.Repeat(" ", len(lead)), wrapped[1:]), style.Render)...)
}

// ago says how long something is past.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute ago"
	case d < 2*time.Minute:
		return "a minute ago"
	case d < time.Hour:
		return fmt.Sprintf("%d minutes ago", int(d.Minutes()))
	case d < 2*time.Hour:
		return "an hour ago"
	}
	return fmt.Sprintf("%d hours ago", int(d.Hours()))
}

const checkpointPrefix = "lab.undo.to."

// checkpointMenu lists the checkpoints, newest first.
func (w *Workspace) checkpointMenu(all []engine.Checkpoint) *dialog.Menu {
	m := &dialog.Menu{Title: "Go back to which checkpoint?"}
	now := w.cfg.Now()
	for i := len(all) - 1; i >= 0; i-- {
		c := all[i]
		m.Items = append(m.Items, keys.Binding{
			ID: keys.ID(checkpointPrefix + strconv.Itoa(c.ID)), Show: ago(now.Sub(c.At)), Long: c.Label,
		})
	}
	return m
}

// checkpointOf is the checkpoint that an item of the menu stands for.
func checkpointOf(id keys.ID) (int, bool) {
	text, ok := strings.CutPrefix(string(id), checkpointPrefix)
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}

// restore leads the lab back. The shells stay: whether they can is not known yet.
func (w *Workspace) restore(to engine.Checkpoint) tea.Cmd {
	ctx, s := w.cfg.Context, w.cfg.Session
	w.visit.Hold()
	return func() tea.Msg {
		how, err := s.History().Restore(ctx, to.ID)
		return restored{s, to, how, err}
	}
}

// onRestored says how it went. After a rebuild the shells are opened anew.
func (w *Workspace) onRestored(msg restored) tea.Cmd {
	if msg.err != nil {
		w.visit.Release()
		w.tasks.Fail(msg.err)
		return intent.Do(intent.Note{Text: "Going back failed. F5 starts the lab again."})
	}
	w.tasks.Fail(nil)
	w.tasks.Look(-1)
	w.packet.Outdate()
	status := tea.Batch(w.happen(w.visit.WentBack(msg.to, msg.how, w.cfg.Session.Status())), w.chart.Checkpoint())
	if !msg.how.Rebuilt {
		return tea.Batch(status, intent.Do(intent.Note{Text: undone(msg.how.Changes) + " The lab is back at: " + msg.to.Label}))
	}
	lines := append([]string{"It was rebuilt and then brought to the checkpoint, because:"}, msg.how.Why...)
	told := &dialog.Choice{Title: "The lab is back", Text: append(lines, "", "The shells are new. Your changes to files are gone."), Options: []dialog.Option{
		{Keys: []string{"enter"}, Show: "enter", Label: "go on", Action: dialog.Close{}},
	}}
	close := w.shells.close()
	return tea.Batch(status, tea.Sequence(close, w.shells.openAll(w.shellSize())), intent.Do(intent.Open{Dialog: told}))
}

// undone counts changes.
func undone(n int) string {
	if n == 1 {
		return "1 change was undone."
	}
	return fmt.Sprintf("%d changes were undone.", n)
}
