package workspace

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/paint"
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
	p := w.shells.pane()
	if p == nil || w.resetting || w.rects.Shell.Empty() {
		return 0, 0, false
	}
	x, y, visible = p.Cursor()
	x, y = x+w.rects.Shell.X, y+w.rects.Shell.Y
	return x, y, visible && w.rects.Shell.Contains(x, y)
}

// CursorShape is the shape that the program in the shell asks for.
func (w *Workspace) CursorShape() (shape tea.CursorShape, blink bool) {
	if p := w.shells.pane(); p != nil {
		return p.CursorShape()
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

func (w *Workspace) drawTabs(width, height int) []string {
	return w.shells.bar(w.cfg.Styles, width, height, !w.rects.Shell.Empty() && !w.walking(), w.tabNote())
}

// tabNote says at the right of the tabs how far the shell is scrolled back, or,
// where the header is not shown, what is open.
func (w *Workspace) tabNote() string {
	st := w.cfg.Styles
	if p := w.shells.pane(); p != nil && !w.rects.Shell.Empty() {
		if n, total := p.Scrolled(); n > 0 {
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
	st := w.cfg.Styles
	switch {
	case w.resetting:
		return message(width, height, st.Strong.Render("Rebuilding the lab"+st.Sym.Ellipsis))
	case w.tasks.Problem() != nil && w.shells.pane() == nil:
		return message(width, height, st.Strong.Render("The lab could not be rebuilt."), st.Muted.Render("F5 tries again, F10 leaves."))
	}
	return w.shells.view(st, width, height)
}
