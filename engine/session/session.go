package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"underlay/engine"
	"underlay/engine/check"
	"underlay/engine/cluster"
	"underlay/engine/sandbox"
	"underlay/engine/wire"
)

// Session is a lab that runs.
type Session struct {
	lab     *engine.Lab
	sandbox *sandbox.Sandbox
	warm    *cluster.Warm
	judge   *check.Evaluator
	sysctls []string // settings the lab's checks read

	resolvers []string // nodes that resolve names for the lab's checks
	trusting  []string // nodes in which they verify certificates

	changed  chan struct{}
	triggers chan trigger
	quit     chan struct{}
	stopped  chan struct{}
	resting  chan *rest

	changing    sync.Mutex   // one reset or restoration at a time
	evalMu      sync.Mutex   // one evaluation or autopsy at a time; see claim
	claims      atomic.Int32 // of those that wait for evalMu
	settling    atomic.Int32 // calls of Settle under way
	checkpoints *checkpointLog
	traces      *traces

	mu       sync.Mutex
	instance *instance
	status   engine.Status // without what was found by autopsies
	found    findings
	trying   trying
	closed   bool
	current  evaluation // that is under way

	changes  int      // counts what has changed
	judged   int      // as many had by the last evaluation that was whole
	polled   uint64   // fingerprint of the polled state as it was last seen
	sending  int      // evaluations and autopsies under way that send packets
	captures []string // nodes in which a capture of the learner's is open

	explaining context.CancelFunc          // of the autopsy under way in the background
	lines      map[*watchedShell]time.Time // when a line was last sent to a shell that may be busy with it
	tables     tables
}

var _ engine.Session = (*Session)(nil)

var errClosed = errors.New("the lab is closed")

// Lab returns the lab as its author wrote it.
func (s *Session) Lab() *engine.Lab { return s.lab }

// Status returns the newest evaluation, the verdicts of autopsies on what fails in
// it, and the world's health.
func (s *Session) Status() engine.Status {
	s.mu.Lock()
	st, p := s.status, s.instance
	st.Testing, st.Captures = s.sending > 0, s.captures
	st.Tasks, st.Collateral = slices.Clone(st.Tasks), slices.Clone(st.Collateral)
	if (s.trying.tried || s.lab.Fault != nil) && !withheld(s.lab, &st) {
		s.found.tell(st.Tasks)
		s.found.tell(st.Collateral)
	}
	s.mu.Unlock()
	if p != nil {
		st.Health = append(p.world.Health(), p.cluster.Health()...)
	}
	return st
}

// Changed is signalled after each new Status; signals coalesce.
func (s *Session) Changed() <-chan struct{} { return s.changed }

func (s *Session) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Poke says that something may have changed that sends no kernel event.
func (s *Session) Poke() { s.trigger(trigger{poke: true}) }

// Answer gives the learner's answer to a task that asks for one.
func (s *Session) Answer(task, text string) {
	s.judge.Answer(task, text)
	s.trigger(trigger{hard: true})
}

// live returns the instance as it is now, or an error once the lab is closed.
func (s *Session) live() (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.instance == nil {
		return nil, errClosed
	}
	return s.instance, nil
}

// Shell opens a shell in a node.
func (s *Session) Shell(ctx context.Context, node string, size engine.Size) (engine.Terminal, error) {
	p, err := s.live()
	if err != nil {
		return nil, err
	}
	n := s.lab.Topology.Node(node)
	if n == nil {
		return nil, fmt.Errorf("this lab has no node %q: %w", node, engine.ErrNotFound)
	}
	name, err := p.inWorld(n)
	if err != nil {
		return nil, err
	}
	term, err := p.world.Shell(ctx, name, size)
	if err != nil {
		return nil, err
	}
	return &watchedShell{Terminal: term, s: s, node: node}, nil
}

// evaluate judges the lab now and publishes what it finds. One that is cut
// short, by ctx or because the lab changed meanwhile, is not whole and its
// last findings are not published.
func (s *Session) evaluate(ctx context.Context) (st engine.Status, whole bool) {
	s.claim()
	defer s.evalMu.Unlock()
	p, err := s.live()
	if err != nil {
		return s.Status(), false
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// What has been announced is seen now, so it is no reason to look once more.
	if p.watcher != nil {
		p.watcher.Flush()
	}
	changes := s.setCurrent(cancel)
	defer s.setCurrent(nil)
	if s.judge.Sends() {
		defer s.send()()
	}
	s.pollChanged()
	s.freshen(ctx, p)
	unlessCut := func(st engine.Status) bool {
		if ctx.Err() != nil {
			return false
		}
		s.noteProgress(p, &st)
		s.publish(st)
		return true
	}
	st = s.judge.EvaluateEach(ctx, &world{session: s, instance: p}, unlessCut)
	unlessCut(st)
	whole = ctx.Err() == nil
	if whole {
		s.traces.evaluated()
		s.mu.Lock()
		s.judged = changes
		s.mu.Unlock()
	}
	return s.Status(), whole
}

// evaluation is one that is under way.
type evaluation struct {
	cancel  context.CancelFunc // nil if none is
	changes int                // how much had changed when it began
}

// setCurrent says which evaluation is under way, and returns how much had changed
// by then.
func (s *Session) setCurrent(cancel context.CancelFunc) (changes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = evaluation{cancel, s.changes}
	return s.changes
}

// send says that packets of ours are under way, until the function is called that
// it returns.
func (s *Session) send() (sent func()) {
	add := func(n int) {
		s.mu.Lock()
		s.sending += n
		s.mu.Unlock()
		s.signal()
	}
	add(1)
	return func() { add(-1) }
}

// freshen prepares an instance for packets of ours. The caller holds evalMu.
func (s *Session) freshen(ctx context.Context, p *instance) {
	// Where this fails, the namespaces as they were can still be looked at, and
	// a world that has ended says so itself.
	_ = s.refresh(ctx, p)
	for _, n := range p.nodes {
		// What failed attempts left behind would slow down the next one; a
		// failure here only costs that time.
		_ = wire.ForgetUnresolved(n.NS)
	}
}

// publish makes a status the newest one.
func (s *Session) publish(st engine.Status) {
	s.mu.Lock()
	s.status = st
	s.mu.Unlock()
	s.signal()
}

// cancelEvaluation cuts short the evaluation under way, and says whether there is one.
func (s *Session) cancelEvaluation() bool { return s.cancelOlder(math.MaxInt) }

// cancelOlder cuts short the evaluation under way if it began before there were so many
// changes, and says whether that is so.
func (s *Session) cancelOlder(changes int) bool {
	s.mu.Lock()
	e := s.current
	s.mu.Unlock()
	if e.cancel == nil || e.changes >= changes {
		return false
	}
	e.cancel()
	return true
}

// Reset throws the world away and builds it anew.
func (s *Session) Reset(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	old, err := s.live()
	if err != nil {
		return err
	}
	s.cancelEvaluation()
	s.traces.end()
	s.claim()
	s.outdate()
	closeErr := old.close()
	s.judge.Reset()
	err = s.build(ctx, func(string) {})
	s.mu.Lock()
	s.trying.typed, s.trying.tried = false, false
	s.mu.Unlock()
	s.evalMu.Unlock()
	if err == nil && !s.lab.Unwatched {
		err = s.begin(ctx)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("reset lab %s: %w", s.lab.ID, err), closeErr)
	}
	if !s.lab.Unwatched {
		s.trigger(trigger{poke: true, explain: true})
	}
	return closeErr
}

// Close ends the lab and everything in it.
func (s *Session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	p := s.instance
	s.mu.Unlock()
	close(s.quit)
	s.cancelEvaluation()
	s.traces.end()
	<-s.stopped
	s.claim()
	defer s.evalMu.Unlock()
	return p.close()
}
