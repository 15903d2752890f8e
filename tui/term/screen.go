package term

import (
	"io"
	"sync/atomic"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/ansi/parser"
	"github.com/charmbracelet/x/vt"

	"underlay/engine"
)

const (
	maxCols, maxRows = 1000, 500
	// sequenceStep is how much of a long control string is taken in one step.
	sequenceStep = 1024
	// altLimit is how many lines may leave the top of the alternate screen
	// before what the emulator keeps of them is thrown away.
	altLimit = 512
)

// screen wraps the emulator: it bounds what a hostile program can make it do,
// keeps the history in little memory and makes floods cheap. Only modes may be
// used by several goroutines at once.
type screen struct {
	emu        *vt.Emulator
	opt        Options
	cols, rows int
	answer     func([]byte) // takes the emulator's answers; must not block

	// at follows the stream beside the emulator, whose own parser cannot be
	// asked where in a sequence it stands.
	at *ansi.Parser

	modes      atomic.Uint32
	generation uint64 // counts changes
	title      string
	shape      tea.CursorShape
	blink      bool

	hist   *history
	offset int // lines that the view is scrolled up

	// What the emulator knows but does not tell; see track.go.
	pen      uv.Style
	penKnown bool
	region   [2]bool // per screen: scrolling is limited to a part of it
	drawing  [4]bool // G0 to G3 are not plain ASCII
	shifted  bool    // another set than G0 may be in use
	sco      bool    // CSI u was sent, which the emulator does not know
	restored bool    // a saved cursor was restored, pen and all
	pending  bool    // the last column is full, and the next character wraps
	edge     bool    // the same, but the emulator has not noticed; see wide

	altLines int // lines that left the alternate screen, at most
	purging  bool
	spare    []uv.Cell
	failed   bool // the emulator panicked
}

func newScreen(size engine.Size, opt Options, answer func([]byte)) *screen {
	s := &screen{opt: opt, answer: answer, hist: newHistory(opt.Scrollback)}
	s.cols, s.rows = clampSize(size)
	s.start()
	return s
}

func clampSize(size engine.Size) (cols, rows int) {
	return min(max(size.Cols, 1), maxCols), min(max(size.Rows, 1), maxRows)
}

func (s *screen) size() engine.Size { return engine.Size{Cols: s.cols, Rows: s.rows} }

func (s *screen) has(mode uint32) bool { return s.modes.Load()&mode != 0 }

// start makes a new emulator.
func (s *screen) start() {
	s.at = ansi.NewParser()
	s.at.SetDataSize(1)
	s.emu = vt.NewEmulator(s.cols, s.rows)
	s.modes.Store(modeCursor | modeWrap)
	s.forget()
	s.penKnown = true
	s.altLines, s.purging, s.failed = 0, false, false
	s.track()
	s.generation++
	go carry(s.emu, s.answer)
}

// carry passes the emulator's answers on. The emulator hands them over in the
// middle of a write, through a pipe that holds nothing, so carry must go on
// reading until the pipe is closed and never wait for the writer.
func carry(emu *vt.Emulator, answer func([]byte)) {
	buf := make([]byte, 4096)
	for {
		n, err := emu.Read(buf)
		if n > 0 {
			answer(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// close ends carry. The pipe is closed directly: Emulator.Close sets a flag
// that Emulator.Read reads without a lock.
func (s *screen) close() {
	if pipe, ok := s.emu.InputPipe().(io.Closer); ok {
		pipe.Close() //nolint:errcheck // closing an in-memory pipe cannot fail
	}
}

// step shows the beginning of b and returns how much of it. It takes little
// time: at most about one full scroll of the screen.
func (s *screen) step(b []byte) int {
	s.generation++
	if s.ground() {
		if n := s.flood(b); n > 0 {
			return n
		}
		if n := s.plain(b); n > 0 {
			return n
		}
		if n := s.wide(b); n > 0 {
			return n
		}
	}
	return s.sequence(b)
}

func (s *screen) ground() bool { return s.at.State() == parser.GroundState }

// sequence shows one control sequence, as far as b has it.
func (s *screen) sequence(b []byte) int {
	b = b[:min(len(b), sequenceStep)]
	for i, c := range b {
		s.at.Advance(c)
		if s.ground() {
			b = b[:i+1]
			break
		}
	}
	if len(b) <= 2 {
		s.altLines++ // it may be an index
		s.single(b)
	}
	s.write(b)
	if s.ground() {
		s.inside(b)
		s.purge()
	}
	return len(b)
}

// inside puts the cursor right after a sequence. To restore a saved cursor
// leaves it outside if the screen has become smaller, and does not forget that
// a wrap was pending elsewhere.
func (s *screen) inside(seq []byte) {
	last := seq[len(seq)-1]
	if last == 'm' || last == 'B' && len(seq) == 3 { // styles, and tput sgr0
		return
	}
	s.pending, s.edge = false, false
	if s.sco {
		s.sco = false
		s.write([]byte("\x1b8"))
	}
	pos := s.emu.CursorPosition()
	x, y := s.cursor()
	if x != pos.X || y != pos.Y || s.restored {
		s.place(x, y)
	}
	s.restored = false
}

// place sets the cursor, whatever the margins, and forgets a pending wrap.
func (s *screen) place(x, y int) {
	s.write([]byte(ansi.HorizontalVerticalPosition(x+1, y+1)))
}

// write gives b to the emulator. Should that panic, a new emulator takes over,
// and the screen says so.
func (s *screen) write(b []byte) {
	if s.failed {
		return
	}
	defer func() {
		if recover() != nil {
			s.failed = true
		}
	}()
	s.emu.Write(b) //nolint:errcheck // fails only once closed
}

const resetNote = "\x1b[7m[the terminal was reset: it could not show what the program sent]\x1b[m\r\n"

// settle is to be called after steps, before the screen is looked at.
func (s *screen) settle() {
	s.drain()
	if s.failed {
		s.close()
		s.start()
		s.write([]byte(resetNote))
	}
}

// drain moves the lines that left the top from the emulator, which keeps whole
// cells of more than 100 bytes, to the history.
func (s *screen) drain() {
	lines := s.emu.Scrollback().Lines()
	if len(lines) == 0 {
		return
	}
	for _, l := range lines {
		s.keep(s.drawHistoryLine(l))
	}
	s.emu.ClearScrollback()
}

func (s *screen) keep(p historyLine) {
	s.hist.push(p)
	if s.offset > 0 {
		s.offset = min(s.offset+1, s.hist.len())
	}
}

// purge drops what the emulator keeps of lines that left the alternate screen.
// It offers no way to them but erasing the whole display, so the cells are put
// aside meanwhile.
func (s *screen) purge() {
	if s.altLines < altLimit || s.failed {
		return
	}
	s.altLines = 0
	if !s.emu.IsAltScreen() {
		return
	}
	if len(s.spare) != s.cols*s.rows {
		s.spare = make([]uv.Cell, s.cols*s.rows)
	}
	s.cells(func(i int, c *uv.Cell) { s.spare[i] = *c })
	s.purging = true
	s.write([]byte("\x1b[3J"))
	s.purging = false
	s.cells(func(i int, c *uv.Cell) { *c = s.spare[i] })
}

func (s *screen) cells(f func(i int, c *uv.Cell)) {
	for y := range s.rows {
		for x := range s.cols {
			if c := s.emu.CellAt(x, y); c != nil {
				f(y*s.cols+x, c)
			}
		}
	}
}

// resize returns false if the size is the same as before.
func (s *screen) resize(size engine.Size) bool {
	cols, rows := clampSize(size)
	if cols == s.cols && rows == s.rows {
		return false
	}
	s.settle()
	s.lift(s.emu.CursorPosition().Y - rows + 1)
	s.cols, s.rows = cols, rows
	s.region = [2]bool{}
	s.spare = nil
	func() {
		defer func() { s.failed = recover() != nil }()
		s.emu.Resize(cols, rows)
	}()
	s.settle()
	s.offset = min(s.offset, s.hist.len())
	s.generation++
	return true
}

// lift moves the main screen's lines up by n and the topmost into the history,
// because the emulator would cut off the lowest ones. A full-screen program
// draws anew by itself.
func (s *screen) lift(n int) {
	if n <= 0 || s.emu.IsAltScreen() {
		return
	}
	for y := range n {
		line := make(uv.Line, s.cols)
		for x := range line {
			line[x] = *s.emu.CellAt(x, y)
		}
		s.keep(s.drawHistoryLine(line))
	}
	for y := range s.rows {
		for x := range s.cols {
			to := s.emu.CellAt(x, y)
			if from := s.emu.CellAt(x, y+n); from != nil {
				*to = *from
			} else {
				*to = uv.EmptyCell
			}
		}
	}
}

func (s *screen) scroll(lines int) {
	if s.emu.IsAltScreen() {
		return
	}
	s.offset = min(max(s.offset+lines, 0), s.hist.len())
	s.generation++
}

// cursor returns the cursor's cell.
func (s *screen) cursor() (x, y int) {
	pos := s.emu.CursorPosition()
	return min(max(pos.X, 0), s.cols-1), min(max(pos.Y, 0), s.rows-1)
}
