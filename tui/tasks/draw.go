package tasks

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// Draw draws the panel in its place.
func (p *Pane) Draw() []string {
	width, height := p.place.Width, p.place.Height
	if width == 0 {
		return nil
	}
	room := max(0, height-len(p.pinned))
	shown, at := paint.Window(p.lines, p.offset[p.view], room)
	side := strings.Repeat(" ", pad)
	lines := paint.Block(paint.Indent(side, shown), width, room)
	st := p.styles
	more := len(p.lines) - at - room
	switch {
	case room == 0:
	case more > 0 && p.visit.Status().Testing && len(p.pinned) == 0 && p.tests():
		lines[room-1] = paint.Fit(side+p.testingLine(), width)
	case more > 0:
		key := "Alt+" + st.Sym.Down
		if p.place.Alone {
			key = st.Sym.Down
		}
		note := fmt.Sprintf("%d more lines  %s ", more+1, key)
		lines[room-1] = paint.Spread("", st.Muted.Render(note), width, "")
	}
	return paint.Block(append(lines, paint.Indent(side, p.pinned)...), width, height)
}

// drawFault says what was reported of a lab with a fault in it and, once it is
// repaired, what it was.
func (p *Pane) drawFault(width int) {
	if p.visit.Lab().Fault == nil {
		return
	}
	st := p.styles
	if p.visit.Solved() {
		p.add(-1, prose.Callout(st, st.Good, "What it was", p.visit.Lab().Fault.Explain, width)...)
	} else {
		p.add(-1, prose.Callout(st, st.Warn, "Something is broken", p.Report(), width)...)
	}
	p.add(-1, "")
}

// Report is what somebody says of the fault.
func (p *Pane) Report() string { return "“" + p.visit.Lab().Fault.Symptom + "”" }

func (p *Pane) drawHealth(width int) {
	st := p.styles
	if p.problem != nil {
		p.add(-1, prose.Callout(st, st.Bad, "The lab could not be rebuilt", prose.Problem(p.problem), width)...)
		p.add(-1, "")
	}
	if len(p.visit.Status().Health) == 0 {
		return
	}
	p.add(-1, prose.Callout(st, st.Warn, "Something happened to the lab", strings.Join(p.visit.Status().Health, "\n"), width)...)
	p.add(-1, prose.Callout(st, st.Warn, "", "F5 starts it again.", width)...)
	p.add(-1, "")
}

func (p *Pane) drawTasks(width int, airy bool) {
	st := p.styles
	if p.visit.Solved() {
		p.add(-1, st.Good.Bold(true).Render("Solved.")+st.Muted.Render(" Stay as long as you like; F10 finishes."), "")
	}
	looked := p.Looked()
	for i := range p.visit.Lab().Tasks {
		r := p.visit.Result(i)
		p.add(i, p.taskLines(i, r, i == looked, width)...)
		if i == looked {
			p.add(i, p.details(i, r, width)...)
		}
		if airy || i == looked || i+1 == looked || i+1 == len(p.visit.Lab().Tasks) {
			p.add(i, "")
		}
	}
}

// mark is the symbol of a task's state and its style.
func mark(st *theme.Styles, r *engine.TaskResult) (string, lipgloss.Style) {
	switch {
	case r.State == engine.Pass:
		return st.Sym.Done, st.Good
	case r.Waiting:
		return st.Sym.Waiting, st.Muted
	case r.State == engine.Broken:
		return st.Sym.Broken, st.Warn
	}
	return st.Sym.Todo, st.Text
}

func (p *Pane) taskLines(i int, r engine.TaskResult, looked bool, width int) []string {
	st := p.styles
	sym, style := mark(st, &r)
	text := st.Text
	switch {
	case looked:
		text = st.Strong
	case r.State == engine.Pass || r.Waiting:
		text = st.Muted
	}
	goal := p.visit.Lab().Tasks[i].Goal
	if !looked && (r.State == engine.Pass || r.Waiting) {
		goal = strings.ReplaceAll(goal, "`", "")
	}
	lines := prose.Sentence(st, text, goal, width-3)
	if p.flash[r.ID] {
		lines = paint.Wrap(st.Sym.Plain(strings.ReplaceAll(p.visit.Lab().Tasks[i].Goal, "`", "")), width-3)
		for j, l := range lines {
			head := "   "
			if j == 0 {
				head = " " + sym + " "
			}
			lines[j] = st.Flash.Render(paint.Fit(head+l, width))
		}
		return lines
	}
	for j, l := range lines {
		head := "   "
		if j == 0 {
			head = style.Bold(looked).Render(sym) + "  "
		}
		lines[j] = head + l
	}
	return lines
}

// details say what was seen of a task, and the hints given for it.
func (p *Pane) details(i int, r engine.TaskResult, width int) []string {
	st := p.styles
	var out []string
	part := func(lines []string) {
		if len(lines) > 0 {
			out = append(append(out, ""), paint.Indent("   ", lines)...)
		}
	}
	in := width - 3
	switch {
	case r.State == engine.Pass:
	case r.Waiting:
		part(prose.Sentence(st, st.Muted, "Do the tasks before this one first.", in))
	case r.State == engine.Broken:
		part(prose.Callout(st, st.Warn, "This could not be checked", orElse(r.Why, "The reason is unknown.")+"\nIt is not your mistake.", in))
	default:
		part(findings(st, r.Result, in))
		if attempt.Follows(&r) {
			part([]string{st.Key.Render("Alt+9") + " " + st.Muted.Render("follow the packet")})
		}
		if r.Says != "" {
			part(prose.Callout(st, st.Warn, "A common trap", r.Says, in))
		}
		switch q, asks := p.visit.Question(i); {
		case len(q.Options) > 0:
			part([]string{st.Key.Render("F7") + " " + st.Muted.Render("choose the cause")})
		case asks:
			part([]string{st.Key.Render("F7") + " " + st.Muted.Render("type your answer")})
		}
	}
	part(p.HintLines(st, i, in))
	return out
}

// findings lines up what was wanted, what was seen and why.
func findings(st *theme.Styles, r engine.Result, width int) []string {
	var out []string
	row := func(label, text string, style lipgloss.Style) {
		if text == "" {
			return
		}
		for i, l := range prose.Sentence(st, style, text, width-6) {
			head := ""
			if i == 0 {
				head = label
			}
			out = append(out, st.Muted.Render(paint.Fit(head, 6))+l)
		}
	}
	row("want", r.Want, st.Text)
	row("got", r.Got, st.Bad)
	row("why", r.Why, st.Text)
	return out
}

// tierName says what a hint gives away.
func tierName(n, of int) string {
	names := []string{"what you can see", "where to look", "what to use", "the answer"}
	if of != len(names) {
		return fmt.Sprintf("Hint %d/%d", n, of)
	}
	return fmt.Sprintf("Hint %d/%d: %s", n, of, names[n-1])
}

// HintLines are the hints that were given for a task.
func (p *Pane) HintLines(st *theme.Styles, i, width int) []string {
	given, of := p.visit.Hints(i)
	var out []string
	for n, h := range given {
		if n > 0 {
			out = append(out, "")
		}
		bar := st.Muted
		if n == len(given)-1 {
			bar = st.Accent
		}
		out = append(out, prose.Callout(st, bar, tierName(n+1, of), h, width)...)
	}
	return out
}

func (p *Pane) drawCollateral(width int) {
	st := p.styles
	first := true
	for _, c := range p.visit.Unkept() {
		if first {
			p.add(-1, st.Muted.Render("What worked before must still work"), "")
			first = false
		}
		style := st.Bad
		if c.State == engine.Broken {
			style = st.Warn
		}
		goal := prose.Sentence(st, st.Strong, c.Goal, width-3)
		for j, l := range goal {
			head := "   "
			if j == 0 {
				head = style.Render(st.Sym.Broken) + "  "
			}
			p.add(-1, head+l)
		}
		p.add(-1, paint.Indent("   ", findings(st, c.Result, width-3))...)
		p.add(-1, "")
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
