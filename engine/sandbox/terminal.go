package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"underlay/engine"
)

// terminal is the master side of a pty in a world.
type terminal struct {
	master *os.File
	node   string
}

func newTerminal(fd int, node string) (*terminal, error) {
	if err := unix.SetNonblock(fd, true); err != nil { // so that Close ends a Read
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &terminal{master: os.NewFile(uintptr(fd), "pty of "+node), node: node}, nil
}

func (t *terminal) Read(p []byte) (int, error) {
	n, err := t.master.Read(p)
	if errors.Is(err, unix.EIO) || errors.Is(err, os.ErrClosed) { // the last process has let go of the pty
		err = io.EOF
	}
	return n, err
}

func (t *terminal) Write(p []byte) (int, error) { return t.master.Write(p) }
func (t *terminal) Close() error                { return t.master.Close() }
func (t *terminal) Node() string                { return t.node }

func (t *terminal) Resize(s engine.Size) error {
	raw, err := t.master.SyscallConn()
	if err != nil {
		return err
	}
	var setErr error
	err = raw.Control(func(fd uintptr) { setErr = setWinsize(int(fd), s.Cols, s.Rows) })
	return errors.Join(err, setErr)
}

func setWinsize(fd, cols, rows int) error {
	if cols <= 0 || rows <= 0 || cols > 10000 || rows > 10000 {
		return fmt.Errorf("a terminal of %d×%d cells", cols, rows)
	}
	return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(cols), Row: uint16(rows)})
}

// WaitsForInput reports whether the program in the foreground of the terminal
// sleeps in read(2) on its standard input: a shell at its prompt, cat, an editor.
// It is a hint: programs that wait in poll(2) are not recognised.
func (t *terminal) WaitsForInput() bool {
	raw, err := t.master.SyscallConn()
	if err != nil {
		return false
	}
	pgrp := 0
	if err := raw.Control(func(fd uintptr) { pgrp, err = unix.IoctlGetInt(int(fd), unix.TIOCGPGRP) }); err != nil || pgrp <= 0 {
		return false
	}
	// "NUMBER ARG0 ARG1 …" of the system call that the process is blocked in.
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pgrp))
	return err == nil && strings.HasPrefix(string(b), fmt.Sprintf("%d 0x0 ", unix.SYS_READ))
}
