package workspace

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
	"underlay/tui/prose"
)

// Pieces draws the lab screen, the footer left out.
func (w *Workspace) Pieces() []paint.Piece {
	r, st := w.rects, w.cfg.Styles
	out := []paint.Piece{
		{Rect: r.Tabs, Lines: w.drawTabs(r.Tabs.W, r.Tabs.H)},
		{Rect: r.Header, Lines: w.drawHeader(r.Header.W, r.Header.H)},
		{Rect: r.Body, Lines: w.tasks.Draw()},
		{Rect: r.Shell, Lines: w.drawShell(r.Shell.W, r.Shell.H)},
		{Rect: r.MapTop, Lines: []string{w.drawMapTop(r.MapTop.W)}},
		{Rect: r.Map, Lines: w.drawMap()},
		{Rect: r.Path, Lines: w.drawPath()},
		{Rect: r.Divide, Lines: []string{w.drawDivide(r.Divide.W)}},
		{Rect: r.Strip, Lines: []string{w.tasks.Strip(r.Strip.W, w.resetting)}},
		{Rect: r.Rule, Lines: []string{st.Border.Render(strings.Repeat(st.Sym.Horizontal, r.Rule.W))}},
	}
	if !r.Sep.Empty() {
		line := st.Border.Render(st.Sym.Vertical) + " "
		lines := make([]string, r.Sep.H)
		for i := range lines {
			lines[i] = line
		}
		if r.Sep.H > 1 {
			lines[1] = st.Border.Render(st.Sym.Cross + st.Sym.Horizontal)
		}
		out = append(out, paint.Piece{Rect: r.Sep, Lines: lines})
	}
	return out
}

// Cursor is where the shell's cursor is on the screen, if it shows.
func (w *Workspace) Cursor() (x, y int, visible bool) {
	if w.walking() {
		x, y, visible = w.packet.Cursor()
		return x + w.rects.Path.X, y + w.rects.Path.Y, visible
	}
	t := w.tab()
	if t == nil || t.pane == nil || w.resetting || w.rects.Shell.Empty() {
		return 0, 0, false
	}
	x, y, visible = t.pane.Cursor()
	x, y = x+w.rects.Shell.X, y+w.rects.Shell.Y
	return x, y, visible && w.rects.Shell.Contains(x, y)
}

// CursorShape is the shape that the program in the shell asks for.
func (w *Workspace) CursorShape() (shape tea.CursorShape, blink bool) {
	if t := w.tab(); t != nil && t.pane != nil {
		return t.pane.CursorShape()
	}
	return tea.CursorBlock, false
}

func (w *Workspace) drawHeader(width, height int) []string {
	st := w.cfg.Styles
	score := st.Muted.Render(w.tasks.Score()) + " "
	if w.visit.Solved() {
		score = st.Good.Bold(true).Render(st.Sym.Done+" solved") + " "
	}
	title := " " + st.Title.Render(paint.Cut(w.lab.Title, width-paint.Width(score)-2, st.Sym.Ellipsis))
	rule := st.Border.Render(strings.Repeat(st.Sym.Horizontal, width))
	return paint.Block([]string{paint.Spread(title, score, width, ""), rule}, width, height)
}

// label is what a tab says.
func (w *Workspace) label(i int) string { return fmt.Sprintf(" %d %s ", i+1, w.tabs[i].node) }

// firstTab is the first tab that shows when not all fit.
func (w *Workspace) firstTab(width int) int {
	first := 0
	for first < w.active {
		n := 0
		for i := first; i <= w.active; i++ {
			n += paint.Width(w.label(i)) + 1
		}
		if n <= width {
			break
		}
		first++
	}
	return first
}

// tabAt is the tab at a column of the tab bar, or -1.
func (w *Workspace) tabAt(x int) int {
	at := 0
	for i := w.firstTab(w.rects.Tabs.W); i < len(w.tabs); i++ {
		n := paint.Width(w.label(i))
		if x >= at && x < at+n {
			return i
		}
		at += n + 1
	}
	return -1
}

// drawTabs draws the names of the shells, and below them, where there is room,
// a rule that is heavy under the one that has the keyboard.
func (w *Workspace) drawTabs(width, height int) []string {
	if width == 0 {
		return nil
	}
	st := w.cfg.Styles
	var names, rule strings.Builder
	at := 0
	for i := w.firstTab(width); i < len(w.tabs); i++ {
		label := w.label(i)
		style, under, line := st.Tab, st.Border, st.Sym.Horizontal
		if i == w.active && !w.rects.Shell.Empty() && !w.walking() {
			style, under, line = st.TabOn, st.BorderFocus, st.Sym.Heavy
		}
		n := paint.Width(label)
		if at+n > width {
			break
		}
		names.WriteString(style.Render(label) + " ")
		rule.WriteString(under.Render(strings.Repeat(line, n)) + st.Border.Render(st.Sym.Horizontal))
		at += n + 1
	}
	if at < width {
		rule.WriteString(st.Border.Render(strings.Repeat(st.Sym.Horizontal, width-at)))
	}
	line := paint.Spread(names.String(), w.tabNote(), width, "")
	return paint.Block([]string{line, rule.String()}, width, height)
}

// tabNote says at the right of the tabs how far the shell is scrolled back, or,
// where the header is not shown, what is open.
func (w *Workspace) tabNote() string {
	st := w.cfg.Styles
	if t := w.tab(); t != nil && t.pane != nil && !w.rects.Shell.Empty() {
		if n, total := t.pane.Scrolled(); n > 0 {
			return st.Warn.Render(fmt.Sprintf("%d of %d lines back ", n, total))
		}
	}
	if w.rects.Header.Empty() {
		return st.Muted.Render(w.lab.Title + " ")
	}
	return ""
}

func (w *Workspace) drawShell(width, height int) []string {
	if width == 0 || height == 0 {
		return nil
	}
	st, t := w.cfg.Styles, w.tab()
	switch {
	case w.resetting:
		return w.message(width, height, st.Strong.Render("Rebuilding the lab"+st.Sym.Ellipsis))
	case w.tasks.Problem() != nil && (t == nil || t.pane == nil):
		return w.message(width, height, st.Strong.Render("The lab could not be rebuilt."), st.Muted.Render("F5 tries again, F10 leaves."))
	case t == nil:
		return w.message(width, height, st.Muted.Render("This lab has no shell."))
	case t.pane != nil:
		return paint.Exact(strings.Split(t.pane.View(), "\n"), width, height)
	case t.err != nil:
		text := append(prose.Sentence(st, st.Text, prose.Problem(t.err), min(60, width-4)), "", st.Key.Render("enter")+" "+st.Muted.Render("try again"))
		return w.message(width, height, append([]string{st.Bad.Bold(true).Render("This shell could not be opened"), ""}, text...)...)
	case t.ended:
		return w.message(width, height, st.Strong.Render("This shell has ended."), "", st.Key.Render("enter")+" "+st.Muted.Render("open a new one"))
	}
	return w.message(width, height, st.Muted.Render("Opening a shell in "+t.node+st.Sym.Ellipsis))
}

// message centres lines where the shell would be.
func (w *Workspace) message(width, height int, lines ...string) []string {
	out := make([]string, max(0, (height-len(lines))/2))
	for _, l := range lines {
		out = append(out, paint.Centre(l, width))
	}
	return paint.Block(out, width, height)
}
