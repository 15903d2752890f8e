package term

import (
	"fmt"
	"image/color"
	"math/rand/v2"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"underlay/engine"
)

// checkShape fails unless view is rows lines of cols cells.
func checkShape(t testing.TB, view string, cols, rows int) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != rows {
		t.Fatalf("view has %d lines, want %d", len(lines), rows)
	}
	for i, l := range lines {
		if w := ansi.GraphemeWidth.StringWidth(l); w != cols {
			t.Fatalf("line %d is %d cells wide by graphemes, want %d: %q", i, w, cols, l)
		}
		if w := ansi.WcWidth.StringWidth(l); w != cols {
			t.Fatalf("line %d is %d cells wide by runes, want %d: %q", i, w, cols, l)
		}
	}
}

// feed shows all of text as a pane would.
func (s *screen) feed(text string) {
	for b := []byte(text); len(b) > 0; {
		b = b[s.step(b):]
	}
	s.settle()
}

func testScreen(t testing.TB, cols, rows int, opt Options) *screen {
	t.Helper()
	s := newScreen(engine.Size{Cols: cols, Rows: rows}, opt, func([]byte) {})
	t.Cleanup(s.close)
	return s
}

func TestScreenText(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"wrap":            {"abcdefghijklm", "abcdefghij\nklm\n\n"},
		"wide at edge":    {"abcdefghi漢", "abcdefghi\n漢\n\n"},
		"wide fills line": {"abcdefgh漢字", "abcdefgh漢\n字\n\n"},
		"wide, styled":    {"abcdefgh漢\x1b[1mx", "abcdefgh漢\nx\n\n"},
		"wide, then CR":   {"abcdefgh漢\rx", "xbcdefgh漢\n\n\n"},
		"wide, pending":   {"abcdefghij漢", "abcdefghij\n漢\n\n"},
		"wide scrolls":    {"漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢漢", "漢漢漢漢漢\n漢漢漢漢漢\n漢漢漢漢漢\n漢漢漢"},
		"restored, SCO":   {"ab\x1b[s\x1b[3;3Hx\x1b[uy", "aby\n\n  x\n"},
		"restored":        {"\x1b7\x1b[1;10Hx\x1b8y", "y        x\n\n\n"},
		"combining":       {"e\u0301a\r\n", "e\u0301a\n\n\n"},
		"joined emoji":    {"👨‍👩‍👧|", "👨|\n\n\n"},
		"varied emoji":    {"❤️|", "❤ |\n\n\n"},
		"lone mark":       {"\u0301ab", "ab\n\n\n"},
		"scroll region":   {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\nx\x1b[r", "1\n3\nx\n4"},
		"margin too low":  {"\x1b[1;999r\x1b[999;1H\n\n\n\n\nend", "\n\n\nend"},
		"erase":           {"abc\x1b[1;2H\x1b[K", "a\n\n\n"},
		"drawing set":     {"\x1b(0qx\x1b(Bq", "─│q\n\n\n"},
		"controls in utf": {"a\u0085\u009bb", "ab\n\n\n"},
		"repeat":          {"a\x1b[3b", "aaaa\n\n\n"},
		"tab":             {"a\tb", "a       b\n\n\n"},
		"cancel":          {"a\x1b[3\x18b", "ab\n\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := testScreen(t, 10, 4, Options{})
			s.feed(c.in)
			got := s.text()
			if name == "lone mark" || name == "controls in utf" {
				got = strings.ReplaceAll(got, " ", "")
			}
			if got != c.want {
				t.Errorf("%q shows\n%q, want\n%q", c.in, got, c.want)
			}
			checkShape(t, s.render(), 10, 4)
		})
	}
}

func TestStyles(t *testing.T) {
	in := "\x1b[1;4;7;38;5;208;48;2;1;2;3mx\x1b[0my"
	s := testScreen(t, 2, 1, Options{})
	s.feed(in)
	if v := s.render(); !strings.Contains(v, "38;5;208") || !strings.Contains(v, "48;2;1;2;3") || !strings.HasSuffix(v, "x\x1b[my") {
		t.Errorf("view = %q", v)
	}
	s = testScreen(t, 2, 1, Options{NoColor: true})
	s.feed(in)
	v := s.render()
	if strings.Contains(v, "38;") || strings.Contains(v, "48;") {
		t.Errorf("colours in %q", v)
	}
	for _, attr := range []string{"1", "4", "7"} {
		if !strings.Contains(strings.NewReplacer("\x1b[", ";", "m", ";").Replace(v), ";"+attr+";") {
			t.Errorf("no attribute %s in %q", attr, v)
		}
	}
}

func TestHistory(t *testing.T) {
	s := testScreen(t, 20, 5, Options{Scrollback: 100})
	for i := range 300 {
		s.feed(fmt.Sprintf("\x1b[3%dmline %d\x1b[m\r\n", i%8, i))
	}
	if n := s.hist.len(); n != 100 {
		t.Fatalf("history of %d lines", n)
	}
	s.scroll(1000)
	if top, _, _ := strings.Cut(s.text(), "\n"); top != "line 196" {
		t.Errorf("oldest line = %q", top)
	}
	checkShape(t, s.render(), 20, 5)
	s.scroll(-98)
	if got := s.text(); got != "line 294\nline 295\nline 296\nline 297\nline 298" {
		t.Errorf("two lines up:\n%s", got)
	}
	s.feed("line 300\r\n")
	if top, _, _ := strings.Cut(s.text(), "\n"); top != "line 294" {
		t.Errorf("output moved the view to %q", top)
	}
	s.resize(engine.Size{Cols: 6, Rows: 3})
	checkShape(t, s.render(), 6, 3)
	s.feed("\x1b[3J")
	if s.hist.len() != 0 || s.offset != 0 {
		t.Errorf("after erasing: %d lines, offset %d", s.hist.len(), s.offset)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := newHistory(DefaultScrollback)
	line := historyLine{text: strings.Repeat("\x1b[38;2;1;2;3mx", 1000), width: 1000}
	for range 2 * DefaultScrollback {
		h.push(line)
	}
	if h.bytes > historyBytes || h.len() < 1000 {
		t.Errorf("%d lines, %d bytes", h.len(), h.bytes)
	}
	s := testScreen(t, 100, 24, Options{})
	s.feed("\x1b[?1049h" + strings.Repeat("text\n\x1b[5S", 5000))
	if s.altLines > 2*altLimit {
		t.Errorf("%d lines of the alternate screen are kept", s.altLines)
	}
	if !strings.Contains(s.text(), "text") {
		t.Errorf("purging lost the screen:\n%s", s.text())
	}
}

// TestFloodEqualsSlowPath compares the screen, which scrolls by many lines at
// once, with the bare emulator.
func TestFloodEqualsSlowPath(t *testing.T) {
	pieces := []string{"y\r\n", "y\r\n", "text ", "\r\n", "\n", "\r", "\t", "\b", "é", "e\u0301", strings.Repeat("long ", 9),
		"\x1b[31m", "\x1b[m", "\x1b[44m", "\x1b[K", "\x1b[5;3r", "\x1b[2;5r", "\x1b[r", "\x1b[3;4H", "\x1bM", "\x1b[?7l", "\x1b[?7h",
		"\x1b(0", "\x1b(B", "\x0e", "\x0f", strings.Repeat("y\r\n", 40), strings.Repeat("n\n", 30), strings.Repeat("a b\r\n", 30), strings.Repeat("z", 100)}
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 1))
		cols, rows := 1+r.IntN(30), 5+r.IntN(12)
		s := testScreen(t, cols, rows, Options{Scrollback: 9999})
		ref := vt.NewEmulator(cols, rows)
		var in strings.Builder
		for range r.IntN(60) {
			in.WriteString(pieces[r.IntN(len(pieces))])
		}
		s.feed(in.String())
		ref.WriteString(in.String()) //nolint:errcheck // cannot fail
		for y := range rows {
			for x := range cols {
				if a, b := s.emu.CellAt(x, y), ref.CellAt(x, y); !a.Equal(b) {
					t.Fatalf("seed %d: cell %d,%d is %+v, want %+v after %q", seed, x, y, a, b, in.String())
				}
			}
		}
		if s.emu.CursorPosition() != ref.CursorPosition() {
			t.Fatalf("seed %d: cursor at %v, want %v after %q", seed, s.emu.CursorPosition(), ref.CursorPosition(), in.String())
		}
		if got, want := s.hist.len(), ref.ScrollbackLen(); got != want {
			t.Fatalf("seed %d: history of %d lines, want %d after %q", seed, got, want, in.String())
		}
		for i := range s.hist.len() {
			if got, want := s.hist.line(i), s.drawHistoryLine(ref.Scrollback().Line(i)); got != want {
				t.Fatalf("seed %d: history line %d is %q, want %q", seed, i, got.text, want.text)
			}
		}
	}
}

func TestPanicResetsTheScreen(t *testing.T) {
	s := testScreen(t, 80, 5, Options{})
	s.feed(strings.Repeat("old\r\n", 9))
	s.emu.RegisterCsiHandler('~', func(ansi.Params) bool { panic("a bug in the emulator") })
	s.feed("before\x1b[9~after")
	if got := s.text(); !strings.Contains(got, "terminal was reset") {
		t.Errorf("screen:\n%s", got)
	}
	s.feed("and on")
	if got := s.text(); !strings.Contains(got, "and on") {
		t.Errorf("screen:\n%s", got)
	}
	if s.hist.len() == 0 {
		t.Error("the history is gone")
	}
}

// TestCursorOutside restores a cursor that was saved on a larger screen, which
// alone would panic the emulator at the tab stop.
func TestCursorOutside(t *testing.T) {
	s := testScreen(t, 200, 50, Options{})
	s.feed("\x1b[50;199H\x1b7")
	s.resize(engine.Size{Cols: 20, Rows: 5})
	s.feed("\x1b8\x1bH!")
	if x, y := s.cursor(); x != 19 || y != 4 {
		t.Errorf("cursor at %d,%d", x, y)
	}
	if !strings.HasSuffix(s.text(), "!") || s.failed {
		t.Errorf("screen:\n%s", s.text())
	}
}

func TestHostileNumbersAreQuick(t *testing.T) {
	s := testScreen(t, 80, 24, Options{})
	for _, final := range "@ABCDEFGHIJKLMPSTXZ`abdefghlmnrsu" {
		s.feed("a\x1b[2147483000" + string(final))
		s.feed("a\x1b[?99999999999999999999;2147483000" + string(final))
	}
	for i := range 30000 {
		s.feed(fmt.Sprintf("\x1b[?%dh", i))
	}
	s.feed("\x1b]0;" + strings.Repeat("t", 1<<20) + "\x1b[5m\a")
	if n := len(s.title); n > maxTitle {
		t.Errorf("title of %d bytes", n)
	}
	s.feed("\x1bc" + strings.Repeat("\u0301", 1<<16) + "e" + strings.Repeat("\u0301", 1<<12))
	if n := len(s.render()); n > 4*80*24 {
		t.Errorf("view of %d bytes", n)
	}
}

func TestCursorShapeAndVisibility(t *testing.T) {
	s := testScreen(t, 80, 24, Options{})
	s.feed("\x1b[?25l\x1b[?1049h\x1b[?25h\x1b[?1049l\x1b[6 q")
	if !s.has(modeCursor) {
		t.Error("a cursor that was shown on the other screen is hidden")
	}
	if s.shape != tea.CursorBar || s.blink {
		t.Errorf("shape %v, blink %v", s.shape, s.blink)
	}
	s.feed("\x1b[0 q")
	if s.shape != tea.CursorBlock || !s.blink {
		t.Errorf("shape %v, blink %v", s.shape, s.blink)
	}
}

// TestAnswers also shows that questions in the middle of a write do not
// deadlock, however many.
func TestAnswers(t *testing.T) {
	for _, c := range []struct{ ask, want string }{
		{"\x1b[c", "\x1b[?62;1;6;22c"},
		{"\x1b[5n", "\x1b[0n"},
		{"\x1b[3;4H\x1b[6n", "\x1b[3;4R"},
		{"\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"},
		{"\x1b[?25$p", "\x1b[?25;1$y"},
		{"\x1b]11;?\a", "\x1b]11;rgb:0101/0202/0303\a"},
		{"\x1b]10;?\a\x1b[5n", "\x1b[0n"},
	} {
		got := make(chan []byte, 1000)
		s := newScreen(std, Options{Background: color.RGBA{1, 2, 3, 255}}, func(b []byte) { got <- []byte(string(b)) })
		s.feed(strings.Repeat(c.ask, 100))
		var all strings.Builder
		for all.Len() < 100*len(c.want) {
			all.Write(<-got)
		}
		if want := strings.Repeat(c.want, 100); all.String() != want {
			t.Errorf("%q is answered %q…, want %q", c.ask, all.String()[:50], c.want)
		}
		s.close()
	}
}

// randomStream returns sequences of every kind with random numbers; a NUL
// stands for a resize.
func randomStream(seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 2))
	intro := []string{"\x1b[", "\x1b[", "\x1b[", "\x1b[?", "\x1b[>", "\x1b", "\x1b(", "\x1b]", "\x1bP", "\x1b_", "\x9b", "\x1b[?1049", "\x1b[?69"}
	texts := []string{"\r\n", "\n", "\t", "\b", "text", "漢字", "e\u0301\u0302", "👨‍👩‍👧", "🇩🇪", "\xff\xc3", "\x84\x8d", "\x0e", "\x00", "\x18", "\x1b\\"}
	var b []byte
	for range 300 {
		b = append(b, texts[r.IntN(len(texts))]...)
		b = append(b, intro[r.IntN(len(intro))]...)
		for range r.IntN(4) {
			b = fmt.Appendf(b, "%d;", r.IntN(1<<r.IntN(40)))
		}
		b = append(b, byte('@'+r.IntN(63)))
	}
	return b
}

// FuzzStream checks that no stream of bytes, with resizes in between, panics
// the program, resets the screen or spoils its shape.
func FuzzStream(f *testing.F) {
	f.Add([]byte("a\x1b[31mb\r\n\x1b[?1049h\x1b[2;3r漢e\u0301\x1b[6n"), uint16(0x1234))
	f.Add([]byte("\x1b[50;199H\x1b7\x00\x1b8\x1bH\x1b[1;999r\n\n\x1b[999S"), uint16(0x0101))
	f.Add([]byte("\x1b[?69h\x1b[3;9s\x1b[?6h\x1b[999;999H\n\x1b[5@\x1b[5P\x1b[5L\x1b[5M\x1bM"), uint16(0x2020))
	f.Add([]byte(strings.Repeat("y\r\n", 50)+"\x1b(0qx\x0e\x1bN\x1b]0;t\a\x1bP1$q\x1b\\"), uint16(0x0505))
	for seed := range uint64(150) {
		f.Add(randomStream(seed), uint16(seed*2654435761>>8))
	}
	f.Fuzz(func(t *testing.T, data []byte, sizes uint16) {
		s := newScreen(engine.Size{Cols: int(sizes & 63), Rows: int(sizes >> 8 & 31)}, Options{}, func([]byte) {})
		defer s.close()
		for i, part := range strings.SplitAfter(string(data), "\x00") {
			s.feed(part)
			checkShape(t, s.render(), s.cols, s.rows)
			s.scroll(i)
			checkShape(t, s.render(), s.cols, s.rows)
			s.text()
			s.resize(engine.Size{Cols: (s.cols*7 + i*13) % 90, Rows: (s.rows*5 + i*11) % 40})
			checkShape(t, s.render(), s.cols, s.rows)
		}
		if strings.Contains(s.text(), "terminal was reset") {
			t.Errorf("the emulator panicked on %q", data)
		}
	})
}
