package autopsy

import (
	"fmt"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"

	"underlay/engine"
	"underlay/packetpath"
	"underlay/tui/keys"
	"underlay/tui/paint"
)

// pad is the blank column at either side of the text.
const pad = 1

// minPath is how many rows the way needs, so that the verdict can stay above it.
const minPath = 8

// roles are the styles of a theme for what a path is made of.
func (p *Pane) roles() [packetpath.Roles]lipgloss.Style {
	st := p.styles
	return [packetpath.Roles]lipgloss.Style{
		packetpath.Blank:   lipgloss.NewStyle(),
		packetpath.Dim:     st.Muted,
		packetpath.Rail:    st.Muted,
		packetpath.Good:    st.Good.Bold(true),
		packetpath.Dead:    st.Bad.Bold(true),
		packetpath.Leg:     st.Title,
		packetpath.Packet:  st.Text,
		packetpath.Header:  st.Text,
		packetpath.Changed: st.Warn.Bold(true).Underline(true),
		packetpath.Node:    st.Strong,
		packetpath.Device:  st.Text,
		packetpath.Chain:   st.Text,
		packetpath.Rule:    st.Muted,
		packetpath.Wrapped: st.Accent,
		packetpath.Time:    st.Muted,
		packetpath.Warning: st.Warn,
	}
}

// tell tells the report as wide as the pane is.
func (p *Pane) tell() {
	if p.report == nil {
		return
	}
	p.walk.path = packetpath.Of(p.report, max(p.width-2*pad, 1), packetpath.Options{ASCII: p.styles.Options.ASCII})
	p.walk.at = paint.Clamp(p.walk.at, 0, max(0, len(p.walk.path.Steps)-1))
	p.choose(p.walk.at)
}

// draw draws the report's lines anew.
func (p *Pane) draw() {
	w := &p.walk
	if w.path == nil {
		return
	}
	roles := p.roles()
	w.head, w.lines, w.owner = nil, nil, nil
	if p.stale {
		text := "The lab has changed since. r follows the packet again."
		if !p.focused {
			text = "The lab has changed since. Alt+9 follows the packet again."
		}
		w.head = append(w.head, paint.Each(paint.Wrap(text, max(p.width-2*pad, 1)), p.styles.Warn.Render)...)
	}
	for _, l := range w.path.Head {
		w.head = append(w.head, render(l, &roles))
	}
	add := func(step int, lines ...packetpath.Line) {
		for _, l := range lines {
			w.lines = append(w.lines, render(l, &roles))
			w.owner = append(w.owner, step)
		}
	}
	for i := range w.path.Steps {
		s := &w.path.Steps[i]
		add(i, s.Above...)
		if i != w.at {
			add(i, s.Lines...)
			continue
		}
		chosen := p.chosen(roles)
		for k, l := range s.Full {
			line := render(l, &roles)
			if k == p.nodeLine(s) {
				line = render(append(l[:len(l):len(l)], packetpath.Span{Text: strings.Repeat(" ", max(0, p.width-2*pad-paint.Width(plain(l))))}), &chosen)
			}
			w.lines, w.owner = append(w.lines, line), append(w.owner, i)
		}
	}
	if len(w.path.Tail) > 0 {
		add(-1, nil)
		add(-1, w.path.Tail...)
	}
}

// nodeLine is the line of a step that names its node: the first that is not about
// a tunnel.
func (p *Pane) nodeLine(s *packetpath.Step) int {
	i := slices.IndexFunc(s.Full, func(l packetpath.Line) bool {
		return slices.ContainsFunc(l, func(x packetpath.Span) bool { return x.Role == packetpath.Node || x.Role == packetpath.Dead })
	})
	return max(i, 0)
}

// chosen are the roles' styles on the line of the chosen step.
func (p *Pane) chosen(roles [packetpath.Roles]lipgloss.Style) [packetpath.Roles]lipgloss.Style {
	on := p.styles.ChosenMuted
	if p.focused {
		on = p.styles.Chosen
	}
	for i := range roles {
		roles[i] = roles[i].Reverse(on.GetReverse()).Background(on.GetBackground())
		if p.focused {
			roles[i] = roles[i].Bold(true)
		}
	}
	return roles
}

func plain(l packetpath.Line) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

func render(l packetpath.Line, roles *[packetpath.Roles]lipgloss.Style) string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(roles[s.Role].Render(s.Text))
	}
	return b.String()
}

// pinned reports whether the verdict stays while the way scrolls.
func (p *Pane) pinned() bool { return len(p.walk.head)+2+minPath <= p.height }

// top is the row of the pane where the way begins.
func (p *Pane) top() int {
	if p.pinned() {
		return len(p.walk.head) + 2
	}
	return 1
}

// room is how many rows the way has.
func (p *Pane) room() int { return max(p.height-p.top(), 1) }

// body is what scrolls: the way, and the verdict where that has no room of its own.
func (p *Pane) body() (lines []string, owner []int) {
	if p.pinned() {
		return p.walk.lines, p.walk.owner
	}
	n := len(p.walk.head) + 1
	lines = append(append(slices.Clone(p.walk.head), ""), p.walk.lines...)
	owner = append(slices.Repeat([]int{-1}, n), p.walk.owner...)
	return lines, owner
}

// choose goes to a step, and scrolls so that all of it shows, its beginning above all.
func (p *Pane) choose(step int) {
	w := &p.walk
	w.at = paint.Clamp(step, 0, max(0, len(w.path.Steps)-1))
	p.draw()
	w.offset = p.reach(w.offset)
}

// reach is the offset nearest to one at which the chosen step shows.
func (p *Pane) reach(offset int) int {
	lines, owner := p.body()
	first := slices.Index(owner, p.walk.at)
	last := len(owner) - 1
	for last > 0 && owner[last] != p.walk.at {
		last--
	}
	if first >= 0 {
		offset = min(max(offset, last-p.room()+1), first)
	}
	return paint.Clamp(offset, 0, max(0, len(lines)-p.room()))
}

// Scroll moves the way by n lines, where it is higher than the pane.
func (p *Pane) Scroll(n int) {
	lines, _ := p.body()
	p.walk.offset = paint.Clamp(p.walk.offset+n, 0, max(0, len(lines)-p.room()))
}

// Draw is what the pane shows, in the size that it has.
func (p *Pane) Draw() []string {
	if p.width <= 0 || p.height <= 0 {
		return nil
	}
	out := []string{p.title()}
	switch p.phase {
	case asking:
		field, _ := p.field()
		out = append(out, p.question()...)
		out = append(out, field)
		if p.problem != "" {
			out = append(out, "")
			out = append(out, p.sentence(p.problem, p.styles.Bad)...)
		}
	case following:
		out = append(out, "", " "+p.styles.Strong.Render("Following the packet"+p.styles.Sym.Ellipsis))
		out = append(out, p.sentence(p.flow.String(), p.styles.Muted)...)
	case failed:
		out = append(out, "")
		out = append(out, p.sentence("The packet could not be followed.", p.styles.Warn)...)
		out = append(out, p.sentence(paint.Sentence(p.err.Error()), p.styles.Muted)...)
	case told:
		return p.drawReport(out)
	}
	return paint.Block(out, p.width, p.height)
}

func (p *Pane) drawReport(out []string) []string {
	if p.pinned() {
		out = append(append(out, paint.Indent(" ", p.walk.head)...), "")
	}
	lines, _ := p.body()
	shown, at := paint.Window(lines, p.walk.offset, p.room())
	out = paint.Block(append(out, paint.Indent(" ", shown)...), p.width, p.height)
	if more := len(lines) - at - p.room(); more > 0 {
		note := fmt.Sprintf("%d more lines  %s ", more+1, p.styles.Sym.Down)
		out[p.height-1] = paint.Spread("", p.styles.Muted.Render(note), p.width, "")
	}
	return out
}

// title says what the pane is and which keys it has, as many as there is room for.
func (p *Pane) title() string {
	st := p.styles
	name := " " + st.Title.Render("The packet's path") + " "
	if !p.focused {
		name = " " + st.Strong.Render("The packet's path") + " "
	}
	line := keys.Bar(st, p.hints(), max(p.width-paint.Width(name), 0))
	return paint.Spread(name, strings.TrimRight(strings.TrimLeft(line, " "), " ")+" ", p.width, "")
}

// hints are the keys of the title, the most useful first.
func (p *Pane) hints() keys.Map {
	if !p.focused {
		return keys.Map{{Show: "Alt+9", Help: "steps through it"}}
	}
	m := map[phase]keys.Map{
		asking:    {{Show: "enter", Help: "follow it"}},
		following: {{Show: "esc", Help: "stop"}},
		failed:    {{Show: "r", Help: "again"}},
		told:      {{Show: p.styles.Sym.Up + p.styles.Sym.Down, Help: "step"}, {Show: "r", Help: "again"}},
	}[p.phase]
	if p.beside {
		m = append(m, keys.Binding{Show: "Alt+9", Help: "shell"})
	}
	if p.phase != following {
		m = append(m, keys.Binding{Show: "esc", Help: "close"})
	}
	if p.phase == told || p.phase == failed {
		m = append(m, keys.Binding{Show: "e", Help: "another"})
	}
	return m
}

// sentence is text wrapped, with a blank column at either side.
func (p *Pane) sentence(text string, style lipgloss.Style) []string {
	text = strings.ReplaceAll(p.styles.Sym.Plain(text), "`", "")
	return paint.Indent(" ", paint.Each(paint.Wrap(text, max(p.width-2*pad, 1)), style.Render))
}

// question is what stands above the field while it asks.
func (p *Pane) question() []string {
	out := append([]string{""}, p.sentence("From which node, and where to? An address or a name; for more than a ping, a port and a protocol.", p.styles.Text)...)
	from := p.from
	if from == "" {
		from = p.nodes[0]
	}
	out = append(out, "")
	for _, to := range []string{"10.0.0.2", "10.0.0.2:80/http", "[fd00::2]:53/udp"} {
		out = append(out, p.sentence("   "+from+" "+to, p.styles.Muted)...)
	}
	return append(out, "")
}

// field is the field in which it is typed.
func (p *Pane) field() (view string, cursor int) {
	view, cursor = p.line.View(p.styles, max(p.width-2*pad, 1), "node and destination")
	return " " + view, cursor + pad
}

// Cursor is where the cursor is in the pane, if it shows.
func (p *Pane) Cursor() (x, y int, visible bool) {
	if p.phase != asking || !p.focused {
		return 0, 0, false
	}
	_, x = p.field()
	y = 1 + len(p.question())
	return x, y, x < p.width && y < p.height
}

var _ Lab = engine.Session(nil)
