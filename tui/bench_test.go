package tui

import (
	"testing"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/term"
)

// BenchmarkLabFrame is what one frame of the shell costs on a large screen:
// taking in the message and drawing.
func BenchmarkLabFrame(b *testing.B) {
	d := inLab(b, nil)
	d.send(tea.WindowSizeMsg{Width: 200, Height: 60})
	p := d.shell("host")
	for b.Loop() {
		_, _ = d.m.Update(term.Frame{ID: p.id})
		_ = d.m.View()
	}
}
