package tui

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"underlay/attempt"
	"underlay/course"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/tui/intent"
	"underlay/tui/internal/fake"
	"underlay/tui/marks"
	"underlay/tui/term"
	"underlay/tui/workspace"
)

// pane is a terminal pane that remembers what it was given.
type pane struct {
	mu     sync.Mutex
	size   engine.Size
	got    []string
	scroll int
	mouse  []tea.MouseMsg
	closed chan struct{}
	frames chan tea.Msg
	id     int
	node   string
}

func (p *pane) Wait() tea.Cmd {
	return func() tea.Msg {
		select {
		case m := <-p.frames:
			return m
		case <-p.closed:
			return term.Exited{ID: p.id}
		}
	}
}

func (p *pane) Update(m tea.Msg) tea.Cmd {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m := m.(type) {
	case tea.KeyPressMsg:
		p.got = append(p.got, m.String())
	case tea.PasteMsg:
		p.got = append(p.got, "paste:"+m.Content)
	case tea.MouseMsg:
		p.mouse = append(p.mouse, m)
	}
	return nil
}

func (p *pane) View() string {
	line := strings.Repeat("#", p.size.Cols)
	return strings.TrimSuffix(strings.Repeat(line+"\n", p.size.Rows), "\n")
}
func (p *pane) Cursor() (x, y int, visible bool)     { return 2, 1, true }
func (p *pane) CursorShape() (tea.CursorShape, bool) { return tea.CursorBar, false }
func (p *pane) Resize(s engine.Size)                 { p.size = s }
func (p *pane) Scroll(n int)                         { p.scroll += n }
func (p *pane) Scrolled() (offset, total int)        { return p.scroll, 100 }
func (p *pane) Close() error                         { close(p.closed); return nil }

// store remembers the events that were recorded.
type store struct {
	mu     sync.Mutex
	marks  marks.Marks
	events []attempt.Event
	err    error
}

func (s *store) Marks(context.Context) (marks.Marks, error) { return s.marks, s.err }

func (s *store) Record(_ context.Context, e attempt.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return s.err
}

func (s *store) has(match func(attempt.Event) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if match(e) {
			return true
		}
	}
	return false
}

// driver runs the model as Bubble Tea does, and knows what is still going on.
type driver struct {
	t       testing.TB
	m       *model
	msgs    chan tea.Msg
	pending atomic.Int64 // commands that have not returned
	quit    bool
	panes   []*pane
	session *fake.Session
	store   *store
	clock   time.Time
}

func drive(t testing.TB, change func(*Deps)) *driver {
	t.Helper()
	d := &driver{t: t, msgs: make(chan tea.Msg, 256), store: &store{marks: marks.New()}, clock: time.Unix(1_000_000, 0)}
	d.session = fake.NewSession(fake.Lab())
	predictions := func(l *lesson.Lesson) ([]*engine.Prediction, error) { return course.Predictions(l, d.session.TheLab) }
	deps := Deps{Book: testBook(t), Predictions: predictions, Opener: &fake.Opener{Session: d.session, Steps: []string{"Plugging in the cables"}}}
	deps.Labs, deps.Lab = listed(d.session.TheLab)
	if change != nil {
		change(&deps)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	d.m = newModel(ctx, deps, d.store)
	d.m.now = func() time.Time { return d.clock }
	d.m.newPane = func(id int, t engine.Terminal, size engine.Size) workspace.Pane {
		p := &pane{id: id, node: t.Node(), size: size, closed: make(chan struct{}), frames: make(chan tea.Msg, 1)}
		d.panes = append(d.panes, p)
		return p
	}
	d.run(d.m.Init())
	d.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	return d
}

// listed are labs as lists have them, and what reads them.
func listed(labs ...*engine.Lab) (infos []*engine.LabInfo, read func(string) (*engine.Lab, error)) {
	byID := map[string]*engine.Lab{}
	for _, lab := range labs {
		infos = append(infos, lab.Info())
		byID[lab.ID] = lab
	}
	return infos, func(id string) (*engine.Lab, error) {
		if lab := byID[id]; lab != nil {
			return lab, nil
		}
		return nil, engine.ErrNotFound
	}
}

// run starts a command; what it yields arrives as a message.
func (d *driver) run(c tea.Cmd) {
	if c == nil {
		return
	}
	d.pending.Add(1)
	go func() { d.msgs <- result{d.flat(c)} }()
}

// result is what a command has yielded.
type result struct{ msgs []any }

// flat runs a command to its end. A batch is handed back to be run side by
// side, a sequence is run here, one after another with all that is in it.
func (d *driver) flat(c tea.Cmd) []any {
	msg := c()
	if msg == nil {
		return nil
	}
	if b, ok := msg.(tea.BatchMsg); ok {
		var out []any
		for _, c := range b {
			if c != nil {
				out = append(out, c)
			}
		}
		return out
	}
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Slice || v.Type().Elem() != reflect.TypeFor[tea.Cmd]() {
		return []any{msg}
	}
	var out []any
	for i := range v.Len() {
		c, _ := v.Index(i).Interface().(tea.Cmd)
		out = append(out, d.all(c)...)
	}
	return out
}

// all runs a command and, one after another, every command it leads to.
func (d *driver) all(c tea.Cmd) []any {
	if c == nil {
		return nil
	}
	var out []any
	for _, x := range d.flat(c) {
		if c, ok := x.(tea.Cmd); ok {
			out = append(out, d.all(c)...)
		} else {
			out = append(out, x)
		}
	}
	return out
}

func (d *driver) send(msg tea.Msg) {
	d.t.Helper()
	if _, ok := msg.(tea.QuitMsg); ok {
		d.quit = true
		return
	}
	_, cmd := d.m.Update(msg)
	d.run(cmd)
}

// take handles one message that has arrived.
func (d *driver) take(msg tea.Msg) {
	r, ok := msg.(result)
	if !ok {
		d.send(msg)
		return
	}
	d.pending.Add(-1)
	for _, x := range r.msgs {
		if c, ok := x.(tea.Cmd); ok {
			d.run(c)
			continue
		}
		d.send(x)
	}
}

// until handles messages until cond holds.
func (d *driver) until(what string, cond func() bool) {
	d.t.Helper()
	limit := time.After(time.Minute)
	for !cond() {
		select {
		case msg := <-d.msgs:
			d.take(msg)
		case <-limit:
			d.t.Fatalf("waited in vain until %s; the screen:\n%s", what, d.text())
		}
	}
}

// idle handles messages until n commands are left that have nothing to report.
func (d *driver) idle(n int64) {
	d.t.Helper()
	d.until("nothing happens", func() bool { return d.pending.Load() == n && len(d.msgs) == 0 })
}

// shell is the newest pane of a node; shells open in any order.
func (d *driver) shell(node string) *pane {
	d.t.Helper()
	for _, p := range slices.Backward(d.panes) {
		if p.node == node {
			return p
		}
	}
	d.t.Fatalf("no shell in %s", node)
	return nil
}

// text is the screen without styles.
func (d *driver) text() string { return ansi.Strip(d.m.View().Content) }

func (d *driver) shows(s string) bool {
	words := strings.Join(strings.Fields(d.text()), " ")
	return strings.Contains(words, s)
}

func (d *driver) want(s string) {
	d.t.Helper()
	d.until("the screen shows "+s, func() bool { return d.shows(s) })
}

// press sends keys: names as Bubble Tea spells them, or single characters. The
// clock moves on between them as if someone thought about each.
func (d *driver) press(keys ...string) {
	d.t.Helper()
	for i, k := range keys {
		d.clock = d.clock.Add(time.Second)
		before := d.pending.Load()
		d.send(key(k))
		if i+1 < len(keys) { // what it leads to comes before the next key
			d.until("the key "+k+" has done its work", func() bool { return d.pending.Load() <= before })
		}
	}
}

var named = map[string]rune{
	"enter": tea.KeyEnter, "backspace": tea.KeyBackspace, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "end": tea.KeyEnd, "home": tea.KeyHome,
	"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "space": tea.KeySpace, "f1": tea.KeyF1, "f2": tea.KeyF2, "f3": tea.KeyF3, "f4": tea.KeyF4,
	"f5": tea.KeyF5, "f6": tea.KeyF6, "f7": tea.KeyF7, "f8": tea.KeyF8, "f9": tea.KeyF9, "f10": tea.KeyF10, "f12": tea.KeyF12,
}

func key(s string) tea.KeyPressMsg {
	k := tea.KeyPressMsg{}
	for _, m := range []struct {
		name string
		mod  tea.KeyMod
	}{{"ctrl+", tea.ModCtrl}, {"alt+", tea.ModAlt}, {"shift+", tea.ModShift}} {
		if rest, ok := strings.CutPrefix(s, m.name); ok {
			s, k.Mod = rest, k.Mod|m.mod
		}
	}
	if r, ok := named[s]; ok {
		k.Code = r
		if s == "space" {
			k.Text = " "
		}
		return k
	}
	k.Code = []rune(s)[0]
	if k.Mod == 0 {
		k.Text = s
	}
	return k
}

// inLab opens the lab and waits for its three shells.
func inLab(t testing.TB, change func(*Deps)) *driver {
	t.Helper()
	d := drive(t, change)
	d.send(intent.OpenLab{ID: "docker0"})
	d.until("the shells are open", func() bool { return len(d.panes) == 3 })
	d.idle(labIdle)
	return d
}

// labIdle is how many commands wait while a lab is open and nothing happens:
// one for the session, one for each of the three shells.
const labIdle = 4

// containsLine reports whether one line of text contains s.
func containsLine(text, s string) bool {
	for l := range strings.Lines(text) {
		if strings.Contains(l, s) {
			return true
		}
	}
	return false
}
