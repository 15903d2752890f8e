package prose

import (
	"slices"

	"underlay/course/lesson"
	"underlay/tui/edit"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Question is a quiz and what the learner has done with it.
type Question struct {
	Quiz    *lesson.Quiz
	Number  int
	Current bool // the keys a, b, c … answer this one
	Chosen  []int
	Text    string     // a free answer that was given
	Input   *edit.Line // while a free answer is being typed
	Marked  bool       // an answer was given and marked
	Right   bool       // that answer was right
	Before  bool       // it was answered rightly at an earlier time
}

// Draw draws the question. cursor is where the next character of a free
// answer goes: the line within the question and the column, or -1.
func (q *Question) Draw(st *theme.Styles, w int) (lines []string, cursorLine, cursorCol int) {
	bar := st.Border
	if q.Current {
		bar = st.Accent
	}
	in := w - 2
	lines = []string{q.head(st, in)}
	lines = append(lines, Markdown(st, q.Quiz.Question, in)...)
	lines = append(lines, "")
	cursorLine, cursorCol = -1, -1
	if q.Quiz.Free() {
		field, col := q.field(st, in)
		lines = append(lines, field)
		if q.Input != nil {
			cursorLine, cursorCol = len(lines)-1, col+2
		}
	} else {
		lines = append(lines, q.options(st, in)...)
	}
	lines = append(lines, q.outcome(st, in)...)
	return paint.Indent(bar.Render(st.Sym.Callout)+" ", lines), cursorLine, cursorCol
}

func (q *Question) head(st *theme.Styles, w int) string {
	title := st.Title.Render("Question")
	right := ""
	switch {
	case q.Marked && q.Right, !q.Marked && q.Before:
		right = st.Good.Render(st.Sym.Done + " answered")
	case q.Quiz.Interview:
		right = st.Muted.Render("asked in interviews")
	}
	return paint.Spread(title, right, w, "")
}

func (q *Question) options(st *theme.Styles, w int) []string {
	var out []string
	for i, o := range q.Quiz.Options {
		sym, style, key := " ", st.Text, st.Key
		switch chosen := slices.Contains(q.Chosen, i); {
		case q.Marked && q.Right && o.Right:
			sym, style = st.Good.Render(st.Sym.Done), st.Strong
		case q.Marked && chosen && !o.Right:
			sym, style = wrong(st), st.Text
		case chosen:
			sym, style = st.Accent.Render(st.Sym.Pointer), st.Strong
		}
		if !q.Current {
			key = st.Muted
		}
		out = append(out, option(st, sym, key.Render(string(rune('a'+i))), style, o.Text, w)...)
	}
	return out
}

func (q *Question) field(st *theme.Styles, w int) (string, int) {
	n := min(w, 56)
	if q.Input != nil {
		return q.Input.View(st, n, "Type your answer, then press enter")
	}
	if q.Text != "" {
		return st.Strong.Render(paint.Cut(q.Text, n, st.Sym.Ellipsis)), 0
	}
	if q.Current {
		return st.Key.Render("a") + "  " + st.Muted.Render("type your answer"), 0
	}
	return st.Muted.Render("Answer in your own words."), 0
}

// outcome says whether the answer was right, and why.
func (q *Question) outcome(st *theme.Styles, w int) []string {
	if !q.Marked {
		if q.Quiz.Multiple() {
			return []string{"", st.Muted.Render("More than one is right. Choose, then press enter.")}
		}
		return nil
	}
	out := []string{"", st.Good.Bold(true).Render(st.Sym.Done + " Right.")}
	if !q.Right {
		out[1] = st.Warn.Bold(true).Render("Not quite.") + st.Muted.Render(" You can try again.")
	}
	if q.Quiz.Model != "" {
		out = append(out, "")
		out = append(out, Markdown(st, "**A good answer:** "+q.Quiz.Model, w)...)
	}
	out = append(out, "")
	return append(out, Markdown(st, q.Quiz.Explanation, w)...)
}
