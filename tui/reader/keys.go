package reader

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/keys"
	"underlay/tui/layout"
	"underlay/tui/paint"
)

// The actions of the lesson screen.
const (
	keyOn       keys.ID = "lesson.on"
	keyPageDown keys.ID = "lesson.page.down"
	keyPageUp   keys.ID = "lesson.page.up"
	keyDown     keys.ID = "lesson.down"
	keyUp       keys.ID = "lesson.up"
	keyTop      keys.ID = "lesson.top"
	keyBottom   keys.ID = "lesson.bottom"
	keyAnswer   keys.ID = "lesson.answer"
	keyNextQ    keys.ID = "lesson.question.next"
	keyPrevQ    keys.ID = "lesson.question.previous"
	keyLab      keys.ID = "lesson.lab"
	keyOutline  keys.ID = "lesson.outline"
	keyNext     keys.ID = "lesson.next"
	keyPrevious keys.ID = "lesson.previous"
	keyBack     keys.ID = "lesson.back"
	keyHelp     keys.ID = "lesson.help"
)

// Keys are the bindings of the lesson as it stands.
func (r *Reader) Keys() keys.Map {
	return keys.Map{
		r.onKey(),
		{ID: keyPageDown, Keys: []string{"space", "pgdown", "ctrl+f"}, Show: "space", Help: r.whenMore("page down"), Long: "Page down"},
		{ID: keyPageUp, Keys: []string{"pgup", "ctrl+b"}, Show: "PgUp", Long: "Page up"},
		{ID: keyDown, Keys: []string{"down", "j"}, Show: "↓ j", Long: "Scroll down"},
		{ID: keyUp, Keys: []string{"up", "k"}, Show: "↑ k", Long: "Scroll up"},
		{ID: keyTop, Keys: []string{"home"}, Show: "Home", Long: "Go to the beginning"},
		{ID: keyBottom, Keys: []string{"end", "G"}, Show: "End", Long: "Go to the end"},
		r.answerKey(),
		{ID: keyNextQ, Keys: []string{"tab"}, Show: "tab", Help: "questions", Long: "Go to the next question", Off: r.noQuestion()},
		{ID: keyPrevQ, Keys: []string{"shift+tab"}, Show: "Shift+tab", Long: "Go to the previous question", Off: r.noQuestion()},
		r.labKey(),
		{ID: keyOutline, Keys: []string{"o"}, Show: "o", Help: r.whenNarrow("outline"), Long: "Jump to a heading", Off: r.noOutline()},
		{ID: keyNext, Keys: []string{"n"}, Show: "n", Help: "next", Long: "Go to the next lesson", Off: off(r.cfg.Next == nil, "this is the last lesson")},
		{ID: keyPrevious, Keys: []string{"p"}, Show: "p", Long: "Go to the previous lesson", Off: off(r.cfg.Previous == nil, "this is the first lesson")},
		{ID: keyBack, Keys: []string{"esc", "q"}, Show: "esc", Help: "back", Long: "Go back to the list of lessons"},
		{ID: keyHelp, Keys: []string{"?", "f1"}, Show: "?", Help: "help", Long: "Show these keys"},
	}
}

func off(when bool, why string) string {
	if when {
		return why
	}
	return ""
}

func (r *Reader) whenMore(help string) string {
	if r.offset >= r.maxOffset() {
		return ""
	}
	return help
}

func (r *Reader) whenNarrow(help string) string {
	if !r.rects.Side.Empty() {
		return ""
	}
	return help
}

func (r *Reader) noQuestion() string {
	return off(len(r.questions)+len(r.predictions) == 0, "this lesson has no questions")
}
func (r *Reader) noOutline() string {
	return off(len(r.doc.Outline) == 0, "this lesson has no headings")
}

// pending is whether the current question has a choice that enter would hand in.
func (r *Reader) pending() bool {
	q := r.questions[r.current]
	return q != nil && !q.Marked && q.Quiz.Multiple() && len(q.Chosen) > 0
}

func (r *Reader) canLab() bool { return r.cfg.Lab != nil && r.cfg.Lab.Reason == "" }

// onKey is what enter does: it hands in an answer, or goes on from the end.
func (r *Reader) onKey() keys.Binding {
	b := keys.Binding{ID: keyOn, Keys: []string{"enter"}, Show: "enter"}
	switch {
	case r.pending():
		b.Help, b.Long = "submit", "Submit the chosen answers"
	case r.canLab():
		b.Help, b.Long = "start the lab", "Start the lab, at the end of the lesson"
	case r.cfg.Next != nil:
		b.Help, b.Long = "next lesson", "Go to the next lesson, at the end of this one"
	default:
		b.Help, b.Long = "back", "Go back to the list of lessons"
	}
	if !r.pending() && r.offset < r.maxOffset() {
		b.Help, b.Off = "", "read on to the end first, or press l for the lab"
		if !r.canLab() {
			b.Off = "read on to the end first"
		}
	}
	return b
}

func (r *Reader) answerKey() keys.Binding {
	b := keys.Binding{ID: keyAnswer, Show: "a b c", Help: "answer", Long: "Answer the question with the bar beside it"}
	for i := range 8 {
		b.Keys = append(b.Keys, string(rune('a'+i)), string(rune('1'+i)))
	}
	q, p := r.questions[r.current], r.predictions[r.current]
	switch {
	case p != nil:
		predictKey(&b, p)
	case q == nil:
		b.Off = "no question is on the screen"
	case q.Quiz.Free():
		b.Show = "a"
	default:
		b.Show = fmt.Sprintf("a to %c", 'a'+len(q.Quiz.Options)-1)
	}
	return b
}

func (r *Reader) labKey() keys.Binding {
	b := keys.Binding{ID: keyLab, Keys: []string{"l"}, Show: "l", Help: "lab", Long: "Start the lab of this lesson"}
	switch {
	case r.cfg.Lab == nil:
		b.Off = "this lesson has no lab"
	case r.cfg.Lab.Reason != "":
		b.Off = r.cfg.Lab.Reason
	}
	return b
}

// do carries out an action.
func (r *Reader) do(id keys.ID, k tea.KeyPressMsg) tea.Cmd {
	page := max(1, r.rects.Body.H-2)
	switch id {
	case keyOn:
		return r.on()
	case keyPageDown:
		return r.scroll(page)
	case keyPageUp:
		return r.scroll(-page)
	case keyDown:
		return r.scroll(1)
	case keyUp:
		return r.scroll(-1)
	case keyTop:
		return r.scroll(-len(r.lines))
	case keyBottom:
		return r.scroll(len(r.lines))
	case keyAnswer:
		return r.answer(optionOf(k))
	case keyNextQ:
		return r.jumpQuestion(1)
	case keyPrevQ:
		return r.jumpQuestion(-1)
	case keyLab:
		return intent.Do(intent.OpenLab{ID: r.cfg.Lab.ID})
	case keyOutline:
		return r.openOutline()
	case keyNext:
		return intent.Do(intent.OpenLesson{ID: r.cfg.Next.ID})
	case keyPrevious:
		return intent.Do(intent.OpenLesson{ID: r.cfg.Previous.ID})
	case keyBack:
		return intent.Do(intent.GoHome{})
	case keyHelp:
		return intent.Do(intent.Help{})
	}
	return nil
}

func optionOf(k tea.KeyPressMsg) int {
	c := k.String()[0]
	if c >= '1' && c <= '9' {
		return int(c - '1')
	}
	return int(c - 'a')
}

func (r *Reader) on() tea.Cmd {
	switch {
	case r.pending():
		return r.mark(r.questions[r.current])
	case r.canLab():
		return intent.Do(intent.OpenLab{ID: r.cfg.Lab.ID})
	case r.cfg.Next != nil:
		return intent.Do(intent.OpenLesson{ID: r.cfg.Next.ID})
	}
	return intent.Do(intent.GoHome{})
}

func (r *Reader) scroll(n int) tea.Cmd {
	r.offset += n
	return r.settle()
}

const jumpPrefix = "lesson.jump."

func (r *Reader) openOutline() tea.Cmd {
	m := &dialog.Menu{Title: "Jump to"}
	for i, e := range r.doc.Outline {
		m.Items = append(m.Items, keys.Binding{ID: keys.ID(fmt.Sprint(jumpPrefix, i)), Long: e.Text})
	}
	return intent.Do(intent.Open{Dialog: m})
}

// Act carries out what a dialog of the reader has asked for.
func (r *Reader) Act(a dialog.Action) tea.Cmd {
	p, ok := a.(dialog.Picked)
	if !ok {
		return nil
	}
	var i int
	if _, err := fmt.Sscanf(string(p.ID), jumpPrefix+"%d", &i); err != nil || i >= len(r.doc.Outline) {
		return nil
	}
	return r.jump(i)
}

func (r *Reader) jump(i int) tea.Cmd {
	r.offset = r.head + r.doc.Outline[i].Line
	return r.settle()
}

// Key handles a key press.
func (r *Reader) Key(k tea.KeyPressMsg) tea.Cmd {
	if r.Typing() {
		return r.typed(k)
	}
	b, ok := r.Keys().Match(k)
	switch {
	case !ok:
		return nil
	case b.Off != "":
		return intent.Do(intent.Note{Text: paint.Sentence(b.Off)})
	}
	return r.do(b.ID, k)
}

// typed handles keys and pasted text while an answer is being typed.
func (r *Reader) typed(msg tea.Msg) tea.Cmd {
	q := r.questions[r.current]
	if k, ok := msg.(tea.KeyPressMsg); ok {
		switch k.String() {
		case "esc", "ctrl+c":
			q.Input = nil
			r.refresh()
			return nil
		case "enter":
			if q.Input.Value() == "" {
				return nil
			}
			q.Text, q.Input = q.Input.Value(), nil
			return r.mark(q)
		}
	}
	q.Input.Update(msg)
	r.refresh()
	return nil
}

// Paste hands pasted text to the answer that is being typed.
func (r *Reader) Paste(msg tea.PasteMsg) tea.Cmd {
	if r.Typing() {
		return r.typed(msg)
	}
	return nil
}

// Mouse scrolls with the wheel and jumps to a heading that is clicked.
func (r *Reader) Mouse(msg tea.MouseMsg) tea.Cmd {
	m := msg.Mouse()
	switch msg := msg.(type) {
	case tea.MouseWheelMsg:
		switch msg.Button {
		case tea.MouseWheelUp:
			return r.scroll(-3)
		case tea.MouseWheelDown:
			return r.scroll(3)
		}
	case tea.MouseClickMsg:
		i := m.Y - r.rects.Side.Y - sideTop
		if r.rects.Side.Contains(m.X, m.Y) && i >= 0 && i < len(r.doc.Outline) {
			return r.jump(i)
		}
	}
	return nil
}

// State is what the layout depends on.
func (r *Reader) State() layout.State { return layout.State{Screen: layout.Reader} }

// HelpKeys are the bindings for the help.
func (r *Reader) HelpKeys() []keys.Section {
	return []keys.Section{{Title: "Reading", Keys: r.Keys()}}
}
