package dialog

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Option is one answer of a Choice.
type Option struct {
	Keys   []string // as tea.KeyPressMsg.String spells them
	Show   string
	Label  string
	Action Action
}

// Choice shows a few sentences and offers answers. The first option is the one
// that enter takes unless another claims enter. Esc closes.
type Choice struct {
	Title   string
	Text    []string // paragraphs; "" makes a blank line
	Options []Option
	Good    bool // it is good news
}

// Confirm asks before something that cannot be undone. Enter does not confirm:
// only the letter y does.
func Confirm(title, yes string, action Action, text ...string) *Choice {
	return &Choice{Title: title, Text: text, Options: []Option{
		{Keys: []string{"y", "Y"}, Show: "y", Label: yes, Action: action},
		{Keys: []string{"n", "N", "enter"}, Show: "n", Label: "go back", Action: Close{}},
	}}
}

// Update implements Dialog.
func (c *Choice) Update(msg tea.Msg) Action {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	for _, o := range c.Options {
		if slices.Contains(o.Keys, k.String()) {
			return o.Action
		}
	}
	if k.String() == "esc" {
		return Close{}
	}
	return nil
}

// Draw implements Dialog.
func (c *Choice) Draw(st *theme.Styles, w, h int) Box {
	bw := width(58, w)
	in := bw - 2 - 2*padX
	var lines []string
	for _, p := range c.Text {
		if p == "" {
			lines = append(lines, "")
			continue
		}
		lines = append(lines, paint.Each(paint.Wrap(st.Sym.Plain(p), in), st.Text.Render)...)
	}
	lines = lines[:min(len(lines), max(1, h-frameRows))]
	var pairs []string
	for _, o := range c.Options {
		pairs = append(pairs, o.Show, o.Label)
	}
	title := st.Title
	if c.Good {
		title = st.Good.Bold(true)
	}
	return Box{Lines: frame(st, bw, title.Render(st.Sym.Plain(c.Title)), lines, hint(st, pairs...))}
}
