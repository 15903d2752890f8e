package dialog

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/theme"
)

// Page is a text that must be read before something is done: it scrolls as Text
// does and offers answers as Choice does. Esc closes, and so does Enter unless
// an option claims it.
type Page struct {
	Text
	Options []Option
}

// Update implements Dialog.
func (p *Page) Update(msg tea.Msg) Action {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		for _, o := range p.Options {
			if slices.Contains(o.Keys, k.String()) {
				return o.Action
			}
		}
	}
	return p.Text.Update(msg)
}

// Draw implements Dialog.
func (p *Page) Draw(st *theme.Styles, w, h int) Box {
	var pairs []string
	for _, o := range p.Options {
		pairs = append(pairs, o.Show, o.Label)
	}
	return p.draw(st, w, h, pairs)
}
