// Package dialog is the stack of boxes that can lie over a screen. A dialog
// ends by returning an Action, which only the root model interprets; dialogs
// know nothing of the screen below them.
package dialog

import (
	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Action is what a finished dialog asks for. Its type says what; the owner of
// the stack switches on it.
type Action any

// Close is the action of a dialog that was dismissed.
type Close struct{}

// Dialog is one box.
type Dialog interface {
	// Update handles a message. A non-nil action ends the dialog.
	Update(tea.Msg) Action

	// Draw returns the box, frame included, at most w × h cells.
	Draw(st *theme.Styles, w, h int) Box
}

// Box is a drawn dialog. Cursor is relative to the box.
type Box struct {
	Lines            []string
	CursorX, CursorY int
	ShowCursor       bool
}

// Stack holds the open dialogs; the last one has the keyboard.
type Stack struct{ open []Dialog }

// Push opens a dialog on top.
func (s *Stack) Push(d Dialog) { s.open = append(s.open, d) }

// Empty reports whether no dialog is open.
func (s *Stack) Empty() bool { return len(s.open) == 0 }

// Top returns the dialog that has the keyboard, or nil.
func (s *Stack) Top() Dialog {
	if s.Empty() {
		return nil
	}
	return s.open[len(s.open)-1]
}

// Clear closes all dialogs.
func (s *Stack) Clear() { s.open = nil }

// Update hands a message to the top dialog, closes it when it has ended, and
// returns its action, or nil.
func (s *Stack) Update(msg tea.Msg) Action {
	top := s.Top()
	if top == nil {
		return nil
	}
	a := top.Update(msg)
	if a != nil {
		s.open = s.open[:len(s.open)-1]
	}
	return a
}

// Draw lays the top dialog over base, which is w × h cells, and dims the rest.
// The cursor is in screen coordinates.
func (s *Stack) Draw(st *theme.Styles, base []string, w, h int) (lines []string, cursor Box) {
	top := s.Top()
	if top == nil {
		return base, Box{}
	}
	box := top.Draw(st, w-6, h-2)
	for i, l := range box.Lines {
		box.Lines[i] = " " + l + " " // keeps the frame off what lies below
	}
	box.CursorX++
	bw := 0
	for _, l := range box.Lines {
		bw = max(bw, paint.Width(l))
	}
	x, y := max(0, (w-bw)/2), max(0, (h-len(box.Lines))/2)
	box.CursorX, box.CursorY = box.CursorX+x, box.CursorY+y
	return paint.Overlay(paint.Dim(st, base), box.Lines, x, y), box
}

// The space between a dialog's frame and its content.
const padX, padY = 3, 1

// frame draws a box of width w around lines, with a styled title and a line of
// keys.
func frame(st *theme.Styles, w int, title string, lines []string, keys string) []string {
	y := st.Sym
	in := w - 2
	edge := st.Border.Render
	fill := repeat(y.Horizontal, in)
	out := []string{edge(y.TopLeft + fill + y.TopRight)}
	row := func(s string) {
		out = append(out, edge(y.Vertical)+paint.Fit(s, in)+edge(y.Vertical))
	}
	pad := repeat(" ", padX)
	for range padY {
		row("")
	}
	row(pad + paint.Cut(title, in-2*padX, y.Ellipsis))
	row("")
	for _, l := range lines {
		row(pad + paint.Fit(l, in-2*padX))
	}
	row("")
	row(pad + paint.Fit(keys, in-2*padX))
	for range padY {
		row("")
	}
	return append(out, edge(y.BottomLeft+fill+y.BottomRight))
}

// frameRows is how many rows of a box the content does not get.
const frameRows = 6 + 2*padY

func repeat(s string, n int) string {
	out := ""
	for range n {
		out += s
	}
	return out
}

// width chooses a box width for content that wants n cells.
func width(n, limit int) int { return max(min(n+2*padX+2, limit), min(40, limit)) }

func hint(st *theme.Styles, pairs ...string) string {
	out := ""
	for i := 0; i+1 < len(pairs); i += 2 {
		if i > 0 {
			out += "   "
		}
		out += st.Key.Render(pairs[i]) + " " + st.KeyHelp.Render(pairs[i+1])
	}
	return out
}
