package workspace

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

// panelPad is the blank column at either side of the panel.
const panelPad = 1

// refresh draws the panel's lines anew. It is called when something that they
// show has changed, not for each frame of the shell.
func (w *Workspace) refresh() {
	width := w.rects.Body.W - 2*panelPad
	if width < 10 {
		w.lines, w.owner, w.pinned = nil, nil, nil
		return
	}
	w.pinned = w.captureLines(width)
	if w.view == Lesson && w.cfg.Lesson != nil {
		w.lines = append(w.gap(), w.cfg.Lesson(w.cfg.Styles, width)...)
		w.owner = nil
		w.offset[Lesson] = paint.Clamp(w.offset[Lesson], 0, max(0, len(w.lines)-w.room()))
		return
	}
	w.drawAll(width, true)
	if len(w.lines) > w.room() {
		w.drawAll(width, false)
	}
	if w.follow {
		w.showTask(w.looked())
	}
	w.offset[Tasks] = paint.Clamp(w.offset[Tasks], 0, max(0, len(w.lines)-w.room()))
}

// room is how many lines of the panel there are for what scrolls.
func (w *Workspace) room() int { return w.rects.Body.H - len(w.pinned) }

// gap keeps the panel's text off the tabs where no rule lies between them.
func (w *Workspace) gap() []string {
	if w.rects.Tabs.H < 2 {
		return []string{""}
	}
	return nil
}

// drawAll draws the tasks, airy or, where that would not fit, close together.
func (w *Workspace) drawAll(width int, airy bool) {
	w.lines, w.owner = nil, nil
	for range w.gap() {
		w.add(-1, "")
	}
	w.drawFault(width)
	w.drawHealth(width)
	w.drawTasks(width, airy)
	w.drawCollateral(width)
	w.drawTests(width)
}

// add appends lines that belong to a task, or to none (-1).
func (w *Workspace) add(task int, lines ...string) {
	for _, l := range lines {
		w.lines = append(w.lines, l)
		w.owner = append(w.owner, task)
	}
}

// showTask scrolls so that a task's lines are visible, its first one above all.
func (w *Workspace) showTask(task int) {
	first, last := -1, -1
	for i, o := range w.owner {
		if o == task {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return
	}
	h := w.room()
	at := w.offset[Tasks]
	if last >= at+h {
		at = last - h + 1
	}
	w.offset[Tasks] = min(at, first)
}

func (w *Workspace) drawHealth(width int) {
	st := w.cfg.Styles
	if w.problem != nil {
		w.add(-1, prose.Callout(st, st.Bad, "The lab could not be built anew", problemText(w.problem), width)...)
		w.add(-1, "")
	}
	if len(w.visit.Status().Health) == 0 {
		return
	}
	w.add(-1, prose.Callout(st, st.Warn, "Something happened to the lab", strings.Join(w.visit.Status().Health, "\n"), width)...)
	w.add(-1, prose.Callout(st, st.Warn, "", "F5 starts it again.", width)...)
	w.add(-1, "")
}

func (w *Workspace) drawTasks(width int, airy bool) {
	st := w.cfg.Styles
	if w.visit.Solved() {
		w.add(-1, st.Good.Bold(true).Render("Solved.")+st.Muted.Render(" Stay as long as you like; F10 finishes."), "")
	}
	looked := w.looked()
	for i := range w.lab.Tasks {
		r := w.visit.Result(i)
		w.add(i, w.taskLines(i, r, i == looked, width)...)
		if i == looked {
			w.add(i, w.details(i, r, width)...)
		}
		if airy || i == looked || i+1 == looked || i+1 == len(w.lab.Tasks) {
			w.add(i, "")
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

func (w *Workspace) taskLines(i int, r engine.TaskResult, looked bool, width int) []string {
	st := w.cfg.Styles
	sym, style := mark(st, &r)
	text := st.Text
	switch {
	case looked:
		text = st.Strong
	case r.State == engine.Pass || r.Waiting:
		text = st.Muted
	}
	goal := w.lab.Tasks[i].Goal
	if !looked && (r.State == engine.Pass || r.Waiting) {
		goal = strings.ReplaceAll(goal, "`", "")
	}
	lines := prose.Sentence(st, text, goal, width-3)
	if w.flash[r.ID] {
		lines = paint.Wrap(st.Sym.Plain(strings.ReplaceAll(w.lab.Tasks[i].Goal, "`", "")), width-3)
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
func (w *Workspace) details(i int, r engine.TaskResult, width int) []string {
	st := w.cfg.Styles
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
		part(prose.Sentence(st, st.Muted, "This comes after the tasks before it.", in))
	case r.State == engine.Broken:
		part(prose.Callout(st, st.Warn, "This could not be looked at", orElse(r.Why, "The reason is not known.")+"\nIt is not your mistake.", in))
	default:
		part(findings(st, r.Result, in))
		if attempt.Follows(&r) {
			part([]string{st.Key.Render("Alt+9") + " " + st.Muted.Render("follow the packet")})
		}
		if r.Says != "" {
			part(prose.Callout(st, st.Warn, "A common trap", r.Says, in))
		}
		switch q, asks := w.visit.Question(i); {
		case len(q.Options) > 0:
			part([]string{st.Key.Render("F7") + " " + st.Muted.Render("choose the cause")})
		case asks:
			part([]string{st.Key.Render("F7") + " " + st.Muted.Render("type your answer")})
		}
	}
	part(w.hintLines(st, i, in))
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

// tierNames say what each hint gives away.
func tierName(n, of int) string {
	names := []string{"what you can see", "where to look", "what to use", "the answer"}
	if of != len(names) {
		return fmt.Sprintf("Hint %d/%d", n, of)
	}
	return fmt.Sprintf("Hint %d/%d: %s", n, of, names[n-1])
}

func (w *Workspace) hintLines(st *theme.Styles, i, width int) []string {
	given, of := w.visit.Hints(i)
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

func (w *Workspace) drawCollateral(width int) {
	st := w.cfg.Styles
	first := true
	for _, c := range w.visit.Unkept() {
		if first {
			w.add(-1, st.Muted.Render("What worked before must still work"), "")
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
			w.add(-1, head+l)
		}
		w.add(-1, paint.Indent("   ", findings(st, c.Result, width-3))...)
		w.add(-1, "")
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
