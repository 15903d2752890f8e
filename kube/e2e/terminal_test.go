package e2e

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"underlay/kube/internal/netns"
)

// terminal is kubectl on a terminal of 30 lines and 100 columns.
type terminal struct {
	master *os.File
	cmd    *exec.Cmd

	mu    sync.Mutex
	text  strings.Builder
	news  chan struct{}
	ended chan struct{}
}

func (c *cluster) onTerminal(t *testing.T, args ...string) *terminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 30, Cols: 100}); err != nil {
		t.Fatal(err)
	}
	cmd := c.command(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := netns.Do(netns.Path("control"), cmd.Start); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	tty := &terminal{master: master, cmd: cmd, news: make(chan struct{}, 1), ended: make(chan struct{})}
	go tty.read()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = master.Close()
	})
	return tty
}

func (tty *terminal) read() {
	defer close(tty.ended)
	buf := make([]byte, 4096)
	for {
		n, err := tty.master.Read(buf)
		tty.mu.Lock()
		tty.text.Write(buf[:n])
		tty.mu.Unlock()
		select {
		case tty.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (tty *terminal) types(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(tty.master, text); err != nil {
		t.Fatalf("type %q: %v; the screen: %q", text, err, tty.screen())
	}
}

func (tty *terminal) screen() string {
	tty.mu.Lock()
	defer tty.mu.Unlock()
	return tty.text.String()
}

// hasShown waits for text for as long as limit.
func (tty *terminal) hasShown(text string, limit time.Duration) bool {
	late := time.After(limit)
	for !strings.Contains(tty.screen(), text) {
		select {
		case <-tty.news:
		case <-late:
			return false
		}
	}
	return true
}

func (tty *terminal) shows(t *testing.T, text string) {
	t.Helper()
	if !tty.hasShown(text, openLimit) {
		t.Fatalf("the terminal does not show %q but %q", text, tty.screen())
	}
}

// ends waits until kubectl ends, and returns its exit code.
func (tty *terminal) ends(t *testing.T) int {
	t.Helper()
	select {
	case <-tty.ended:
	case <-time.After(openLimit):
		t.Fatalf("it does not end; the screen: %q", tty.screen())
	}
	err := tty.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}
