package plain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// maxLine is how many bytes a typed line may have.
const maxLine = 1 << 20

// talk says and asks. What a lab's shells print comes from other goroutines.
type talk struct {
	ctx        context.Context
	width      int
	repeat     bool // typed lines are not seen in out by themselves
	lines      <-chan string
	interrupts <-chan os.Signal

	mu    sync.Mutex
	out   io.Writer
	fresh bool // out is at the start of a line
	err   error
}

func newTalk(ctx context.Context, d Deps) *talk {
	t := &talk{ctx: ctx, width: d.Width, repeat: !d.Interactive, interrupts: d.Interrupts, out: d.Out, fresh: true}
	lines := make(chan string)
	t.lines = lines
	go t.listen(d.In, lines)
	return t
}

// listen hands on what is typed, a line at a time.
func (t *talk) listen(in io.Reader, lines chan<- string) {
	defer close(lines)
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, maxLine)
	for sc.Scan() {
		select {
		case lines <- strings.TrimSuffix(sc.Text(), "\r"):
		case <-t.ctx.Done():
			return
		}
	}
	if err := sc.Err(); err != nil {
		t.fail(fmt.Errorf("read what is typed: %w", err))
	}
}

func (t *talk) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

// failure is the first error of reading or writing.
func (t *talk) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// print writes text as it is.
func (t *talk) print(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(text)
}

// println writes whole lines, which begin on a line of their own.
func (t *talk) println(lines ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.fresh {
		t.write("\n")
	}
	for _, l := range lines {
		t.write(l + "\n")
	}
}

func (t *talk) write(text string) {
	if text == "" || t.err != nil {
		return
	}
	if _, err := io.WriteString(t.out, text); err != nil {
		t.err = fmt.Errorf("write: %w", err)
	}
	t.fresh = strings.HasSuffix(text, "\n")
}

// say writes sentences, wrapped.
func (t *talk) say(text string) { t.println(wrap(sentence(text), t.width)...) }

// sayf is say with a format.
func (t *talk) sayf(format string, args ...any) { t.say(fmt.Sprintf(format, args...)) }

// item writes a sentence that begins with head; its further lines are indented.
func (t *talk) item(head, text string) {
	pad := strings.Repeat(" ", len([]rune(head)))
	for i, l := range wrap(sentence(text), t.width-len(pad)) {
		if i > 0 {
			head = pad
		}
		t.println(head + l)
	}
}

// blank writes an empty line.
func (t *talk) blank() { t.println("") }

// meanwhile is what may happen while a line is waited for.
type meanwhile struct {
	news  <-chan struct{}
	heard func() (said bool) // is called for each signal on news
	stop  func() error       // is called for Ctrl-C, which then ends the waiting; may be nil
}

// errStopped says that Ctrl-C has stopped a program that waited for a line.
var errStopped = errors.New("stopped")

// ask waits for a line. The end of the input is errLeft.
func (t *talk) ask(prompt string, m meanwhile) (string, error) {
	t.prompt(prompt)
	news := m.news
	for {
		select {
		case line, ok := <-t.lines:
			return t.typed(line, ok)
		case <-t.interrupts:
			if m.stop != nil {
				return "", errors.Join(m.stop(), errStopped)
			}
			t.println("Ctrl-C stops a program in a lab's shell; none is running. To leave, type :quit.")
		case _, ok := <-news:
			if !ok {
				news = nil
			}
			if !m.heard() {
				continue
			}
		case <-t.ctx.Done():
			return "", t.ctx.Err()
		}
		t.prompt(prompt)
	}
}

// caret ends the line on which a person's terminal has just shown "^C".
func (t *talk) caret() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.repeat {
		t.write("\n")
	}
}

func (t *talk) prompt(text string) {
	t.println()
	t.print(text)
}

// typed takes in a line that has come, or the end of the input.
func (t *talk) typed(line string, ok bool) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case !ok:
		if !t.fresh {
			t.write("\n")
		}
		return "", errLeft
	case t.err != nil:
		return "", errLeft
	case t.repeat:
		t.write(line + "\n")
	}
	t.fresh = true // the terminal showed the end of the line
	return line, nil
}

// sure asks a question that only "yes" agrees to.
func (t *talk) sure(question string) (bool, error) {
	t.say(question)
	line, err := t.ask("Type yes to go on: ", meanwhile{})
	if err != nil {
		return false, err
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "yes" || answer == "y", nil
}
