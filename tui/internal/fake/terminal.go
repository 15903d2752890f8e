package fake

import (
	"io"
	"os"
	"os/exec"
	"sync"

	"github.com/creack/pty"

	"underlay/engine"
)

// Terminal is a shell that says nothing until it is closed.
type Terminal struct {
	node string
	once sync.Once
	done chan struct{}
}

// NewTerminal returns a silent terminal.
func NewTerminal(node string) *Terminal { return &Terminal{node: node, done: make(chan struct{})} }

// Read implements io.Reader; it ends when the terminal is closed.
func (t *Terminal) Read([]byte) (int, error) {
	<-t.done
	return 0, io.EOF
}

// Write implements io.Writer.
func (t *Terminal) Write(p []byte) (int, error) { return len(p), nil }

// Close implements io.Closer.
func (t *Terminal) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}

// Resize implements engine.Terminal.
func (t *Terminal) Resize(engine.Size) error { return nil }

// Node implements engine.Terminal.
func (t *Terminal) Node() string { return t.node }

// Bash is a shell of this machine, for the demo.
type Bash struct {
	*os.File
	node string
	cmd  *exec.Cmd
}

// NewBash starts a shell in dir.
func NewBash(node, dir string, size engine.Size) (*Bash, error) {
	cmd := exec.Command("bash", "--norc", "--noprofile")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PS1=root@"+node+":\\w\\$ ", "HISTFILE=", "TERM=xterm-256color")
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: uint16(size.Rows), Cols: uint16(size.Cols)})
	if err != nil {
		return nil, err
	}
	return &Bash{File: f, node: node, cmd: cmd}, nil
}

// Resize implements engine.Terminal.
func (b *Bash) Resize(s engine.Size) error {
	return pty.Setsize(b.File, &pty.Winsize{Rows: uint16(s.Rows), Cols: uint16(s.Cols)})
}

// Node implements engine.Terminal.
func (b *Bash) Node() string { return b.node }

// Close hangs up and waits for the shell.
func (b *Bash) Close() error {
	err := b.File.Close()
	_ = b.cmd.Wait() // it was hung up on: how it ended says nothing
	return err
}
