package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
)

// readyWait is how long a workload may take until it listens.
const readyWait = 30 * time.Second

// maxOutput bounds what Run returns of a program's output.
const maxOutput = 64 << 10

// start starts one process and replies when its startHow says so.
func (w *worldInit) start(id uint64, s *startSpec) {
	w.mu.Lock()
	n := w.nodes[s.Node]
	w.mu.Unlock()
	if n == nil {
		w.reply(message{ID: id}, fmt.Errorf("there is no node %q", s.Node))
		return
	}
	switch s.How {
	case onTerminal:
		w.startOnTerminal(id, n, s)
	case toReady:
		w.startToReady(id, n, s)
	case toTell:
		w.startToTell(id, n, s)
	default:
		w.startToEnd(id, n, s)
	}
}

func (w *worldInit) startOnTerminal(id uint64, n *node, s *startSpec) {
	master, slave, err := openPty(s.Cols, s.Rows)
	if err != nil {
		w.reply(message{ID: id}, err)
		return
	}
	pid, _, err := w.spawn(n, s, []uintptr{uintptr(slave), uintptr(slave), uintptr(slave)}, true)
	_ = unix.Close(slave)
	w.reply(message{ID: id, PID: pid}, err, master)
	_ = unix.Close(master)
}

func (w *worldInit) startToTell(id uint64, n *node, s *startSpec) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		w.reply(message{ID: id}, err)
		return
	}
	defer null.Close() //nolint:errcheck // /dev/null
	told, tells, err := os.Pipe()
	if err != nil {
		w.reply(message{ID: id}, err)
		return
	}
	defer told.Close() //nolint:errcheck // only read
	pid, _, err := w.spawn(n, s, []uintptr{null.Fd(), null.Fd(), null.Fd(), tells.Fd()}, false)
	_ = tells.Close()
	w.reply(message{ID: id, PID: pid}, err, int(told.Fd()))
}

func (w *worldInit) startToReady(id uint64, n *node, s *startSpec) {
	null, err := os.OpenFile("/dev/null", os.O_RDWR, 0)
	if err != nil {
		w.reply(message{ID: id}, err)
		return
	}
	defer null.Close() //nolint:errcheck // /dev/null
	ready, readyW, err1 := os.Pipe()
	said, saidW, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		w.reply(message{ID: id}, err)
		return
	}
	defer ready.Close() //nolint:errcheck // only read
	defer said.Close()  //nolint:errcheck // only read
	pid, exited, err := w.spawn(n, s, []uintptr{null.Fd(), null.Fd(), saidW.Fd(), readyW.Fd()}, false)
	_ = readyW.Close()
	_ = saidW.Close()
	if err != nil {
		w.reply(message{ID: id}, err)
		return
	}
	_ = ready.SetReadDeadline(time.Now().Add(readyWait))
	got, err := ready.Read(make([]byte, 1))
	if got == 1 {
		w.reply(message{ID: id, PID: pid}, nil)
		return
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = unix.Kill(pid, unix.SIGKILL)
		err = errors.New("it was not ready in time")
	} else { // its end of the pipe was closed, by exiting
		<-exited
		text, _ := io.ReadAll(io.LimitReader(said, maxOutput))
		err = errors.New(strings.TrimSpace(string(text)))
	}
	w.reply(message{ID: id}, fmt.Errorf("%s: %w", s.Argv[0], err))
}

func (w *worldInit) startToEnd(id uint64, n *node, s *startSpec) {
	in, inW, err1 := os.Pipe()
	out, outW, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		w.reply(message{ID: id}, err)
		return
	}
	defer out.Close() //nolint:errcheck // only read
	_, exited, err := w.spawn(n, s, []uintptr{in.Fd(), outW.Fd(), outW.Fd()}, false)
	_ = in.Close()
	_ = outW.Close()
	if err != nil {
		_ = inW.Close()
		w.reply(message{ID: id}, err)
		return
	}
	go func() {
		_, _ = io.WriteString(inW, s.Stdin) // a program need not read what it is given
		_ = inW.Close()
	}()
	// What the program leaves running in the background may hold the pipe open:
	// its own end is what counts, then what is in the pipe by then.
	collected := make(chan []byte, 1)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, io.LimitReader(out, maxOutput))
		collected <- b.Bytes()
	}()
	status := <-exited
	_ = out.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	text := <-collected
	w.reply(message{ID: id, Code: exitStatus(status), Output: string(text)}, nil)
}

func exitStatus(s unix.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// spawn starts a process in a node with these descriptors. The channel gets its
// status when it has ended.
func (w *worldInit) spawn(n *node, s *startSpec, files []uintptr, tty bool) (int, <-chan unix.WaitStatus, error) {
	if len(s.Argv) == 0 {
		return 0, nil, errors.New("no program named")
	}
	var exited chan unix.WaitStatus
	pid, err := netns.Thread(func() (pid int, err error) {
		if err := n.enter(); err != nil {
			return 0, err
		}
		pid, exited, err = w.fork(s, files, tty)
		return pid, err
	})
	return pid, exited, err
}

func (w *worldInit) fork(s *startSpec, files []uintptr, tty bool) (int, chan unix.WaitStatus, error) {
	path, err := lookPath(s.Argv[0])
	if err != nil {
		return 0, nil, err
	}
	home := "/"
	for _, kv := range s.Env {
		if dir, ok := strings.CutPrefix(kv, "HOME="); ok {
			home = dir
		}
	}
	if _, err := os.Stat(home); err != nil {
		home = "/"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	pid, err := syscall.ForkExec(path, s.Argv, &syscall.ProcAttr{
		Dir: home, Env: s.Env, Files: files,
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: tty, Ctty: 0},
	})
	if err != nil {
		return 0, nil, fmt.Errorf("start %s: %w", s.Argv[0], err)
	}
	exited := make(chan unix.WaitStatus, 1)
	w.children[pid] = exited
	limit := unix.Rlimit{Cur: MaxProcesses, Max: MaxProcesses}
	// It may have ended already; then there is nothing to limit.
	_ = unix.Prlimit(pid, unix.RLIMIT_NPROC, &limit, nil)
	_ = unix.Setpriority(unix.PRIO_PROCESS, pid, niceness)
	return pid, exited, nil
}

// lookPath finds a program on the world's PATH. Names of workloads, which start
// with "underlay", are this binary.
func lookPath(name string) (string, error) {
	if strings.HasPrefix(name, WorkloadName) {
		return toolDir + "/bin/underlay", nil
	}
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range strings.Split(worldPath, ":") {
		if p, err := exec.LookPath(dir + "/" + name); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s: command not found", name)
}

// openPty opens a pty of the world's own devpts.
func openPty(cols, rows int) (master, slave int, err error) {
	master, err = unix.Open("/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, 0, fmt.Errorf("open a pty: %w", err)
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return 0, 0, errors.Join(fmt.Errorf("unlock a pty: %w", err), unix.Close(master))
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return 0, 0, errors.Join(err, unix.Close(master))
	}
	slave, err = unix.Open(fmt.Sprintf("/dev/pts/%d", number), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, 0, errors.Join(fmt.Errorf("open a pty: %w", err), unix.Close(master))
	}
	if cols > 0 && rows > 0 {
		err = setWinsize(master, cols, rows)
	}
	return master, slave, err
}
