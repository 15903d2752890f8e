package packetpath

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// width is the number of cells s takes.
func width(s string) int { return ansi.StringWidth(s) }

// paragraph is words that are broken into lines.
type paragraph struct {
	lead  []Span // before the first line
	hang  []Span // before the others
	words []Span // with a blank between two; one of role Blank is room that a line break takes up, and an arrow stays with the next
	limit int    // lines at most, 0 for as many as it takes
}

// words are the words of a text, each with the same role.
func words(s string, r Role) (out []Span) {
	for _, f := range strings.Fields(s) {
		out = append(out, Span{f, r})
	}
	return out
}

// lay breaks a paragraph into lines of at most w cells. A word that is longer
// than a line is cut up.
func (p *paragraph) lay(w int, ellipsis string) []Line {
	lead, hang := narrow(p.lead, w), narrow(p.hang, w)
	line, at := append(Line(nil), lead...), length(lead)
	begun := false
	var lines []Line
	next := func() {
		lines = append(lines, line)
		line, at, begun = append(Line(nil), hang...), length(hang), false
	}
	for i, word := range p.words {
		n := width(word.Text)
		whole := n
		if isArrow(word) && i+1 < len(p.words) {
			whole += 1 + width(p.words[i+1].Text)
		}
		if begun && at+1+whole > w && (i == 0 || !isArrow(p.words[i-1])) {
			next()
		}
		if word.Role == Blank && !begun {
			continue
		}
		if begun {
			line, at = append(line, Span{" ", Blank}), at+1
		}
		for at+n > w {
			head := ansi.Truncate(word.Text, w-at, "")
			if head == "" {
				break // a wide character in a column of one cell
			}
			line = append(line, Span{head, word.Role})
			word.Text = word.Text[len(head):]
			n = width(word.Text)
			next()
		}
		if at+n <= w {
			line, at, begun = append(line, word), at+n, true
		}
	}
	lines = append(lines, line)
	if p.limit > 0 && len(lines) > p.limit {
		lines = lines[:p.limit]
		lines[p.limit-1] = shorten(lines[p.limit-1], w, ellipsis)
	}
	return lines
}

func isArrow(word Span) bool { return word.Text == "→" || word.Text == "->" }

// narrow leaves out the end of a lead that would take more than half of a line.
func narrow(lead []Span, w int) (out []Span) {
	at := 0
	for _, s := range lead {
		s.Text = ansi.Truncate(s.Text, max(w/2-at, 0), "")
		at += width(s.Text)
		out = append(out, s)
	}
	return out
}

// shorten puts an ellipsis at the end of a line.
func shorten(l Line, w int, ellipsis string) Line {
	for length(l)+1+width(ellipsis) > w && len(l) > 1 {
		l = l[:len(l)-1]
	}
	if length(l)+1+width(ellipsis) > w {
		return l
	}
	return append(l, Span{" " + ellipsis, Dim})
}

func length(l []Span) int {
	n := 0
	for _, s := range l {
		n += width(s.Text)
	}
	return n
}

// spaces are n blanks.
func spaces(n int) Span { return Span{strings.Repeat(" ", max(n, 0)), Blank} }

// ASCII words for what texts of an autopsy are written with beyond it.
var asciiWords = strings.NewReplacer("→", "->", "…", "...", "·", "-", "–", "-", "“", `"`, "”", `"`, "’", "'")

// show is s without what would not show as itself.
func (t *teller) show(s string) string {
	if t.ascii {
		s = asciiWords.Replace(s)
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if !unicode.IsGraphic(r) || t.ascii && r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, s)
}
