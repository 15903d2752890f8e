package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/seqpacket"
)

// ErrWorldEnded says that a world is no more, with everything that ran in it.
var ErrWorldEnded = errors.New("the lab's world has ended")

// World is one lab's throw-away machine. Its methods may be called from any
// goroutine.
type World struct {
	conn    *seqpacket.Conn
	process *os.Process
	home    string
	env     []string   // besides the usual
	runMu   sync.Mutex // held while run is used or closed
	run     *os.File   // its /run
	etc     chan error // the copy of /etc is there
	socket  net.Listener

	mu      sync.Mutex
	nextID  uint64
	waiting map[uint64]chan reply
	health  []string
	ended   bool

	healthChanged chan struct{}
	done          chan struct{}
	closing       sync.Once
}

type reply struct {
	message
	fds []int
}

func newWorld(c *seqpacket.Conn, p *os.Process, home string, kept stageFiles) *World {
	w := &World{
		conn: c, process: p, home: home, run: kept.run, socket: kept.socket, etc: make(chan error, 1),
		waiting: map[uint64]chan reply{}, healthChanged: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go w.receive()
	return w
}

// fillEtc copies the machine's /etc while init starts.
func (w *World) fillEtc(dir *os.File, id identity) {
	go func() { w.etc <- errors.Join(copyEtc("/etc", dir, id), dir.Close()) }()
}

// waitReady waits until init answers and /etc is there.
func (w *World) waitReady(ctx context.Context) error {
	if _, err := w.call(ctx, request{}); err != nil {
		return fmt.Errorf("start the lab's world: %w", err)
	}
	select {
	case err := <-w.etc:
		if err != nil {
			return fmt.Errorf("copy /etc: %w", err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive hands replies to those who wait for them until the world ends.
func (w *World) receive() {
	for {
		var m message
		fds, err := w.conn.Receive(&m)
		if err != nil {
			break
		}
		if m.Event {
			w.setHealth(m.Health)
			continue
		}
		w.mu.Lock()
		ch := w.waiting[m.ID]
		delete(w.waiting, m.ID)
		w.mu.Unlock()
		if ch == nil {
			seqpacket.CloseAll(fds)
			continue
		}
		ch <- reply{m, fds}
	}
	w.mu.Lock()
	w.ended = true
	for id, ch := range w.waiting {
		delete(w.waiting, id)
		ch <- reply{message: message{Err: ErrWorldEnded.Error()}}
	}
	w.mu.Unlock()
	close(w.done)
}

func (w *World) setHealth(h []string) {
	w.mu.Lock()
	w.health = h
	w.mu.Unlock()
	select {
	case w.healthChanged <- struct{}{}:
	default:
	}
}

// Health says in sentences what is wrong with the world itself: out of
// processes, out of room, files gone. Empty is well.
func (w *World) Health() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return []string{"This lab's world has ended. Reset builds a new one."}
	}
	return slices.Clone(w.health)
}

// HealthChanged is signalled when Health may say something else; signals coalesce.
func (w *World) HealthChanged() <-chan struct{} { return w.healthChanged }

// UsedLegacyIptables reports whether iptables-legacy has been run in the world:
// of the tools, it alone takes this lock.
func (w *World) UsedLegacyIptables() bool { return w.hasRun("xtables.lock") }

// hasRun reports whether there is a file in the world's /run.
func (w *World) hasRun(path string) bool {
	w.runMu.Lock()
	defer w.runMu.Unlock()
	var st unix.Stat_t
	return unix.Fstatat(int(w.run.Fd()), path, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
}

// Done is closed when the world has ended.
func (w *World) Done() <-chan struct{} { return w.done }

// call sends a request and waits for its reply.
func (w *World) call(ctx context.Context, r request) (reply, error) {
	ch := make(chan reply, 1)
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return reply{}, ErrWorldEnded
	}
	w.nextID++
	r.ID = w.nextID
	w.waiting[r.ID] = ch
	err := w.conn.Send(r)
	if err != nil {
		delete(w.waiting, r.ID)
	}
	w.mu.Unlock()
	if err != nil {
		return reply{}, fmt.Errorf("ask the lab's world: %w", err)
	}
	select {
	case got := <-ch:
		if got.Err != "" {
			seqpacket.CloseAll(got.fds)
			return reply{}, errors.New(got.Err)
		}
		return got, nil
	case <-ctx.Done():
		go func() { seqpacket.CloseAll((<-ch).fds) }() // a late reply's descriptors
		return reply{}, ctx.Err()
	}
}

// AddNodes makes nodes and returns a descriptor of each one's network
// namespace, in the same order. The caller closes them.
func (w *World) AddNodes(ctx context.Context, nodes []NodeSpec) ([]int, error) {
	var all []int
	for chunk := range slices.Chunk(nodes, seqpacket.MaxFDs) {
		got, err := w.call(ctx, request{Nodes: chunk})
		if err != nil {
			seqpacket.CloseAll(all)
			return nil, fmt.Errorf("make nodes: %w", err)
		}
		all = append(all, got.fds...)
	}
	if len(all) != len(nodes) {
		seqpacket.CloseAll(all)
		return nil, fmt.Errorf("make nodes: asked for %d namespaces, got %d", len(nodes), len(all))
	}
	return all, nil
}

// AddTopology makes the nodes of a topology and adds descriptors of their network
// namespaces to ns, by the nodes' names. The caller closes them.
func (w *World) AddTopology(ctx context.Context, t *engine.Topology, ns map[string]int) error {
	specs := make([]NodeSpec, 0, len(t.Nodes))
	for _, n := range t.Nodes {
		specs = append(specs, NodeSpec{Name: n.Name, Hosts: n.Hosts, DNS: n.DNS, DNSSearch: n.DNSSearch, DNSOptions: n.DNSOptions})
	}
	fds, err := w.AddNodes(ctx, specs)
	if err != nil {
		return err
	}
	for i, n := range t.Nodes {
		ns[n.Name] = fds[i]
	}
	return nil
}

// Refresh looks at the world again: its health, and whether nodes have been
// deleted and made anew (`ip netns del c1; ip netns add c1`). For these it returns
// descriptors of the new namespaces, which the caller closes. Whatever ran in
// the old ones goes on there.
func (w *World) Refresh(ctx context.Context) (map[string]int, error) {
	got, err := w.call(ctx, request{Refresh: true})
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	changed := !slices.Equal(w.health, got.Health)
	w.mu.Unlock()
	if changed {
		w.setHealth(got.Health)
	}
	anew := make(map[string]int, len(got.fds))
	for i, fd := range got.fds {
		anew[got.Names[i]] = fd
	}
	return anew, nil
}

// Shell starts an interactive shell in a node.
func (w *World) Shell(ctx context.Context, node string, size engine.Size) (engine.Terminal, error) {
	got, err := w.call(ctx, request{Start: &startSpec{
		Node: node, How: onTerminal, Argv: shellArgv(), Env: w.shellEnv(), Cols: size.Cols, Rows: size.Rows,
	}})
	if err != nil {
		return nil, fmt.Errorf("shell in %s: %w", node, err)
	}
	if len(got.fds) != 1 {
		seqpacket.CloseAll(got.fds)
		return nil, fmt.Errorf("shell in %s: no terminal came", node)
	}
	return newTerminal(got.fds[0], node)
}

// Run runs a program in a node to its end and returns what it printed, at most
// 64 KiB, and its exit code.
func (w *World) Run(ctx context.Context, node, stdin string, argv ...string) (output string, code int, err error) {
	got, err := w.call(ctx, request{Start: &startSpec{Node: node, How: toEnd, Argv: argv, Env: w.shellEnv(), Stdin: stdin}})
	if err != nil {
		return "", 0, fmt.Errorf("run %s in %s: %w", argv[0], node, err)
	}
	return got.Output, got.Code, nil
}

// ReadyFD is the descriptor on which a workload says that it is ready.
const ReadyFD = 3

// Workload starts this binary as a workload with these arguments in a node and
// returns when it has written to ReadyFD.
func (w *World) Workload(ctx context.Context, node, kind string, args []string) (pid int, err error) {
	got, err := w.call(ctx, request{Start: &startSpec{
		Node: node, How: toReady, Argv: append([]string{WorkloadName + "-" + kind}, args...), Env: w.shellEnv(),
	}})
	if err != nil {
		return 0, fmt.Errorf("workload in %s: %w", node, err)
	}
	return got.PID, nil
}

// Start starts a program in a node and returns what it writes to descriptor 3,
// which ends when the program does. The caller closes it.
func (w *World) Start(ctx context.Context, node string, argv ...string) (pid int, told *os.File, err error) {
	got, err := w.call(ctx, request{Start: &startSpec{Node: node, How: toTell, Argv: argv, Env: w.shellEnv()}})
	if err != nil {
		return 0, nil, fmt.Errorf("start %s in %s: %w", argv[0], node, err)
	}
	if len(got.fds) != 1 {
		seqpacket.CloseAll(got.fds)
		return 0, nil, fmt.Errorf("start %s in %s: no pipe came", argv[0], node)
	}
	return got.PID, os.NewFile(uintptr(got.fds[0]), argv[0]), nil
}

// Adopt makes nodes of network namespaces that a program of the world has made
// and bound to /run/netns. It returns descriptors of those that are there, which
// the caller closes. From then on they are nodes like any other: Shell and Run
// start programs in them, with /etc/netns/NAME's hosts and resolv.conf.
func (w *World) Adopt(ctx context.Context, names []string) (map[string]int, error) {
	found := map[string]int{}
	for chunk := range slices.Chunk(names, seqpacket.MaxFDs) {
		got, err := w.call(ctx, request{Adopt: chunk})
		if err != nil {
			for _, fd := range found {
				_ = unix.Close(fd)
			}
			return nil, fmt.Errorf("look for namespaces: %w", err)
		}
		for i, fd := range got.fds {
			found[got.Names[i]] = fd
		}
	}
	return found, nil
}

// Setenv adds variables, "NAME=value", to the environment of everything that
// Shell, Run, Start and Workload start from now on. It is called before them.
func (w *World) Setenv(env ...string) { w.env = append(w.env, env...) }

// Ended returns those of these workloads, by their process ids, that have ended.
func (w *World) Ended(ctx context.Context, pids []int) ([]int, error) {
	if len(pids) == 0 {
		return nil, nil
	}
	got, err := w.call(ctx, request{Ended: pids})
	return got.Ended, err
}

// Gone returns those of these nodes whose name stands for no namespace any more:
// somebody has deleted them and not made them anew.
func (w *World) Gone(nodes []string) []string {
	return slices.DeleteFunc(slices.Clone(nodes), func(node string) bool { return w.hasRun("netns/" + node) })
}

// Socket is where programs of the world are heard that connect to SocketPath. It
// is closed with the world.
func (w *World) Socket() net.Listener { return w.socket }

// Close ends the world and everything in it, and waits until it has ended.
// Closing it again does nothing.
func (w *World) Close() (err error) {
	w.closing.Do(func() { err = w.end() })
	return err
}

func (w *World) end() error {
	killErr := w.process.Kill()
	if errors.Is(killErr, os.ErrProcessDone) {
		killErr = nil
	}
	_, err := w.process.Wait()
	if errors.Is(err, unix.ECHILD) {
		err = nil
	}
	w.runMu.Lock()
	defer w.runMu.Unlock()
	return errors.Join(killErr, err, w.conn.Close(), w.run.Close(), w.socket.Close())
}
