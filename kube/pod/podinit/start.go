package podinit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"underlay/kube/pod"
)

// Descriptors of a container's process before it becomes the command.
const (
	specFD  = 3 // the pod.Process, in JSON
	errorFD = 4 // says what failed; closed by the exec that succeeds
)

func (s *sandbox) start(p pod.Process, fds []int) (int, error) {
	if len(fds) != 3 {
		return 0, fmt.Errorf("%d descriptors for a process, want 3", len(fds))
	}
	if len(p.Argv) == 0 {
		return 0, errors.New("no command specified")
	}
	if p.In == "" {
		return s.startContainer(p, fds)
	}
	s.mu.Lock()
	c := s.byKey[p.In]
	s.mu.Unlock()
	if c == nil || !c.container {
		return 0, errors.New("the container does not run")
	}
	return s.startInside(c, p, fds)
}

// startContainer forks this program into new mount and pid namespaces, where it
// puts the container's root together and then becomes the command.
func (s *sandbox) startContainer(p pod.Process, fds []int) (int, error) {
	spec, specW, err1 := os.Pipe()
	failure, failureW, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		return 0, err
	}
	defer failure.Close() //nolint:errcheck // only read
	child, err := s.fork(p.Key, true, func() (int, error) {
		return syscall.ForkExec("/proc/self/exe", []string{"underlay-pod", "container"}, &syscall.ProcAttr{
			Env:   []string{},
			Files: []uintptr{uintptr(fds[0]), uintptr(fds[1]), uintptr(fds[2]), spec.Fd(), failureW.Fd()},
			Sys:   sysProcAttr(p, unix.CLONE_NEWNS|unix.CLONE_NEWPID),
		})
	})
	_ = spec.Close()
	_ = failureW.Close()
	if err != nil {
		_ = specW.Close()
		return 0, err
	}
	// If the child ends before it has read all, its exit tells more than this error.
	_ = json.NewEncoder(specW).Encode(p)
	_ = specW.Close()
	text, err := io.ReadAll(failure)
	if err != nil || len(text) > 0 {
		s.mu.Lock()
		child.quiet = true
		s.mu.Unlock()
		_ = unix.Kill(child.pid, unix.SIGKILL) // it is on its way out
		return 0, errors.Join(err, errors.New(string(text)))
	}
	return child.pid, nil
}

// fork calls start and remembers the child. No exit is handled meanwhile.
func (s *sandbox) fork(key string, container bool, start func() (int, error)) (*process, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pid, err := start()
	if err != nil {
		return nil, err
	}
	p := &process{key: key, pid: pid, container: container}
	s.processes[pid], s.byKey[key] = p, p
	return p, nil
}

func sysProcAttr(p pod.Process, flags uintptr) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: p.TTY, Ctty: 0, Cloneflags: flags}
}

// startInside starts a process in the namespaces of a container that runs.
func (s *sandbox) startInside(c *process, p pod.Process, fds []int) (int, error) {
	type result struct {
		pid int
		err error
	}
	ch := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // entered for good: the thread is thrown away
		if err := enter(c.pid); err != nil {
			ch <- result{err: fmt.Errorf("enter the container: %w", err)}
			return
		}
		path, err := lookPath(p.Argv[0], p.Env)
		if err != nil {
			ch <- result{err: err}
			return
		}
		child, err := s.fork(p.Key, false, func() (int, error) {
			return syscall.ForkExec(path, p.Argv, &syscall.ProcAttr{
				Dir: p.Dir, Env: p.Env,
				Files: []uintptr{uintptr(fds[0]), uintptr(fds[1]), uintptr(fds[2])},
				Sys:   sysProcAttr(p, 0),
			})
		})
		if err != nil {
			ch <- result{err: fmt.Errorf("exec: %q: %w", p.Argv[0], err)}
			return
		}
		ch <- result{pid: child.pid}
	}()
	r := <-ch
	return r.pid, r.err
}

// enter moves the calling thread into a process's mount namespace, and what it
// forks into the process's pid namespace as well.
func enter(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing is written to it
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	return unix.Setns(fd, unix.CLONE_NEWNS|unix.CLONE_NEWPID)
}
