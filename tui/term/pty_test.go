package term

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"underlay/engine"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// ptyTerm is a program on a real pty.
type ptyTerm struct {
	*os.File
	cmd *exec.Cmd
}

func (t *ptyTerm) Node() string { return "test" }

func (t *ptyTerm) Resize(s engine.Size) error {
	conn, err := t.SyscallConn()
	if err != nil {
		return err
	}
	set := func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(s.Cols), Row: uint16(s.Rows)})
	}
	return errors.Join(conn.Control(set), err)
}

func (t *ptyTerm) Close() error {
	err := t.File.Close()
	t.cmd.Process.Kill() //nolint:errcheck // it may have ended
	t.cmd.Wait()         //nolint:errcheck // killed
	return err
}

// start runs a program in a pane of the given size.
func start(t testing.TB, size engine.Size, name string, args ...string) *Pane {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8", "HOME=" + cmd.Dir, "PS1=$ ", "LESS="}
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(size.Cols), Rows: uint16(size.Rows)})
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	// creack/pty leaves the file in blocking mode, in which Close does not end
	// a Read or a Write.
	fd, err := unix.Dup(int(f.Fd()))
	if err = errors.Join(err, f.Close()); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	p := New(7, &ptyTerm{File: os.NewFile(uintptr(fd), "pty"), cmd: cmd}, size, Options{})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

func bash(t testing.TB, size engine.Size) *Pane {
	t.Helper()
	p := start(t, size, "bash", "--norc", "--noprofile")
	await(t, p, "a prompt", func() bool { return strings.HasPrefix(p.Text(), "$") })
	return p
}

// await follows the pane's frames until ok.
func await(t testing.TB, p *Pane, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !ok() {
		got := make(chan tea.Msg, 1)
		go func() { got <- p.Wait()() }()
		select {
		case msg := <-got:
			if e, exited := msg.(Exited); exited && !ok() {
				t.Fatalf("program ended (%v) before %s; screen:\n%s", e.Err, what, p.Text())
			}
		case <-deadline:
			t.Fatalf("no %s; screen:\n%s", what, p.Text())
		}
	}
}

func awaitText(t testing.TB, p *Pane, text string) {
	t.Helper()
	await(t, p, text, func() bool { return strings.Contains(p.Text(), text) })
}

func typeIn(t testing.TB, p *Pane, text string) {
	t.Helper()
	for _, r := range text {
		key := tea.Key{Code: r, Text: string(r)}
		switch r {
		case '\r':
			key = tea.Key{Code: tea.KeyEnter}
		case '\x1b':
			key = tea.Key{Code: tea.KeyEscape}
		}
		if cmd := p.Update(tea.KeyPressMsg(key)); cmd != nil {
			t.Fatalf("key %q was refused: %v", r, cmd())
		}
	}
}

func press(t testing.TB, p *Pane, code rune, mod tea.KeyMod) {
	t.Helper()
	if cmd := p.Update(tea.KeyPressMsg{Code: code, Mod: mod}); cmd != nil {
		t.Fatalf("key was refused: %v", cmd())
	}
}

var std = engine.Size{Cols: 80, Rows: 24}

func TestBash(t *testing.T) {
	p := bash(t, std)
	typeIn(t, p, "echo a$((40+2))z\r")
	awaitText(t, p, "a42z")
	await(t, p, "the next prompt", func() bool {
		x, y, visible := p.Cursor()
		return x == 2 && y == 2 && visible
	})
	typeIn(t, p, "printf '\\033]0;a;b\\007'; exit 3\r")
	if msg := exited(t, p); msg.Err != nil || msg.ID != 7 {
		t.Errorf("exited = %+v", msg)
	}
	if p.Title() != "a;b" {
		t.Errorf("title = %q", p.Title())
	}
	if _, _, visible := p.Cursor(); visible {
		t.Error("a cursor is shown after the end")
	}
}

func exited(t testing.TB, p *Pane) Exited {
	t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		got := make(chan tea.Msg, 1)
		go func() { got <- p.Wait()() }()
		select {
		case msg := <-got:
			if e, ok := msg.(Exited); ok {
				return e
			}
		case <-time.After(patience):
		}
	}
	t.Fatalf("the program did not end; screen:\n%s", p.Text())
	return Exited{}
}

func TestVim(t *testing.T) {
	p := bash(t, std)
	typeIn(t, p, "vim -u NONE -N note.txt\r")
	await(t, p, "vim", func() bool { return p.AltScreen() && strings.Contains(p.Text(), "~\n~") })
	typeIn(t, p, "ihello wörld\r漢字")
	awaitText(t, p, "漢字")
	if lines := strings.Split(p.Text(), "\n"); lines[0] != "hello wörld" || lines[1] != "漢字" {
		t.Errorf("screen:\n%s", p.Text())
	}
	press(t, p, tea.KeyHome, 0)
	typeIn(t, p, "X")
	awaitText(t, p, "X漢字")
	typeIn(t, p, "\x1b:wq\r")
	await(t, p, "the main screen", func() bool { return !p.AltScreen() })
	if !strings.HasPrefix(p.Text(), "$ vim -u NONE") {
		t.Errorf("main screen not restored:\n%s", p.Text())
	}
	typeIn(t, p, "cat note.txt\r")
	awaitText(t, p, "X漢字\n$")
}

func TestVimThenSmaller(t *testing.T) {
	p := bash(t, std)
	typeIn(t, p, "seq 50; vim -u NONE -N\r")
	await(t, p, "vim", func() bool { return p.AltScreen() && strings.Contains(p.Text(), "~\n~") })
	p.Resize(engine.Size{Cols: 40, Rows: 8})
	await(t, p, "vim at the new size", func() bool { return strings.Count(p.Text(), "~") <= 7 })
	typeIn(t, p, ":q!\r")
	await(t, p, "the main screen", func() bool { return !p.AltScreen() })
	typeIn(t, p, "echo vis''ible\r")
	awaitText(t, p, "visible")
}

func TestLess(t *testing.T) {
	p := bash(t, std)
	typeIn(t, p, "seq 1000 | less\r")
	await(t, p, "the first page", func() bool { return strings.HasPrefix(p.Text(), "1\n2\n") })
	typeIn(t, p, " ")
	await(t, p, "the second page", func() bool { return strings.HasPrefix(p.Text(), "24\n") })
	press(t, p, tea.KeyUp, 0)
	await(t, p, "one line up", func() bool { return strings.HasPrefix(p.Text(), "23\n") })
	p.Update(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	await(t, p, "the wheel", func() bool { return strings.HasPrefix(p.Text(), "26\n") })
	typeIn(t, p, "G")
	awaitText(t, p, "\n1000\n")
	typeIn(t, p, "q")
	await(t, p, "the main screen", func() bool { return strings.HasPrefix(p.Text(), "$ seq") && !p.AltScreen() })
	if _, total := p.Scrolled(); total != 0 {
		t.Errorf("the pager left %d lines in the history", total)
	}
}

func TestTmux(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed")
	}
	p := start(t, std, "tmux", "-S", t.TempDir()+"/s", "-f", "/dev/null", "new-session", "-s", "inner", "exec sh")
	awaitText(t, p, "[inner]")
	typeIn(t, p, "echo in$((1+1))side\r")
	awaitText(t, p, "in2side")
	if lines := strings.Split(p.Text(), "\n"); !strings.Contains(lines[23], "[inner]") {
		t.Errorf("the status line is not the last:\n%s", p.Text())
	}
	typeIn(t, p, "exit\r")
	exited(t, p)
}

func TestTput(t *testing.T) {
	p := bash(t, std)
	typeIn(t, p, "clear; tput cup 9 19; tput setaf 1; printf there; tput sgr0; tput cup 20 0; tput civis\r")
	await(t, p, "text at 10,20", func() bool {
		return strings.HasPrefix(strings.Split(p.Text(), "\n")[9], strings.Repeat(" ", 19)+"there")
	})
	if !strings.Contains(p.View(), "\x1b[31mthere") {
		t.Errorf("not red: %q", p.View())
	}
	await(t, p, "a hidden cursor", func() bool { _, _, visible := p.Cursor(); return !visible })
}

func TestResizeReachesTheProgram(t *testing.T) {
	p := bash(t, std)
	typeIn(t, p, "seq 100\r")
	awaitText(t, p, "\n100\n$")
	p.Resize(engine.Size{Cols: 33, Rows: 7})
	if got := strings.Split(p.Text(), "\n"); len(got) != 7 || got[5] != "100" || got[6] != "$" {
		t.Errorf("after the resize:\n%s", p.Text())
	}
	checkShape(t, p.View(), 33, 7)
	awaitText(t, p, "$")
	typeIn(t, p, "stty size\r")
	awaitText(t, p, "7 33\n$")
	p.Resize(engine.Size{Cols: 120, Rows: 40})
	typeIn(t, p, "clear; stty size\r")
	awaitText(t, p, "40 120")
	checkShape(t, p.View(), 120, 40)
}

func TestBracketedPasteIntoBash(t *testing.T) {
	p := bash(t, std)
	await(t, p, "bracketed paste", func() bool { return p.scr.has(modePaste) })
	p.Update(tea.PasteMsg{Content: "echo one\necho \x1b[201~two\n"})
	// Both lines lie on the command line, and none has run.
	awaitText(t, p, "[201~two")
	if strings.Contains(p.Text(), "\none") {
		t.Errorf("the paste was run:\n%s", p.Text())
	}
	typeIn(t, p, "\r")
	await(t, p, "the output", func() bool { return strings.Contains(p.Text(), "\none\n") })
}

func TestMouseReachesTheProgram(t *testing.T) {
	p := start(t, std, "sh", "-c", `stty -echo -icanon min 1; printf '\033[?1002h\033[?1006hready'; head -c 18 | od -An -c`)
	awaitText(t, p, "ready")
	await(t, p, "the wish for a mouse", p.WantsMouse)
	p.Update(tea.MouseClickMsg{X: 4, Y: 2, Button: tea.MouseLeft})
	p.Update(tea.MouseReleaseMsg{X: 5, Y: 3, Button: tea.MouseLeft})
	await(t, p, "the bytes", func() bool {
		text := strings.Join(strings.Fields(p.Text()), "")
		return strings.Contains(text, "033[<0;5;3M033[<0;6;4m")
	})
}

func TestAnswersReachTheProgram(t *testing.T) {
	p := start(t, std, "bash", "--norc", "-c",
		`printf '\033[5;9H\033[6n'; IFS= read -rsdR pos; printf '\nat %q\n' "$pos"; printf '\033[c'; IFS= read -rsdc da; printf 'is %q\n' "$da"`)
	awaitText(t, p, `at $'\E[5;9'`)
	awaitText(t, p, `is $'\E[?62;`)
}

func TestCloseEndsEverything(t *testing.T) {
	p := start(t, std, "sh", "-c", "while :; do echo y; done")
	awaitText(t, p, "y\ny")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if e := exited(t, p); e.Err != nil {
		t.Errorf("exit after close: %v", e.Err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if cmd := p.Update(tea.KeyPressMsg{Code: 'x', Text: "x"}); cmd != nil {
		t.Errorf("a key after the end: %v", cmd())
	}
}

// brokenTerm fails to read with an error that is no end of file.
type brokenTerm struct{ err error }

func (b brokenTerm) Read([]byte) (int, error)    { return 0, b.err }
func (b brokenTerm) Write(p []byte) (int, error) { return len(p), nil }
func (b brokenTerm) Close() error                { return nil }
func (b brokenTerm) Resize(engine.Size) error    { return nil }
func (b brokenTerm) Node() string                { return "broken" }

func TestReadErrorIsReported(t *testing.T) {
	cause := errors.New("the wire was cut")
	p := New(3, brokenTerm{cause}, std, Options{})
	defer p.Close() //nolint:errcheck // checked elsewhere
	if e := exited(t, p); !errors.Is(e.Err, cause) || e.ID != 3 {
		t.Errorf("exited = %+v", e)
	}
}

func TestScrollbackOfAPane(t *testing.T) {
	p := bash(t, std)
	typeIn(t, p, "seq 200\r")
	awaitText(t, p, "\n200\n$")
	p.Update(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	if offset, total := p.Scrolled(); offset != wheelLines || total < 170 {
		t.Errorf("scrolled %d of %d", offset, total)
	}
	p.Scroll(10000)
	if !strings.HasPrefix(p.Text(), "$ seq 200\n1\n2\n") || !strings.HasPrefix(p.History(), "$ seq 200\n1\n2\n") {
		t.Errorf("the oldest lines:\n%s", p.Text())
	}
	if _, _, visible := p.Cursor(); visible {
		t.Error("the cursor is shown in the history")
	}
	typeIn(t, p, "#")
	if offset, _ := p.Scrolled(); offset != 0 {
		t.Errorf("typing leaves the view %d lines up", offset)
	}
	awaitText(t, p, "$ #")
}

// TestNeverBlocks types and pastes at a program that reads nothing.
func TestNeverBlocks(t *testing.T) {
	p := start(t, std, "sh", "-c", "stty raw -echo; echo ready; exec sleep 1000")
	awaitText(t, p, "ready")
	var lost int
	for range 40 {
		if cmd := p.Update(tea.PasteMsg{Content: strings.Repeat("x", 100<<10)}); cmd != nil {
			d, ok := cmd().(Dropped)
			if !ok || d.ID != 7 {
				t.Fatalf("got %+v", cmd())
			}
			lost += d.Bytes
		}
	}
	if lost < 1<<20 {
		t.Errorf("of 4 MB, %d bytes were refused", lost)
	}
	press(t, p, 'c', tea.ModCtrl)
	checkShape(t, p.View(), 80, 24)
}
