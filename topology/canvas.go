package topology

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cell is one cell of a canvas. A wide character leaves the cell after it empty.
type cell struct {
	text string
	role Role
}

// canvas is a rectangle of cells.
type canvas struct {
	w, h  int
	cells []cell
}

func newCanvas(w, h int) *canvas {
	c := &canvas{w: w, h: h, cells: make([]cell, w*h)}
	for i := range c.cells {
		c.cells[i].text = " "
	}
	return c
}

// put writes s from x on, up to but not including column end, and returns the
// column after it. What does not fit is left out.
func (c *canvas) put(x, y, end int, s string, r Role) int {
	for s != "" {
		g, w := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
		if g == "" {
			break
		}
		s = s[len(g):]
		if w == 0 {
			continue
		}
		if x+w > end {
			break
		}
		c.set(x, y, g, r)
		for i := 1; i < w; i++ {
			c.set(x+i, y, "", r)
		}
		x += w
	}
	return x
}

func (c *canvas) set(x, y int, s string, r Role) {
	if x >= 0 && x < c.w && y >= 0 && y < c.h {
		c.cells[y*c.w+x] = cell{s, r}
	}
}

// lines joins cells of the same role; blanks at the ends of lines are left out.
func (c *canvas) lines() []Line {
	out := make([]Line, c.h)
	for y := range out {
		row := c.cells[y*c.w : (y+1)*c.w]
		end := len(row)
		for end > 0 && row[end-1].text == " " {
			end--
		}
		out[y] = spans(row[:end])
	}
	return out
}

func spans(row []cell) Line {
	var out Line
	var text strings.Builder
	for i := 0; i < len(row); {
		role := row[i].role
		text.Reset()
		for i < len(row) && row[i].role == role {
			text.WriteString(row[i].text)
			i++
		}
		out = append(out, Span{text.String(), role})
	}
	return out
}

func lineText(l Line) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return strings.TrimRight(b.String(), " ")
}
