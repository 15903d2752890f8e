// Package workspace is the screen of a running lab: the learner's shells on one
// side, what is to be done on the other. It follows an engine.Session, which it
// never asks anything that could block outside a command.
package workspace

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/autopsy"
	"underlay/tui/layout"
	"underlay/tui/netmap"
	"underlay/tui/tasks"
	"underlay/tui/theme"
)

// Pane is a terminal emulator that shows one shell. Package tui/term has the
// real one.
type Pane interface {
	Wait() tea.Cmd
	Update(tea.Msg) tea.Cmd
	View() string
	Cursor() (x, y int, visible bool)
	CursorShape() (shape tea.CursorShape, blink bool)
	Resize(engine.Size)
	Scroll(int)
	Scrolled() (offset, total int)
	Close() error
}

// Config is what a workspace needs.
type Config struct {
	Context context.Context // ends when the lab is left
	Session engine.Session
	Attempt *attempt.Attempt
	Styles  *theme.Styles
	Now     func() time.Time
	NewPane func(id int, t engine.Terminal, size engine.Size) Pane
	FirstID int // pane ids start here and are never used again

	// Lesson draws the lesson that goes with the lab; nil if there is none.
	Lesson func(st *theme.Styles, w int) []string
}

// Workspace is a running lab on the screen.
type Workspace struct {
	cfg   Config
	lab   *engine.Lab
	visit *attempt.Attempt
	rects layout.Rects

	shells *shells

	tasks   *tasks.Pane
	zoom    bool
	panel   bool // where one pane fits: the panel shows, not the shell
	flashes int  // flashes shown so far; the last one's end clears all

	opened    bool // shells have been started
	resetting bool
	celebrate bool // Solved is to be shown when the flash has ended

	chart    *netmap.Pane
	mapShown layout.Shown

	packet   *autopsy.Pane
	walks    bool               // the keyboard is the packet pane's, where the shell shows beside it
	path, at []engine.DeviceRef // as they were marked on the map last
}

// New makes the workspace of a session that has just been opened. The shells
// are started at the first Layout, when their size is known.
func New(cfg Config) *Workspace {
	w := &Workspace{
		cfg: cfg, lab: cfg.Session.Lab(), visit: cfg.Attempt,
		tasks: tasks.New(cfg.Attempt, cfg.Lesson, cfg.Styles), chart: netmap.New(cfg.Context, cfg.Session, cfg.Styles),
	}
	w.mapShown = w.mapAtFirst()
	w.packet = autopsy.New(cfg.Context, cfg.Session, w.lab.Topology.NodeNames(), cfg.Styles)
	w.shells = newShells(&w.cfg, &w.lab.Topology)
	return w
}

// Lab returns the lab that runs.
func (w *Workspace) Lab() *engine.Lab { return w.lab }

// Session returns the session that is shown.
func (w *Workspace) Session() engine.Session { return w.cfg.Session }

// Attempt returns the learner's visit to the lab.
func (w *Workspace) Attempt() *attempt.Attempt { return w.visit }

// NextID is the first pane id that this workspace has not used.
func (w *Workspace) NextID() int { return w.shells.nextID }

// SetLesson shows another lesson beside the lab; nil shows none.
func (w *Workspace) SetLesson(draw func(st *theme.Styles, w int) []string) {
	w.tasks.SetLesson(draw)
}

// Resume shows what the workspace of an older build of the same lab showed: the
// same panes, the same shell.
func (w *Workspace) Resume(old *Workspace) {
	w.zoom, w.panel, w.mapShown = old.zoom, old.panel, old.mapShown
	w.tasks.Resume(old.tasks)
	w.shells.resume(old.shells)
}

// State is what the layout depends on.
func (w *Workspace) State() layout.State {
	return layout.State{Screen: layout.Lab, Zoom: w.zoom, Panel: w.panel, Map: w.mapShown, Path: w.packet.Open()}
}

// Restyle changes the theme.
func (w *Workspace) Restyle(st *theme.Styles) {
	w.cfg.Styles = st
	w.chart.Restyle(st)
	w.packet.Restyle(st)
	w.tasks.Restyle(st)
}

// Layout gives the workspace its place and resizes the shells when that has
// changed. The first call opens them.
func (w *Workspace) Layout(r layout.Rects) tea.Cmd {
	old := w.shellSize()
	w.rects = r
	if size := w.shellSize(); size != old && size.Cols > 0 {
		w.shells.resize(size)
	}
	w.tasks.Resize(tasks.Frame{Width: r.Body.W, Height: r.Body.H, Apart: r.Tabs.H < 2, Alone: r.Shell.Empty()})
	w.packet.Resize(r.Path.W, r.Path.H)
	w.packet.Focus(w.walking(), !r.Shell.Empty())
	w.markPath()
	chart := w.chart.Resize(r.Map.W, r.Map.H)
	if w.opened || w.shellSize().Cols == 0 {
		return chart
	}
	w.opened = true
	return tea.Batch(w.waitChanged(), w.shells.openAll(w.shellSize()), w.tellFault(), chart, w.chart.Checkpoint())
}

// shellSize is the size of the shells' rectangle. While the panel hides the
// shell, it is the size that the shell will have when it shows again.
func (w *Workspace) shellSize() engine.Size {
	r := w.rects.Shell
	if r.Empty() && !w.rects.TooSmall {
		r = w.rects.Path
	}
	if r.Empty() && !w.rects.TooSmall {
		r = w.rects.Body
	}
	if r.Empty() && !w.rects.TooSmall {
		r = w.rects.Map
	}
	return engine.Size{Cols: r.W, Rows: r.H}
}
