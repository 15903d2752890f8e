package home

import (
	"fmt"
	"strings"

	"underlay/course/lesson"
	"underlay/engine"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// drawDetails describes the chosen row: at length where it has a column of its
// own, in a few lines where it has only those.
func (h *Home) drawDetails(st *theme.Styles, w, height int) []string {
	if w <= 0 || height <= 0 {
		return nil
	}
	r := h.chosen()
	if !r.selectable() {
		return paint.Block(nil, w, height)
	}
	if height < 9 {
		return paint.Block(paint.Indent("  ", h.brief(st, r, w-4)), w, height)
	}
	in := min(w-2, 72)
	var out []string
	if r.lesson != nil {
		out = append(out, h.aboutLesson(st, r.lesson, in)...)
	}
	if r.lab != nil {
		out = append(out, h.aboutLab(st, r.lab, r.lesson != nil, in)...)
	}
	return paint.Block(paint.Indent(" ", out), w, height)
}

func (h *Home) aboutLesson(st *theme.Styles, l *lesson.Info, w int) []string {
	out := paint.Each(paint.Wrap(st.Sym.Plain(l.Title), w), st.Title.Render)
	out = append(out, st.Muted.Render(fmt.Sprintf("Lesson %s %d minutes", st.Sym.Dot, l.Minutes)), "")
	for _, o := range l.Objectives {
		for i, line := range prose.Sentence(st, st.Text, o, w-2) {
			head := "  "
			if i == 0 {
				head = st.Accent.Render(st.Sym.Bullet) + " "
			}
			out = append(out, head+line)
		}
	}
	return append(out, "", st.Key.Render("enter")+" "+st.Muted.Render("read the lesson"), "")
}

func (h *Home) aboutLab(st *theme.Styles, lab *engine.LabInfo, below bool, w int) []string {
	var out []string
	if below {
		out = append(out, st.Border.Render(strings.Repeat(st.Sym.Horizontal, w)), "")
	}
	m := h.marks.Labs[lab.ID]
	facts := fmt.Sprintf("Lab %s about %d minutes %s %s", st.Sym.Dot, lab.Minutes, st.Sym.Dot, tasks(lab.Tasks))
	switch {
	case m.Solved:
		facts += " " + st.Sym.Dot + " solved"
	case m.Begun:
		facts += fmt.Sprintf(" %s %d done", st.Sym.Dot, m.Done(lab))
	}
	out = append(out, paint.Each(paint.Wrap(st.Sym.Plain(lab.Title), w), st.Title.Render)...)
	out = append(out, st.Muted.Render(paint.Cut(facts, w, st.Sym.Ellipsis)), "")
	if lab.Summary != "" {
		out = append(append(out, prose.Sentence(st, st.Text, lab.Summary, w)...), "")
	}
	if len(lab.Requires) > 0 {
		out = append(append(out, paint.Each(paint.Wrap("Needs "+strings.Join(lab.Requires, ", "), w), st.Muted.Render)...), "")
	}
	if a := h.available[lab.ID]; a.Reason != "" {
		text := paint.Sentence(a.Reason)
		if a.Remedy != "" {
			text += "\n" + whatToDo(a)
		}
		return append(out, prose.Callout(st, st.Warn, "Cannot run here", text, w)...)
	}
	key := "l"
	if !below {
		key = "enter"
	}
	do := st.Key.Render(key) + " " + st.Muted.Render("start the lab")
	if len(lab.Faults) > 0 {
		mend := fmt.Sprintf("break-fix, %d of %d done", h.marks.Repaired(lab), len(lab.Faults))
		do += "   " + st.Key.Render("b") + " " + st.Muted.Render(mend)
	}
	return append(out, do)
}

// whatToDo shows a remedy as it is: it may be a command to be typed.
func whatToDo(a Availability) string { return "What to do: " + a.Remedy }

// brief says the most important in three or four lines.
func (h *Home) brief(st *theme.Styles, r row, w int) []string {
	var out []string
	absent := r.lab != nil && h.available[r.lab.ID].Reason != ""
	if r.lesson != nil {
		out = append(out, paint.Spread(st.Strong.Render(st.Sym.Plain(r.lesson.Title)), st.Muted.Render(fmt.Sprintf("%d min", r.lesson.Minutes)), w, st.Sym.Ellipsis))
		if len(r.lesson.Objectives) > 0 && !absent {
			out = append(out, st.Text.Render(paint.Cut(st.Sym.Plain(r.lesson.Objectives[0]), w, st.Sym.Ellipsis)))
		}
	}
	if r.lab == nil {
		return out
	}
	if absent {
		a := h.available[r.lab.ID]
		out = append(out, st.Warn.Render(paint.Cut("The lab cannot run here: "+a.Reason, w, st.Sym.Ellipsis)))
		return append(out, paint.Each(paint.Wrap(whatToDo(a), w), st.Muted.Render)...)
	}
	head := st.Muted.Render("Lab  ") + st.Text.Render(st.Sym.Plain(r.lab.Title))
	facts := fmt.Sprintf("%s, about %d min", tasks(r.lab.Tasks), r.lab.Minutes)
	if h.marks.Repaired(r.lab) > 0 {
		facts = fmt.Sprintf("%d of %d faults repaired", h.marks.Repaired(r.lab), len(r.lab.Faults))
	}
	out = append(out, paint.Spread(head, st.Muted.Render(facts), w, st.Sym.Ellipsis))
	return append(out, st.Muted.Render(paint.Cut(st.Sym.Plain(r.lab.Summary), w, st.Sym.Ellipsis)))
}

func tasks(n int) string {
	if n == 1 {
		return "1 task"
	}
	return fmt.Sprintf("%d tasks", n)
}
