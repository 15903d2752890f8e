package workspace

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/keys"
	"underlay/tui/layout"
	"underlay/tui/paint"
)

// keyMap is kept beside what it does.
const keyMap keys.ID = "lab.map"

// mapKey is beside those of the shells, since of the function keys only F11 is
// left, which terminals keep for the full screen. It is kept out of the key bar
// of small screens until the map shows: the bar has no room to spare there.
func (w *Workspace) mapKey() keys.Binding {
	b := keys.Binding{ID: keyMap, Keys: []string{"alt+0"}, Show: "Alt+0", Long: "Show the map of the lab, or hide it"}
	switch {
	case w.mapCovers() && !w.rects.Split:
		b.Help = "shell"
	case w.mapCovers():
		b.Help = "tasks"
	case w.rects.Split || w.zoom:
		b.Help = "map"
	}
	return b
}

// mapCovers reports whether the map is in the place of the panel.
func (w *Workspace) mapCovers() bool {
	return !w.rects.Map.Empty() && w.rects.Body.Empty() && w.rects.MapTop.Empty()
}

// mapAtFirst is when the map shows unless the learner chooses. To find a fault is
// an exercise, and the map must not do it.
func (w *Workspace) mapAtFirst() layout.Shown {
	if w.lab.Fault != nil {
		return layout.Never
	}
	return layout.ByRoom
}

func (w *Workspace) toggleMap() {
	if w.rects.Map.Empty() {
		if !w.rects.Split {
			w.packet.Close()
		}
		w.mapShown, w.zoom, w.panel = layout.Always, false, false
		return
	}
	w.mapShown = layout.Never
}

// uncover hides a map that is in the place of the panel, and reports whether one
// was. On a screen that has room for both it shows again by itself.
func (w *Workspace) uncover() bool {
	if !w.mapCovers() {
		return false
	}
	w.mapShown = w.mapAtFirst()
	return true
}

// mapKeyPress handles keys while the map hides the shell.
func (w *Workspace) mapKeyPress(k tea.KeyPressMsg) {
	page := max(1, w.rects.Map.H-2)
	switch k.String() {
	case "esc", "q":
		w.uncover()
	case "up", "k":
		w.chart.Scroll(-1)
	case "down", "j":
		w.chart.Scroll(1)
	case "pgup":
		w.chart.Scroll(-page)
	case "pgdown", "space":
		w.chart.Scroll(page)
	}
}

func (w *Workspace) drawMap() []string {
	if w.rects.Map.Empty() {
		return nil
	}
	return w.chart.Draw()
}

// drawMapTop draws the rule that divides the map from what is above it.
func (w *Workspace) drawMapTop(width int) string {
	if width == 0 {
		return ""
	}
	st := w.cfg.Styles
	line := func(n int) string { return st.Border.Render(strings.Repeat(st.Sym.Horizontal, max(n, 0))) }
	name, hide := " Map ", " Alt+0 hides it "
	return line(1) + st.Title.Render(name) + line(width-3-paint.Width(name)-paint.Width(hide)) + st.Muted.Render(hide) + line(2)
}
