package term

import (
	"fmt"
	"strings"
	"sync"

	tea "charm.land/bubbletea/v2"
)

// mouseState is where the pointer was last, so that a program hears of motion
// from cell to cell only.
type mouseState struct {
	mu   sync.Mutex
	x, y int
	held tea.MouseButton // button that was pressed inside the pane
}

// pointer handles a mouse event.
func (p *Pane) pointer(msg tea.MouseMsg, modes uint32) tea.Cmd {
	p.mu.Lock()
	cols, rows, alt := p.scr.cols, p.scr.rows, p.scr.emu.IsAltScreen()
	p.mu.Unlock()
	if modes&modeMouseAll == 0 {
		if wheel, ok := msg.(tea.MouseWheelMsg); ok {
			return p.wheel(wheel.Button, alt, modes)
		}
		return nil
	}
	return p.send(p.mouse.encode(msg, modes, cols, rows), keyLimit, false)
}

// wheel is what the wheel does when the program does not want the mouse.
func (p *Pane) wheel(b tea.MouseButton, alt bool, modes uint32) tea.Cmd {
	lines, key := 0, tea.KeyUp
	switch b {
	case tea.MouseWheelUp:
		lines = wheelLines
	case tea.MouseWheelDown:
		lines, key = -wheelLines, tea.KeyDown
	default:
		return nil
	}
	if alt {
		arrow := encodeKey(tea.Key{Code: key}, modes)
		return p.send(strings.Repeat(arrow, wheelLines), keyLimit, false)
	}
	p.Scroll(lines)
	return nil
}

// encode returns what a mouse event sends in the given modes, "" if nothing.
// A press outside the pane is nobody's; a drag or release that began inside is
// reported at the edge.
func (m *mouseState) encode(msg tea.MouseMsg, modes uint32, cols, rows int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := msg.Mouse()
	inside := e.X >= 0 && e.X < cols && e.Y >= 0 && e.Y < rows
	e.X, e.Y = min(max(e.X, 0), cols-1), min(max(e.Y, 0), rows-1)
	kind := byte('M')
	code := buttonCode(e.Button)
	switch msg.(type) {
	case tea.MouseClickMsg:
		if !inside {
			return ""
		}
		m.held = e.Button
	case tea.MouseWheelMsg:
		if !inside {
			return ""
		}
	case tea.MouseReleaseMsg:
		held := m.held
		m.held = tea.MouseNone
		if !inside && held == tea.MouseNone || modes&(modeMouseAll&^modeMouseX10) == 0 {
			return ""
		}
		kind = 'm'
	case tea.MouseMotionMsg:
		moved := e.X != m.x || e.Y != m.y
		drag := m.held != tea.MouseNone
		wanted := modes&modeMouseAny != 0 || modes&modeMouseButton != 0 && drag
		if !moved || !wanted || !inside && !drag {
			return ""
		}
		code |= 32
	default:
		return ""
	}
	m.x, m.y = e.X, e.Y
	if modes&(modeMouseAll&^modeMouseX10) != 0 {
		code |= modifierBits(e.Mod)
	}
	return mouseBytes(code, e.X, e.Y, kind, modes&modeMouseSGR != 0)
}

func buttonCode(b tea.MouseButton) int {
	switch {
	case b >= tea.MouseLeft && b <= tea.MouseRight:
		return int(b - tea.MouseLeft)
	case b >= tea.MouseWheelUp && b <= tea.MouseWheelRight:
		return 64 + int(b-tea.MouseWheelUp)
	case b >= tea.MouseBackward && b <= tea.MouseButton11:
		return 128 + int(b-tea.MouseBackward)
	}
	return 3 // no button
}

func modifierBits(mod tea.KeyMod) int {
	bits := 0
	for bit, m := range map[int]tea.KeyMod{4: tea.ModShift, 8: tea.ModAlt, 16: tea.ModCtrl} {
		if mod.Contains(m) {
			bits |= bit
		}
	}
	return bits
}

// mouseBytes encodes an event at a cell counted from 0. The old encoding knows
// neither which button was released nor cells beyond the 223rd.
func mouseBytes(code, x, y int, kind byte, sgr bool) string {
	if sgr {
		return fmt.Sprintf("\x1b[<%d;%d;%d%c", code, x+1, y+1, kind)
	}
	if kind == 'm' {
		code = code&^3 | 3
	}
	if x > 222 || y > 222 || code > 222 {
		return ""
	}
	return string([]byte{0x1b, '[', 'M', byte(32 + code), byte(33 + x), byte(33 + y)})
}
