package tasks

import (
	"fmt"
	"strings"

	"underlay/engine"
	"underlay/tui/paint"
)

// Strip is the current task in one line, or that the lab is being built anew.
func (p *Pane) Strip(width int, building bool) string {
	st := p.styles
	if width == 0 {
		return ""
	}
	i := p.Looked()
	var left string
	switch {
	case building:
		left = st.Muted.Render("Rebuilding the lab" + st.Sym.Ellipsis)
	case len(p.visit.Status().Health) > 0:
		left = st.Warn.Render(st.Sym.Broken + "  " + p.visit.Status().Health[0])
	case p.visit.Solved():
		left = st.Good.Bold(true).Render(st.Sym.Done + "  Solved. F10 finishes.")
	case i < 0:
		left = p.brokenPromise()
	default:
		r := p.visit.Result(i)
		sym, style := mark(st, &r)
		goal := strings.ReplaceAll(p.visit.Lab().Tasks[i].Goal, "`", "")
		left = style.Render(sym) + "  " + st.Text.Render(st.Sym.Plain(goal))
		if p.flash[r.ID] {
			left = st.Flash.Render(" " + sym + "  " + goal + " ")
		}
	}
	return paint.Spread(" "+left, p.testNote()+st.Muted.Render(p.Score())+" ", width, st.Sym.Ellipsis)
}

// brokenPromise is shown when all tasks are done but something else is not.
func (p *Pane) brokenPromise() string {
	st := p.styles
	for _, c := range p.visit.Unkept() {
		if c.State == engine.Fail {
			return st.Bad.Render(st.Sym.Broken + "  Must still hold: " + c.Goal)
		}
	}
	return st.Muted.Render("Looking at the lab" + st.Sym.Ellipsis)
}

// Score says how many tasks are done.
func (p *Pane) Score() string {
	return fmt.Sprintf("%d of %d", p.visit.Status().Done(), len(p.visit.Lab().Tasks))
}
