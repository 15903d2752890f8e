package workspace

import (
	"strings"

	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// A learner who captures packets must be able to tell which of them Underlay sends.

// tests reports whether Underlay sends packets in this lab.
func (w *Workspace) tests() bool {
	return w.lab.WithoutTests() != "" && w.visit.Status().Evaluation > 0
}

// drawTests says below the tasks where tests come from. It takes as much room while
// there is one, so that nothing moves.
func (w *Workspace) drawTests(width int) {
	if !w.tests() || len(w.pinned) > 0 {
		return
	}
	if w.visit.Status().Testing {
		w.add(-1, w.testingLine())
		return
	}
	w.add(-1, prose.Sentence(w.cfg.Styles, w.cfg.Styles.Muted, "Tests come from ports "+engine.TestPorts()+".", width)...)
}

func (w *Workspace) testingLine() string {
	st := w.cfg.Styles
	return st.Accent.Render(st.Sym.Plain("Testing from ports " + engine.TestPorts() + st.Sym.Ellipsis))
}

// captureLines say, while a capture of the learner's runs, what it will show of tests.
// They take half of the panel at most.
func (w *Workspace) captureLines(width int) []string {
	if !w.tests() || len(w.visit.Status().Captures) == 0 {
		return nil
	}
	st := w.cfg.Styles
	title := "A capture runs in " + strings.Join(w.visit.Status().Captures, ", ")
	if w.visit.Status().Testing {
		title = "Testing" + st.Sym.Ellipsis
	}
	text := "Only a change is tested now, once, from ports " + engine.TestPorts() + ". tcpdump leaves that out with\n" +
		"`" + strings.ReplaceAll(w.lab.WithoutTests(), " and ", "`\n`and ") + "`"
	lines := append([]string{""}, prose.Callout(st, st.Accent, title, text, width)...)
	return lines[:min(len(lines), w.rects.Body.H/2)]
}

// testNote says the same beside the score, where the panel does not show.
func (w *Workspace) testNote() string {
	st := w.cfg.Styles
	switch {
	case !w.tests():
		return ""
	case len(w.visit.Status().Captures) > 0:
		return st.Accent.Render(st.Sym.Plain("tests: ports "+engine.TestPorts())) + "  "
	case w.visit.Status().Testing:
		return st.Accent.Render("testing") + "  "
	}
	return ""
}

// aboutTests is what Underlay sends, and how to leave it out of a capture.
func (w *Workspace) aboutTests() dialog.Dialog {
	filter := w.lab.WithoutTests()
	return &dialog.Text{Title: "What Underlay sends", Body: func(st *theme.Styles, width int) []string {
		if filter == "" {
			return prose.Sentence(st, st.Text, "Nothing. The tasks of this lab are judged without packets.", width)
		}
		say := func(text string) []string { return append(prose.Sentence(st, st.Text, text, width), "") }
		out := say("Tasks about traffic are judged by sending some, in the lab's nodes. That is done once after each change. " +
			"Nothing is sent while nothing changes, and neither a capture nor a listing is a change.")
		out = append(out, say("What fails is then followed on its way, unless a capture of yours is open: that waits until it has ended.")...)
		out = append(out, say("All of it comes from ports "+engine.TestPorts()+", and echo requests have an identifier of that range. "+
			"tcpdump leaves it out with")...)
		out = append(out, paint.Indent("  ", paint.Wrap(filter, width-2))...)
		return append(append(out, ""), prose.Sentence(st, st.Muted, "ARP requests for it have no ports and stay, and so do ICMP errors.", width)...)
	}}
}
