package prose

import (
	"strings"

	"underlay/course/lesson"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

func stripped(s string) string { return paint.Stripped(s) }

// Run draws recorded commands and their output as a terminal shows them.
func Run(st *theme.Styles, r *lesson.Run, w int) []string {
	y := st.Sym
	edge := st.Border.Render
	name := " " + r.Node + " "
	fill := max(0, w-paint.Width(name)-3)
	out := []string{edge(y.TopLeft+y.Horizontal) + st.Muted.Render(name) + edge(strings.Repeat(y.Horizontal, fill)) + edge(y.TopRight)}
	row := func(s string) {
		out = append(out, edge(y.Vertical)+" "+paint.Fit(s, w-4)+" "+edge(y.Vertical))
	}
	for i, step := range r.Steps {
		if i > 0 && r.Steps[i-1].Output != "" {
			row("")
		}
		for j, l := range strings.Split(step.Command, "\n") {
			head := st.Accent.Render("$ ")
			if j > 0 {
				head = st.Muted.Render("> ")
			}
			for k, part := range paint.Hard(expand(l), w-6) {
				if k > 0 {
					head = "  "
				}
				row(head + st.Strong.Render(part))
			}
		}
		if step.Output == "" {
			continue
		}
		for _, l := range strings.Split(step.Output, "\n") {
			if l == "…" {
				row(st.Muted.Render(y.Ellipsis))
				continue
			}
			for _, part := range paint.Hard(expand(y.Plain(l)), w-4) {
				row(st.Text.Render(part))
			}
		}
	}
	return append(out, edge(y.BottomLeft+strings.Repeat(y.Horizontal, max(0, w-2))+y.BottomRight))
}

func expand(s string) string { return strings.ReplaceAll(s, "\t", "    ") }

// Figure centres a picture. It is never wrapped: where it does not fit, its
// caption says what it shows.
func Figure(st *theme.Styles, f *lesson.Figure, w int) []string {
	text := f.Text
	if st.Options.ASCII {
		text = f.ASCII()
	}
	lines := strings.Split(text, "\n")
	n := 0
	for _, l := range lines {
		n = max(n, paint.Width(l))
	}
	caption := st.Sym.Plain(f.Caption)
	if n > w {
		what := "A picture that needs more room"
		if caption != "" {
			what = "Picture: " + caption
		}
		return paint.Each(paint.Wrap(what+" (open the lesson, or make the window wider)", w), st.Muted.Render)
	}
	pad := strings.Repeat(" ", (w-n)/2)
	out := make([]string, 0, len(lines)+2)
	for _, l := range lines {
		out = append(out, pad+st.Text.Render(l))
	}
	if caption != "" {
		out = append(out, "")
		for _, l := range paint.Wrap(caption, w) {
			out = append(out, strings.Repeat(" ", max(0, (w-paint.Width(l))/2))+st.Muted.Render(l))
		}
	}
	return out
}
