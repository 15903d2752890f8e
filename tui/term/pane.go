// Package term shows a program that runs on a pty inside a Bubble Tea screen:
// a true terminal emulator, so that editors, pagers, colours, the mouse and
// bracketed paste work.
//
// A Pane owns one engine.Terminal. One goroutine reads and parses the
// program's output, one writes the keyboard, one carries the emulator's
// answers to queries and one passes on window sizes; nothing that the UI
// thread calls waits for the program. Output that cannot be parsed fast enough
// stays in the pty, so that the kernel holds the program back.
//
// The package does not know what a lab is, nor where on the screen a pane lies.
package term

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"underlay/engine"
)

// Frame says that the screen of pane ID changed. Frames coalesce: after one,
// View shows everything up to then, and at most 60 are sent in a second.
type Frame struct{ ID int }

// Exited says that the program in pane ID has ended, or that the pane was
// closed. Err is nil when the terminal simply came to its end. It is sent once
// to each Wait that follows; there is nothing more to wait for after it.
type Exited struct {
	ID  int
	Err error
}

// Dropped says that Bytes bytes of input to pane ID were thrown away because
// the program inside has not read what came before (see Pane.Update).
type Dropped struct{ ID, Bytes int }

// Options changes how a pane behaves. The zero value is ready to use.
type Options struct {
	// NoColor leaves out foreground, background and underline colours. Bold,
	// reverse, underline and the other attributes stay.
	NoColor bool
	// Scrollback is how many lines that left the top are kept: 0 means
	// DefaultScrollback. However long the lines, they take at most 16 MiB.
	Scrollback int
	// Foreground and Background are what a program is told when it asks for
	// the default colours. While nil, the question goes unanswered.
	Foreground, Background color.Color
}

// DefaultScrollback is how many lines of history a pane keeps.
const DefaultScrollback = 5000

const (
	frameInterval = time.Second / 60
	// holdLimit is how long the screen's lock may be held at a time.
	holdLimit = time.Millisecond
	// closeLimit is how long Close waits for the pane's goroutines.
	closeLimit = 2 * time.Second
	// wheelLines is how far one notch of the mouse wheel goes.
	wheelLines = 3
)

// Pane is one terminal. Its methods may be called from any goroutine; none of
// them but Close waits for the program inside.
type Pane struct {
	id   int
	term engine.Terminal

	mu   sync.Mutex // guards scr, view, seen and errs
	scr  *screen
	view string // what View returned last
	seen uint64 // the generation of the screen that it shows
	errs []error

	in     *queue
	frames *throttle
	sizes  chan engine.Size
	mouse  mouseState

	stop sync.Once
	quit chan struct{} // closed by Close
	gone chan struct{} // closed when the reader has ended
	exit error         // why, once gone is closed
	work sync.WaitGroup
}

// New starts a pane of the given size on t, and from then on owns t. The size
// is passed on to t. Closing t must end a Read and a Write that are under way,
// as with an os.File in non-blocking mode.
func New(id int, t engine.Terminal, size engine.Size, opt Options) *Pane {
	p := &Pane{
		id:     id,
		term:   t,
		in:     newQueue(),
		frames: newThrottle(frameInterval),
		sizes:  make(chan engine.Size, 1),
		quit:   make(chan struct{}),
		gone:   make(chan struct{}),
	}
	p.scr = newScreen(size, opt, func(b []byte) { p.in.put(b, answerLimit) })
	p.seen = p.scr.generation - 1
	p.sizes <- p.scr.size()
	p.work.Go(p.read)
	p.work.Go(p.write)
	p.work.Go(p.resizes)
	return p
}

// Wait returns a command that yields the next Frame, or Exited. Call it again
// after each Frame.
func (p *Pane) Wait() tea.Cmd {
	return func() tea.Msg {
		select {
		case <-p.frames.ready:
			return Frame{p.id}
		default:
		}
		select {
		case <-p.frames.ready:
			return Frame{p.id}
		case <-p.gone:
			return Exited{p.id, p.exit}
		}
	}
}

// read parses the program's output until there is no more.
func (p *Pane) read() {
	defer close(p.gone)
	defer p.in.close()
	var r chunker
	for {
		data, err := r.next(p.term)
		began := time.Now()
		p.parse(data)
		r.took(len(data), time.Since(began))
		if err != nil {
			p.parse(r.rest())
			p.exit = p.ending(err)
			return
		}
	}
}

// parse shows data, holding the lock only for short whiles.
func (p *Pane) parse(data []byte) {
	for len(data) > 0 {
		p.mu.Lock()
		began := time.Now()
		for len(data) > 0 && time.Since(began) < holdLimit {
			data = data[p.scr.step(data):]
		}
		p.scr.settle()
		p.mu.Unlock()
		p.frames.mark()
	}
}

// ending turns the error that ended the reader into the one to report. A pty
// whose last program has gone fails with EIO.
func (p *Pane) ending(err error) error {
	p.mu.Lock()
	errs := p.errs
	p.mu.Unlock()
	if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EIO) && !errors.Is(err, os.ErrClosed) && !p.closing() {
		errs = append(errs, fmt.Errorf("read from the terminal: %w", err))
	}
	return errors.Join(errs...)
}

func (p *Pane) closing() bool {
	select {
	case <-p.quit:
		return true
	default:
		return false
	}
}

// write passes the keyboard on to the program.
func (p *Pane) write() {
	for {
		b, ok := p.in.take()
		if !ok {
			return
		}
		if _, err := p.term.Write(b); err != nil {
			p.in.close()
			return // the reader learns the same, and says so
		}
	}
}

// resizes passes window sizes on to the program, the newest only.
func (p *Pane) resizes() {
	for {
		select {
		case <-p.gone:
			return
		case <-p.quit:
			return
		case size := <-p.sizes:
			if err := p.term.Resize(size); err != nil && !p.closing() {
				p.mu.Lock()
				p.errs = []error{fmt.Errorf("resize the terminal: %w", err)}
				p.mu.Unlock()
			}
		}
	}
}

// Resize changes the size of the screen and tells the program (SIGWINCH). A
// size below one cell counts as one cell. Lines that no longer fit above the
// cursor go to the history; lines are not wrapped anew.
func (p *Pane) Resize(size engine.Size) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.scr.resize(size) {
		return
	}
	select {
	case <-p.sizes: // not yet passed on: superseded
	default:
	}
	p.sizes <- p.scr.size()
}

// View returns the screen: exactly as many lines as the pane has rows, each
// exactly as many cells wide as it has columns, styled with SGR sequences that
// are reset at each line's end. While scrolled it shows the history.
func (p *Pane) View() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen != p.scr.generation {
		p.view, p.seen = p.scr.render(), p.scr.generation
	}
	return p.view
}

// Text returns what View shows as plain text: as many lines as there are
// rows, without trailing blanks.
func (p *Pane) Text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scr.text()
}

// History returns the lines that left the top of the screen, oldest first, as
// plain text.
func (p *Pane) History() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for i := range p.scr.hist.len() {
		b.WriteString(ansi.Strip(p.scr.hist.line(i).text) + "\n")
	}
	return b.String()
}

// Cursor returns the cell of the cursor, relative to the pane, and whether it
// is to be seen: not when the program hides it, while scrolled, or at the end.
func (p *Pane) Cursor() (x, y int, visible bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, y = p.scr.cursor()
	visible = p.scr.has(modeCursor) && p.scr.shown() == 0
	select {
	case <-p.gone:
		visible = false
	default:
	}
	return x, y, visible
}

// CursorShape returns the shape that the program asked for.
func (p *Pane) CursorShape() (shape tea.CursorShape, blink bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scr.shape, p.scr.blink
}

// Scroll moves the view into the history, up when lines > 0. The view stays on
// the same lines while output arrives; typing returns to the bottom. It does
// nothing while the program uses the alternate screen, which has no history.
func (p *Pane) Scroll(lines int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scr.scroll(lines)
}

// Scrolled returns how many lines the view is above the bottom, and how many
// there are in the history.
func (p *Pane) Scrolled() (offset, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scr.shown(), p.scr.hist.len()
}

// WantsMouse reports whether the program has asked for mouse events.
func (p *Pane) WantsMouse() bool { return p.scr.has(modeMouseAll) }

// AltScreen reports whether the program uses the alternate screen, as editors
// and pagers do.
func (p *Pane) AltScreen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scr.emu.IsAltScreen()
}

// Title returns the window title that the program set, without control
// characters and at most 200 characters long.
func (p *Pane) Title() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.scr.title
}

// Close hangs the terminal up, which ends the program inside, and waits for
// the pane's goroutines. It is safe to call more than once.
func (p *Pane) Close() error {
	var err error
	p.stop.Do(func() {
		close(p.quit)
		p.in.close()
		if e := p.term.Close(); e != nil && !errors.Is(e, os.ErrClosed) {
			err = fmt.Errorf("close the terminal: %w", e)
		}
		done := make(chan struct{})
		go func() { p.work.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(closeLimit):
			err = errors.Join(err, errors.New("the terminal did not stop reading and writing after it was closed"))
		}
		p.frames.stop()
		p.mu.Lock()
		p.scr.close()
		p.mu.Unlock()
	})
	return err
}
