package plain

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"underlay/engine"
)

const (
	// promptTime is how long a shell that reads a line may take to show its prompt.
	promptTime = 100 * time.Millisecond
	// maxPending is how much output without the end of a line is kept back.
	maxPending = 64 << 10
)

// tap reads along what comes out of a terminal, takes out what only a screen
// can show, and hands on the rest in lines. A shell that edits lines says when
// it begins and ends to read one; what comes between is its prompt and the echo of
// what was typed, which are left out.
type tap struct {
	engine.Terminal
	line func(text string) // is called for each line

	mu      sync.Mutex
	pending []byte // what is not handed on yet
	mute    bool   // nothing is handed on
	reading bool   // the shell reads a line
	typed   bool   // and it has been typed
	full    bool   // a program draws on the whole screen
	echo    string // what the terminal will repeat if no shell reads it
	news    chan struct{}
}

func newTap(t engine.Terminal, line func(string)) *tap {
	return &tap{Terminal: t, line: line, mute: true, news: make(chan struct{}, 1)}
}

// Read implements io.Reader.
func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Terminal.Read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.take(p[:n])
	if err != nil && !t.reading {
		t.emit(t.pending)
		t.pending = nil
	}
	select {
	case t.news <- struct{}{}:
	default:
	}
	return n, err
}

// WaitsForInput says whether a program waits for input, if the terminal can tell.
func (t *tap) WaitsForInput() bool {
	w, ok := t.Terminal.(interface{ WaitsForInput() bool })
	return ok && w.WaitsForInput()
}

// The marks in a terminal's output that matter here.
var marks = []struct {
	seq []byte
	met func(t *tap, before []byte)
}{
	{[]byte("\n"), (*tap).endOfLine},
	{[]byte("\x1b[?2004h"), (*tap).beginsToRead},
	{[]byte("\x1b[?2004l"), func(t *tap, _ []byte) { t.reading = false }},
	{[]byte("\x1b[?1049h"), (*tap).wantsScreen},
	{[]byte("\x1b[?1049l"), func(t *tap, _ []byte) { t.full = false }},
}

// take hands on what is complete.
func (t *tap) take(p []byte) {
	t.pending = append(t.pending, p...)
	for {
		first, at := -1, len(t.pending)
		for i, m := range marks {
			if j := bytes.Index(t.pending[:at], m.seq); j >= 0 {
				first, at = i, j
			}
		}
		if first < 0 {
			break
		}
		m := marks[first]
		before := t.pending[:at]
		t.pending = t.pending[at+len(m.seq):]
		m.met(t, before)
	}
	if len(t.pending) > maxPending {
		if !t.reading {
			t.emit(t.pending)
		}
		t.pending = nil
	}
}

// endOfLine hands on a line. While a shell reads, it comes from a program in the
// background, unless it is the echo of what was typed.
func (t *tap) endOfLine(before []byte) {
	if t.reading {
		if text := shellPrompt().ReplaceAllString(clean(before), ""); !t.typed && strings.TrimSpace(text) != "" {
			t.hand(text)
		}
		return
	}
	if text := clean(before); t.echo != "" && text == t.echo {
		t.echo = ""
		return
	}
	t.hand(clean(before))
}

func (t *tap) beginsToRead(before []byte) {
	if !t.reading {
		t.emit(before)
	}
	t.reading, t.typed, t.echo, t.full = true, false, "", false
}

func (t *tap) wantsScreen([]byte) {
	if !t.full {
		t.hand("This program draws on the whole screen, which cannot be shown in lines. Ctrl-C stops it; pressed again, it ends the shell, too.")
	}
	t.full = true
}

// emit hands on the part of a line that has no end.
func (t *tap) emit(p []byte) {
	if text := clean(p); strings.TrimSpace(text) != "" && text != t.echo {
		t.hand(text)
	}
}

func (t *tap) hand(text string) {
	if !t.mute && !t.full {
		t.line(text)
	}
}

// typing says that a line is about to be typed.
func (t *tap) typing(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mute = false
	if t.reading {
		t.typed = true
	} else {
		t.echo = line
	}
}

// shellPrompt is the prompt of a lab's shell: "NODE:DIRECTORY# ".
var shellPrompt = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([A-Za-z0-9._-]+):\S*# ?`) })

// prompt says what to ask the learner for the next line with: the name of the node
// where the shell is, or what the program that waits has asked. top says that a
// shell waits for a command.
func (t *tap) prompt(node string) (text string, top bool) {
	late := time.NewTimer(promptTime)
	defer late.Stop()
	for {
		t.mu.Lock()
		reading, shown := t.reading, clean(t.pending)
		if !reading {
			t.pending = nil
		}
		t.mu.Unlock()
		switch m := shellPrompt().FindStringSubmatch(shown); {
		case !reading && strings.TrimSpace(shown) == "":
			return node + " input> ", false
		case !reading:
			return shown, false
		case m != nil:
			return m[1] + "> ", true
		case strings.TrimSpace(shown) != "":
			return shown, false
		}
		select {
		case <-t.news:
		case <-late.C:
			return node + "> ", true
		}
	}
}

// clean is a line as a terminal would show it in the end: without escape
// sequences, and with carriage returns and backspaces carried out.
func clean(p []byte) string {
	var line []rune
	col := 0
	for _, r := range ansi.Strip(string(p)) {
		switch {
		case r == '\r':
			col = 0
		case r == '\b':
			col = max(0, col-1)
		case r < ' ' && r != '\t', r == 0x7f:
		case col < len(line):
			line[col] = r
			col++
		default:
			line = append(line, r)
			col++
		}
	}
	return string(line)
}
