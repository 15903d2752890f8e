package check

import (
	"context"
	"sync"

	"underlay/engine"
	"underlay/engine/observe"
)

// memo keeps what was found out, by a key of a type of its own for each thing that is
// asked.
type memo struct {
	mu sync.Mutex
	m  map[any]any
}

// remember computes a value once for each key, whoever asks first; others wait. Keys of
// one type have values of one type.
func remember[K comparable, V any](m *memo, key K, compute func() V) V {
	m.mu.Lock()
	get, ok := m.m[key].(func() V)
	if !ok {
		if m.m == nil {
			m.m = map[any]any{}
		}
		get = sync.OnceValue(compute)
		m.m[key] = get
	}
	m.mu.Unlock()
	return get()
}

// run is one evaluation: what was asked of the World in it.
type run struct {
	w       World
	lab     *engine.Lab
	facts   *facts
	answers map[string]string

	// wire is held for reading by each attempt and for writing by a capture,
	// which so sees no packets but those of its own traffic.
	wire   sync.RWMutex
	crowds crowds

	asked memo         // what need be asked once only
	scene func() scene // all nodes, for explanations
}

func newRun(ctx context.Context, w World, lab *engine.Lab, answers map[string]string) *run {
	r := &run{w: w, lab: lab, facts: newFacts(w), answers: answers}
	r.scene = sync.OnceValue(func() scene { return r.survey(ctx) })
	return r
}

// scope is what a check is evaluated in: the task it belongs to, for answers,
// and the facts that it may look at.
type scope struct {
	task  string
	facts *facts
}

// list evaluates checks side by side and returns their verdicts in order.
func (r *run) list(ctx context.Context, s scope, checks []engine.Check) []verdict {
	out := make([]verdict, len(checks))
	var wg sync.WaitGroup
	for i, c := range checks {
		if !needsOf(c).traffic {
			out[i] = r.check(ctx, s, c)
			continue
		}
		wg.Go(func() { out[i] = r.check(ctx, s, c) })
	}
	wg.Wait()
	return out
}

// all evaluates the checks of a task or of a misconception. Checks that send
// traffic go first, so that the volatile facets are read after it.
func (r *run) all(ctx context.Context, task string, checks []engine.Check) verdict {
	n := needsOf(checks...)
	r.facts.load(ctx, n, observe.All)
	s := scope{task: task, facts: r.facts}
	reads := observe.Facet(0)
	for _, f := range n.reads {
		reads |= f
	}
	if n.traffic && reads&volatile != 0 {
		r.list(ctx, s, senders(checks))
		s.facts = r.facts.after(ctx, n)
	}
	return allOf(r.list(ctx, s, checks))
}

// senders returns the checks in these, at any depth, that send traffic. What
// they find is remembered, so that evaluating them twice sends nothing twice.
func senders(checks []engine.Check) []engine.Check {
	var out []engine.Check
	for c := range engine.Walk(checks) {
		if k := kindOf(c); k != nil && k.sends {
			out = append(out, *c)
		}
	}
	return out
}

// check evaluates one check.
func (r *run) check(ctx context.Context, s scope, c engine.Check) verdict {
	k := kindOf(&c)
	if k == nil {
		return broken("check.empty", args{})
	}
	v := k.judge(ctx, r, s, &c)
	v.sent = v.sent || k.sends
	if v.Want == "" {
		v.Want = k.describe(&c)
	}
	if c.Because != "" && v.State == engine.Fail && !v.authored {
		why := c.Because
		if v.adds {
			why = join(why, " ", v.Why)
		}
		v.Why, v.authored = why, true
	}
	return v
}
