package sandbox

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"underlay/engine/pid1"
	"underlay/engine/seqpacket"
)

// Limits of a world. Processes are counted per user namespace since Linux 5.14,
// so a world's do not count against the learner's others.
const (
	// MaxProcesses is how many processes and threads a world's programs may have.
	MaxProcesses = 768
	// initReserve is what init may have on top, so that it outlives a fork bomb.
	initReserve = 128
	// niceness keeps the screen responsive while a lab burns CPU.
	niceness = 5
)

// initFD is where init finds its socket.
const initFD = 3

// worldInit is PID 1 of a world.
type worldInit struct {
	conn *seqpacket.Conn

	sendMu sync.Mutex

	mu       sync.Mutex // held while a child is started, so that its exit finds it known
	children map[int]chan unix.WaitStatus
	nodes    map[string]*node
}

// InitMain is the main function of a world's init.
func InitMain() int {
	if err := runInit(); err != nil {
		fmt.Fprintln(os.Stderr, "underlay: lab init:", err)
		return 1
	}
	return 0
}

func runInit() error {
	unix.CloseOnExec(initFD)
	c, err := seqpacket.New(initFD, maxMessage)
	if err != nil {
		return err
	}
	w := &worldInit{conn: c, children: map[int]chan unix.WaitStatus{}, nodes: map[string]*node{}}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGCHLD)
	// Caught and forgotten, not ignored: an ignored signal stays ignored in the
	// programs that init starts, and Ctrl-C would end nothing.
	forgotten := make(chan os.Signal, 1)
	signal.Notify(forgotten, unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTOU, unix.SIGTTIN)
	go func() {
		for range signals {
			w.reap()
		}
	}()
	setupErr := setUpWorld()
	go w.watchHealth()
	for {
		var r request
		if _, err := c.Receive(&r); err != nil {
			return nil //nolint:nilerr // the app has let go of the world: its end
		}
		if setupErr != nil {
			w.send(message{ID: r.ID, Err: setupErr.Error()})
			continue
		}
		w.serve(r)
	}
}

// serve answers one request. Making nodes is done in turn, the rest side by side.
func (w *worldInit) serve(r request) {
	switch {
	case r.Nodes != nil:
		fds, err := w.addNodes(r.Nodes)
		w.reply(message{ID: r.ID}, err, fds...)
		seqpacket.CloseAll(fds)
	case r.Refresh:
		names, fds := w.refresh()
		w.reply(message{ID: r.ID, Names: names, Health: w.health()}, nil, fds...)
		seqpacket.CloseAll(fds)
	case r.Adopt != nil:
		names, fds := w.adopt(r.Adopt)
		w.reply(message{ID: r.ID, Names: names}, nil, fds...)
		seqpacket.CloseAll(fds)
	case r.Etc != "":
		names, fds, hostname, err := w.etcOf(r.Etc, r.Trusted)
		w.reply(message{ID: r.ID, Names: names, Output: hostname}, err, fds...)
		seqpacket.CloseAll(fds)
	case r.Ended != nil:
		w.reply(message{ID: r.ID, Ended: w.ended(r.Ended)}, nil)
	case r.Start != nil:
		go w.start(r.ID, r.Start)
	case r.Signal != nil:
		w.reply(message{ID: r.ID}, unix.Kill(r.Signal.PID, unix.Signal(r.Signal.Signal)))
	default:
		w.reply(message{ID: r.ID}, nil)
	}
}

// ended returns those of these children that are no more.
func (w *worldInit) ended(pids []int) []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(pids), func(pid int) bool { return w.children[pid] != nil })
}

func (w *worldInit) reply(m message, err error, fds ...int) {
	if err != nil {
		m.Err, fds = err.Error(), nil
	}
	w.send(m, fds...)
}

func (w *worldInit) send(m message, fds ...int) {
	w.sendMu.Lock()
	defer w.sendMu.Unlock()
	// An error means that the app is gone, which the reader finds out too.
	_ = w.conn.Send(m, fds...)
}

// reap collects every dead child: ours, and the orphans that every init inherits.
func (w *worldInit) reap() {
	pid1.Reap(func(pid int, status unix.WaitStatus) {
		w.mu.Lock()
		ch := w.children[pid]
		delete(w.children, pid)
		w.mu.Unlock()
		if ch != nil {
			ch <- status
		}
	})
}

// setUpWorld makes the mounts that need the world's own namespaces.
func setUpWorld() error {
	if err := pid1.PrivateMounts(); err != nil {
		return err
	}
	if err := pid1.MountSafeProc("/proc"); err != nil {
		return err
	}
	if err := limitInit(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte("lab")); err != nil {
		return fmt.Errorf("hostname: %w", err)
	}
	for _, dir := range []string{"/run/netns", "/etc/netns", "/run/lock"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// Shared, so that `ip netns add` in one node's shell is seen in all: each
	// node has a mount namespace of its own.
	return pid1.ShareMounts("/run/netns")
}

func limitInit() error {
	most := uint64(MaxProcesses + initReserve)
	if err := unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return fmt.Errorf("limit processes: %w", err)
	}
	return nil
}
