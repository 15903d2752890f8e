package journeys

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// patience is how long a journey waits for what it expects to see. It waits for
// the thing itself, never for time to pass.
const patience = 30 * time.Second

// binary is the program under test: UNDERLAY_BIN, or built once.
var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("UNDERLAY_BIN"); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "underlay-journey")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "underlay")
	cmd := exec.Command("go", "build", "-o", path, "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// traveller is a person at a terminal: it types, and waits until it sees.
type traveller struct {
	t     *testing.T
	cmd   *exec.Cmd
	tty   *os.File
	state string

	mu     sync.Mutex
	screen *vt.Emulator
	raw    []byte // the end of what came
	news   chan struct{}
	ended  chan struct{}
	err    error
}

// depart starts the program on a terminal of its own. state is the directory of
// its progress, so that a second start finds the first one's.
func depart(t *testing.T, cols, rows int, state string, args ...string) *traveller {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return departWith(t, bin, cols, rows, state, args...)
}

func departWith(t *testing.T, bin string, cols, rows int, state string, args ...string) *traveller {
	t.Helper()
	cmd := exec.Command(bin, append([]string{"--state", state}, args...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		t.Fatal(err)
	}
	tty = pollable(t, tty)
	v := &traveller{
		t: t, cmd: cmd, tty: tty, state: state,
		screen: vt.NewEmulator(cols, rows), news: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go v.watch()
	// What the emulator answers to the program's questions goes back to it.
	go func() { _, _ = io.Copy(tty, v.screen) }()
	t.Cleanup(v.end)
	return v
}

// pollable returns the same terminal as a file whose Close ends a Read, so that
// closing it hangs up at once.
func pollable(t *testing.T, f *os.File) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "terminal")
}

func (v *traveller) watch() {
	buf := make([]byte, 16<<10)
	for {
		n, err := v.tty.Read(buf)
		if n > 0 {
			v.mu.Lock()
			_, _ = v.screen.Write(buf[:n])
			v.raw = append(v.raw, buf[:n]...)
			if len(v.raw) > 64<<10 {
				v.raw = v.raw[len(v.raw)-64<<10:]
			}
			v.mu.Unlock()
		}
		select {
		case v.news <- struct{}{}:
		default:
		}
		if err != nil {
			break
		}
	}
	v.err = v.cmd.Wait()
	close(v.ended)
}

func (v *traveller) end() {
	select {
	case <-v.ended:
	default:
		_ = v.cmd.Process.Signal(syscall.SIGKILL)
		<-v.ended
	}
	_ = v.tty.Close()
}

// sees returns the screen's text.
func (v *traveller) sees() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.screen.String()
}

// said returns the end of what the program sent to the terminal, as it came.
func (v *traveller) said() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return string(v.raw)
}

// until waits until the screen satisfies ok, or fails the journey.
func (v *traveller) until(what string, ok func(screen string) bool) string {
	v.t.Helper()
	deadline := time.After(patience)
	for {
		s := v.sees()
		if ok(s) {
			return s
		}
		select {
		case <-v.news:
		case <-v.ended:
			if s := v.sees(); ok(s) {
				return s
			}
			v.t.Fatalf("the program ended (%v) before %s; the screen:\n%s", v.err, what, v.sees())
		case <-deadline:
			v.t.Fatalf("never saw %s; the screen:\n%s", what, v.sees())
		}
	}
}

// untilText waits until every one of these is on the screen.
func (v *traveller) untilText(parts ...string) string {
	v.t.Helper()
	return v.until(fmt.Sprintf("%q", parts), func(s string) bool {
		for _, p := range parts {
			if !strings.Contains(s, p) {
				return false
			}
		}
		return true
	})
}

// insists presses a key again and again until it has had its effect. A dialog that
// opens by itself lets keys that were still meant for the shell go by.
func (v *traveller) insists(key, what string, ok func(screen string) bool) {
	v.t.Helper()
	again := time.NewTicker(2 * time.Second)
	defer again.Stop()
	deadline := time.After(patience)
	v.types(key)
	for !ok(v.sees()) {
		select {
		case <-v.news:
		case <-again.C:
			v.types(key)
		case <-deadline:
			v.t.Fatalf("%q did not lead to %s; the screen:\n%s", key, what, v.sees())
		}
	}
}

// types sends keys as they come from a keyboard.
func (v *traveller) types(keys string) {
	v.t.Helper()
	if _, err := v.tty.WriteString(keys); err != nil {
		v.t.Fatal(err)
	}
}

// command types a line into the shell pane and presses Enter.
func (v *traveller) command(line string) {
	v.t.Helper()
	v.types(line + "\r")
}

// untilEnd waits until the program has ended and returns its exit code.
func (v *traveller) untilEnd() int {
	v.t.Helper()
	select {
	case <-v.ended:
	case <-time.After(patience):
		v.t.Fatalf("the program did not end; the screen:\n%s", v.sees())
	}
	return v.cmd.ProcessState.ExitCode()
}

// Keys by their names.
const (
	enter  = "\r"
	escape = "\x1b"
	f2     = "\x1bOQ"
	f3     = "\x1bOR"
	f5     = "\x1b[15~"
	f7     = "\x1b[18~"
	f9     = "\x1b[20~"
	f10    = "\x1b[21~"
	f12    = "\x1b[24~"
)
