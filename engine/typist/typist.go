// Package typist types a script into a shell on a terminal as a learner would:
// a line at a time, each when the shell is ready for it. It knows nothing of
// labs; it sees only what comes out of the terminal.
package typist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"underlay/engine"
)

const (
	// firstPrompt is how long a shell may take to be ready.
	firstPrompt = 30 * time.Second
	// quietFor is how long a program must be silent and waiting for input
	// before it is taken for a prompt that does not announce itself, such as sh's.
	quietFor = 150 * time.Millisecond
	// keep is how much of the end of the terminal's output is remembered.
	keep = 32 << 10
)

// Readline says "I take pasted text" with these before and after each line it
// reads: with them a shell announces that it is ready for the next one.
var (
	ready    = []byte("\x1b[?2004h")
	notReady = []byte("\x1b[?2004l")
)

// ErrEnded says that the shell ended before the script did.
var ErrEnded = errors.New("the shell has ended")

// SlowError says that a line was still running when its time was up.
type SlowError struct {
	Line  string
	After time.Duration
}

func (e *SlowError) Error() string { return fmt.Sprintf("still running after %v: %s", e.After, e.Line) }

// Typist types into one terminal.
type Typist struct {
	term engine.Terminal

	mu      sync.Mutex
	tail    []byte // the end of what came out
	typed   int    // where in tail what came after the last line that was typed begins
	scanned int    // how much of tail has been searched for the marks
	isReady bool
	readies int // how often the shell became ready
	last    time.Time
	ended   bool
	news    chan struct{}
}

// New reads the terminal from now on; nobody else may. It ends with the terminal.
func New(t engine.Terminal) *Typist {
	ty := &Typist{term: t, news: make(chan struct{}, 1), last: time.Now()}
	go ty.read()
	return ty
}

func (t *Typist) read() {
	buf := make([]byte, 8192)
	for {
		n, err := t.term.Read(buf)
		t.mu.Lock()
		t.take(buf[:n])
		t.ended = err != nil
		t.mu.Unlock()
		select {
		case t.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// take looks for the marks in what came out, of which one may be cut in two.
func (t *Typist) take(p []byte) {
	if len(p) == 0 {
		return
	}
	t.last = time.Now()
	t.tail = append(t.tail, p...)
	for {
		rest := t.tail[t.scanned:]
		on, off := bytes.Index(rest, ready), bytes.Index(rest, notReady)
		switch {
		case on < 0 && off < 0:
			t.scanned = max(t.scanned, len(t.tail)-len(ready)+1)
			if cut := len(t.tail) - keep; cut > 0 {
				t.tail = append([]byte(nil), t.tail[cut:]...)
				t.scanned = max(0, t.scanned-cut)
				t.typed = max(0, t.typed-cut)
			}
			return
		case off < 0 || (on >= 0 && on < off):
			t.isReady = true
			t.readies++
			t.scanned += on + len(ready)
		default:
			t.isReady = false
			t.scanned += off + len(notReady)
		}
	}
}

// Output returns the end of what came out of the terminal, at most 32 KiB.
func (t *Typist) Output() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.tail)
}

// Printed returns what the last line that was typed has printed so far, without
// the line itself and the prompt after it, where the shell marks them off. It
// is at most the last 32 KiB.
func (t *Typist) Printed() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.tail[t.typed:]
	if _, after, found := bytes.Cut(out, notReady); found {
		out = bytes.TrimPrefix(after, []byte("\r"))
	}
	if prompt := bytes.LastIndex(out, ready); prompt >= 0 {
		out = out[:prompt]
	}
	return string(out)
}

// WaitReady waits for the shell's first prompt.
func (t *Typist) WaitReady(ctx context.Context) error {
	return t.wait(ctx, 0, firstPrompt, "the shell's prompt")
}

// Line types one line and waits until the shell is ready for the next one, at
// most for limit.
func (t *Typist) Line(ctx context.Context, line string, limit time.Duration) error {
	t.mu.Lock()
	before, paste := t.readies, t.isReady
	t.isReady = false
	t.last = time.Now()
	t.typed = len(t.tail)
	t.mu.Unlock()
	text := line + "\r"
	if paste { // so that a tab is a tab, not a wish for completion
		text = "\x1b[200~" + line + "\x1b[201~\r"
	}
	if _, err := t.term.Write([]byte(text)); err != nil {
		return errors.Join(ErrEnded, err)
	}
	return t.wait(ctx, before, limit, line)
}

// Interrupt types Ctrl-C and waits for the prompt.
func (t *Typist) Interrupt(ctx context.Context) error {
	t.mu.Lock()
	before := t.readies
	t.mu.Unlock()
	if _, err := t.term.Write([]byte{3}); err != nil {
		return errors.Join(ErrEnded, err)
	}
	return t.wait(ctx, before, 2*time.Second, "Ctrl-C")
}

// wait returns once the shell has become ready more than before times.
func (t *Typist) wait(ctx context.Context, before int, limit time.Duration, what string) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	look := time.NewTicker(quietFor / 3)
	defer look.Stop()
	for {
		t.mu.Lock()
		done, ended, quiet := t.isReady && t.readies > before, t.ended, time.Since(t.last)
		t.mu.Unlock()
		switch {
		case done:
			return nil
		case ended:
			return ErrEnded
		case quiet >= quietFor && t.waitsForInput():
			return nil
		}
		select {
		case <-t.news:
		case <-look.C:
		case <-deadline.C:
			return &SlowError{Line: what, After: limit}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitsForInput asks the terminal, if it can tell, whether a program waits there.
func (t *Typist) waitsForInput() bool {
	w, ok := t.term.(interface{ WaitsForInput() bool })
	return ok && w.WaitsForInput()
}

// Lines splits a script into the lines to type. Comments at the start of a line
// and empty lines are left out, but not inside here-documents or quotes, which
// only the shell understands: from the first "<<" on every line is kept.
func Lines(script string) []string {
	var lines []string
	keepAll := false
	for _, l := range strings.Split(strings.TrimRight(strings.ReplaceAll(script, "\r\n", "\n"), "\n"), "\n") {
		bare := strings.TrimSpace(l)
		if !keepAll && (bare == "" || (strings.HasPrefix(bare, "#") && !strings.HasPrefix(bare, "# node:"))) {
			continue
		}
		keepAll = keepAll || strings.Contains(l, "<<")
		lines = append(lines, l)
	}
	return lines
}
