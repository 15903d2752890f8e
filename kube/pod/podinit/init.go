// Package podinit is the inside of a pod: PID 1 of its namespaces (Sandbox), and
// the short life of a process between being one of ours and becoming a
// container's command (Container).
package podinit

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"

	"golang.org/x/sys/unix"

	"underlay/engine/pid1"
	"underlay/engine/seqpacket"
	"underlay/kube/pod"
)

// sandbox is PID 1 of a pod.
type sandbox struct {
	conn pod.Conn

	mu        sync.Mutex // held while a child is started, so that its exit finds it known
	processes map[int]*process
	byKey     map[string]*process
}

// process is a child that was asked for.
type process struct {
	key       string
	pid       int
	container bool
	quiet     bool // it never became what was asked for: its end is no news
}

// Sandbox is the main function of PID 1 of a pod. It returns when the kubelet
// has let go of the socket.
func Sandbox(hostname string) error {
	unix.CloseOnExec(pod.SocketFD)
	conn, err := pod.NewConn(pod.SocketFD)
	if err != nil {
		return err
	}
	s := &sandbox{conn: conn, processes: map[int]*process{}, byKey: map[string]*process{}}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGCHLD)
	// Caught and forgotten, not ignored: an ignored signal stays ignored in the
	// processes that a sandbox starts.
	forgotten := make(chan os.Signal, 1)
	signal.Notify(forgotten, unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT)
	go func() {
		for range signals {
			s.reap()
		}
	}()
	setUpErr := setUp(hostname)
	for {
		var r pod.Request
		fds, err := conn.Receive(&r)
		if err != nil {
			return nil //nolint:nilerr // the kubelet has let go of the pod: its end
		}
		if setUpErr != nil {
			s.send(pod.Message{ID: r.ID, Err: setUpErr.Error()})
			seqpacket.CloseAll(fds)
			continue
		}
		go s.serve(r, fds)
	}
}

func (s *sandbox) serve(r pod.Request, fds []int) {
	m := pod.Message{ID: r.ID}
	var err error
	switch {
	case r.Start != nil:
		m.PID, err = s.start(*r.Start, fds)
	case r.Signal != nil:
		err = s.signal(*r.Signal)
	}
	seqpacket.CloseAll(fds)
	if err != nil {
		m.Err = err.Error()
	}
	s.send(m)
}

func (s *sandbox) send(m pod.Message) {
	// An error means that the kubelet is gone, which the reader finds out too.
	_ = s.conn.Send(m)
}

func (s *sandbox) signal(r pod.Signal) error {
	s.mu.Lock()
	p := s.byKey[r.Key]
	s.mu.Unlock()
	if p == nil {
		return nil
	}
	if err := unix.Kill(p.pid, unix.Signal(r.Number)); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// reap collects every dead child: ours, and the orphans that every init inherits.
func (s *sandbox) reap() {
	pid1.Reap(func(pid int, status unix.WaitStatus) {
		s.mu.Lock()
		p := s.processes[pid]
		delete(s.processes, pid)
		if p != nil {
			delete(s.byKey, p.key)
		}
		quiet := p == nil || p.quiet
		s.mu.Unlock()
		if !quiet {
			s.send(pod.Message{Exit: exitOf(p.key, status)})
		}
	})
}

func exitOf(key string, status unix.WaitStatus) *pod.Exit {
	if status.Signaled() {
		n := int(status.Signal())
		return &pod.Exit{Key: key, Code: 128 + n, Signal: n}
	}
	return &pod.Exit{Key: key, Code: status.ExitStatus()}
}

// setUp furnishes what all containers of the pod share.
func setUp(hostname string) error {
	if err := pid1.PrivateMounts(); err != nil {
		return err
	}
	// Of the pod's pid namespace, to find the namespaces of containers in.
	if err := pid1.MountProc(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(hostname)); err != nil {
		return fmt.Errorf("hostname: %w", err)
	}
	return loopbackUp()
}

// loopbackUp brings lo up, which is down in a new network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // a socket that was never bound
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, lo); err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	return nil
}
