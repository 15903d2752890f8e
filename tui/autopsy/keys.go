package autopsy

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/keys"
	"underlay/tui/paint"
)

// Keys are the pane's keys for the help; they mean this while it has the keyboard.
func Keys() keys.Map {
	return keys.Map{
		{ID: "packet.up", Keys: []string{"up", "k"}, Show: "↑ k", Long: "Go one step back on the packet's path"},
		{ID: "packet.down", Keys: []string{"down", "j"}, Show: "↓ j", Long: "Go one step on"},
		{ID: "packet.pageup", Keys: []string{"pgup"}, Show: "PgUp", Long: "Page up"},
		{ID: "packet.pagedown", Keys: []string{"pgdown", "space"}, Show: "PgDn", Long: "Page down"},
		{ID: "packet.first", Keys: []string{"home", "g"}, Show: "Home g", Long: "Go to its sender"},
		{ID: "packet.last", Keys: []string{"end", "G"}, Show: "End G", Long: "Go to its last known place"},
		{ID: "packet.again", Keys: []string{"r"}, Show: "r", Long: "Follow the same packet again"},
		{ID: "packet.other", Keys: []string{"e"}, Show: "e", Long: "Follow another packet"},
		{ID: "packet.close", Keys: []string{"esc", "q"}, Show: "esc", Long: "Stop following, or close the autopsy"},
	}
}

// Key handles a key press.
func (p *Pane) Key(k tea.KeyPressMsg) tea.Cmd {
	if p.phase == asking {
		return p.typed(k)
	}
	b, ok := Keys().Match(k)
	if !ok {
		return nil
	}
	switch b.ID {
	case "packet.close":
		p.escape()
	case "packet.again":
		if p.phase != following {
			return p.Again()
		}
	case "packet.other":
		p.edit()
	}
	if p.phase == told {
		p.step(b.ID)
	}
	return nil
}

// step goes along the way.
func (p *Pane) step(id keys.ID) {
	page := max(1, p.room()-2)
	last := len(p.walk.path.Steps) - 1
	switch id {
	case "packet.up":
		p.choose(p.walk.at - 1)
	case "packet.down":
		if p.walk.at >= last {
			p.Scroll(page)
			return
		}
		p.choose(p.walk.at + 1)
	case "packet.pageup":
		p.leap(-page)
	case "packet.pagedown":
		p.leap(page)
	case "packet.first":
		p.choose(0)
		p.Scroll(-len(p.walk.lines))
	case "packet.last":
		p.choose(last)
		p.Scroll(len(p.walk.lines))
	}
}

// leap goes about n lines on, to another step where there is one.
func (p *Pane) leap(n int) {
	was := p.walk.at
	_, owner := p.body()
	line := paint.Clamp(slices.Index(owner, was)+n, 0, max(0, len(owner)-1))
	for line > 0 && owner[line] < 0 {
		line--
	}
	if len(owner) == 0 || owner[line] == was || owner[line] < 0 {
		p.Scroll(n)
		return
	}
	p.choose(owner[line])
}

// escape gives up what is under way, or closes the pane. What was there before
// shows again.
func (p *Pane) escape() {
	p.cancel()
	if p.phase == told || !p.Show() {
		p.phase = closed
	}
	if p.report != nil {
		p.flow = p.report.Flow
	}
}

// edit asks for another packet, beginning with the one that shows.
func (p *Pane) edit() {
	f := p.flow
	p.Ask(f.From)
	if f.From != "" {
		p.line.Set(f.From + " " + f.Target())
	}
}

// typed handles a key while it asks.
func (p *Pane) typed(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc", "ctrl+c":
		p.escape()
		return nil
	case "enter":
		f, err := p.parse(p.line.Value())
		if err != nil {
			p.problem = paint.Sentence(err.Error())
			return nil
		}
		return p.Follow(f)
	}
	p.problem = ""
	p.line.Update(k)
	return nil
}

// Paste takes pasted text while the pane asks.
func (p *Pane) Paste(msg tea.PasteMsg) {
	if p.phase == asking {
		p.problem = ""
		p.line.Update(msg)
	}
}

// Click chooses the step at a row of the pane.
func (p *Pane) Click(row int) {
	if p.phase != told {
		return
	}
	_, owner := p.body()
	row -= p.top()
	if line := row + p.walk.offset; row >= 0 && row < p.room() && line < len(owner) && owner[line] >= 0 {
		p.choose(owner[line])
	}
}
