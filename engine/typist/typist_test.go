package typist

import (
	"io"
	"strings"
	"testing"
	"time"

	"underlay/engine"
)

// shell answers each typed line as bash does, with what say makes of it.
type shell struct {
	*io.PipeReader
	out *io.PipeWriter
	say func(line string) string
}

const prompt = "\x1b[?2004hhost:~# "

func newShell(say func(line string) string) *shell {
	s := &shell{say: say}
	s.PipeReader, s.out = io.Pipe()
	go s.print(prompt)
	return s
}

// print writes; a reader that has gone away ends it.
func (s *shell) print(text string) { _, _ = io.WriteString(s.out, text) }

func (s *shell) Write(p []byte) (int, error) {
	line := strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "", "\r", "").Replace(string(p))
	go s.print(line + "\r\n\x1b[?2004l\r" + s.say(line) + prompt)
	return len(p), nil
}

func (s *shell) Resize(engine.Size) error { return nil }
func (s *shell) Node() string             { return "host" }

func TestPrintedIsWhatTheLastLinePrinted(t *testing.T) {
	long := strings.Repeat("0123456789abcde\n", keep/8)
	s := newShell(func(line string) string {
		switch line {
		case "quiet":
			return ""
		case "long":
			return long
		}
		return "heard " + line + "\r\n"
	})
	ty := New(s)
	t.Cleanup(func() { _ = s.Close() })
	if err := ty.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ line, want string }{
		{"one", "heard one\r\n"}, {"quiet", ""}, {"two", "heard two\r\n"}, {"long", ""}, {"three", "heard three\r\n"},
	} {
		if err := ty.Line(t.Context(), test.line, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		got := ty.Printed()
		if test.line == "long" {
			if len(got) < keep/2 || len(got) > keep || !strings.HasSuffix(long, got) {
				t.Errorf("of a long output %d bytes are left, beginning with %.40q", len(got), got)
			}
			continue
		}
		if got != test.want {
			t.Errorf("%q printed %q, want %q", test.line, got, test.want)
		}
	}
}
