package term

import (
	"testing"

	tea "charm.land/bubbletea/v2"
)

func TestEncodeKey(t *testing.T) {
	const shift, alt, ctrl = tea.ModShift, tea.ModAlt, tea.ModCtrl
	for _, c := range []struct {
		key   tea.Key
		modes uint32
		want  string
	}{
		{tea.Key{Code: 'a', Text: "a"}, 0, "a"},
		{tea.Key{Code: 'a', ShiftedCode: 'A', Mod: shift, Text: "A"}, 0, "A"},
		{tea.Key{Code: 'ö', Text: "ö"}, 0, "ö"},
		{tea.Key{Code: tea.KeyExtended, Text: "漢字"}, 0, "漢字"},
		{tea.Key{Code: tea.KeySpace, Text: " "}, 0, " "},
		{tea.Key{Code: tea.KeyEnter}, 0, "\r"},
		{tea.Key{Code: tea.KeyEnter, Mod: alt}, 0, "\x1b\r"},
		{tea.Key{Code: tea.KeyTab}, 0, "\t"},
		{tea.Key{Code: tea.KeyTab, Mod: shift}, 0, "\x1b[Z"},
		{tea.Key{Code: tea.KeyEscape}, 0, "\x1b"},
		{tea.Key{Code: tea.KeyBackspace}, 0, "\x7f"},
		{tea.Key{Code: tea.KeyBackspace, Mod: alt}, 0, "\x1b\x7f"},
		{tea.Key{Code: tea.KeyBackspace, Mod: ctrl}, 0, "\b"},
		{tea.Key{Code: tea.KeyDelete}, 0, "\x1b[3~"},
		{tea.Key{Code: tea.KeyInsert}, 0, "\x1b[2~"},
		{tea.Key{Code: tea.KeyPgUp}, 0, "\x1b[5~"},
		{tea.Key{Code: tea.KeyPgDown, Mod: ctrl}, 0, "\x1b[6;5~"},
		{tea.Key{Code: tea.KeyHome}, 0, "\x1b[H"},
		{tea.Key{Code: tea.KeyEnd}, 0, "\x1b[F"},
		{tea.Key{Code: tea.KeyHome}, modeCursorKeys, "\x1bOH"},
		{tea.Key{Code: tea.KeyUp}, 0, "\x1b[A"},
		{tea.Key{Code: tea.KeyDown}, 0, "\x1b[B"},
		{tea.Key{Code: tea.KeyRight}, 0, "\x1b[C"},
		{tea.Key{Code: tea.KeyLeft}, 0, "\x1b[D"},
		{tea.Key{Code: tea.KeyUp}, modeCursorKeys, "\x1bOA"},
		{tea.Key{Code: tea.KeyLeft, Mod: ctrl}, modeCursorKeys, "\x1b[1;5D"},
		{tea.Key{Code: tea.KeyRight, Mod: ctrl | shift}, 0, "\x1b[1;6C"},
		{tea.Key{Code: tea.KeyRight, Mod: alt}, 0, "\x1b[1;3C"},
		{tea.Key{Code: tea.KeyF1}, 0, "\x1bOP"},
		{tea.Key{Code: tea.KeyF4}, 0, "\x1bOS"},
		{tea.Key{Code: tea.KeyF5}, 0, "\x1b[15~"},
		{tea.Key{Code: tea.KeyF12}, 0, "\x1b[24~"},
		{tea.Key{Code: tea.KeyF2, Mod: ctrl}, 0, "\x1b[1;5Q"},
		{tea.Key{Code: tea.KeyF13}, 0, "\x1b[1;2P"},
		{tea.Key{Code: tea.KeyF17}, 0, "\x1b[15;2~"},
		{tea.Key{Code: 'c', Mod: ctrl}, 0, "\x03"},
		{tea.Key{Code: 'c', Mod: ctrl | shift, ShiftedCode: 'C'}, 0, "\x03"},
		{tea.Key{Code: 'i', Mod: ctrl}, 0, "\t"},
		{tea.Key{Code: tea.KeySpace, Mod: ctrl}, 0, "\x00"},
		{tea.Key{Code: '@', Mod: ctrl}, 0, "\x00"},
		{tea.Key{Code: '[', Mod: ctrl}, 0, "\x1b"},
		{tea.Key{Code: '\\', Mod: ctrl}, 0, "\x1c"},
		{tea.Key{Code: ']', Mod: ctrl}, 0, "\x1d"},
		{tea.Key{Code: '^', Mod: ctrl}, 0, "\x1e"},
		{tea.Key{Code: '_', Mod: ctrl}, 0, "\x1f"},
		{tea.Key{Code: '/', Mod: ctrl}, 0, "\x1f"},
		{tea.Key{Code: '?', Mod: ctrl}, 0, "\x7f"},
		{tea.Key{Code: 'с', BaseCode: 'c', Mod: ctrl}, 0, "\x03"},
		{tea.Key{Code: 'a', Mod: ctrl | alt}, 0, "\x1b\x01"},
		{tea.Key{Code: 'b', Mod: alt}, 0, "\x1bb"},
		{tea.Key{Code: 'b', Mod: alt | shift}, 0, "\x1bB"},
		{tea.Key{Code: '.', Mod: alt}, 0, "\x1b."},
		{tea.Key{Code: tea.KeyKp5, Text: "5"}, modeKeypad, "5"},
		{tea.Key{Code: tea.KeyKp5}, modeKeypad, "\x1bOu"},
		{tea.Key{Code: tea.KeyKpEnter}, 0, "\r"},
		{tea.Key{Code: tea.KeyKpPgUp}, 0, "\x1b[5~"},
		{tea.Key{Code: tea.KeyLeftShift}, 0, ""},
		{tea.Key{Code: tea.KeyF40}, 0, ""},
		{tea.Key{Code: tea.KeyMediaPlay, Mod: alt}, 0, ""},
		{tea.Key{}, 0, ""},
	} {
		if got := encodeKey(c.key, c.modes); got != c.want {
			t.Errorf("%s (modes %b) sends %q, want %q", c.key.Keystroke(), c.modes, got, c.want)
		}
	}
}

func TestEncodePaste(t *testing.T) {
	for _, c := range []struct {
		text  string
		modes uint32
		want  string
	}{
		{"one\ntwo\r\nthree\r", 0, "one\rtwo\rthree\r"},
		{"a\x1b[31mb\x03\x04\x00\u009bc\td é漢", 0, "a[31mbc\td é漢"},
		{"x", modePaste, "\x1b[200~x\x1b[201~"},
		{"x\x1b[201~rm -rf\n", modePaste, "\x1b[200~x[201~rm -rf\r\x1b[201~"},
		{"\x1b\x1b", modePaste, ""},
	} {
		if got := encodePaste(c.text, c.modes); got != c.want {
			t.Errorf("pasting %q (modes %b) sends %q, want %q", c.text, c.modes, got, c.want)
		}
	}
}

func TestMouse(t *testing.T) {
	type events []tea.MouseMsg
	left := tea.Mouse{X: 4, Y: 2, Button: tea.MouseLeft}
	for _, c := range []struct {
		name  string
		modes uint32
		in    events
		want  string
	}{
		{"x10 knows no release", modeMouseX10, events{tea.MouseClickMsg(left), tea.MouseReleaseMsg(left)}, "\x1b[M %#"},
		{"normal", modeMouseNormal, events{tea.MouseClickMsg(left), tea.MouseReleaseMsg(left)}, "\x1b[M %#\x1b[M#%#"},
		{"sgr", modeMouseNormal | modeMouseSGR, events{tea.MouseClickMsg(left), tea.MouseReleaseMsg(left)}, "\x1b[<0;5;3M\x1b[<0;5;3m"},
		{"modifiers", modeMouseNormal | modeMouseSGR, events{tea.MouseClickMsg{Button: tea.MouseRight, Mod: tea.ModShift | tea.ModCtrl}}, "\x1b[<22;1;1M"},
		{"wheel", modeMouseNormal | modeMouseSGR, events{tea.MouseWheelMsg{Button: tea.MouseWheelUp}, tea.MouseWheelMsg{Button: tea.MouseWheelDown}}, "\x1b[<64;1;1M\x1b[<65;1;1M"},
		{"normal wants no motion", modeMouseNormal | modeMouseSGR, events{tea.MouseMotionMsg(left)}, ""},
		{"drag", modeMouseButton | modeMouseSGR, events{tea.MouseClickMsg(left), tea.MouseMotionMsg{X: 5, Y: 2, Button: tea.MouseLeft}}, "\x1b[<0;5;3M\x1b[<32;6;3M"},
		{"button wants no bare motion", modeMouseButton | modeMouseSGR, events{tea.MouseMotionMsg{X: 5, Y: 2}}, ""},
		{"any, once a cell", modeMouseAny | modeMouseSGR, events{tea.MouseMotionMsg{X: 5, Y: 2}, tea.MouseMotionMsg{X: 5, Y: 2}}, "\x1b[<35;6;3M"},
		{"outside", modeMouseAny | modeMouseSGR, events{tea.MouseClickMsg{X: 80, Button: tea.MouseLeft}, tea.MouseReleaseMsg{X: 80}, tea.MouseMotionMsg{X: -1, Y: 5}}, ""},
		{"drag to the outside", modeMouseButton | modeMouseSGR, events{tea.MouseClickMsg(left), tea.MouseReleaseMsg{X: 99, Y: -3, Button: tea.MouseLeft}}, "\x1b[<0;5;3M\x1b[<0;80;1m"},
	} {
		var m mouseState
		got := ""
		for _, e := range c.in {
			got += m.encode(e, c.modes, 80, 24)
		}
		if got != c.want {
			t.Errorf("%s: sent %q, want %q", c.name, got, c.want)
		}
	}
	if got := mouseBytes(0, 300, 0, 'M', false); got != "" {
		t.Errorf("a cell too far for the old encoding sends %q", got)
	}
}
