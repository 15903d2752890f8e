package prose

import (
	"fmt"
	"image/color"
	"strings"

	"charm.land/glamour/v2"
	"charm.land/glamour/v2/ansi"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// markdown renders Markdown in our style at a width of w cells, without blank
// lines at either end.
func markdown(st *theme.Styles, src string, w int) ([]string, error) {
	g, err := glamour.NewTermRenderer(glamour.WithStyles(style(st)), glamour.WithWordWrap(w))
	if err != nil {
		return nil, fmt.Errorf("set up the Markdown renderer: %w", err)
	}
	out, err := g.Render(st.Sym.Plain(src))
	if err != nil {
		return nil, fmt.Errorf("render Markdown: %w", err)
	}
	lines := strings.Split(strings.ReplaceAll(out, "\t", "    "), "\n")
	for i, l := range lines {
		lines[i] = paint.Cut(l, w, st.Sym.Ellipsis)
	}
	return trimBlank(lines), nil
}

// Markdown renders a short Markdown text; if that fails the source is shown.
func Markdown(st *theme.Styles, src string, w int) []string {
	lines, err := markdown(st, src, w)
	if err != nil {
		return Sentence(st, st.Text, src, w)
	}
	return lines
}

func trimBlank(lines []string) []string {
	for len(lines) > 0 && paint.Blank(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && paint.Blank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// style writes Glamour's style sheet from our tokens.
func style(st *theme.Styles) ansi.StyleConfig {
	t, y := st.Tokens, st.Sym
	plain := st.Options.NoColor || st.Options.Basic
	c := func(v color.Color) *string {
		if plain {
			return nil
		}
		r, g, b, _ := v.RGBA()
		s := fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
		return &s
	}
	yes := ptr(true)
	text := ansi.StylePrimitive{Color: c(t.Text)}
	head := ansi.StylePrimitive{Color: c(t.Accent), Bold: yes}
	code := ansi.StylePrimitive{Color: c(t.Accent)}
	if plain {
		code.Bold = yes
	}
	cfg := ansi.StyleConfig{
		Document:  ansi.StyleBlock{StylePrimitive: text, Margin: ptr(uint(0))},
		Paragraph: ansi.StyleBlock{StylePrimitive: text},
		BlockQuote: ansi.StyleBlock{
			StylePrimitive: ansi.StylePrimitive{Color: c(t.Muted)},
			Indent:         ptr(uint(1)), IndentToken: ptr(y.Callout + " "),
		},
		List:           ansi.StyleList{StyleBlock: ansi.StyleBlock{StylePrimitive: text}, LevelIndent: 2},
		Heading:        ansi.StyleBlock{StylePrimitive: ansi.StylePrimitive{BlockSuffix: "\n", Color: c(t.Accent), Bold: yes}},
		H1:             ansi.StyleBlock{StylePrimitive: head},
		H2:             ansi.StyleBlock{StylePrimitive: head},
		H3:             ansi.StyleBlock{StylePrimitive: ansi.StylePrimitive{Color: c(t.Text), Bold: yes}},
		Text:           ansi.StylePrimitive{},
		Emph:           ansi.StylePrimitive{Italic: yes},
		Strong:         ansi.StylePrimitive{Bold: yes},
		Strikethrough:  ansi.StylePrimitive{CrossedOut: yes},
		HorizontalRule: ansi.StylePrimitive{Color: c(t.Border), Format: "\n" + strings.Repeat(y.Horizontal, 24) + "\n"},
		Item:           ansi.StylePrimitive{BlockPrefix: y.Bullet + " "},
		Enumeration:    ansi.StylePrimitive{BlockPrefix: ". "},
		Task:           ansi.StyleTask{Ticked: y.Done + " ", Unticked: y.Todo + " "},
		Link:           ansi.StylePrimitive{Color: c(t.Accent), Underline: yes},
		LinkText:       ansi.StylePrimitive{Color: c(t.Accent)},
		Code:           ansi.StyleBlock{StylePrimitive: code},
		CodeBlock:      ansi.StyleCodeBlock{StyleBlock: ansi.StyleBlock{StylePrimitive: text, Margin: ptr(uint(2))}},
		Table: ansi.StyleTable{
			StyleBlock:      ansi.StyleBlock{StylePrimitive: text},
			CenterSeparator: ptr(y.Cross), ColumnSeparator: ptr(y.Vertical), RowSeparator: ptr(y.Horizontal),
		},
	}
	return cfg
}

func ptr[T any](v T) *T { return &v }
