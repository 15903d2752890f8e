package tasks

import (
	"strings"

	"underlay/engine"
	"underlay/tui/prose"
)

// A learner who captures packets must be able to tell which of them Underlay sends.

// tests reports whether Underlay sends packets in this lab.
func (p *Pane) tests() bool {
	return p.visit.Lab().WithoutTests() != "" && p.visit.Status().Evaluation > 0
}

// drawTests says below the tasks where tests come from. It takes as much room while
// there is one, so that nothing moves.
func (p *Pane) drawTests(width int) {
	if !p.tests() || len(p.pinned) > 0 {
		return
	}
	if p.visit.Status().Testing {
		p.add(-1, p.testingLine())
		return
	}
	p.add(-1, prose.Sentence(p.styles, p.styles.Muted, "Tests come from ports "+engine.TestPorts()+".", width)...)
}

func (p *Pane) testingLine() string {
	st := p.styles
	return st.Accent.Render(st.Sym.Plain("Testing from ports " + engine.TestPorts() + st.Sym.Ellipsis))
}

// captureLines say, while a capture of the learner's runs, what it will show of tests.
// They take half of the panel at most.
func (p *Pane) captureLines(width int) []string {
	if !p.tests() || len(p.visit.Status().Captures) == 0 {
		return nil
	}
	st := p.styles
	title := "A capture runs in " + strings.Join(p.visit.Status().Captures, ", ")
	if p.visit.Status().Testing {
		title = "Testing" + st.Sym.Ellipsis
	}
	text := "Underlay now tests only once after a change, from ports " + engine.TestPorts() + ". To leave that out, give tcpdump\n" +
		"`" + strings.ReplaceAll(p.visit.Lab().WithoutTests(), " and ", "`\n`and ") + "`"
	lines := append([]string{""}, prose.Callout(st, st.Accent, title, text, width)...)
	return lines[:min(len(lines), p.place.Height/2)]
}

// testNote says the same beside the score, where the panel does not show.
func (p *Pane) testNote() string {
	st := p.styles
	switch {
	case !p.tests():
		return ""
	case len(p.visit.Status().Captures) > 0:
		return st.Accent.Render(st.Sym.Plain("tests: ports "+engine.TestPorts())) + "  "
	case p.visit.Status().Testing:
		return st.Accent.Render("testing") + "  "
	}
	return ""
}
