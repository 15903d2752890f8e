package tui

import (
	"context"
	"image/color"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"underlay/attempt"
	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/home"
	"underlay/tui/intent"
	"underlay/tui/keys"
	"underlay/tui/layout"
	"underlay/tui/marks"
	"underlay/tui/paint"
	"underlay/tui/reader"
	"underlay/tui/term"
	"underlay/tui/theme"
	"underlay/tui/workspace"
)

// screen is what can fill the terminal: home, a lesson, a lab, or a lab that is
// being opened. Screens are plain structs; their methods return commands.
type screen interface {
	Key(tea.KeyPressMsg) tea.Cmd
	Paste(tea.PasteMsg) tea.Cmd
	Mouse(tea.MouseMsg) tea.Cmd
	Act(dialog.Action) tea.Cmd
	Keys() keys.Map
	HelpKeys() []keys.Section
	State() layout.State
	Layout(layout.Rects) tea.Cmd
	Restyle(*theme.Styles)
	Pieces() []paint.Piece
	Cursor() (x, y int, visible bool)
}

// model is the root of the program.
type model struct {
	ctx     context.Context
	deps    Deps
	now     func() time.Time
	newPane func(id int, t engine.Terminal, size engine.Size) workspace.Pane

	width, height int
	rects         layout.Rects
	look          theme.Options
	styles        *theme.Styles
	background    color.Color

	pace    *pacer
	screen  screen
	home    *home.Home
	work    *workspace.Workspace // the lab that is open, or nil
	leave   context.CancelFunc   // ends what was started for the lab
	nextID  int                  // of terminal panes
	dialogs dialog.Stack
	note    string // shown in place of the key bar until the next key

	available map[string]home.Availability
	marks     marks.Marks
	store     Store           // nil forgets everything
	position  *attempt.ReadTo // in the open lesson, not recorded yet
	unstored  []attempt.Event // that wait to be stored
	storing   bool
	lastKey   time.Time
	renewing  *opening      // the lab that is built in the place of the open one
	trouble   dialog.Dialog // says what is wrong with new content; nil if nothing is
	guard     bool          // keys that were meant for the shell must not answer a dialog
}

func newModel(ctx context.Context, d Deps, store Store) *model {
	m := &model{ctx: ctx, deps: d, store: store, now: time.Now, note: d.Notice, marks: marks.New(), nextID: 1}
	o := d.Options
	m.look = theme.Options{ASCII: o.ASCII, NoColor: o.NoColor, HighContrast: o.HighContrast || o.Theme == theme.High, Dark: o.Theme != theme.Light}
	m.styles = theme.New(m.look)
	m.newPane = func(id int, t engine.Terminal, size engine.Size) workspace.Pane {
		return term.New(id, t, size, term.Options{NoColor: m.look.NoColor, Background: m.background})
	}
	m.home = home.New(home.Config{Styles: m.styles, Modules: d.Book.Modules(), Labs: d.Labs})
	m.screen = m.home
	return m
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.loadMarks(), m.checkLabs(), m.waitReload()}
	if t := m.deps.Options.Theme; t == "" || t == theme.Auto || t == theme.High {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	switch s := m.deps.Start; {
	case s.Lab != nil:
		cmds = append(cmds, intent.Do(faulted{lab: s.Lab}))
	case s.Lesson != "":
		cmds = append(cmds, intent.Do(intent.OpenLesson{ID: s.Lesson}))
	}
	return tea.Batch(cmds...)
}

// Update implements tea.Model. It routes by family of message; the layout is
// computed once, at the end.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.pace.wake()
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.BackgroundColorMsg, tea.ColorProfileMsg:
		m.setLook(msg)
	case tea.KeyPressMsg:
		cmd = m.onKey(msg)
	case tea.PasteMsg:
		cmd = m.onPaste(msg)
	case tea.MouseMsg:
		cmd = m.onMouse(msg)
	case marksLoaded, labsChecked, saved:
		cmd = m.onStore(msg)
	case opened, step, faulted:
		cmd = m.onOpening(msg)
	case reader.Asked:
		cmd = msg.Reader.Hear(msg)
	case Reload:
		cmd = m.onReload(msg)
	default:
		cmd = m.onRest(msg)
	}
	return m, tea.Batch(cmd, m.arrange())
}

// onRest handles intents; what is none of them belongs to the open lab.
func (m *model) onRest(msg tea.Msg) tea.Cmd {
	if cmd, ok := m.onIntent(msg); ok {
		return cmd
	}
	if m.work != nil {
		return m.work.Update(msg)
	}
	return nil
}

// arrange lays the screen out.
func (m *model) arrange() tea.Cmd {
	if m.width == 0 || m.height == 0 {
		return nil
	}
	m.rects = layout.Compute(m.width, m.height, m.screen.State())
	return m.screen.Layout(m.rects)
}

// setLook follows what the terminal says of its colours.
func (m *model) setLook(msg tea.Msg) {
	look := m.look
	switch msg := msg.(type) {
	case tea.BackgroundColorMsg:
		m.background = msg.Color
		look.Dark = msg.IsDark()
	case tea.ColorProfileMsg:
		look.NoColor = m.deps.Options.NoColor || msg.Profile <= colorprofile.ASCII
		look.Basic = msg.Profile == colorprofile.ANSI
	}
	if look == m.look {
		return
	}
	m.look = look
	m.styles = theme.New(look)
	m.home.Restyle(m.styles)
	m.screen.Restyle(m.styles)
}

// View implements tea.Model.
func (m *model) View() tea.View {
	if m.width == 0 || m.height == 0 {
		return tea.View{AltScreen: true}
	}
	v := tea.View{AltScreen: true, WindowTitle: m.title()}
	if m.rects.TooSmall {
		v.Content = strings.Join(m.drawTooSmall(), "\n")
		return v
	}
	pieces := append(m.screen.Pieces(), paint.Piece{Rect: m.rects.Footer, Lines: []string{m.drawFooter()}})
	lines := paint.Compose(m.width, m.height, pieces)
	x, y, visible := m.screen.Cursor()
	if !m.dialogs.Empty() {
		var box dialog.Box
		lines, box = m.dialogs.Draw(m.styles, lines, m.width, m.height)
		x, y, visible = box.CursorX, box.CursorY, box.ShowCursor
	}
	v.Content = strings.Join(lines, "\n")
	v.MouseMode = tea.MouseModeCellMotion
	if visible {
		v.Cursor = tea.NewCursor(x, y)
		v.Cursor.Blink = false
		if m.work != nil && m.dialogs.Empty() {
			v.Cursor.Shape, v.Cursor.Blink = m.work.CursorShape()
		}
	}
	return v
}

func (m *model) title() string {
	if m.work != nil {
		return "underlay: " + m.work.Lab().Title
	}
	return "underlay"
}

func (m *model) drawFooter() string {
	if m.note != "" {
		return paint.Fit(" "+m.styles.Warn.Render(paint.Cut(m.styles.Sym.Plain(m.note), m.width-2, m.styles.Sym.Ellipsis)), m.width)
	}
	return keys.Bar(m.styles, m.screen.Keys(), m.width)
}

func (m *model) drawTooSmall() []string {
	lines := make([]string, max(0, m.height/2-1))
	for _, l := range []string{"Please make this window a little larger.", "60 columns and 16 rows are enough."} {
		lines = append(lines, m.styles.Text.Render(paint.Centre(paint.Cut(l, m.width, ""), m.width)))
	}
	return paint.Block(lines, m.width, m.height)
}
