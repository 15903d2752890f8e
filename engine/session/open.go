// Package session runs labs: it joins a world (engine/sandbox), the topology in
// it (engine/wire), the watch on it (engine/observe), probes (engine/probe) and
// the judgement (engine/check) into an engine.Session; a lab's Kubernetes is
// engine/cluster's. Only these two import their siblings, so that the others need
// not know each other.
package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/check"
	"underlay/engine/cluster"
	"underlay/engine/observe"
	"underlay/engine/sandbox"
	"underlay/engine/tracesock"
	"underlay/engine/wire"
	"underlay/engine/workload"
)

// Opener opens labs in worlds of one sandbox.
type Opener struct {
	Sandbox *sandbox.Sandbox
	Warm    *cluster.Warm // nil for labs that are opened once and not reset
}

var _ engine.Opener = Opener{}

// Open builds the lab and, unless it is unwatched, evaluates it once before it
// returns.
func (o Opener) Open(ctx context.Context, lab *engine.Lab, progress func(string)) (engine.Session, error) {
	if progress == nil {
		progress = func(string) {}
	}
	judge := check.New(lab)
	s := &Session{
		lab: lab, sandbox: o.Sandbox, warm: o.Warm, judge: judge, sysctls: judge.Sysctls(), resolvers: resolvers(lab), trusting: trusting(lab), checkpoints: newCheckpointLog(), traces: newTraces(),
		changed: make(chan struct{}, 1), triggers: make(chan trigger, 64), quit: make(chan struct{}), stopped: make(chan struct{}),
		resting: make(chan *rest),
	}
	if err := s.build(ctx, progress); err != nil {
		return nil, fmt.Errorf("open lab %s: %w", lab.ID, err)
	}
	if lab.Unwatched {
		close(s.stopped) // there is no loop that Close would have to wait for
		return s, nil
	}
	progress("Looking at it")
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open lab %s: %w", lab.ID, err), s.instance.close())
	}
	go s.watchLoop()
	return s, nil
}

// instance is one build of a lab: a world and what watches it. Reset replaces it.
type instance struct {
	world  *sandbox.World
	nodes  []observe.Node
	ns     map[string]int
	reader *observe.Reader
	legacy sync.Once // iptables-legacy has been used
	// watcher watches the nodes and stop ends that, both nil in a lab that nobody watches.
	watcher *observe.Watcher
	stop    context.CancelFunc
	// servers are the process ids of the lab's workloads, in its order.
	serversMu sync.Mutex
	servers   []int
	// remade are the nodes that the learner has deleted and made anew, by name.
	remade map[string]bool
	// cluster is the lab's Kubernetes, nil if it has none, and pods the names of the
	// namespaces of the nodes that are pods now.
	cluster *cluster.Cluster
	pods    map[string]string
}

func (p *instance) close() error {
	if p == nil {
		return nil
	}
	if p.stop != nil {
		p.stop()
	}
	errs := []error{p.cluster.Close()}
	if p.reader != nil {
		errs = append(errs, p.reader.Close())
	}
	if p.world != nil {
		errs = append(errs, p.world.Close())
	}
	for _, fd := range p.ns {
		errs = append(errs, unix.Close(fd))
	}
	return errors.Join(errs...)
}

// build makes the lab's instance anew.
func (s *Session) build(ctx context.Context, progress func(string)) error {
	p := &instance{ns: map[string]int{}, remade: map[string]bool{}, pods: map[string]string{}}
	if err := s.furnish(ctx, p, progress); err != nil {
		return errors.Join(err, p.close())
	}
	begun, _ := s.othersBegun(p) // where it cannot be counted it is not
	s.mu.Lock()
	s.instance = p
	s.trying.begun = begun
	s.mu.Unlock()
	go tracesock.Serve(context.Background(), p.world.Socket(), func(ctx context.Context, a tracesock.Asked) (*engine.Autopsy, error) {
		return s.trace(ctx, func(now *instance) (engine.Flow, error) { return s.asked(a, p, now) })
	})
	return nil
}

func (s *Session) furnish(ctx context.Context, p *instance, progress func(string)) (err error) {
	t := s.lab.Topology.Built()
	progress("Making the lab's own world")
	if err := s.settleDown(ctx, p); err != nil {
		return err
	}
	rest := t
	if p.cluster != nil {
		rest = t.Without(engine.ClusterControl, engine.ClusterLAN)
	}
	if err := p.world.AddTopology(ctx, rest, p.ns); err != nil {
		return err
	}
	for _, n := range t.Nodes {
		p.nodes = append(p.nodes, observe.Node{Name: n.Name, NS: p.ns[n.Name]})
	}
	progress("Laying cables")
	if err := wire.Build(rest, p.ns); err != nil {
		return err
	}
	progress("Starting servers")
	if err := p.populate(ctx, t); err != nil {
		return err
	}
	if p.cluster != nil {
		if err := p.cluster.Start(ctx, progress); err != nil {
			return err
		}
		if err := s.adopt(ctx, p); err != nil {
			return err
		}
		p.cluster.Follow()
		s.warm.Prepare()
	}
	for _, script := range s.lab.Prepare {
		progress("Preparing it")
		if err := prepare(ctx, p.world, t, script); err != nil {
			return err
		}
	}
	if p.reader, err = observe.NewReader(p.nodes); err != nil {
		return err
	}
	return s.watch(p)
}

// settleDown gives an instance its world: an empty one, or the control plane of a cluster.
func (s *Session) settleDown(ctx context.Context, p *instance) (err error) {
	if s.lab.Cluster == nil {
		p.world, err = s.sandbox.NewWorld(ctx)
		return err
	}
	g, err := s.warm.Take(ctx, s.sandbox)
	if err != nil {
		return err
	}
	p.world, p.ns = g.World, g.NS
	p.cluster = cluster.New(s.lab, g, cluster.Listener{Changed: func() { s.trigger(trigger{hard: true}) }, Health: s.signal})
	return nil
}

// populate starts the workloads side by side, then runs the setup lines in turn.
func (p *instance) populate(ctx context.Context, t *engine.Topology) error {
	w := p.world
	if err := p.certify(ctx, t); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	p.servers = make([]int, len(t.Workloads))
	for i, l := range t.Workloads {
		g.Go(func() error { return p.serve(gctx, i, l) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, n := range t.Nodes {
		if len(n.Setup) == 0 {
			continue
		}
		if err := setUp(ctx, w, &n); err != nil {
			return err
		}
	}
	return nil
}

// setUp runs a node's setup lines in one shell, up to the first that fails, of which the
// shell says the number at its end.
func setUp(ctx context.Context, w *sandbox.World, n *engine.Node) error {
	const mark = "line of the setup: "
	script := []string{"set -e", `trap 'code=$?; [ $code = 0 ] || echo "` + mark + `$setup_line"' EXIT`}
	for i, line := range n.Setup {
		script = append(script, fmt.Sprintf("setup_line=%d", i), line)
	}
	out, code, err := w.Run(ctx, n.Name, strings.Join(script, "\n"), "/bin/sh")
	if err != nil || code == 0 {
		return err
	}
	what := "the setup of " + n.Name
	if i := strings.LastIndex(out, mark); i >= 0 {
		if at, err := strconv.Atoi(strings.TrimSpace(out[i+len(mark):])); err == nil && at < len(n.Setup) {
			what = fmt.Sprintf("line %d of the setup of %s, “%s”,", at+1, n.Name, n.Setup[at])
			out = out[:i]
		}
	}
	return &engine.ScriptError{What: what, Code: code, Printed: out}
}

// serve starts a workload of the lab, which is its i-th.
func (p *instance) serve(ctx context.Context, i int, l engine.Workload) error {
	pid, err := p.world.Workload(ctx, l.Node, l.Kind, workload.Args(l, sandbox.ReadyFD))
	if err != nil {
		return err
	}
	p.serversMu.Lock()
	defer p.serversMu.Unlock()
	p.servers[i] = pid
	return nil
}

func (p *instance) pids() []int {
	p.serversMu.Lock()
	defer p.serversMu.Unlock()
	return slices.Clone(p.servers)
}

// prepare runs a script part by part. As in a shell that somebody types into, a
// line that fails does not keep the next ones from being run; the last command
// of each part must succeed.
func prepare(ctx context.Context, w *sandbox.World, t *engine.Topology, script engine.Script) error {
	for _, part := range script.Parts() {
		node := cmp.Or(part.Node, t.FirstShell())
		if out, code, err := w.Run(ctx, node, "", "bash", "-c", part.Text); err != nil {
			return fmt.Errorf("%s: %w", script.Name, err)
		} else if code != 0 {
			return &engine.ScriptError{What: script.Name + " in " + node, Code: code, Printed: out}
		}
	}
	return nil
}

// refresh follows nodes that the learner has deleted and made anew, and pods. The caller
// holds evalMu, which guards the instance's namespaces.
func (s *Session) refresh(ctx context.Context, p *instance) error {
	anew, err := p.world.Refresh(ctx)
	if err == nil {
		err = s.adopt(ctx, p)
	}
	if err != nil || len(anew) == 0 {
		return err
	}
	var errs []error
	for i := range p.nodes {
		n := &p.nodes[i]
		fd, ok := anew[n.Name]
		if !ok {
			continue
		}
		errs = append(errs, p.reader.RemoveNode(n.Name), unix.Close(n.NS))
		n.NS, p.ns[n.Name], p.remade[n.Name] = fd, fd, true
		errs = append(errs, p.reader.AddNode(*n))
	}
	p.stop()
	return errors.Join(append(errs, s.watch(p))...)
}
