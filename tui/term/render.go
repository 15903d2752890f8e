package term

import (
	"strings"
	"unicode/utf8"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// maxCell is how many bytes one cell may take: a base and a few marks, but not
// the thousands of marks that a program may heap on one letter.
const maxCell = 64

const blanks = "                                                                "

// render draws the view. See Pane.View.
func (s *screen) render() string {
	var b strings.Builder
	b.Grow(s.rows * (s.cols + 16))
	for y := range s.rows {
		if y > 0 {
			b.WriteByte('\n')
		}
		if old, ok := s.above(y); ok {
			b.WriteString(fit(old, s.cols))
		} else {
			s.draw(&b, s.row(y-s.shown()), s.cols)
		}
	}
	return b.String()
}

// text is the view without styles.
func (s *screen) text() string {
	lines := make([]string, s.rows)
	for y := range lines {
		var b strings.Builder
		if old, ok := s.above(y); ok {
			b.WriteString(ansi.Strip(fit(old, s.cols)))
		} else {
			s.drawPlain(&b, s.row(y-s.shown()), s.cols)
		}
		lines[y] = strings.TrimRight(b.String(), " ")
	}
	return strings.Join(lines, "\n")
}

// shown is how many lines the view is scrolled up.
func (s *screen) shown() int {
	if s.emu.IsAltScreen() {
		return 0
	}
	return s.offset
}

// above returns the line of the history that row y of the view shows, if it
// does not show the screen.
func (s *screen) above(y int) (historyLine, bool) {
	if y >= s.shown() {
		return historyLine{}, false
	}
	return s.hist.line(s.hist.len() - s.shown() + y), true
}

// row returns the cells of a row of the screen.
func (s *screen) row(y int) func(x int) *uv.Cell {
	return func(x int) *uv.Cell { return s.emu.CellAt(x, y) }
}

// draw writes exactly cols cells and leaves the style reset.
func (s *screen) draw(b *strings.Builder, at func(x int) *uv.Cell, cols int) {
	var pen uv.Style
	for x := 0; x < cols; {
		c := at(x)
		if c == nil {
			c = &uv.EmptyCell
		}
		style := c.Style
		if s.opt.NoColor {
			style.Fg, style.Bg, style.UnderlineColor = nil, nil, nil
		}
		if style != pen {
			b.WriteString(style.Diff(&pen))
			pen = style
		}
		x += glyph(b, c, cols-x)
	}
	if !pen.IsZero() {
		b.WriteString(ansi.ResetStyle)
	}
}

func (s *screen) drawPlain(b *strings.Builder, at func(x int) *uv.Cell, cols int) {
	for x := 0; x < cols; {
		c := at(x)
		if c == nil {
			c = &uv.EmptyCell
		}
		x += glyph(b, c, cols-x)
	}
}

// drawHistoryLine draws a line for the history, without the blanks at its end.
func (s *screen) drawHistoryLine(l uv.Line) historyLine {
	n := len(l)
	for n > 0 && (l[n-1].IsZero() || l[n-1].Equal(&uv.EmptyCell)) {
		n--
	}
	if n > 0 && n < len(l) && l[n-1].Width > 1 {
		n = min(n-1+l[n-1].Width, len(l))
	}
	var b strings.Builder
	s.draw(&b, l.At, n)
	return historyLine{text: b.String(), width: n}
}

// glyph writes what the cell shows and returns how many cells that takes, at
// least 1 and at most room. It is measured by what the cell claims, but never
// written so that another measure could see another width: terminals disagree
// on emoji that are joined or varied, and one cell too many shifts the rest of
// the line into the neighbouring pane.
func glyph(b *strings.Builder, c *uv.Cell, room int) int {
	if len(c.Content) == 1 && c.Content[0] >= ' ' && c.Content[0] < 0x7f {
		b.WriteString(c.Content)
		return 1
	}
	width := c.Width
	if width < 1 || c.Content == "" {
		b.WriteByte(' ')
		return 1
	}
	if width > room {
		b.WriteString(blanks[:min(room, len(blanks))])
		return min(room, len(blanks))
	}
	width = min(width, len(blanks))
	if shown := c.Content; len(shown) <= maxCell && measures(shown, width) && !control(shown) {
		b.WriteString(shown)
		return width
	}
	r, n := utf8.DecodeRuneInString(c.Content)
	first := c.Content[:n]
	for w := width; w > 0 && r != utf8.RuneError; w-- {
		if measures(first, w) && !control(first) {
			b.WriteString(first + blanks[:width-w])
			return width
		}
	}
	b.WriteString(blanks[:width])
	return width
}

// measures reports whether both ways to measure text find it width cells wide.
func measures(text string, width int) bool {
	return ansi.WcWidth.StringWidth(text) == width && ansi.GraphemeWidth.StringWidth(text) == width
}

func control(text string) bool {
	for _, r := range text {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return true
		}
	}
	return false
}

// fit cuts or pads a line of the history to cols cells.
func fit(p historyLine, cols int) string {
	if p.width > cols {
		p.text = ansi.Truncate(p.text, cols, "")
		p.width = ansi.StringWidth(p.text)
	}
	return p.text + strings.Repeat(" ", cols-p.width)
}
