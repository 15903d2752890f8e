package dialog

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/keys"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Picked is the action of a Menu: the chosen binding's id.
type Picked struct{ ID keys.ID }

// Sent is the action of a Menu when its own key was pressed again: that key is
// for the program below.
type Sent struct{ Key tea.KeyPressMsg }

// Menu lists everything that can be done now. Items are reached with the
// arrows or with a digit or letter, so that it works on any terminal.
type Menu struct {
	Title string
	Items keys.Map
	// Through is a key that is passed on to the shell when pressed in the menu.
	Through string

	at int
}

const letters = "123456789abcdefghi"

// Update implements Dialog.
func (m *Menu) Update(msg tea.Msg) Action {
	k, ok := msg.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	s := k.String()
	switch {
	case m.Through != "" && s == m.Through:
		return Sent{Key: k}
	case s == "esc" || s == "q" || s == "f1":
		return Close{}
	case s == "up" || s == "k":
		m.at = (m.at + len(m.Items) - 1) % len(m.Items)
	case s == "down" || s == "j" || s == "tab":
		m.at = (m.at + 1) % len(m.Items)
	case s == "enter":
		return m.pick(m.at)
	}
	for i, b := range m.Items {
		if (i < len(letters) && s == letters[i:i+1]) || slices.Contains(b.Keys, s) {
			m.at = i
			return m.pick(i)
		}
	}
	return nil
}

// pick chooses an item; one that does nothing now keeps the menu open, where
// its reason is written.
func (m *Menu) pick(i int) Action {
	if m.Items[i].Off != "" {
		return nil
	}
	return Picked{ID: m.Items[i].ID}
}

// Draw implements Dialog.
func (m *Menu) Draw(st *theme.Styles, w, h int) Box {
	bw := width(60, w)
	in := bw - 2 - 2*padX
	col := 0
	for _, b := range m.Items {
		col = max(col, paint.Width(st.Sym.Plain(b.Show)))
	}
	var lines []string
	for i, b := range m.Items {
		num := " "
		if i < len(letters) {
			num = letters[i : i+1]
		}
		text := st.Sym.Plain(b.Long)
		key, body, side := st.Key, st.Text, st.Muted
		if b.Off != "" {
			text, key, body = text+": "+b.Off, st.KeyOff, st.Muted
		}
		left := " " + num + "  " + text
		if i == m.at {
			row := paint.Spread(left, st.Sym.Plain(b.Show)+" ", in, st.Sym.Ellipsis)
			lines = append(lines, st.Chosen.Render(row))
			continue
		}
		left = " " + key.Render(num) + "  " + body.Render(text)
		lines = append(lines, paint.Spread(left, side.Render(st.Sym.Plain(b.Show))+" ", in, st.Sym.Ellipsis))
	}
	rows := max(1, h-frameRows)
	shown, _ := paint.Window(lines, m.at-rows+2, rows)
	return Box{Lines: frame(st, bw, st.Title.Render(st.Sym.Plain(m.Title)), shown, hint(st, st.Sym.Up+st.Sym.Down, "choose", "enter", "do it", "esc", "close"))}
}
