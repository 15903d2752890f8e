package pod

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"underlay/engine/seqpacket"
	"underlay/kube/internal/netns"
)

// ErrEnded is what requests get once the sandbox has ended.
var ErrEnded = errors.New("the pod's sandbox has ended")

// Options say what sandbox to open.
type Options struct {
	Program  string // path of underlay-pod
	Hostname string
	// NetNS is the path of the network namespace to share; empty makes a new one.
	NetNS string
	// Stderr is where the sandbox complains; nil is nowhere.
	Stderr *os.File
}

// Sandbox is the kubelet's end of a pod. It is safe for concurrent use.
type Sandbox struct {
	conn Conn
	cmd  *exec.Cmd
	done chan struct{} // closed when the sandbox's process has been waited for

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan Message // nil once the sandbox has ended
	exits   map[string]chan Exit
}

// Open starts a sandbox in new mount, pid, uts and ipc namespaces and, unless
// one is to be shared, a new network namespace, in which lo is up as soon as the
// first process runs.
func Open(o Options) (*Sandbox, error) {
	conn, theirs, err := Socketpair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close() //nolint:errcheck // the child has its own
	cmd := exec.Command(o.Program, "sandbox", o.Hostname)
	cmd.Env = []string{}
	cmd.ExtraFiles = []*os.File{theirs}
	if o.Stderr != nil {
		cmd.Stderr = o.Stderr
	}
	flags := uintptr(unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC)
	start := cmd.Start
	if o.NetNS == "" {
		flags |= unix.CLONE_NEWNET
	} else {
		start = func() error { return netns.Do(o.NetNS, cmd.Start) }
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Setsid: true}
	if err := start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the pod's sandbox: %w", err), conn.Close())
	}
	s := &Sandbox{
		conn: conn, cmd: cmd, done: make(chan struct{}),
		waiting: map[uint64]chan Message{}, exits: map[string]chan Exit{},
	}
	go s.read()
	return s, nil
}

// PID is the sandbox's process as the kubelet sees it. Its namespaces are the pod's.
func (s *Sandbox) PID() int { return s.cmd.Process.Pid }

// Done is closed when the sandbox and all in it have ended.
func (s *Sandbox) Done() <-chan struct{} { return s.done }

// Start starts a process with these files as its descriptors 0, 1 and 2, which
// remain the caller's to close. The channel gets how it ended.
func (s *Sandbox) Start(ctx context.Context, p Process, in, out, err *os.File) (<-chan Exit, error) {
	exit := make(chan Exit, 1)
	s.mu.Lock()
	if s.waiting == nil {
		s.mu.Unlock()
		return nil, ErrEnded
	}
	s.exits[p.Key] = exit
	s.mu.Unlock()
	if e := s.ask(ctx, Request{Start: &p}, int(in.Fd()), int(out.Fd()), int(err.Fd())); e != nil {
		s.mu.Lock()
		delete(s.exits, p.Key)
		s.mu.Unlock()
		return nil, e
	}
	return exit, nil
}

// Signal sends a signal to a process. One that has ended is no error.
func (s *Sandbox) Signal(ctx context.Context, key string, sig syscall.Signal) error {
	return s.ask(ctx, Request{Signal: &Signal{Key: key, Number: int(sig)}})
}

// Close ends the sandbox and everything in it, and waits for that.
func (s *Sandbox) Close() error {
	err := s.cmd.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-s.done
	return err
}

func (s *Sandbox) ask(ctx context.Context, r Request, fds ...int) error {
	answer := make(chan Message, 1)
	s.mu.Lock()
	if s.waiting == nil {
		s.mu.Unlock()
		return ErrEnded
	}
	s.next++
	r.ID = s.next
	s.waiting[r.ID] = answer
	s.mu.Unlock()
	if err := s.conn.Send(r, fds...); err != nil {
		s.forget(r.ID)
		return err
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return ErrEnded
		case m.Err != "":
			return errors.New(m.Err)
		}
		return nil
	case <-ctx.Done():
		s.forget(r.ID)
		return ctx.Err()
	}
}

func (s *Sandbox) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
}

// read passes on what the sandbox says, until it ends. Then every process in it
// has been killed.
func (s *Sandbox) read() {
	for {
		var m Message
		fds, err := s.conn.Receive(&m)
		if err != nil {
			break
		}
		seqpacket.CloseAll(fds)
		s.dispatch(m)
	}
	_ = s.cmd.Process.Kill() // a sandbox that does not answer is no use
	_ = s.cmd.Wait()         // how it ended says nothing that its end does not
	_ = s.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, answer := range s.waiting {
		close(answer)
	}
	for key, exit := range s.exits {
		exit <- Exit{Key: key, Code: 128 + int(unix.SIGKILL), Signal: int(unix.SIGKILL)}
	}
	s.waiting, s.exits = nil, nil
	close(s.done)
}

func (s *Sandbox) dispatch(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Exit != nil {
		if exit := s.exits[m.Exit.Key]; exit != nil {
			delete(s.exits, m.Exit.Key)
			exit <- *m.Exit
		}
		return
	}
	if answer := s.waiting[m.ID]; answer != nil {
		delete(s.waiting, m.ID)
		answer <- m
	}
}

// CloseAll closes files that were only passed on.
func CloseAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
