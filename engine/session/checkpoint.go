package session

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"underlay/engine"
	"underlay/engine/check"
	"underlay/engine/undo"
	"underlay/engine/wire"
)

// checkpointLog is where a session has been since it was opened or reset.
type checkpointLog struct {
	keeping sync.Mutex // one checkpoint is taken at a time

	mu      sync.Mutex
	records []record
	next    int             // id of the next checkpoint
	passed  map[string]bool // tasks that the newest evaluation found done
	turn    int             // counts resets and restorations: what is older than one does not count
	pending int             // checkpoints that are being taken
	kept    *sync.Cond      // signalled when there is one less of these
}

// record is a checkpoint with all that is needed to go back to it.
type record struct {
	engine.Checkpoint
	state    *undo.State
	memory   check.Memory
	instance *instance
	remade   map[string]bool // the instance's, then
	turn     int             // of the log
}

func newCheckpointLog() *checkpointLog {
	h := &checkpointLog{}
	h.kept = sync.NewCond(&h.mu)
	return h
}

// wait waits until no checkpoint is being taken.
func (h *checkpointLog) wait() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.pending > 0 {
		h.kept.Wait()
	}
}

func (h *checkpointLog) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn++
	h.records, h.next, h.passed = nil, 0, nil
}

// find returns a checkpoint's record.
func (h *checkpointLog) find(id int) (record, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.records {
		if r.ID == id {
			return r, nil
		}
	}
	return record{}, fmt.Errorf("this lab has no checkpoint %d: %w", id, engine.ErrNotFound)
}

// done says that a checkpoint is not being taken any more.
func (h *checkpointLog) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending--
	h.kept.Broadcast()
}

// add keeps a record. One for the same tasks as the newest takes its place: of
// two ways in which they are done, the last is the learner's. One that was begun
// before a reset or a restoration is not kept.
func (h *checkpointLog) add(r record) (kept bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.turn != h.turn {
		return false
	}
	if n := len(h.records); n > 1 && slices.Equal(h.records[n-1].Tasks, r.Tasks) {
		r.ID, r.Label = h.records[n-1].ID, h.records[n-1].Label
		h.records[n-1] = r
		return true
	}
	r.ID = h.next
	h.next++
	h.records = append(h.records, r)
	return true
}

// begin evaluates a lab that was just built and takes its first checkpoint
// meanwhile: nobody has had a chance to change anything.
func (s *Session) begin(ctx context.Context) error {
	p, err := s.live()
	if err != nil {
		return err
	}
	s.checkpoints.clear()
	// Whatever cuts the first look short, what is known is about this world.
	s.publish(unseen(s.lab))
	var g errgroup.Group
	var start *undo.State
	g.Go(func() (err error) {
		start, err = undo.TakeStill(ctx, func() (undo.Lab, error) { return s.lookAt(ctx, p) })
		return err
	})
	s.firstLook(ctx)
	if err := g.Wait(); err != nil {
		return fmt.Errorf("take the first checkpoint: %w", err)
	}
	st := s.Status()
	s.checkpoints.add(record{
		Checkpoint: engine.Checkpoint{Label: "the start", Tasks: done(&st), At: time.Now()},
		state:      start, memory: s.judge.Remember(&st), instance: p, turn: s.checkpoints.now(),
	})
	return nil
}

// firstLook evaluates a lab that was just built. The kernel's last words about
// its building may cut that short, and then it looks once more; but not for ever,
// where somebody keeps changing the lab.
func (s *Session) firstLook(ctx context.Context) {
	for range 3 {
		if _, whole := s.evaluate(ctx); whole || ctx.Err() != nil {
			return
		}
	}
}

// unseen is the status of a lab that nobody has looked at.
func unseen(lab *engine.Lab) engine.Status {
	st := engine.Status{Checking: true}
	result := func(id, goal string) engine.TaskResult {
		return engine.TaskResult{ID: id, Goal: goal, Result: check.Unseen()}
	}
	for _, t := range lab.Tasks {
		st.Tasks = append(st.Tasks, result(t.ID, t.Goal))
	}
	for i, c := range lab.Collateral {
		st.Collateral = append(st.Collateral, result(check.CollateralID(i), c.Goal))
	}
	return st
}

// now is the turn that counts.
func (h *checkpointLog) now() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.turn
}

// done are the ids of the tasks that pass.
func done(st *engine.Status) []string {
	var ids []string
	for _, t := range st.Tasks {
		if t.State == engine.Pass {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// noteProgress has a checkpoint taken when tasks are done that were not done
// before. It only starts that, in some microseconds: neither the news of the
// tasks nor the next evaluation waits for it. The caller holds evalMu.
func (s *Session) noteProgress(p *instance, st *engine.Status) {
	ids := done(st)
	now := map[string]bool{}
	var goals []string
	s.checkpoints.mu.Lock()
	for _, t := range st.Tasks {
		if now[t.ID] = t.State == engine.Pass; now[t.ID] && !s.checkpoints.passed[t.ID] {
			goals = append(goals, strings.TrimSuffix(t.Goal, "."))
		}
	}
	first := s.checkpoints.passed == nil
	s.checkpoints.passed = now
	// Where there is a cluster, the nodes hold what its objects say, which are in
	// none of them: there is nothing to go back to but the start.
	take, turn := !first && len(goals) > 0 && !s.lab.Unwatched && s.lab.Cluster == nil, s.checkpoints.turn
	if take {
		s.checkpoints.pending++
	}
	s.checkpoints.mu.Unlock()
	if !take {
		return
	}
	r := record{
		Checkpoint: engine.Checkpoint{Label: strings.Join(goals, "; "), Tasks: ids, At: time.Now()},
		memory:     s.judge.Remember(st), instance: p, remade: maps.Clone(p.remade), turn: turn,
	}
	go s.keep(r)
}

// keep completes a record with the lab's state and adds it. Where that cannot be
// read, the lab has ended or is being reset, and there is nothing to go back to.
func (s *Session) keep(r record) {
	s.checkpoints.keeping.Lock()
	defer s.checkpoints.keeping.Unlock()
	defer s.checkpoints.done()
	ctx := context.Background()
	state, err := undo.TakeStill(ctx, func() (undo.Lab, error) { return s.lookAt(ctx, r.instance) })
	if err != nil {
		return
	}
	r.state = state
	if s.checkpoints.add(r) {
		s.signal()
	}
}

// State reads what the lab's nodes hold.
func (s *Session) State(ctx context.Context) (*undo.State, error) {
	p, err := s.live()
	if err != nil {
		return nil, err
	}
	return s.take(ctx, p)
}

func (s *Session) take(ctx context.Context, p *instance) (*undo.State, error) {
	lab, err := s.lookAt(ctx, p)
	if err != nil {
		return nil, err
	}
	return undo.Take(ctx, lab)
}

// lookAt is an instance as undo sees it, with what has become of its servers and nodes.
func (s *Session) lookAt(ctx context.Context, p *instance) (undo.Lab, error) {
	pids := p.pids()
	ended, err := p.world.Ended(ctx, pids)
	if err != nil {
		return undo.Lab{}, err
	}
	t := &s.lab.Topology
	lab := undo.Lab{Reader: p.reader, Tools: p.world, Legacy: p.world.UsedLegacyIptables(), Gone: p.world.Gone(t.Built().NodeNames())}
	for i, l := range t.Workloads {
		lab.Servers = append(lab.Servers, serverName(l))
		if slices.Contains(ended, pids[i]) {
			lab.Stopped = append(lab.Stopped, i)
		}
	}
	return lab, nil
}

// serverName is what a workload is called in a sentence.
func serverName(l engine.Workload) string {
	return fmt.Sprintf("the %s server of %s (%s)", l.Kind, l.Node, cmp.Or(l.Listen, "its usual port"))
}

// hand writes to an instance's nodes.
type hand struct{ instance *instance }

var _ undo.Writer = hand{}

func (h hand) Write(node string, msgs []undo.Message) ([]error, error) {
	return wire.Write(h.instance.ns[node], requests(msgs))
}

func (h hand) WriteFirewall(node string, msgs []undo.Message) error {
	return wire.WriteFirewall(h.instance.ns[node], requests(msgs))
}

func (h hand) Set(node, path, value string) error {
	return wire.Set(h.instance.ns[node], []engine.Sysctl{{Name: path, Value: value}})
}

func (h hand) Namespaces() map[string]int { return h.instance.ns }

func requests(msgs []undo.Message) []wire.Message {
	out := make([]wire.Message, len(msgs))
	for i, m := range msgs {
		out[i] = wire.Message(m)
	}
	return out
}
