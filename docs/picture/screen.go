package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// screen is a running program and the terminal it draws on.
type screen struct {
	cmd   *exec.Cmd
	tty   *os.File
	news  chan struct{} // something was drawn
	ended chan struct{}

	mu  sync.Mutex
	emu *vt.Emulator
}

// open starts a program on a new terminal.
func open(bin string, args ...string) (*screen, error) {
	cmd := exec.Command(bin, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: columns, Rows: rows})
	if err != nil {
		return nil, err
	}
	s := &screen{
		cmd: cmd, tty: tty, emu: vt.NewEmulator(columns, rows),
		news: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go s.watch()
	// What the emulator answers to the program's questions goes back to it.
	go func() { _, _ = io.Copy(tty, s.emu) }()
	return s, nil
}

func (s *screen) watch() {
	defer close(s.ended)
	buf := make([]byte, 16<<10)
	for {
		n, err := s.tty.Read(buf)
		s.mu.Lock()
		_, _ = s.emu.Write(buf[:n])
		s.mu.Unlock()
		select {
		case s.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// close ends the program. Its lab ends with it.
func (s *screen) close() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
	_ = s.tty.Close()
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emu.String()
}

// until waits until a condition holds. It looks each time something is drawn.
func (s *screen) until(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !holds() {
		select {
		case <-s.news:
		case <-s.ended:
			return fmt.Errorf("the program ended before %s:\n%s", what, s.text())
		case <-ctx.Done():
			return fmt.Errorf("never saw %s (%w):\n%s", what, ctx.Err(), s.text())
		}
	}
	return nil
}

// command types a line into the shell and waits for it to be done.
func (s *screen) command(ctx context.Context, line string) error {
	before := s.prompts()
	if _, err := s.tty.WriteString(line + "\r"); err != nil {
		return err
	}
	if line == "clear" {
		return s.until(ctx, "an empty shell", func() bool { return s.atPrompt() && s.prompts() == 1 })
	}
	return s.until(ctx, "the end of "+line, func() bool {
		return s.atPrompt() && s.prompts() > before && strings.Contains(s.text(), "# "+line[:8])
	})
}

var (
	prompt     = regexp.MustCompile(`(?m)^ ?[a-z0-9-]+:\S*#`)
	lastPrompt = regexp.MustCompile(`^ ?[a-z0-9-]+:\S*#$`)
)

// shell returns the rows of the shell's pane, which is right of the divider.
func (s *screen) shell() []string {
	var out []string
	for _, row := range strings.Split(s.text(), "\n") {
		if _, right, ok := strings.Cut(row, "│"); ok {
			out = append(out, strings.TrimRight(right, " "))
		}
	}
	return out
}

func (s *screen) prompts() int {
	return len(prompt.FindAllString(strings.Join(s.shell(), "\n"), -1))
}

// atPrompt says whether the last row in use in the shell is an empty prompt.
func (s *screen) atPrompt() bool {
	last := ""
	for _, row := range s.shell() {
		if row != "" {
			last = row
		}
	}
	return lastPrompt.MatchString(last)
}
