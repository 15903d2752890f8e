package dialog

import (
	tea "charm.land/bubbletea/v2"

	"underlay/tui/edit"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Answered is the action of a Prompt: what was typed, and for what.
type Answered struct{ For, Text string }

// Prompt asks for one line of text.
type Prompt struct {
	Title string
	Text  string
	For   string // handed back in Answered

	line edit.Line
}

// Update implements Dialog.
func (p *Prompt) Update(msg tea.Msg) Action {
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "esc", "ctrl+c":
			return Close{}
		case "enter":
			if p.line.Value() == "" {
				return nil
			}
			return Answered{For: p.For, Text: p.line.Value()}
		}
	}
	p.line.Update(msg)
	return nil
}

// Draw implements Dialog.
func (p *Prompt) Draw(st *theme.Styles, w, h int) Box {
	bw := width(58, w)
	in := bw - 2 - 2*padX
	lines := paint.Each(paint.Wrap(st.Sym.Plain(p.Text), in), st.Text.Render)
	lines = lines[:min(len(lines), max(1, h-frameRows-2))]
	field, cursor := p.line.View(st, in, "Type your answer")
	lines = append(lines, "", field)
	return Box{
		Lines:      frame(st, bw, st.Title.Render(st.Sym.Plain(p.Title)), lines, hint(st, "enter", "answer", "esc", "go back")),
		CursorX:    1 + padX + cursor,
		CursorY:    1 + padY + 2 + len(lines) - 1,
		ShowCursor: true,
	}
}
