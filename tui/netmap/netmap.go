// Package netmap is the pane that shows a running lab as the kernel has it. While
// it shows it asks an engine.Viewer for pictures, in a command, and hears only of
// those that differ; while it doesn't, it asks for nothing. What is drawn where is
// package topology's business.
package netmap

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/topology"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

// pad is the blank column at either side of the drawing.
const pad = 1

// Lab is what the map asks of a session.
type Lab interface {
	engine.Viewer
	History() engine.History
}

// Pane is the map of one lab. The zero value is of no use; see New.
type Pane struct {
	ctx    context.Context
	lab    Lab
	styles *theme.Styles

	width, height int
	hide          context.CancelFunc // ends the watch; nil while the pane is hidden
	watch         *watch

	picture engine.Picture
	known   bool // a picture has come
	err     error
	base    *engine.Picture    // as it was at the checkpoint
	changes []engine.Change    // since then, in all that a picture does not show
	path    []engine.DeviceRef // to be marked
	at      []engine.DeviceRef // where on it the packet is
	drawing *topology.Drawing
	lines   []string
	offset  int
}

// New makes a hidden pane. It asks for nothing any more once ctx has ended.
func New(ctx context.Context, lab Lab, st *theme.Styles) *Pane {
	return &Pane{ctx: ctx, lab: lab, styles: st}
}

// Resize gives the pane its place; without any cell it is hidden.
func (p *Pane) Resize(width, height int) tea.Cmd {
	show := width > 0 && height > 0
	if !show {
		if p.hide != nil {
			p.hide()
			p.hide, p.watch = nil, nil
		}
		return nil
	}
	if width != p.width || height != p.height {
		p.width, p.height = width, height
		p.layout()
	}
	if p.hide != nil {
		return nil
	}
	var ctx context.Context
	ctx, p.hide = context.WithCancel(p.ctx)
	p.watch = &watch{ctx: ctx, lab: p.lab, kick: make(chan struct{}, 1)}
	return p.watch.first
}

// Look says that the lab may have changed. It never blocks.
func (p *Pane) Look() {
	if p.watch == nil {
		return
	}
	select {
	case p.watch.kick <- struct{}{}:
	default: // it is about to look
	}
}

// checkpoint is how the lab was at one.
type checkpoint struct {
	pane    *Pane
	picture engine.Picture
}

// Checkpoint takes the lab as it is now for what later changes are marked against,
// also while the pane is hidden.
func (p *Pane) Checkpoint() tea.Cmd {
	return func() tea.Msg {
		picture, err := p.lab.Picture(p.ctx)
		if err != nil {
			return nil // the one before goes on being compared with
		}
		return checkpoint{p, picture}
	}
}

// Update takes in a picture, and reports whether msg was one.
func (p *Pane) Update(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case checkpoint:
		if msg.pane == p {
			p.base = &msg.picture
			p.layout()
			p.Look()
		}
		return nil, true
	case seen:
		if msg.watch != p.watch {
			return nil, true
		}
		p.err = msg.err
		if msg.err == nil {
			p.picture, p.changes, p.known = msg.picture, msg.changes, true
		}
		p.layout()
		return func() tea.Msg { return msg.watch.next(msg) }, true
	}
	return nil, false
}

// Follow marks a packet's path from now on, device by device, and the devices of
// it where the packet is; nil marks none.
func (p *Pane) Follow(path, at []engine.DeviceRef) {
	p.path, p.at = path, at
	p.layout()
}

// Restyle changes the theme.
func (p *Pane) Restyle(st *theme.Styles) {
	p.styles = st
	p.layout()
}

// Scroll moves the map by n lines, where it is higher than the pane.
func (p *Pane) Scroll(n int) {
	p.offset = paint.Clamp(p.offset+n, 0, max(0, len(p.lines)-p.height))
}

// layout draws the picture anew, in the place that the pane has.
func (p *Pane) layout() {
	if !p.known || p.width <= 0 || p.height <= 0 {
		return
	}
	o := topology.Options{ASCII: p.styles.Options.ASCII, Marks: topology.Marks{Path: p.path, Here: p.at}}
	o.Marks.Changed = p.changed()
	p.drawing = topology.Layout(p.picture, p.width-2*pad, p.height, o, p.drawing)
	p.lines = make([]string, len(p.drawing.Lines))
	styles := rolesIn(p.styles)
	var b strings.Builder
	for i, l := range p.drawing.Lines {
		b.Reset()
		b.WriteString(strings.Repeat(" ", pad))
		for _, s := range l {
			b.WriteString(styles[s.Role].Render(s.Text))
		}
		p.lines[i] = paint.Fit(b.String(), p.width)
	}
	p.Scroll(0)
}

// changed is what has changed since the checkpoint: devices, and the nodes where
// something has for which there is no device on the map, such as a route, a rule
// or a setting.
func (p *Pane) changed() map[engine.DeviceRef]bool {
	out := map[engine.DeviceRef]bool{}
	if p.base != nil {
		out = topology.Changes(*p.base, p.picture)
	}
	marked := map[string]bool{} // nodes with a device that has changed
	for ref := range out {
		marked[ref.Node] = true
	}
	for _, c := range p.changes {
		device := c.What == "link" || c.What == "address"
		if c.Node != "" && (!device || !marked[c.Node]) {
			out[engine.DeviceRef{Node: c.Node}] = true
		}
	}
	return out
}

// Draw is what the pane shows, in the size that it has.
func (p *Pane) Draw() []string {
	st := p.styles
	switch {
	case p.err != nil:
		return p.message(st.Warn.Render("The lab cannot be read now."), st.Muted.Render(st.Sym.Plain(paint.Sentence(p.err.Error()))))
	case !p.known:
		return p.message(st.Muted.Render("Looking at the lab" + st.Sym.Ellipsis))
	}
	shown, at := paint.Window(p.lines, p.offset, p.height)
	out := paint.Block(shown, p.width, p.height)
	if more := len(p.lines) - at - p.height; more > 0 {
		note := fmt.Sprintf("%d more lines  %s ", more+1, st.Sym.Down)
		out[p.height-1] = paint.Spread("", st.Muted.Render(note), p.width, "")
	}
	return out
}

func (p *Pane) message(lines ...string) []string {
	out := []string{""}
	for _, l := range lines {
		for _, w := range paint.Wrap(l, max(p.width-2*pad, 1)) {
			out = append(out, " "+w)
		}
	}
	return paint.Block(out, p.width, p.height)
}
