package edit

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

func typed(l *Line, s string) {
	for _, r := range s {
		l.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func TestEditing(t *testing.T) {
	ctrl := func(r rune) tea.KeyPressMsg { return tea.KeyPressMsg{Code: r, Mod: tea.ModCtrl} }
	var l Line
	typed(&l, "172.17 bridge")
	l.Update(ctrl('w'))
	typed(&l, "0.1")
	for range 3 {
		l.Update(tea.KeyPressMsg{Code: tea.KeyLeft})
	}
	l.Update(tea.KeyPressMsg{Code: tea.KeyBackspace})
	l.Update(tea.PasteMsg{Content: ".\x1b"})
	if got := l.Value(); got != "172.17.0.1" {
		t.Errorf("%q", got)
	}
	l.Update(ctrl('a'))
	l.Update(tea.KeyPressMsg{Code: tea.KeyDelete})
	l.Update(ctrl('e'))
	l.Update(tea.KeyPressMsg{Code: tea.KeyBackspace})
	if got := l.Value(); got != "72.17.0." {
		t.Errorf("%q", got)
	}
	l.Update(ctrl('u'))
	if got := l.Value(); got != "" {
		t.Errorf("%q", got)
	}
	if l.Update(tea.KeyPressMsg{Code: tea.KeyF5}) {
		t.Error("a function key was taken for text")
	}
}

func TestViewIsExactAndShowsTheCursor(t *testing.T) {
	st := theme.New(theme.Options{Dark: true})
	var l Line
	for range 30 {
		typed(&l, "日x")
		view, at := l.View(st, 10, "type")
		if paint.Width(view) != 10 || at < 0 || at > 10 {
			t.Fatalf("%d wide, cursor at %d: %q", paint.Width(view), at, view)
		}
	}
	var empty Line
	if view, at := empty.View(st, 10, "type"); at != 0 || !strings.Contains(view, "type") {
		t.Errorf("%q, %d", view, at)
	}
}
