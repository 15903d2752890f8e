// Package keys describes what can be pressed: which keys, what they do in
// words, and, when they do nothing now, why. The key bar, the menu and the help
// are all drawn from these descriptions, so that they cannot disagree.
package keys

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
	"underlay/tui/theme"
)

// ID names an action, independent of the keys for it.
type ID string

// Binding is an action and how to reach it.
type Binding struct {
	ID   ID
	Keys []string // as tea.KeyPressMsg.String spells them
	Show string   // how the keys are written for people: "F2", "enter"
	Help string   // one or two words for the key bar; "" keeps it out of the bar
	Long string   // a phrase for the help
	Off  string   // why it does nothing now, in a sentence; "" when it works
}

// Map is the bindings of one screen, the most useful first.
type Map []Binding

// Match returns the binding that this key press means.
func (m Map) Match(k tea.KeyPressMsg) (Binding, bool) {
	s := k.String()
	for _, b := range m {
		if slices.Contains(b.Keys, s) {
			return b, true
		}
	}
	return Binding{}, false
}

// Get returns the binding of an action.
func (m Map) Get(id ID) (Binding, bool) {
	for _, b := range m {
		if b.ID == id {
			return b, true
		}
	}
	return Binding{}, false
}

// Section is a titled group of bindings in the help.
type Section struct {
	Title string
	Keys  Map
}

// Bar draws as many bindings as fit into w cells, in order. Bindings that do
// nothing now are left out. Where space is short the gaps are narrower.
func Bar(st *theme.Styles, m Map, w int) string {
	if line, all := bar(st, m, w, "   "); all {
		return line
	}
	line, _ := bar(st, m, w, "  ")
	return line
}

func bar(st *theme.Styles, m Map, w int, gap string) (line string, all bool) {
	var b strings.Builder
	used, all := 1, true
	b.WriteByte(' ')
	for _, k := range m {
		if k.Help == "" || k.Off != "" {
			continue
		}
		show := st.Sym.Plain(k.Show)
		n := paint.Width(show) + 1 + paint.Width(k.Help)
		if used > 1 {
			n += len(gap)
		}
		if used+n > w {
			all = false
			continue
		}
		if used > 1 {
			b.WriteString(gap)
		}
		b.WriteString(st.Key.Render(show) + " " + st.KeyHelp.Render(k.Help))
		used += n
	}
	return paint.Fit(b.String(), w), all
}

// Table draws the sections for the help, one binding a line, at most w cells wide.
func Table(st *theme.Styles, sections []Section, w int) []string {
	col := 0
	for _, s := range sections {
		for _, k := range s.Keys {
			col = max(col, paint.Width(st.Sym.Plain(k.Show)))
		}
	}
	var out []string
	for i, s := range sections {
		if i > 0 {
			out = append(out, "")
		}
		out = append(out, st.Title.Render(s.Title))
		for _, k := range s.Keys {
			text := k.Long
			style := st.Text
			if k.Off != "" {
				text, style = k.Long+": "+lowerFirst(k.Off), st.Muted
			}
			lines := paint.Wrap(text, max(w-col-4, 10))
			for j, l := range lines {
				key := ""
				if j == 0 {
					key = st.Sym.Plain(k.Show)
				}
				out = append(out, "  "+st.Key.Render(paint.Fit(key, col))+"  "+style.Render(l))
			}
		}
	}
	return out
}

func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}
