// Package edit is a one-line text field. It has no timer: the terminal's own
// cursor shows where the next character goes.
package edit

import (
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Line is a line of text being typed. The zero value is empty and ready.
type Line struct {
	text []rune
	at   int
}

// Value returns what has been typed, without spaces around it.
func (l *Line) Value() string { return strings.TrimSpace(string(l.text)) }

// Set replaces the text and puts the cursor behind it.
func (l *Line) Set(s string) { l.text = []rune(s); l.at = len(l.text) }

// Update handles a key or a paste and reports whether it was used.
func (l *Line) Update(msg tea.Msg) bool {
	switch msg := msg.(type) {
	case tea.PasteMsg:
		l.insert(strings.ReplaceAll(msg.Content, "\n", " "))
		return true
	case tea.KeyPressMsg:
		return l.key(msg)
	}
	return false
}

func (l *Line) key(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "left", "ctrl+b":
		l.at = max(0, l.at-1)
	case "right", "ctrl+f":
		l.at = min(len(l.text), l.at+1)
	case "home", "ctrl+a":
		l.at = 0
	case "end", "ctrl+e":
		l.at = len(l.text)
	case "backspace", "ctrl+h":
		l.remove(l.at-1, l.at)
	case "delete", "ctrl+d":
		l.remove(l.at, l.at+1)
	case "ctrl+u":
		l.remove(0, l.at)
	case "ctrl+k":
		l.remove(l.at, len(l.text))
	case "ctrl+w", "alt+backspace":
		l.remove(l.wordStart(), l.at)
	default:
		if k.Text == "" {
			return false
		}
		l.insert(k.Text)
	}
	return true
}

func (l *Line) wordStart() int {
	i := l.at
	for i > 0 && unicode.IsSpace(l.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(l.text[i-1]) {
		i--
	}
	return i
}

func (l *Line) remove(from, to int) {
	if from < 0 || to > len(l.text) || from >= to {
		return
	}
	l.text = append(l.text[:from:from], l.text[to:]...)
	l.at = from
}

func (l *Line) insert(s string) {
	var in []rune
	for _, r := range s {
		if unicode.IsPrint(r) {
			in = append(in, r)
		}
	}
	l.text = append(l.text[:l.at:l.at], append(in, l.text[l.at:]...)...)
	l.at += len(in)
}

// View draws the field w cells wide and says in which of them the cursor is.
// Text longer than the field scrolls, so that the cursor is always visible.
func (l *Line) View(st *theme.Styles, w int, placeholder string) (view string, cursor int) {
	if len(l.text) == 0 {
		return st.Input.Foreground(st.Muted.GetForeground()).Render(paint.Fit(placeholder, w)), 0
	}
	start := 0
	for start < l.at && paint.Width(string(l.text[start:l.at])) >= w {
		start++
	}
	cursor = paint.Width(string(l.text[start:l.at]))
	return st.Input.Render(paint.Fit(string(l.text[start:]), w)), cursor
}
