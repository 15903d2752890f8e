package tui

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/keys"
	"underlay/tui/layout"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/theme"
)

// opening is the screen while a lab is being built.
type opening struct {
	lab    *engine.Lab
	styles *theme.Styles
	rects  layout.Rects
	cancel context.CancelFunc
	ctx    context.Context
	steps  []string
	says   chan string
	done   chan struct{}
	err    error
}

type (
	// opened reports that building has ended.
	opened struct {
		opening *opening
		session engine.Session
		err     error
	}
	// step reports how far building has come.
	step struct {
		opening *opening
		text    string
	}
)

func newOpening(ctx context.Context, lab *engine.Lab, st *theme.Styles) *opening {
	o := &opening{lab: lab, styles: st, says: make(chan string, 64), done: make(chan struct{})}
	o.ctx, o.cancel = context.WithCancel(ctx)
	return o
}

// start builds the lab and reports its steps.
func (o *opening) start(opener engine.Opener) tea.Cmd {
	build := func() tea.Msg {
		defer close(o.done)
		s, err := opener.Open(o.ctx, o.lab, func(text string) {
			select {
			case o.says <- text:
			default: // a step more or less does not matter
			}
		})
		return opened{o, s, err}
	}
	return tea.Batch(build, o.wait())
}

func (o *opening) wait() tea.Cmd {
	return func() tea.Msg {
		select {
		case text := <-o.says:
			return step{o, text}
		case <-o.done:
			return nil
		}
	}
}

// onOpening handles the messages of a lab that is being built. A lab that came
// too late, because opening it was given up, is closed again.
func (m *model) onOpening(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case step:
		msg.opening.steps = append(msg.opening.steps, msg.text)
		return msg.opening.wait()
	case faulted:
		if msg.err != nil {
			m.note = paint.Sentence(msg.err.Error())
			return nil
		}
		return m.build(msg.lab)
	case opened:
		if m.isLate(msg.opening) {
			msg.opening.cancel()
			return closeLate(msg.session)
		}
		if m.renewing == msg.opening {
			return m.renewed(msg)
		}
		if msg.err != nil {
			msg.opening.err = msg.err
			return nil
		}
		return m.enterLab(msg.opening, msg.session)
	}
	return nil
}

func closeLate(s engine.Session) tea.Cmd {
	if s == nil {
		return nil
	}
	return func() tea.Msg {
		if err := s.Close(); err != nil {
			return intent.Note{Text: "The lab did not close cleanly: " + err.Error()}
		}
		return nil
	}
}

const (
	keyRetry keys.ID = "opening.retry"
	keyGive  keys.ID = "opening.cancel"
)

// Keys implements screen.
func (o *opening) Keys() keys.Map {
	if o.err == nil {
		return keys.Map{{ID: keyGive, Keys: []string{"esc", "q", "ctrl+c", "f10"}, Show: "esc", Help: "cancel", Long: "Do not open the lab"}}
	}
	return keys.Map{
		{ID: keyRetry, Keys: []string{"enter"}, Show: "enter", Help: "try again", Long: "Try again"},
		{ID: keyGive, Keys: []string{"esc", "q", "ctrl+c", "f10"}, Show: "esc", Help: "back", Long: "Go back"},
	}
}

// Key implements screen.
func (o *opening) Key(k tea.KeyPressMsg) tea.Cmd {
	b, ok := o.Keys().Match(k)
	switch {
	case !ok:
		return nil
	case b.ID == keyRetry:
		return intent.Do(faulted{lab: o.lab})
	}
	o.cancel()
	return intent.Do(intent.GoHome{})
}

// HelpKeys implements screen.
func (o *opening) HelpKeys() []keys.Section {
	return []keys.Section{{Title: "Opening a lab", Keys: o.Keys()}}
}

// The rest of screen; there is nothing to click, paste or choose here.

func (o *opening) Paste(tea.PasteMsg) tea.Cmd       { return nil }
func (o *opening) Mouse(tea.MouseMsg) tea.Cmd       { return nil }
func (o *opening) Act(dialog.Action) tea.Cmd        { return nil }
func (o *opening) Restyle(st *theme.Styles)         { o.styles = st }
func (o *opening) Cursor() (x, y int, visible bool) { return 0, 0, false }
func (o *opening) State() layout.State              { return layout.State{Screen: layout.Opening} }

// Layout implements screen.
func (o *opening) Layout(r layout.Rects) tea.Cmd {
	o.rects = r
	return nil
}

// Pieces implements screen.
func (o *opening) Pieces() []paint.Piece {
	st, r := o.styles, o.rects.Body
	w := min(64, r.W-4)
	title := "Opening the lab" + st.Sym.Ellipsis
	if o.err != nil {
		title = "The lab could not be opened"
	}
	lines := []string{st.Title.Render(title), st.Muted.Render(paint.Cut(st.Sym.Plain(o.lab.Title), w, st.Sym.Ellipsis)), ""}
	for i, s := range o.steps {
		mark := st.Good.Render(st.Sym.Done)
		text := st.Muted
		if i == len(o.steps)-1 {
			mark, text = st.Accent.Render(st.Sym.Waiting), st.Text
			if o.err != nil {
				mark = st.Bad.Render(st.Sym.Broken)
			}
		}
		lines = append(lines, mark+"  "+text.Render(paint.Cut(st.Sym.Plain(s), w-3, st.Sym.Ellipsis)))
	}
	if o.err != nil {
		lines = append(append(lines, ""), o.problem(st, w)...)
	}
	if over := len(lines) - (r.H - 2); over > 0 && len(lines) > 3+over {
		lines = append(lines[:3:3], lines[3+over:]...)
	}
	top := max(0, (r.H-len(lines))/3)
	left := max(0, (r.W-w)/2)
	out := append(make([]string, top), paint.Indent(blank(left), lines)...)
	return []paint.Piece{{Rect: r, Lines: paint.Block(out, r.W, r.H)}}
}

// problem says what happened and what to do about it.
func (o *opening) problem(st *theme.Styles, w int) []string {
	lines := prose.Callout(st, st.Bad, "What happened", paint.Sentence(o.err.Error()), w)
	var e *engine.Error
	if errors.As(o.err, &e) && e.Hint != "" {
		lines = append(append(lines, ""), prose.Callout(st, st.Accent, "What to do", e.Hint, w)...)
	}
	return lines
}

func blank(n int) string { return paint.Fit("", n) }
