package term

import (
	"image/color"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/parser"
	"github.com/charmbracelet/x/vt"
)

// The modes that a program can set and that decide which bytes a key, a paste
// or the mouse sends.
const (
	modeCursor uint32 = 1 << iota // the cursor is shown
	modeWrap
	modeCursorKeys
	modeKeypad
	modePaste
	modeFocus
	modeMouseX10
	modeMouseNormal
	modeMouseButton
	modeMouseAny
	modeMouseSGR
	modeMargins  // left and right margins may be set
	modeMouseAll = modeMouseX10 | modeMouseNormal | modeMouseButton | modeMouseAny
)

func modeBit(m ansi.Mode) uint32 {
	switch m {
	case ansi.ModeTextCursorEnable:
		return modeCursor
	case ansi.ModeAutoWrap:
		return modeWrap
	case ansi.ModeCursorKeys:
		return modeCursorKeys
	case ansi.ModeNumericKeypad:
		return modeKeypad
	case ansi.ModeBracketedPaste:
		return modePaste
	case ansi.ModeFocusEvent:
		return modeFocus
	case ansi.ModeMouseX10:
		return modeMouseX10
	case ansi.ModeMouseNormal:
		return modeMouseNormal
	case ansi.ModeMouseButtonEvent:
		return modeMouseButton
	case ansi.ModeMouseAnyEvent:
		return modeMouseAny
	case ansi.ModeMouseExtSgr:
		return modeMouseSGR
	case ansi.ModeLeftRightMargin:
		return modeMargins
	}
	return 0
}

const (
	maxMode  = 9999 // the highest mode number that is remembered
	maxTitle = 200  // characters
)

// track registers with the emulator what the screen must know, and handlers
// that run before the emulator's own and make harmless what it takes without
// bounds. A handler that returns false leaves the sequence to the emulator.
func (s *screen) track() {
	restored := func() { s.restored, s.penKnown = true, false }
	s.emu.SetCallbacks(vt.Callbacks{
		EnableMode:  func(m ansi.Mode) { s.modes.Or(modeBit(m)) },
		DisableMode: func(m ansi.Mode) { s.modes.And(^modeBit(m)) },
		AltScreen:   func(bool) { restored() },
	})
	s.trackBounds()
	s.trackStyle()
	s.trackStrings()
}

// trackBounds limits the numbers in sequences: the emulator would repeat a
// character two thousand million times, and put a margin below the screen.
func (s *screen) trackBounds() {
	for _, final := range "@ABCDEFGHILMPSTXZ`adef" {
		s.emu.RegisterCsiHandler(int(final), func(p ansi.Params) bool {
			limit(p, s.cols+s.rows)
			if n, _, _ := p.Param(0, 1); final == 'S' || final == 'M' {
				s.altLines += min(n, s.rows)
			}
			return false
		})
	}
	s.emu.RegisterCsiHandler('b', func(p ansi.Params) bool {
		limit(p, s.cols)
		s.altLines++
		return false
	})
	s.emu.RegisterCsiHandler('r', func(p ansi.Params) bool {
		limit(p, s.rows)
		top, _, _ := p.Param(0, 1)
		bottom, _, _ := p.Param(1, s.rows)
		if bottom < 1 {
			bottom = s.rows
		}
		if max(top, 1) < bottom {
			s.region[s.which()] = top > 1 || bottom < s.rows
		}
		return false
	})
	s.emu.RegisterCsiHandler('s', func(p ansi.Params) bool { limit(p, s.cols); return false })
	s.trackModes()
	s.trackErase()
}

func (s *screen) trackModes() {
	for _, cmd := range []int{'h', 'l', ansi.Command('?', 0, 'h'), ansi.Command('?', 0, 'l')} {
		s.emu.RegisterCsiHandler(cmd, func(p ansi.Params) bool {
			for i := range p {
				switch n := p[i].Param(0); {
				case n > maxMode:
					p[i] = parser.MissingParam
				case n == 1048:
					s.restored, s.penKnown = true, false
				}
			}
			return false
		})
	}
	s.emu.RegisterCsiHandler('n', func(p ansi.Params) bool {
		n, _, _ := p.Param(0, 0)
		if n == 5 { // the emulator answers as if asked for a private report
			s.reply("\x1b[0n")
		}
		return n == 5
	})
}

func (s *screen) trackErase() {
	s.emu.RegisterCsiHandler('J', func(p ansi.Params) bool {
		switch n, _, _ := p.Param(0, 0); n {
		case 2:
			s.altLines += s.rows
		case 3:
			if !s.purging { // only the history goes, as in xterm
				s.hist.clear()
				s.emu.ClearScrollback()
				s.offset = 0
				return true
			}
		}
		return false
	})
}

// limit lowers the parameters that are above n. They alias the parser's own.
func limit(p ansi.Params, n int) {
	for i := range p {
		if v := p[i].Param(0); v > n {
			p[i] = p[i]&parser.HasMoreFlag | ansi.Param(n)
		}
	}
}

// which is 0 on the main screen and 1 on the alternate one.
func (s *screen) which() int {
	if s.emu.IsAltScreen() {
		return 1
	}
	return 0
}

// forget notes that the emulator was reset.
func (s *screen) forget() {
	s.pen, s.penKnown = uv.Style{}, false
	s.region = [2]bool{}
	s.drawing, s.shifted = [4]bool{}, false
	s.shape, s.blink = tea.CursorBlock, true
}

func (s *screen) trackStyle() {
	s.emu.RegisterCsiHandler('m', func(p ansi.Params) bool {
		if first, _, _ := p.Param(0, 0); first == 0 {
			s.penKnown = true
		}
		uv.ReadStyle(p, &s.pen)
		return false
	})
	s.emu.RegisterCsiHandler('u', func(p ansi.Params) bool { s.sco = len(p) == 0; return true })
	s.emu.RegisterEscHandler('8', func() bool { s.restored, s.penKnown = true, false; return false })
	s.emu.RegisterEscHandler('c', func() bool { s.forget(); return false })
	s.emu.RegisterCsiHandler(ansi.Command(0, ' ', 'q'), func(p ansi.Params) bool {
		n, _, _ := p.Param(0, 0)
		if n <= 6 {
			n = max(n, 1)
			s.shape, s.blink = tea.CursorShape((n-1)/2), n%2 == 1
		}
		return true
	})
	for set, inter := range "()*+" {
		for _, final := range "AB0" {
			s.emu.RegisterEscHandler(ansi.Command(0, byte(inter), byte(final)), func() bool {
				s.drawing[set] = final != 'B'
				return false
			})
		}
	}
}

// single notes a shift of the character sets.
func (s *screen) single(b []byte) {
	switch string(b) {
	case "\x0e", "\x1bn", "\x1bo", "\x8e", "\x8f":
		s.shifted = true
	case "\x0f":
		s.shifted = false
	}
}

// reply sends an answer in its turn among the emulator's own.
func (s *screen) reply(text string) {
	io.WriteString(s.emu.InputPipe(), text) //nolint:errcheck // fails only once closed
}

func (s *screen) trackStrings() {
	title := func(data []byte) bool {
		if _, text, ok := strings.Cut(string(data[:min(len(data), 8*maxTitle)]), ";"); ok {
			s.title = cleanTitle(text)
		}
		return true
	}
	s.emu.RegisterOscHandler(0, title)
	s.emu.RegisterOscHandler(2, title)
	nothing := func([]byte) bool { return true }
	// Hyperlinks can be of any length, and each cell would keep one; colours
	// of the whole terminal are not a pane's to set.
	for _, cmd := range []int{1, 7, 8, 12, 110, 111, 112} {
		s.emu.RegisterOscHandler(cmd, nothing)
	}
	colour := func(c color.Color, report func(string) string) func([]byte) bool {
		return func(data []byte) bool {
			if c != nil && strings.HasSuffix(string(data[:min(len(data), 8)]), ";?") {
				s.reply(report(ansi.XRGBColor{Color: c}.String()))
			}
			return true
		}
	}
	s.emu.RegisterOscHandler(10, colour(s.opt.Foreground, ansi.SetForegroundColor))
	s.emu.RegisterOscHandler(11, colour(s.opt.Background, ansi.SetBackgroundColor))
}

// cleanTitle drops what is not printable.
func cleanTitle(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxTitle {
		text = string(runes[:maxTitle])
	}
	return text
}
