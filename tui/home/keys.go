package home

import (
	tea "charm.land/bubbletea/v2"

	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/keys"
	"underlay/tui/paint"
)

// The actions of the home screen.
const (
	keyOpen keys.ID = "home.open"
	keyLab  keys.ID = "home.lab"
	keyMend keys.ID = "home.break-fix"
	keyFind keys.ID = "home.find"
	keyUp   keys.ID = "home.up"
	keyDown keys.ID = "home.down"
	keyPgUp keys.ID = "home.page.up"
	keyPgDn keys.ID = "home.page.down"
	keyTop  keys.ID = "home.top"
	keyEnd  keys.ID = "home.end"
	keyHelp keys.ID = "home.help"
	keyQuit keys.ID = "home.quit"
)

// Keys are the bindings of the home screen as it stands.
func (h *Home) Keys() keys.Map {
	if h.finding {
		return h.findKeys()
	}
	return keys.Map{
		h.openKey(),
		h.labKey(),
		h.mendKey(),
		{ID: keyFind, Keys: []string{"/"}, Show: "/", Help: "find", Long: "Find a lesson or a lab"},
		{ID: keyUp, Keys: []string{"up", "k"}, Show: "↑ k", Long: "Go up"},
		{ID: keyDown, Keys: []string{"down", "j"}, Show: "↓ j", Long: "Go down"},
		{ID: keyPgUp, Keys: []string{"pgup", "ctrl+b"}, Show: "PgUp", Long: "Page up"},
		{ID: keyPgDn, Keys: []string{"pgdown", "ctrl+f", "space"}, Show: "PgDn", Long: "Page down"},
		{ID: keyTop, Keys: []string{"home", "g"}, Show: "Home g", Long: "Go to the first"},
		{ID: keyEnd, Keys: []string{"end", "G"}, Show: "End G", Long: "Go to the last"},
		{ID: keyHelp, Keys: []string{"?", "f1"}, Show: "?", Help: "help", Long: "Show these keys"},
		{ID: keyQuit, Keys: []string{"q", "ctrl+c"}, Show: "q", Help: "quit", Long: "Quit"},
	}
}

func (h *Home) findKeys() keys.Map {
	return keys.Map{
		h.openKey(),
		{ID: keyUp, Keys: []string{"up", "ctrl+p"}, Show: "↑", Long: "Go up"},
		{ID: keyDown, Keys: []string{"down", "ctrl+n", "tab"}, Show: "↓", Long: "Go down"},
		{ID: keyFind, Keys: []string{"esc", "ctrl+c"}, Show: "esc", Help: "show all", Long: "Show all again"},
	}
}

func (h *Home) openKey() keys.Binding {
	b := keys.Binding{ID: keyOpen, Keys: []string{"enter"}, Show: "enter", Help: "read", Long: "Open the lesson"}
	r := h.chosen()
	switch {
	case !r.selectable():
		b.Off = "nothing is selected"
	case r.lesson == nil:
		b.Help, b.Long = "start lab", "Start the lab"
		b.Off = h.available[r.lab.ID].Reason
	}
	return b
}

func (h *Home) labKey() keys.Binding {
	b := keys.Binding{ID: keyLab, Keys: []string{"l"}, Show: "l", Help: "lab", Long: "Start the lab of the lesson"}
	r := h.chosen()
	if r.lesson == nil {
		b.Help = "" // enter does the same
	}
	switch {
	case r.lab == nil:
		b.Off = "this lesson has no lab"
	case h.available[r.lab.ID].Reason != "":
		b.Off = h.available[r.lab.ID].Reason
	}
	return b
}

func (h *Home) mendKey() keys.Binding {
	b := keys.Binding{ID: keyMend, Keys: []string{"b"}, Show: "b", Help: "break-fix", Long: "Find and repair what is broken in the lab"}
	switch r := h.chosen(); {
	case r.lab == nil:
		b.Off = "this lesson has no lab"
	case len(r.lab.Faults) == 0:
		b.Off = "this lab has no faults to repair"
	default:
		b.Off = h.available[r.lab.ID].Reason
	}
	return b
}

// Key handles a key press.
func (h *Home) Key(k tea.KeyPressMsg) tea.Cmd {
	b, ok := h.Keys().Match(k)
	if !ok {
		return h.typed(k)
	}
	if b.Off != "" {
		return intent.Do(intent.Note{Text: paint.Sentence(b.Off)})
	}
	return h.do(b.ID)
}

// typed hands a key or pasted text to the search field.
func (h *Home) typed(msg tea.Msg) tea.Cmd {
	if h.finding && h.find.Update(msg) {
		h.filter()
		h.visited = false
		h.restore(row{})
	}
	return nil
}

// Paste hands pasted text to the search field.
func (h *Home) Paste(msg tea.PasteMsg) tea.Cmd { return h.typed(msg) }

func (h *Home) do(id keys.ID) tea.Cmd {
	page := max(1, h.rects.Body.H-2)
	h.visited = true
	switch id {
	case keyOpen:
		r := h.chosen()
		h.endFind()
		if r.lesson != nil {
			return intent.Do(intent.OpenLesson{ID: r.lesson.ID})
		} else if r.lab != nil {
			return intent.Do(intent.OpenLab{ID: r.lab.ID})
		}
	case keyLab:
		r := h.chosen()
		h.endFind()
		return intent.Do(intent.OpenLab{ID: r.lab.ID})
	case keyMend:
		r := h.chosen()
		h.endFind()
		return intent.Do(intent.ChooseFault{Lab: r.lab.ID})
	case keyFind:
		h.toggleFind()
	case keyUp:
		h.move(-1)
	case keyDown:
		h.move(1)
	case keyPgUp:
		h.move(-page)
	case keyPgDn:
		h.move(page)
	case keyTop:
		h.move(-len(h.rows))
	case keyEnd:
		h.move(len(h.rows))
	case keyHelp:
		return intent.Do(intent.Help{})
	case keyQuit:
		return intent.Do(intent.Quit{})
	}
	return nil
}

// endFind leaves the search with what it found chosen: who comes back home
// wants the whole list, and a key to be a key.
func (h *Home) endFind() {
	if h.finding {
		h.toggleFind()
	}
}

func (h *Home) toggleFind() {
	old := h.chosen()
	h.finding = !h.finding
	h.find.Set("")
	h.filter()
	h.restore(old)
}

// Mouse chooses with a click, opens with a second one, and scrolls.
func (h *Home) Mouse(msg tea.MouseMsg) tea.Cmd {
	m := msg.Mouse()
	switch msg := msg.(type) {
	case tea.MouseWheelMsg:
		h.visited = true
		switch msg.Button {
		case tea.MouseWheelUp:
			h.move(-1)
		case tea.MouseWheelDown:
			h.move(1)
		}
	case tea.MouseClickMsg:
		i := m.Y - h.rects.Body.Y + h.offset
		if !h.rects.Body.Contains(m.X, m.Y) || i >= len(h.rows) || !h.rows[i].selectable() {
			return nil
		}
		if h.at == i {
			return h.do(keyOpen)
		}
		h.at, h.visited = i, true
	}
	return nil
}

// HelpKeys are the bindings for the help.
func (h *Home) HelpKeys() []keys.Section {
	return []keys.Section{{Title: "Lessons and labs", Keys: h.Keys()}}
}

// Act does nothing: home opens no dialogs of its own.
func (h *Home) Act(dialog.Action) tea.Cmd { return nil }
