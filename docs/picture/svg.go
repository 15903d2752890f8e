package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Measures of the picture. A cell is as wide as a letter of the usual monospace
// fonts at this size (0.602 em), so that text needs next to no stretching.
const (
	fontSize = 14
	cellW    = 8.43
	cellH    = 19
	baseline = 14 // of a row's text, from its top
	margin   = 16
)

const fonts = "ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', 'Liberation Mono', Consolas, monospace"

// The window's colours, and the sixteen that a terminal has by number.
const (
	paper = "#141820"
	edge  = "#343a46"
	ink   = "#d9dee8"
)

var palette = [16]string{
	"#2b303b", "#ff8f8f", "#7fcf9a", "#e6b866", "#7db4ff", "#c9a0ff", "#6fd3e0", "#d9dee8",
	"#6b7280", "#ffabab", "#9fe0b4", "#f2cf8c", "#a3caff", "#dcc0ff", "#97e4ee", "#ffffff",
}

// stretch is a part of a row that is drawn as one: text, or in a fill its colour.
type stretch struct {
	x, width int
	text     string
	style    uv.Style
}

// canvas is what is drawn, in the order in which it lies on the paper.
type canvas struct{ backs, lines, words bytes.Buffer }

// draw returns the screen as SVG. Text is placed word by word and symbol by symbol,
// and lines are drawn as lines, so that the grid holds with any monospace font.
func (s *screen) draw() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var c canvas
	for y := range rows {
		for _, f := range s.fills(y) {
			c.fill(y, f)
		}
		for _, r := range s.stretches(y) {
			c.text(y, r)
		}
	}
	at := s.emu.CursorPosition()
	fmt.Fprintf(&c.backs, `<rect x="%g" y="%d" width="%g" height="%d" fill="%s"/>`+"\n", px(at.X), at.Y*cellH, cellW, cellH, ink)
	var b bytes.Buffer
	w, h := px(columns)+2*margin, float64(rows*cellH+2*margin)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]g" height="%[2]g" viewBox="0 0 %[1]g %[2]g" role="img" aria-labelledby="title desc">`+"\n", w, h)
	b.WriteString("<title id=\"title\">Underlay in a lab</title>\n")
	b.WriteString("<desc id=\"desc\">On the left the tasks of a lab: two are done, one is open with what was wanted and what was seen. On the right a shell with commands.</desc>\n")
	fmt.Fprintf(&b, `<rect x="0.5" y="0.5" width="%g" height="%g" rx="10" fill="%s" stroke="%s"/>`+"\n", w-1, h-1, paper, edge)
	fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", margin, margin)
	fmt.Fprintf(&b, "<g shape-rendering=\"crispEdges\">\n%s</g>\n", c.backs.Bytes())
	fmt.Fprintf(&b, "<g fill=\"none\" stroke-width=\"1\" shape-rendering=\"crispEdges\">\n%s</g>\n", c.lines.Bytes())
	fmt.Fprintf(&b, "<g font-family=\"%s\" font-size=\"%d\" fill=\"%s\">\n%s</g>\n", fonts, fontSize, ink, c.words.Bytes())
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// px is where a column begins.
func px(col int) float64 { return float64(int(float64(col)*cellW*100+0.5)) / 100 }

// stretches splits a row where the style changes, at every blank but a single one
// between words, and around every symbol that a font may draw wider or narrower
// than a letter.
func (s *screen) stretches(y int) []stretch {
	var out []stretch
	open := false // the last stretch may go on
	for x := 0; x < columns; {
		c := s.cell(x, y)
		w := max(1, c.Width)
		switch n := len(out) - 1; {
		case c.Content == " ":
			next := s.cell(x+1, y)
			if open = open && plain(next.Content) && next.Style == c.Style; open {
				out[n].text += " "
				out[n].width++
			}
		case open && plain(c.Content) && out[n].style == c.Style:
			out[n].text += c.Content
			out[n].width += w
		default:
			out = append(out, stretch{x: x, width: w, text: c.Content, style: c.Style})
			open = plain(c.Content)
		}
		x += w
	}
	return joined(out)
}

func (s *screen) cell(x, y int) *uv.Cell {
	if c := s.emu.CellAt(x, y); c != nil && c.Content != "" {
		return c
	}
	return &uv.EmptyCell
}

// fills are the parts of a row that have a background of their own.
func (s *screen) fills(y int) []stretch {
	var out []stretch
	for x := range columns {
		c := s.cell(x, y)
		_, back := colours(c.Style)
		switch n := len(out) - 1; {
		case back == "":
		case n >= 0 && out[n].x+out[n].width == x && out[n].text == back:
			out[n].width++
		default:
			out = append(out, stretch{x: x, width: 1, text: back})
		}
	}
	return out
}

// joined puts equal lines that touch into one run, which is drawn as one line.
func joined(in []stretch) []stretch {
	var out []stretch
	for _, r := range in {
		n := len(out) - 1
		if n >= 0 && (r.text == "─" || r.text == "━") && strings.HasSuffix(out[n].text, r.text) &&
			strings.Trim(out[n].text, r.text) == "" && out[n].style == r.style && out[n].x+out[n].width == r.x {
			out[n].text += r.text
			out[n].width += r.width
			continue
		}
		out = append(out, r)
	}
	return out
}

// plain says whether a cell holds a letter that every monospace font has.
func plain(s string) bool { return len(s) == 1 && s[0] > ' ' && s[0] < 0x7f }

// colours are a style's ink and, where it has one, its background.
func colours(st uv.Style) (fore, back string) {
	if st.Attrs&uv.AttrReverse != 0 {
		return hex(st.Bg, paper), hex(st.Fg, ink)
	}
	return hex(st.Fg, ink), hex(st.Bg, "")
}

func (c *canvas) fill(y int, f stretch) {
	fmt.Fprintf(&c.backs, `<rect x="%g" y="%d" width="%.2f" height="%d" fill="%s"/>`+"\n",
		px(f.x), y*cellH, px(f.x+f.width)-px(f.x), cellH, f.text)
}

func (c *canvas) text(y int, r stretch) {
	fore, _ := colours(r.style)
	if drawn := shape(r, y); drawn != "" {
		fmt.Fprintf(&c.lines, drawn+"\n", fore)
		return
	}
	adjust := "spacing"
	if !plain(r.text[:1]) {
		adjust = "spacingAndGlyphs"
	}
	fmt.Fprintf(&c.words, `<text x="%g" y="%d" textLength="%.2f" lengthAdjust="%s"%s>%s</text>`+"\n",
		px(r.x), y*cellH+baseline, float64(r.width)*cellW, adjust, attributes(r.style, fore), escape(r.text))
}

// attributes are a style's, as far as they differ from plain text's.
func attributes(st uv.Style, fg string) string {
	var b strings.Builder
	if fg != ink {
		fmt.Fprintf(&b, ` fill="%s"`, fg)
	}
	if st.Attrs&uv.AttrBold != 0 {
		b.WriteString(` font-weight="bold"`)
	}
	if st.Attrs&uv.AttrItalic != 0 {
		b.WriteString(` font-style="italic"`)
	}
	if st.Attrs&uv.AttrFaint != 0 {
		b.WriteString(` opacity="0.6"`)
	}
	if st.Underline != uv.UnderlineNone {
		b.WriteString(` text-decoration="underline"`)
	}
	return b.String()
}

func escape(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil { // a bytes.Buffer takes everything
		return ""
	}
	return b.String()
}

// hex is a colour as #rrggbb; none is what it is if the terminal decides.
func hex(c color.Color, none string) string {
	switch c := c.(type) {
	case nil:
		return none
	case ansi.BasicColor:
		return palette[c&15]
	case ansi.IndexedColor:
		if c < 16 {
			return palette[c]
		}
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
