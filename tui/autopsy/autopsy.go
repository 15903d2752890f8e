// Package autopsy is the pane that follows a packet through a running lab: it has
// an engine.Tracer send one, off the screen's own goroutine, and lets the learner
// step along its way. It says when the lab has changed since, which it looks for
// only when it is told to. How a path is drawn is the business of package packetpath.
package autopsy

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/packetpath"
	"underlay/tui/edit"
	"underlay/tui/theme"
)

// Lab is what the pane asks of a session.
type Lab interface {
	engine.Tracer
	History() engine.History
}

// phase is what the pane shows.
type phase uint8

const (
	closed    phase = iota
	asking          // which packet to follow
	following       // it is under way
	told            // its autopsy
	failed          // why there is none
)

// Pane follows packets in one lab. The zero value is of no use; see New.
type Pane struct {
	ctx    context.Context
	lab    Lab
	nodes  []string
	styles *theme.Styles

	width, height int
	focused       bool
	beside        bool // the shell shows
	phase         phase

	line    edit.Line // what is typed while it asks
	from    string    // the node that a destination alone is sent from
	problem string    // why that cannot be followed

	flow engine.Flow
	run  int                // counts what was followed, so that a late report is known
	stop context.CancelFunc // ends what is under way
	err  error

	report *engine.Autopsy // of the last packet that was followed, nil before the first
	since  *since
	stale  bool
	walk   walk

	comparing bool // with the lab as it is now
	again     bool // it may have changed meanwhile
}

// walk is a report on the screen, and where the learner is on its way.
type walk struct {
	path   *packetpath.Path // as wide as the pane
	at     int              // the chosen step
	offset int              // lines of the way that are scrolled away
	head   []string
	lines  []string // of the way, with the chosen step in full
	owner  []int    // step of each line, -1 for none
}

// New makes a closed pane. Nodes are those of the lab that a packet can be sent
// from.
func New(ctx context.Context, lab Lab, nodes []string, st *theme.Styles) *Pane {
	return &Pane{ctx: ctx, lab: lab, nodes: nodes, styles: st}
}

// Open reports whether the pane has something to show.
func (p *Pane) Open() bool { return p.phase != closed }

// Flow is what is being followed, or was last.
func (p *Pane) Flow() engine.Flow { return p.flow }

// Stale reports whether the lab has changed since the packet was followed.
func (p *Pane) Stale() bool { return p.stale }

// Show opens the pane with what it showed last, and reports whether there is such.
func (p *Pane) Show() bool {
	if p.report == nil {
		return false
	}
	p.phase = told
	return true
}

// Close hides the pane and gives up what is under way.
func (p *Pane) Close() {
	p.cancel()
	p.phase = closed
}

// Focus says whether the pane has the keyboard, and whether the shell, which else
// has it, shows beside the pane.
func (p *Pane) Focus(on, beside bool) {
	if p.focused != on || p.beside != beside {
		p.focused, p.beside = on, beside
		p.draw()
	}
}

// Resize gives the pane its place.
func (p *Pane) Resize(width, height int) {
	if width != p.width || height != p.height {
		p.width, p.height = width, height
		p.tell()
	}
}

// Restyle changes the theme.
func (p *Pane) Restyle(st *theme.Styles) {
	p.styles = st
	p.tell()
}

// Outdate says that the lab is another one now.
func (p *Pane) Outdate() {
	p.stale = p.report != nil
	p.draw()
}

// Update takes in what the pane's own commands report, and says whether msg was
// such.
func (p *Pane) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case followed:
		if msg.pane == p && msg.run == p.run && p.phase == following {
			p.take(msg)
		}
		return nil, true
	case compared:
		if msg.pane != p {
			return nil, true
		}
		return p.onCompared(msg), true
	}
	return nil, false
}

// Path is the way of the packet up to the chosen step, there or back, and the
// devices of that step: for the map. It is known until the lab changes, also once
// the pane is closed.
func (p *Pane) Path() (path, at []engine.DeviceRef) {
	if p.report == nil || p.phase == closed && p.stale || len(p.walk.path.Steps) == 0 {
		return nil, nil
	}
	steps := p.walk.path.Steps
	first := p.walk.at
	for first > 0 && len(steps[first].Above) == 0 {
		first--
	}
	for i := first; i <= p.walk.at; i++ {
		path = append(path, steps[i].Devices...)
	}
	return path, steps[p.walk.at].Devices
}
