package dialog

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"underlay/tui/theme"
)

func picks(off ...bool) *Pick {
	p := &Pick{Title: "Which?", Text: "One of these.", Enter: "take it"}
	for i, o := range off {
		p.Items = append(p.Items, Item{Text: strings.Repeat("word ", 30), Off: o, Action: i + 1})
	}
	return p
}

func press(p *Pick, keys ...string) (a Action) {
	names := map[string]rune{"up": tea.KeyUp, "down": tea.KeyDown, "enter": tea.KeyEnter, "esc": tea.KeyEscape}
	for _, k := range keys {
		msg := tea.KeyPressMsg{Code: names[k]}
		if msg.Code == 0 {
			msg.Code, msg.Text = []rune(k)[0], k
		}
		a = p.Update(msg)
	}
	return a
}

func TestPick(t *testing.T) {
	for _, c := range []struct {
		off  []bool
		keys string
		want Action
	}{
		{[]bool{false, false, false}, "enter", 1},
		{[]bool{false, false, false}, "down enter", 2},
		{[]bool{false, false, false}, "up enter", 3},
		{[]bool{false, false, false}, "down down down enter", 1},
		{[]bool{false, true, false}, "down enter", 3},
		{[]bool{false, true, false}, "up up enter", 1},
		{[]bool{true, true, false}, "enter", 3},
		{[]bool{true, false, false}, "up enter", 3},
		{[]bool{false, true, false}, "2", nil},
		{[]bool{false, true, false}, "3", 3},
		{[]bool{false}, "9", nil},
		{[]bool{true, true}, "enter", nil},
		{[]bool{true, true}, "down enter", nil},
		{nil, "down enter", nil},
		{[]bool{false}, "esc", Close{}},
	} {
		if got := press(picks(c.off...), strings.Fields(c.keys)...); got != c.want {
			t.Errorf("%v %s: %v, want %v", c.off, c.keys, got, c.want)
		}
	}
}

// TestPickScrolls: in a window that is too small for all, the chosen one shows.
func TestPickScrolls(t *testing.T) {
	st := theme.New(theme.Options{})
	for _, h := range []int{14, 18, 40} {
		p := picks(make([]bool, 9)...)
		for i := range p.Items {
			box := p.Draw(st, 60, h)
			text := ansi.Strip(strings.Join(box.Lines, "\n"))
			if !strings.Contains(text, " "+string(rune('1'+i))+"  word") || len(box.Lines) > h {
				t.Errorf("height %d: entry %d does not show in %d lines:\n%s", h, i+1, len(box.Lines), text)
			}
			press(p, "down")
		}
	}
}
