package plain

import (
	"io"
	"slices"
	"strings"
	"testing"

	"underlay/engine"
)

// stream is a terminal that prints a text in pieces.
type stream struct {
	engine.Terminal
	text  string
	piece int
}

func (s *stream) Read(p []byte) (int, error) {
	if s.text == "" {
		return 0, io.EOF
	}
	n := copy(p, s.text[:min(s.piece, len(s.text))])
	s.text = s.text[n:]
	return n, nil
}

func TestTap(t *testing.T) {
	const ready, busy = "\x1b[?2004h", "\x1b[?2004l\r"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"colours and titles": {busy + "\x1b]0;title\x07\x1b[1;31mred\x1b[m text\r\n", []string{"red text"}},
		"no end of line":     {busy + "abc" + ready, []string{"abc"}},
		"a progress bar":     {busy + "1%\r20%\r100%\r\nab\b\bcd\r\n", []string{"100%", "cd"}},
		"background output":  {ready + "host:~# 12:00 packet\r\n12:01 packet\r\n", []string{"12:00 packet", "12:01 packet"}},
		"a full screen": {busy + "\x1b[?1049hmess\r\nmess\r\n\x1b[?1049lafter\r\n" + ready,
			[]string{"This program draws on the whole screen, which cannot be shown in lines. Ctrl-C stops it; pressed again, it ends the shell, too.", "after"}},
		"empty lines stay": {busy + "a\r\n\r\nb\r\n", []string{"a", "", "b"}},
		"the last words":   {busy + "bye", []string{"bye"}},
	} {
		for _, piece := range []int{1, 3, 4096} {
			var got []string
			tp := newTap(&stream{text: c.text, piece: piece}, func(l string) { got = append(got, l) })
			tp.mute = false
			if _, err := io.ReadAll(tp); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s, %d bytes at a time: got %q, want %q", name, piece, got, c.want)
			}
		}
	}
}

// TestTapLine: of a line that is typed into a shell, only what it prints is left.
func TestTapLine(t *testing.T) {
	var got []string
	s := &stream{text: "\x1b[?2004hhost:~# ", piece: 64}
	tp := newTap(s, func(l string) { got = append(got, l) })
	if _, err := tp.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	tp.typing("ls")
	s.text = "ls\r\n\x1b[?2004l\ra  b\r\n\x1b[?2004hhost:~# "
	if _, err := io.ReadAll(tp); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"a  b"}) {
		t.Errorf("got %q", got)
	}
}

// TestTapEcho: a program that reads without line editing has its input repeated by
// the terminal, once.
func TestTapEcho(t *testing.T) {
	var got []string
	s := &stream{text: "\x1b[?2004lname? ", piece: 64}
	tp := newTap(s, func(l string) { got = append(got, l) })
	tp.mute = false
	buf := make([]byte, 64)
	if _, err := tp.Read(buf); err != nil {
		t.Fatal(err)
	}
	if text, top := tp.prompt("host"); text != "name? " || top {
		t.Errorf("asked with %q, %v", text, top)
	}
	tp.typing("joe")
	s.text = "joe\r\njoe\r\n"
	if _, err := tp.Read(buf); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"joe"}) {
		t.Errorf("got %q", got)
	}
}

func TestPrompts(t *testing.T) {
	for text, want := range map[string]string{
		"\x1b[?2004h\x1b[36mc1\x1b[0m:/tmp# ": "c1> ",
		"\x1b[?2004h> ":                       "> ",
		"\x1b[?2004h":                         "host> ",
		"\x1b[?2004l":                         "host input> ",
	} {
		tp := newTap(&stream{text: text, piece: 64}, func(string) {})
		if _, err := tp.Read(make([]byte, 64)); err != nil {
			t.Fatal(err)
		}
		if got, _ := tp.prompt("host"); got != want {
			t.Errorf("%q asks with %q, want %q", text, got, want)
		}
	}
}

func TestSections(t *testing.T) {
	src := "One **bold\nword** and *slanted `*x*`* text, [here](http://a.b).\n\n" +
		"## Head\n- first item that is long enough to wrap\n- second\n\n" +
		"| a | b |\n|---|:-:|\n| 1 | x \\| y |\n\n```sh\n  # not a head\n```\n> said\n"
	var b strings.Builder
	for _, s := range sections(src, 30) {
		b.WriteString("[" + s.heading + "]\n" + strings.Join(trimBlank(s.lines), "\n") + "\n")
	}
	want := "[]\nOne bold word and slanted\n`*x*` text, here (http://a.b).\n" +
		"[Head]\n- first item that is long\n  enough to wrap\n- second\n\n- a: 1; b: x | y\n\n      # not a head\nsaid\n"
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
