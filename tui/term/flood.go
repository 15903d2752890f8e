package term

import (
	"bytes"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// To scroll by one line, the emulator moves every cell of the screen, and that
// is nearly all the time it takes: 65 µs a line on a screen of 200 by 60. To
// scroll by many lines at once takes as long. So before a run of text that is
// known to scroll, the screen is scrolled once by as much as the run needs.

// plain shows a run of text at the beginning of b and returns its length, 0 if
// b does not begin with text. It needs the parser at ground and leaves it there.
func (s *screen) plain(b []byte) int {
	if s.edge && b[0] != 0x1b {
		s.leaveEdge(b)
	}
	pos := s.emu.CursorPosition()
	r := run{cols: s.cols, col: pos.X, wraps: s.has(modeWrap), maxLines: max(s.rows-1, 1)}
	if pos.X > 0 && s.torrent(b) {
		r.maxLines = 1 // flood can take it from there
	}
	r.styles = s.penKnown && s.pen.Bg == nil && !s.edge
	if pos.X == s.cols-1 && s.pending {
		r.col = s.cols
	}
	r.measure(b)
	if r.n == 0 {
		return 0
	}
	startsClean := pos.X < s.cols-1 || b[0] == '\r' || b[0] == '\n'
	if up := pos.Y + r.lines - (s.rows - 1); up > 1 && up <= pos.Y && startsClean && s.simple() {
		s.write([]byte(ansi.ScrollUp(up) + ansi.CursorUp(up)))
	}
	s.altLines += r.lines + 1
	s.write(b[:r.n])
	s.pending = r.wraps && r.col == s.cols
	s.purge()
	return r.n
}

// wide shows the wide character at the beginning of b and returns its length,
// 0 if there is none. The emulator does not wrap one that does not fit on its
// line, nor the character after one that fills it.
func (s *screen) wide(b []byte) int {
	if b[0] < utf8.RuneSelf || !utf8.FullRune(b) {
		return 0
	}
	if r, _ := utf8.DecodeRune(b); r == utf8.RuneError || r < 0xa0 {
		return 0
	}
	cluster, width := ansi.FirstGraphemeCluster(b, ansi.GraphemeWidth)
	if width != 2 {
		return 0
	}
	x := s.emu.CursorPosition().X
	last := x == s.cols-1
	if s.has(modeWrap) && last {
		if s.edge {
			s.write([]byte("\r\n"))
		} else if !s.pending {
			s.write([]byte(" ")) // now a wrap is pending
		}
		x = 0
	}
	s.write(cluster)
	s.altLines++
	s.pending, s.edge = false, s.has(modeWrap) && x == s.cols-2
	return len(cluster)
}

// leaveEdge wraps before b, if it prints, after a wide character that filled
// the line.
func (s *screen) leaveEdge(b []byte) {
	if b[0] >= ' ' && b[0] < 0x7f && s.has(modeWrap) {
		s.write([]byte("\r\n"))
		s.altLines++
		s.edge = false
		return
	}
	if b[0] < ' ' {
		s.edge = false
		return
	}
	if c, width := ansi.FirstGraphemeCluster(b, ansi.GraphemeWidth); len(c) > 0 && width == 1 && s.has(modeWrap) {
		s.write([]byte("\r\n"))
		s.altLines++
		s.edge = false
	}
}

// simple reports whether the whole screen scrolls.
func (s *screen) simple() bool {
	return !s.region[s.which()] && !s.has(modeMargins)
}

// run is a piece of text: characters, simple control characters and SGR
// sequences, but nothing that moves the cursor other than along and down.
type run struct {
	cols     int
	col      int // column of the cursor, cols if a wrap is pending
	wraps    bool
	styles   bool // SGR sequences that leave the background alone may be part
	maxLines int

	n     int // length in bytes
	lines int // how far down it goes
}

// measure finds how long the run at the beginning of b is, and how many lines
// it moves down. It counts no line too many.
func (r *run) measure(b []byte) {
	for r.n < len(b) && r.lines < r.maxLines {
		switch c := b[r.n]; {
		case c >= ' ' && c < 0x7f && (r.n+1 == len(b) || b[r.n+1] < utf8.RuneSelf):
			r.put()
		case c == '\n':
			r.lines++
			r.col = min(r.col, r.cols-1)
		case c == '\r':
			r.col = 0
		case c == '\b':
			r.col = max(min(r.col, r.cols-1)-1, 0)
		case c == '\a':
		case c == '\t':
			if r.n == 0 {
				r.n, r.col = 1, 0 // nobody can tell where it ends; see plain
			}
			return
		case c == 0x1b:
			n := sgr(b[r.n:])
			if n == 0 || !r.styles {
				return
			}
			r.n += n - 1
		case c >= ' ' && c != 0x7f:
			n := r.cluster(b[r.n:])
			if n == 0 {
				return
			}
			r.n += n - 1
		default:
			return
		}
		r.n++
	}
}

// cluster moves past one character that is not ASCII alone and returns its
// length, 0 if it is wide or no text.
func (r *run) cluster(b []byte) int {
	if c, n := utf8.DecodeRune(b); c == utf8.RuneError && n <= 1 || c >= 0x7f && c < 0xa0 {
		return 0
	}
	cluster, width := ansi.FirstGraphemeCluster(b, ansi.GraphemeWidth)
	switch width {
	case 0:
	case 1:
		r.put()
	default:
		return 0
	}
	return len(cluster)
}

// put moves past one character of one cell.
func (r *run) put() {
	switch {
	case r.col < r.cols:
		r.col++
	case r.wraps:
		r.lines++
		r.col = 1
	}
}

// sgr returns the length of the SGR sequence at the beginning of b, or 0 if
// there is none, if it is not complete, or if it may set the background.
func sgr(b []byte) int {
	end := bytes.IndexByte(b[:min(len(b), 64)], 'm')
	if end < 2 || b[1] != '[' {
		return 0
	}
	for _, p := range bytes.FieldsFunc(b[2:end], func(r rune) bool { return r == ';' || r == ':' }) {
		n := 0
		for _, c := range p {
			if c < '0' || c > '9' {
				return 0
			}
			n = min(n*10+int(c-'0'), 1000)
		}
		if n >= 40 && n <= 48 || n >= 100 && n <= 107 {
			return 0
		}
	}
	return end + 1
}

// flood shows lines that would all leave the screen again before the end of b:
// they go to the history at once, and the last screenful is left to plain. It
// returns how many bytes it took, and 0 unless all of it is bare ASCII in the
// default style that scrolls the main screen.
func (s *screen) flood(b []byte) int {
	if s.rows < 2 || !s.torrent(b) || !s.bare() {
		return 0
	}
	var ends []int
	for i := 0; ; {
		n := bareLine(b[i:], s.cols)
		if n == 0 {
			break
		}
		i += n
		ends = append(ends, i)
	}
	gone := len(ends) - (s.rows - 1)
	if gone < 1 {
		return 0
	}
	up := s.rows - 1
	s.write([]byte(ansi.ScrollUp(up) + ansi.CursorUp(up)))
	s.drain()
	at := 0
	for _, end := range ends[:gone] {
		line := bytes.TrimRight(b[at:end], " \r\n")
		s.keep(historyLine{text: string(line), width: len(line)})
		at = end
	}
	return at
}

// torrent reports whether b has more lines than the screen.
func (s *screen) torrent(b []byte) bool { return bytes.Count(b, []byte("\n")) > s.rows+4 }

// bare reports whether the cursor is at the beginning of an empty last line of
// the main screen, and text is shown as it comes.
func (s *screen) bare() bool {
	pos := s.emu.CursorPosition()
	if pos.X != 0 || pos.Y != s.rows-1 || s.which() != 0 || !s.simple() ||
		!s.penKnown || !s.pen.IsZero() || s.drawing[0] || s.shifted {
		return false
	}
	for x := range s.cols {
		if c := s.emu.CellAt(x, pos.Y); c == nil || !c.IsZero() && c.Content != " " || !c.Style.IsZero() {
			return false
		}
	}
	return true
}

// bareLine returns the length of the line at the beginning of b, 0 if it is not
// printable ASCII of at most cols characters that ends in CR LF.
func bareLine(b []byte, cols int) int {
	for i, c := range b {
		switch {
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n':
			return i + 2
		case c < ' ' || c >= 0x7f || i >= cols:
			return 0
		}
	}
	return 0
}
