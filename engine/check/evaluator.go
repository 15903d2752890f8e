package check

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
)

// calm is how long after an evaluation the kernel may still report what the
// evaluation's own packets changed.
const calm = 250 * time.Millisecond

// Evaluator evaluates a lab's tasks again and again, and keeps what must be
// remembered in between. All methods may be called from any goroutine;
// evaluations run one at a time.
type Evaluator struct {
	lab    *engine.Lab
	cyclic map[string]bool // tasks that come after themselves

	evaluating sync.Mutex

	mu         sync.Mutex
	generation int // counts resets
	count      int // counts evaluations
	answers    map[string]string
	latched    map[string]engine.TaskResult
	last       *engine.Status // newest whole status, nil before the first
	sending    bool           // traffic of the program's own may be under way
	sent       time.Time      // when that ended last
	hidden     bool           // something counted for nothing because of it
}

// New returns an evaluator for a lab. The lab must not be changed afterwards.
func New(lab *engine.Lab) *Evaluator {
	return &Evaluator{
		lab:     lab,
		cyclic:  cycles(lab.Tasks),
		answers: map[string]string{},
		latched: map[string]engine.TaskResult{},
	}
}

// Answer keeps the learner's answer to a task for the evaluations to come.
func (e *Evaluator) Answer(task, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answers[task] = text
}

// Reset forgets answers, latched tasks and the last status. The count of
// evaluations goes on. An evaluation under way leaves nothing behind.
func (e *Evaluator) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.generation++
	clear(e.answers)
	clear(e.latched)
	e.last = nil
}

// Memory is what an Evaluator remembers at one time: the answers that were
// given and the tasks that were done once.
type Memory struct {
	answers map[string]string
	latched map[string]engine.TaskResult
}

// Remember returns what is remembered once this status is.
func (e *Evaluator) Remember(st *engine.Status) Memory {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := Memory{answers: maps.Clone(e.answers), latched: maps.Clone(e.latched)}
	e.latch(m.latched, st)
	return m
}

// latch adds the tasks that are done once and for all.
func (e *Evaluator) latch(latched map[string]engine.TaskResult, st *engine.Status) {
	for i, t := range e.lab.Tasks {
		if t.Mode == engine.Once && i < len(st.Tasks) && st.Tasks[i].State == engine.Pass {
			latched[t.ID] = st.Tasks[i]
		}
	}
}

// Recall forgets everything since Remember returned m. Like after Reset, an
// evaluation under way leaves nothing behind.
func (e *Evaluator) Recall(m Memory) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.generation++
	e.answers, e.latched = maps.Clone(m.answers), maps.Clone(m.latched)
	e.last = nil
}

// Needs returns, by node, the facets whose change can change the status as
// things stand. Every node of the topology and every node that a check names
// is in it, unless nothing of it matters.
func (e *Evaluator) Needs() map[string]observe.Facet {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := needsOf()
	for _, n := range e.pending() {
		all.merge(n.needs)
	}
	out := map[string]observe.Facet{}
	for node := range all.watches {
		out[node] = all.watching(node)
	}
	for _, node := range e.lab.Topology.Nodes {
		if f := all.watching(node.Name); f != 0 {
			out[node.Name] = f
		}
	}
	return out
}

// Affected reports whether a change of this facet (or of one of these facets)
// of a node can have changed the status. What traffic itself changes
// (neighbours, forwarding entries, tracked flows) counts only for tasks that
// are not done, and not while the program sends traffic of its own or has just
// done so; otherwise each evaluation would call for the next.
func (e *Evaluator) Affected(node string, f observe.Facet) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := e.sending || time.Since(e.sent) < calm
	for _, p := range e.pending() {
		hit := p.needs.watching(node) & f
		if hit&^volatile != 0 {
			return true
		}
		if hit != 0 && !p.done {
			if !own {
				return true
			}
			e.hidden = true
		}
	}
	return false
}

// Send calls send, which sends traffic in no evaluation and at no time beside
// one. What that changes counts as little as what an evaluation's own does; but
// it may hide what the learner changed meanwhile, so disturbed reports whether
// there was anything that else would have counted.
func (e *Evaluator) Send(send func()) (disturbed bool) {
	e.mu.Lock()
	e.sending, e.hidden = true, false
	e.mu.Unlock()
	send()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sending, e.sent = false, time.Now()
	return e.hidden
}

// Sends reports whether an evaluation would send packets as things stand.
func (e *Evaluator) Sends() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.pending(), func(p pendingNeeds) bool { return p.needs.traffic })
}

// AwaitsTraffic reports whether a task is not done that looks at what traffic leaves
// behind, as things stand.
func (e *Evaluator) AwaitsTraffic() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.ContainsFunc(e.pending(), func(p pendingNeeds) bool {
		return !p.done && slices.ContainsFunc(slices.Collect(maps.Values(p.needs.watches)), func(f observe.Facet) bool { return f&volatile != 0 })
	})
}

// pendingNeeds is what a task or a collateral goal looks at.
type pendingNeeds struct {
	needs *needs
	done  bool // it passed when last looked at
}

// pending returns what is looked at as things stand: not latched tasks, and not
// those that wait for another, since that one is in the list.
func (e *Evaluator) pending() []pendingNeeds {
	var out []pendingNeeds
	for i, t := range e.lab.Tasks {
		if _, ok := e.latched[t.ID]; ok || e.last != nil && e.last.Tasks[i].Waiting {
			continue
		}
		p := pendingNeeds{needs: needsOf(t.Checks...), done: e.last != nil && e.last.Tasks[i].State == engine.Pass}
		if !p.done {
			for _, m := range t.Misconceptions {
				p.needs.merge(needsOf(m.When...))
			}
			if c := t.Choice(); c != nil {
				if o := picked(c, e.answers[t.ID]); o != nil && o.ID != c.Right {
					p.needs.merge(needsOf(o.Tell...))
				}
			}
		}
		out = append(out, p)
	}
	for i, c := range e.lab.Collateral {
		done := e.last != nil && e.last.Collateral[i].State == engine.Pass
		out = append(out, pendingNeeds{needs: needsOf(c.Check), done: done})
	}
	return out
}

// Evaluate looks at every task and returns the whole status. It ends early,
// with broken results that are not remembered, when ctx does.
func (e *Evaluator) Evaluate(ctx context.Context, w World) engine.Status {
	return e.EvaluateEach(ctx, w, nil)
}

// EvaluateEach is Evaluate that also calls publish, which may be nil, each time
// a task or a collateral goal has turned out differently from the last
// evaluation, with the status as known so far and Checking set. So a task that
// is decided by state alone need not wait for another's time-out. publish reports
// whether it showed the status: what was shown as done once and for all stays done,
// even if the evaluation is cut short after that. Calls of publish do not overlap; the
// first evaluation makes none.
func (e *Evaluator) EvaluateEach(ctx context.Context, w World, publish func(engine.Status) (shown bool)) engine.Status {
	e.evaluating.Lock()
	defer e.evaluating.Unlock()
	v := e.begin(ctx, w, publish)
	v.work(ctx)
	return e.end(ctx, v)
}

// begin sets up an evaluation from what is remembered.
func (e *Evaluator) begin(ctx context.Context, w World, publish func(engine.Status) bool) *evaluation {
	e.mu.Lock()
	defer e.mu.Unlock()
	var keep func(engine.Status)
	if generation := e.generation; publish != nil {
		keep = func(st engine.Status) {
			if publish(st) {
				e.shown(&st, generation)
			}
		}
	}
	v := newEvaluation(ctx, e, w, keep)
	for _, p := range e.pending() {
		e.sending = e.sending || p.needs.traffic
	}
	return v
}

// shown keeps what has been shown as done once and for all.
func (e *Evaluator) shown(st *engine.Status, generation int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.generation == generation {
		e.latch(e.latched, st)
	}
}

// end remembers an evaluation and returns its status.
func (e *Evaluator) end(ctx context.Context, v *evaluation) engine.Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sending {
		e.sending, e.sent = false, time.Now()
	}
	e.count++
	st := v.status
	st.Evaluation = e.count
	st.Solved = solved(&st)
	if e.generation == v.generation && ctx.Err() == nil {
		kept := copyStatus(&st)
		e.last = &kept
		e.latch(e.latched, &st)
	}
	return st
}

func solved(st *engine.Status) bool {
	bad := func(t engine.TaskResult) bool { return t.State != engine.Pass }
	return len(st.Tasks) > 0 && !slices.ContainsFunc(st.Tasks, bad) && !slices.ContainsFunc(st.Collateral, bad)
}

func copyStatus(st *engine.Status) engine.Status {
	out := *st
	out.Tasks = slices.Clone(st.Tasks)
	out.Collateral = slices.Clone(st.Collateral)
	return out
}

// cycles returns the tasks that can never be reached because they come,
// directly or not, after themselves.
func cycles(tasks []engine.Task) map[string]bool {
	stuck := map[string]bool{}
	for _, t := range tasks {
		stuck[t.ID] = true
	}
	for progress := true; progress; {
		progress = false
		for _, t := range tasks {
			held := func(id string) bool { return stuck[id] }
			if stuck[t.ID] && !slices.ContainsFunc(t.After, held) {
				delete(stuck, t.ID)
				progress = true
			}
		}
	}
	return stuck
}

// CollateralID names the collateral goals, which have no id of their own.
func CollateralID(i int) string { return fmt.Sprintf("collateral-%d", i+1) }
