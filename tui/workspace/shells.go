package workspace

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// tab is one shell.
type tab struct {
	node  string
	id    int // of its pane
	pane  Pane
	ended bool
	err   error
}

// shells are the learner's shells in a lab, one a tab. One of them is current.
type shells struct {
	ctx     context.Context
	session engine.Session
	newPane func(id int, t engine.Terminal, size engine.Size) Pane
	nextID  int

	tabs   []tab
	active int
}

// newShells has a tab for each node with a shell, or one for the first node if none has.
func newShells(cfg *Config, t *engine.Topology) *shells {
	s := &shells{ctx: cfg.Context, session: cfg.Session, newPane: cfg.NewPane, nextID: cfg.FirstID}
	for _, n := range t.Nodes {
		if n.Shell {
			s.tabs = append(s.tabs, tab{node: n.Name})
		}
	}
	if len(s.tabs) == 0 && len(t.Nodes) > 0 {
		s.tabs = append(s.tabs, tab{node: t.Nodes[0].Name})
	}
	return s
}

// current is the current shell, nil if the lab has none.
func (s *shells) current() *tab {
	if s.active < len(s.tabs) {
		return &s.tabs[s.active]
	}
	return nil
}

// pane is the current shell's, nil while it is not open.
func (s *shells) pane() Pane {
	if t := s.current(); t != nil {
		return t.pane
	}
	return nil
}

func (s *shells) byID(id int) *tab {
	for i := range s.tabs {
		if s.tabs[i].pane != nil && s.tabs[i].id == id {
			return &s.tabs[i]
		}
	}
	return nil
}

// pick makes the i-th shell current, and reports whether there is one.
func (s *shells) pick(i int) bool {
	if i < 0 || i >= len(s.tabs) {
		return false
	}
	s.active = i
	return true
}

// step is the index of the next shell, or with -1 of the one before, in a circle.
func (s *shells) step(by int) int { return (s.active + by + len(s.tabs)) % max(1, len(s.tabs)) }

// resume makes the shell current that is current in another build of the same lab.
func (s *shells) resume(old *shells) {
	t := old.current()
	for i := range s.tabs {
		if t != nil && s.tabs[i].node == t.node {
			s.active = i
		}
	}
}

func (s *shells) resize(size engine.Size) {
	for i := range s.tabs {
		if s.tabs[i].pane != nil {
			s.tabs[i].pane.Resize(size)
		}
	}
}

// openAll opens all shells; each says so with shellOpened.
func (s *shells) openAll(size engine.Size) tea.Cmd {
	var cmds []tea.Cmd
	for i := range s.tabs {
		cmds = append(cmds, s.open(i, size))
	}
	return tea.Batch(cmds...)
}

func (s *shells) open(i int, size engine.Size) tea.Cmd {
	ctx, session, node := s.ctx, s.session, s.tabs[i].node
	s.tabs[i] = tab{node: node}
	return func() tea.Msg {
		t, err := session.Shell(ctx, node, size)
		if err == nil && ctx.Err() != nil {
			err = errors.Join(ctx.Err(), t.Close())
		}
		return shellOpened{session, i, t, err}
	}
}

// opened takes a shell in, or closes it if it comes too late.
func (s *shells) opened(msg shellOpened, size engine.Size, late bool) tea.Cmd {
	if late || s.tabs[msg.tab].pane != nil {
		if msg.term == nil {
			return nil
		}
		return func() tea.Msg { _ = msg.term.Close(); return nil }
	}
	t := &s.tabs[msg.tab]
	if msg.err != nil {
		t.err = msg.err
		return nil
	}
	t.id, s.nextID = s.nextID, s.nextID+1
	t.pane = s.newPane(t.id, msg.term, size)
	return t.pane.Wait()
}

// close closes the terminals; what a closing terminal says does not matter
// any more, since its shell ends with the world.
func (s *shells) close() tea.Cmd {
	var panes []Pane
	for i := range s.tabs {
		if p := s.tabs[i].pane; p != nil {
			panes = append(panes, p)
		}
		s.tabs[i] = tab{node: s.tabs[i].node}
	}
	return func() tea.Msg {
		var all sync.WaitGroup
		for _, p := range panes {
			all.Go(func() { _ = p.Close() })
		}
		all.Wait()
		return nil
	}
}

// label is what a tab says.
func (s *shells) label(i int) string { return fmt.Sprintf(" %d %s ", i+1, s.tabs[i].node) }

// first is the first tab that shows when not all fit.
func (s *shells) first(width int) int {
	first := 0
	for first < s.active {
		n := 0
		for i := first; i <= s.active; i++ {
			n += paint.Width(s.label(i)) + 1
		}
		if n <= width {
			break
		}
		first++
	}
	return first
}

// at is the tab at a column of the tab bar, or -1.
func (s *shells) at(x, width int) int {
	at := 0
	for i := s.first(width); i < len(s.tabs); i++ {
		n := paint.Width(s.label(i))
		if x >= at && x < at+n {
			return i
		}
		at += n + 1
	}
	return -1
}

// bar draws the names of the shells with a note at the right, and below them, where there
// is room, a rule that is heavy under the current one if that has the keyboard.
func (s *shells) bar(st *theme.Styles, width, height int, focused bool, note string) []string {
	if width == 0 {
		return nil
	}
	var names, rule strings.Builder
	at := 0
	for i := s.first(width); i < len(s.tabs); i++ {
		label := s.label(i)
		style, under, line := st.Tab, st.Border, st.Sym.Horizontal
		if i == s.active && focused {
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
	return paint.Block([]string{paint.Spread(names.String(), note, width, ""), rule.String()}, width, height)
}

// view draws the current shell, or says why there is none.
func (s *shells) view(st *theme.Styles, width, height int) []string {
	t := s.current()
	switch {
	case t == nil:
		return message(width, height, st.Muted.Render("This lab has no shell."))
	case t.pane != nil:
		return paint.Exact(strings.Split(t.pane.View(), "\n"), width, height)
	case t.err != nil:
		text := append(prose.Sentence(st, st.Text, prose.Problem(t.err), min(60, width-4)), "", st.Key.Render("enter")+" "+st.Muted.Render("try again"))
		return message(width, height, append([]string{st.Bad.Bold(true).Render("This shell could not be opened"), ""}, text...)...)
	case t.ended:
		return message(width, height, st.Strong.Render("This shell has ended."), "", st.Key.Render("enter")+" "+st.Muted.Render("open a new one"))
	}
	return message(width, height, st.Muted.Render("Opening a shell in "+t.node+st.Sym.Ellipsis))
}

// message centres lines where a shell would be.
func message(width, height int, lines ...string) []string {
	out := make([]string, max(0, (height-len(lines))/2))
	for _, l := range lines {
		out = append(out, paint.Centre(l, width))
	}
	return paint.Block(out, width, height)
}
