package home

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Pieces draws the home screen, the footer left out.
func (h *Home) Pieces() []paint.Piece {
	st, x := h.cfg.Styles, h.rects
	out := []paint.Piece{
		{Rect: x.Header, Lines: h.drawHeader(st, x.Header.W, x.Header.H)},
		{Rect: x.Body, Lines: h.drawList(st, x.Body.W, x.Body.H)},
		{Rect: x.Side, Lines: h.drawDetails(st, x.Side.W, x.Side.H)},
		{Rect: x.Rule, Lines: []string{st.Border.Render(strings.Repeat(st.Sym.Horizontal, x.Rule.W))}},
	}
	if !x.Sep.Empty() {
		lines := make([]string, x.Sep.H)
		for i := range lines {
			lines[i] = " " + st.Border.Render(st.Sym.Vertical) + " "
		}
		out = append(out, paint.Piece{Rect: x.Sep, Lines: lines})
	}
	return out
}

// Cursor is in the search field while that is open.
func (h *Home) Cursor() (x, y int, visible bool) {
	if !h.finding {
		return 0, 0, false
	}
	_, col := h.find.View(h.cfg.Styles, h.fieldWidth(), "")
	return h.rects.Body.X + 4 + col, h.rects.Header.Y + 2, true
}

func (h *Home) fieldWidth() int { return min(40, max(10, h.rects.Body.W-8)) }

func (h *Home) drawHeader(st *theme.Styles, w, height int) []string {
	left, right := h.rects.Body.X, 0
	if h.rects.Width > h.rects.Body.X*2 {
		right = left
	}
	in := w - left - right
	pad := strings.Repeat(" ", left)
	title := "  " + st.Title.Render("underlay")
	if in >= 90 {
		title += "  " + st.Muted.Render("container networking, from underneath")
	}
	lines := []string{"", pad + paint.Spread(title, st.Muted.Render(h.score())+"  ", in, st.Sym.Ellipsis)}
	switch {
	case h.finding:
		field, _ := h.find.View(st, h.fieldWidth(), "Find a lesson or a lab")
		note := ""
		if h.find.Value() != "" {
			note = fmt.Sprintf("%d found", len(h.rows))
		}
		lines = append(lines, pad+"  "+st.Key.Render("/")+" "+field+"  "+st.Muted.Render(note))
	case h.marks.First():
		lines = append(lines, pad+"  "+st.Text.Render("Welcome. Read a short lesson, then do it with real commands. ")+
			st.Key.Render("enter")+st.Text.Render(" begins."))
	}
	return paint.Block(lines, w, height)
}

func (h *Home) score() string {
	read, all, solved := 0, 0, 0
	for _, m := range h.cfg.Modules {
		for _, l := range m.Lessons {
			all++
			if h.marks.Lessons[l.ID].Read {
				read++
			}
		}
	}
	for _, l := range h.cfg.Labs {
		if h.marks.Labs[l.ID].Solved {
			solved++
		}
	}
	return fmt.Sprintf("%d of %d lessons  %s  %d of %d labs", read, all, h.cfg.Styles.Sym.Dot, solved, len(h.cfg.Labs))
}

func (h *Home) drawList(st *theme.Styles, w, height int) []string {
	if len(h.rows) == 0 {
		text := "There are no lessons here yet."
		if h.finding {
			text = "Nothing matches. Try fewer letters; esc shows all."
		}
		return paint.Block([]string{"", "  " + st.Muted.Render(text)}, w, height)
	}
	var out []string
	for i := h.offset; i < len(h.rows) && len(out) < height; i++ {
		out = append(out, h.drawRow(st, h.rows[i], i == h.at, w))
	}
	return paint.Block(out, w, height)
}

func (h *Home) drawRow(st *theme.Styles, r row, chosen bool, w int) string {
	switch r.kind {
	case rowGap:
		return ""
	case rowModule:
		return "  " + st.Muted.Bold(true).Render(st.Sym.Plain(r.title))
	case rowResume:
		return h.drawResume(st, r, chosen, w)
	}
	sym, symStyle := h.lessonMark(st, r)
	right, rightStyle := h.labMark(st, r)
	title := st.Sym.Plain(r.title)
	if chosen {
		line := paint.Spread(" "+st.Sym.Pointer+" "+sym+"  "+title, right+" ", w-1, st.Sym.Ellipsis)
		return " " + st.Chosen.Render(line)
	}
	text := st.Text.Render(title)
	if len(r.match) > 0 && !st.Options.ASCII {
		text = lipgloss.StyleRunes(title, r.match, st.Title, st.Text)
	}
	return paint.Spread("    "+symStyle.Render(sym)+"  "+text, rightStyle.Render(right)+" ", w, st.Sym.Ellipsis)
}

// lessonMark says how far a lesson was read.
func (h *Home) lessonMark(st *theme.Styles, r row) (string, lipgloss.Style) {
	if r.lesson == nil {
		return " ", st.Muted
	}
	switch m := h.marks.Lessons[r.lesson.ID]; {
	case m.Read:
		return st.Sym.Read, st.Good
	case m.Begun:
		return st.Sym.Part, st.Accent
	}
	return st.Sym.Todo, st.Muted
}

// labMark says how far a lab was solved, in a column of its own.
func (h *Home) labMark(st *theme.Styles, r row) (string, lipgloss.Style) {
	if r.lab == nil {
		return paint.Fit("", 12), st.Muted
	}
	text, style := st.Sym.Todo+" lab", st.Muted
	switch m := h.marks.Labs[r.lab.ID]; {
	case m.Solved:
		text, style = st.Sym.Done+" solved", st.Good
	case h.available[r.lab.ID].Reason != "":
		text, style = st.Sym.Broken+" not here", st.Muted
	case m.Begun:
		text, style = fmt.Sprintf("%s %d of %d", st.Sym.Part, m.Done(r.lab), r.lab.Tasks), st.Accent
	}
	return paint.Fit(text, 12), style
}

func (h *Home) drawResume(st *theme.Styles, r row, chosen bool, w int) string {
	label, note := "Continue", ""
	switch {
	case h.marks.First():
		label = "Start here"
	case r.lesson == nil:
		m := h.marks.Labs[r.lab.ID]
		note = fmt.Sprintf("task %d of %d", min(m.Done(r.lab)+1, r.lab.Tasks), r.lab.Tasks)
		if !m.Begun {
			label, note = "Next", "lab"
		}
	case !h.marks.Lessons[r.lesson.ID].Begun:
		label = "Next"
	}
	if note == "" && r.lesson != nil {
		note = fmt.Sprintf("%d min", r.lesson.Minutes)
	}
	title := st.Sym.Plain(r.title)
	if chosen {
		return " " + st.Chosen.Render(paint.Spread(" "+st.Sym.Pointer+" "+label+"  "+title, paint.Fit(note, 12)+" ", w-1, st.Sym.Ellipsis))
	}
	return paint.Spread("    "+st.Title.Render(label)+"  "+st.Text.Render(title), st.Muted.Render(paint.Fit(note, 12))+" ", w, st.Sym.Ellipsis)
}
