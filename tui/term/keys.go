package term

import (
	"strconv"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// Update turns a key, a paste, a mouse event or a change of focus into bytes
// for the program. Mouse positions are relative to the pane. It never blocks:
// what the program does not read waits, up to about 1 MiB, and after that is
// thrown away, which the command that it returns then reports as Dropped.
//
// Typing returns the view to the bottom. A mouse wheel that the program does
// not want scrolls the history, or sends arrow keys on the alternate screen.
func (p *Pane) Update(msg tea.Msg) tea.Cmd {
	modes := p.scr.modes.Load()
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		return p.send(encodeKey(tea.Key(msg), modes), keyLimit, true)
	case tea.PasteMsg:
		return p.send(encodePaste(msg.Content, modes), pasteLimit, true)
	case tea.FocusMsg:
		if modes&modeFocus != 0 {
			return p.send("\x1b[I", keyLimit, false)
		}
	case tea.BlurMsg:
		if modes&modeFocus != 0 {
			return p.send("\x1b[O", keyLimit, false)
		}
	case tea.MouseMsg:
		return p.pointer(msg, modes)
	}
	return nil
}

// send queues text for the program.
func (p *Pane) send(text string, limit int, typed bool) tea.Cmd {
	if text == "" {
		return nil
	}
	if typed {
		p.mu.Lock()
		if p.scr.offset != 0 {
			p.scr.offset = 0
			p.scr.generation++
		}
		p.mu.Unlock()
		p.frames.pressed()
	}
	if p.in.put([]byte(text), limit) {
		return nil
	}
	dropped := Dropped{p.id, len(text)}
	return func() tea.Msg { return dropped }
}

// cursorKeys end in a letter, tildeKeys in a number and a tilde.
var cursorKeys = map[rune]byte{
	tea.KeyUp: 'A', tea.KeyDown: 'B', tea.KeyRight: 'C', tea.KeyLeft: 'D', tea.KeyBegin: 'E',
	tea.KeyEnd: 'F', tea.KeyHome: 'H',
	tea.KeyKpUp: 'A', tea.KeyKpDown: 'B', tea.KeyKpRight: 'C', tea.KeyKpLeft: 'D', tea.KeyKpBegin: 'E',
	tea.KeyKpEnd: 'F', tea.KeyKpHome: 'H',
}

var tildeKeys = map[rune]int{
	tea.KeyFind: 1, tea.KeyInsert: 2, tea.KeyDelete: 3, tea.KeySelect: 4, tea.KeyPgUp: 5, tea.KeyPgDown: 6,
	tea.KeyKpInsert: 2, tea.KeyKpDelete: 3, tea.KeyKpPgUp: 5, tea.KeyKpPgDown: 6,
	tea.KeyF5: 15, tea.KeyF6: 17, tea.KeyF7: 18, tea.KeyF8: 19, tea.KeyF9: 20, tea.KeyF10: 21,
	tea.KeyF11: 23, tea.KeyF12: 24,
}

// keypadKeys give the character and the last byte in application mode.
var keypadKeys = map[rune][2]byte{
	tea.KeyKp0: {'0', 'p'}, tea.KeyKp1: {'1', 'q'}, tea.KeyKp2: {'2', 'r'}, tea.KeyKp3: {'3', 's'},
	tea.KeyKp4: {'4', 't'}, tea.KeyKp5: {'5', 'u'}, tea.KeyKp6: {'6', 'v'}, tea.KeyKp7: {'7', 'w'},
	tea.KeyKp8: {'8', 'x'}, tea.KeyKp9: {'9', 'y'}, tea.KeyKpEnter: {'\r', 'M'}, tea.KeyKpEqual: {'=', 'X'},
	tea.KeyKpMultiply: {'*', 'j'}, tea.KeyKpPlus: {'+', 'k'}, tea.KeyKpComma: {',', 'l'}, tea.KeyKpSep: {',', 'l'},
	tea.KeyKpMinus: {'-', 'm'}, tea.KeyKpDecimal: {'.', 'n'}, tea.KeyKpDivide: {'/', 'o'},
}

// encodeKey returns what a key sends, as xterm has it, "" if nothing.
func encodeKey(k tea.Key, modes uint32) string {
	shift, alt, ctrl := k.Mod.Contains(tea.ModShift), k.Mod.Contains(tea.ModAlt), k.Mod.Contains(tea.ModCtrl)
	if k.Code >= tea.KeyF13 && k.Code <= tea.KeyF24 { // as Shift with F1 to F12
		k.Code, shift = k.Code-tea.KeyF13+tea.KeyF1, true
	}
	mods := 1
	for i, m := range []bool{shift, alt, ctrl} {
		if m {
			mods += 1 << i
		}
	}
	if final, ok := cursorKeys[k.Code]; ok {
		return withMods("\x1b[", mods, final, modes&modeCursorKeys != 0)
	}
	if k.Code >= tea.KeyF1 && k.Code <= tea.KeyF4 {
		return withMods("\x1b[", mods, byte('P'+k.Code-tea.KeyF1), true)
	}
	if n, ok := tildeKeys[k.Code]; ok {
		if mods == 1 {
			return "\x1b[" + strconv.Itoa(n) + "~"
		}
		return "\x1b[" + strconv.Itoa(n) + ";" + strconv.Itoa(mods) + "~"
	}
	text := encodeText(k, shift, ctrl, modes)
	if alt && text != "" {
		text = "\x1b" + text
	}
	return text
}

// withMods returns a key that ends in a letter; plain and with ss3 it is
// introduced by SS3.
func withMods(csi string, mods int, final byte, ss3 bool) string {
	switch {
	case mods > 1:
		return csi + "1;" + strconv.Itoa(mods) + string(rune(final))
	case ss3:
		return "\x1bO" + string(rune(final))
	}
	return csi + string(rune(final))
}

// encodeText returns what the other keys send, but for Alt.
func encodeText(k tea.Key, shift, ctrl bool, modes uint32) string {
	if pad, ok := keypadKeys[k.Code]; ok {
		switch {
		case modes&modeKeypad != 0 && k.Text == "":
			return "\x1bO" + string(rune(pad[1]))
		case k.Text != "":
			return k.Text
		}
		return string(rune(pad[0]))
	}
	switch k.Code {
	case tea.KeyEnter:
		return "\r"
	case tea.KeyEscape:
		return "\x1b"
	case tea.KeyTab:
		if shift {
			return "\x1b[Z"
		}
		return "\t"
	case tea.KeyBackspace:
		if ctrl {
			return "\b"
		}
		return "\x7f"
	}
	if ctrl {
		return controlKey(k)
	}
	if k.Text != "" {
		return strings.ReplaceAll(k.Text, "\x1b", "")
	}
	if k.Code >= tea.KeyExtended || !utf8.ValidRune(k.Code) || k.Code == 0 {
		return ""
	}
	if shift {
		if k.ShiftedCode != 0 && k.ShiftedCode < tea.KeyExtended {
			return string(k.ShiftedCode)
		}
		return strings.ToUpper(string(k.Code))
	}
	return string(k.Code)
}

// controlKey returns what Ctrl makes of a character. On a keyboard with other
// letters it is the key at the same place on an American one that counts.
func controlKey(k tea.Key) string {
	c := k.Code
	if c >= utf8.RuneSelf && k.BaseCode != 0 {
		c = k.BaseCode
	}
	switch {
	case c >= 'a' && c <= 'z':
		return string(c - 'a' + 1)
	case c >= '@' && c <= '_':
		return string(c - '@')
	case c == ' ' || c == '2' || c == '`':
		return "\x00"
	case c >= '3' && c <= '7':
		return string(c - '3' + 0x1b)
	case c == '8' || c == '?':
		return "\x7f"
	case c == '/' || c == '-':
		return "\x1f"
	case c < ' ' || c >= tea.KeyExtended || !utf8.ValidRune(c):
		return ""
	}
	return string(c)
}

// encodePaste returns pasted text as if typed: line ends as Enter, and without
// control characters, so that what is pasted can neither end the brackets nor
// press Ctrl-C. Brackets are put around it if the program asked for them.
func encodePaste(text string, modes uint32) string {
	text = strings.NewReplacer("\r\n", "\r", "\n", "\r").Replace(text)
	text = strings.Map(func(r rune) rune {
		if r == '\r' || r == '\t' || r >= ' ' && r < 0x7f || r >= 0xa0 {
			return r
		}
		return -1
	}, text)
	if text != "" && modes&modePaste != 0 {
		return "\x1b[200~" + text + "\x1b[201~"
	}
	return text
}
