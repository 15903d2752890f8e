package reader

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// sideTop is how many rows of the outline's column come before the outline.
const sideTop = 2

// Pieces draws the lesson screen, the footer left out.
func (r *Reader) Pieces() []paint.Piece {
	st, x := r.cfg.Styles, r.rects
	shown, _ := paint.Window(r.lines, r.offset, x.Body.H)
	body := paint.Block(paint.Indent("  ", shown), x.Body.W, x.Body.H)
	out := []paint.Piece{
		{Rect: x.Header, Lines: r.drawHeader(st, x.Header.W)},
		{Rect: x.Body, Lines: body},
		{Rect: x.Rule, Lines: []string{st.Border.Render(strings.Repeat(st.Sym.Horizontal, x.Rule.W))}},
	}
	if !x.Side.Empty() {
		line := " " + st.Border.Render(st.Sym.Vertical) + " "
		lines := make([]string, x.Sep.H)
		for i := range lines {
			lines[i] = line
		}
		out = append(out,
			paint.Piece{Rect: x.Sep, Lines: lines},
			paint.Piece{Rect: x.Side, Lines: paint.Block(r.drawOutline(st, x.Side.W), x.Side.W, x.Side.H)})
	}
	return out
}

// Cursor is where a free answer is being typed, if one is.
func (r *Reader) Cursor() (x, y int, visible bool) {
	if r.cursorY < 0 {
		return 0, 0, false
	}
	x, y = r.rects.Body.X+2+r.cursorX, r.rects.Body.Y+r.cursorY-r.offset
	return x, y, r.rects.Body.Contains(x, y)
}

// percent is how much of the lesson has been on the screen or above it.
func (r *Reader) percent() int {
	if len(r.lines) == 0 || r.offset >= r.maxOffset() {
		return 100
	}
	return min(99, 100*(r.offset+r.rects.Body.H)/len(r.lines))
}

// drawHeader is the title, and a rule of which the part that was read is heavy.
func (r *Reader) drawHeader(st *theme.Styles, w int) []string {
	done := r.percent()
	left := " " + st.Muted.Render(r.cfg.Module+" "+st.Sym.Dot+" ") + st.Title.Render(r.cfg.Lesson.Title)
	line := paint.Spread(left, st.Muted.Render(fmt.Sprintf("%d%%", done))+" ", w, st.Sym.Ellipsis)
	n := w * done / 100
	rule := st.Accent.Render(strings.Repeat(st.Sym.Heavy, n)) + st.Border.Render(strings.Repeat(st.Sym.Horizontal, w-n))
	return []string{line, rule}
}

func (r *Reader) drawOutline(st *theme.Styles, w int) []string {
	out := []string{"", " " + st.Muted.Render("In this lesson")}
	here := -1
	for i, e := range r.doc.Outline {
		if r.head+e.Line <= r.offset+1 {
			here = i
		}
	}
	if here < 0 && len(r.doc.Outline) > 0 {
		here = 0
	}
	base := 9
	for _, e := range r.doc.Outline {
		base = min(base, e.Level)
	}
	for i, e := range r.doc.Outline {
		text := paint.Cut(strings.Repeat("  ", e.Level-base)+e.Text, w-4, st.Sym.Ellipsis)
		if i == here {
			out = append(out, " "+st.Accent.Render(st.Sym.Pointer)+" "+st.Strong.Render(text))
			continue
		}
		out = append(out, "   "+st.Muted.Render(text))
	}
	return out
}

// drawTop is the title page: what the lesson is and what it gives.
func (r *Reader) drawTop(st *theme.Styles, w int) []string {
	l := r.cfg.Lesson
	facts := fmt.Sprintf("%d minutes", l.Minutes)
	if r.cfg.Lab != nil {
		facts += fmt.Sprintf(" %s then a lab with %s", st.Sym.Dot, english.Plural(r.cfg.Lab.Tasks, "task", ""))
	}
	out := []string{""}
	out = append(out, paint.Each(paint.Wrap(st.Sym.Plain(l.Title), w), st.Title.Render)...)
	out = append(out, st.Muted.Render(facts), "")
	if len(l.Objectives) > 0 {
		out = append(out, st.Strong.Render("Afterwards you can"))
		for _, o := range l.Objectives {
			for i, line := range prose.Sentence(st, st.Text, lower(o), w-2) {
				head := "  "
				if i == 0 {
					head = st.Accent.Render(st.Sym.Bullet) + " "
				}
				out = append(out, head+line)
			}
		}
		out = append(out, "")
	}
	return append(out, st.Border.Render(strings.Repeat(st.Sym.Horizontal, w)), "")
}

// drawEnd is the way on.
func (r *Reader) drawEnd(st *theme.Styles, w int) []string {
	out := []string{"", st.Border.Render(strings.Repeat(st.Sym.Horizontal, w)), ""}
	if lab := r.cfg.Lab; lab != nil && lab.Reason != "" {
		text := paint.Sentence(lab.Reason)
		if lab.Remedy != "" {
			text += "\nWhat to do: " + lab.Remedy // as it is: it may be a command
		}
		out = append(out, prose.Callout(st, st.Warn, "The lab cannot run here", text, w)...)
		out = append(out, "")
	}
	key := st.Key.Render("enter") + "  "
	switch {
	case r.canLab():
		lab := r.cfg.Lab
		out = append(out, key+st.Strong.Render("Start the lab: "+lab.Title),
			"       "+st.Muted.Render(fmt.Sprintf("%s, about %d minutes", english.Plural(lab.Tasks, "task", ""), lab.Minutes)))
	case r.cfg.Next != nil:
		out = append(out, key+st.Strong.Render("Next: "+r.cfg.Next.Title))
	default:
		out = append(out, key+st.Strong.Render("Back to the list of lessons"))
	}
	return append(out, "")
}

// lower makes the first letter small unless the word is a name or an acronym.
func lower(s string) string {
	if len(s) < 2 || s[1] < 'a' || s[1] > 'z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
