// Package prose draws lessons and the sentences of a lab: Markdown in our own
// style, figures, recorded terminal output and questions. It turns content into
// lines of a given width and knows nothing of scrolling or keys.
package prose

import (
	"strings"

	"charm.land/lipgloss/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Sentence wraps text into lines of w cells in base's style. Words between
// backquotes are set as code; line breaks of the text are kept.
func Sentence(st *theme.Styles, base lipgloss.Style, text string, w int) []string {
	var out []string
	for _, para := range strings.Split(strings.TrimSpace(st.Sym.Plain(text)), "\n") {
		if strings.TrimSpace(para) == "" {
			out = append(out, "")
			continue
		}
		out = append(out, code(st, base, paint.Wrap(para, w))...)
	}
	return out
}

// code styles lines in which a code span may run on from one line to the next.
// The quotes stay where there is no colour to replace them.
func code(st *theme.Styles, base lipgloss.Style, lines []string) []string {
	span := st.Accent
	out := make([]string, len(lines))
	in := false
	for i, l := range lines {
		parts := strings.Split(l, "`")
		var b strings.Builder
		for j, p := range parts {
			if j > 0 {
				in = !in
			}
			if p == "" {
				continue
			}
			if in {
				b.WriteString(span.Render(p))
			} else {
				b.WriteString(base.Render(p))
			}
		}
		out[i] = b.String()
	}
	return out
}

// Script draws shell lines as they would be typed, comments quieter.
func Script(st *theme.Styles, text string, w int) []string {
	var out []string
	for _, l := range strings.Split(strings.Trim(text, "\n"), "\n") {
		style := st.Text
		if strings.HasPrefix(strings.TrimSpace(l), "#") {
			style = st.Muted
		}
		l = strings.ReplaceAll(st.Sym.Plain(l), "\t", "    ")
		lines := paint.Wrap(l, max(w-2, 10))
		for i, s := range lines {
			if i > 0 {
				s = "  " + s
			}
			out = append(out, style.Render(s))
		}
	}
	return out
}

// Callout draws a titled note with a bar at its left.
func Callout(st *theme.Styles, bar lipgloss.Style, title, text string, w int) []string {
	lines := Sentence(st, st.Text, text, w-2)
	if title != "" {
		lines = append([]string{bar.Bold(true).Render(paint.Cut(title, w-2, st.Sym.Ellipsis))}, lines...)
	}
	return paint.Indent(bar.Render(st.Sym.Callout)+" ", lines)
}
