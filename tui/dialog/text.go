package dialog

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Passed is the action of a Text when a key or a paste was meant for the screen
// below.
type Passed struct{ Msg tea.Msg }

// Text is a page to read, which scrolls when it is longer than the screen.
type Text struct {
	Title string
	// Body draws the page for a width of w cells.
	Body func(st *theme.Styles, w int) []string
	Wide bool // as wide as the screen allows, for code
	// Typing is set over a shell: keys that only a shell uses, and pastes, close
	// the page and go to the screen below.
	Typing bool

	offset, page, total int
}

// Update implements Dialog.
func (t *Text) Update(msg tea.Msg) Action {
	switch msg := msg.(type) {
	case tea.MouseWheelMsg:
		switch msg.Button {
		case tea.MouseWheelUp:
			t.scroll(-3)
		case tea.MouseWheelDown:
			t.scroll(3)
		}
	case tea.KeyPressMsg:
		if t.Typing && !t.owns(msg.String()) {
			return Passed{Msg: msg}
		}
		return t.key(msg.String())
	case tea.PasteMsg:
		if t.Typing {
			return Passed{Msg: msg}
		}
	}
	return nil
}

// owns reports whether a page over a shell takes a key itself.
func (t *Text) owns(k string) bool {
	return slices.Contains([]string{"esc", "enter", "f1", "ctrl+c", "up", "down", "pgup", "pgdown", "home", "end"}, k)
}

func (t *Text) key(k string) Action {
	switch k {
	case "esc", "q", "enter", "f1", "?", "ctrl+c":
		return Close{}
	case "up", "k":
		t.scroll(-1)
	case "down", "j":
		t.scroll(1)
	case "pgup":
		t.scroll(-t.page)
	case "pgdown", "space":
		t.scroll(t.page)
	case "home", "g":
		t.scroll(-t.total)
	case "end", "G":
		t.scroll(t.total)
	}
	return nil
}

func (t *Text) scroll(n int) { t.offset = paint.Clamp(t.offset+n, 0, max(0, t.total-t.page)) }

// Draw implements Dialog.
func (t *Text) Draw(st *theme.Styles, w, h int) Box { return t.draw(st, w, h, nil) }

// draw draws the page with further keys, as pairs of a key and what it does.
func (t *Text) draw(st *theme.Styles, w, h int, more []string) Box {
	want := 68
	if t.Wide {
		want = 100
	}
	bw := width(want, w)
	lines := t.Body(st, bw-2-2*padX)
	t.page, t.total = max(1, h-frameRows), len(lines)
	shown, offset := paint.Window(lines, t.offset, t.page)
	t.offset = offset
	read := ""
	if t.total > t.page {
		more = append(more, st.Sym.Up+st.Sym.Down, "scroll")
		read = st.Muted.Render(fmt.Sprintf("%d%%", 100*(offset+len(shown))/t.total))
	}
	more = append(more, "esc", "close")
	keys := hint(st, more...)
	if t.Typing {
		typing := hint(st, append(more, "typing", "goes to the shell")...)
		if paint.Width(typing)+1+paint.Width(read) <= bw-2-2*padX {
			keys = typing
		}
	}
	keys = paint.Spread(keys, read, bw-2-2*padX, "")
	return Box{Lines: frame(st, bw, st.Title.Render(st.Sym.Plain(t.Title)), shown, keys)}
}
