package check

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"sync"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
)

// evaluation is one pass over a lab's tasks.
type evaluation struct {
	lab        *engine.Lab
	cyclic     map[string]bool
	generation int
	run        *run
	latched    map[string]engine.TaskResult
	last       *engine.Status
	publish    func(engine.Status)

	mu     sync.Mutex
	status engine.Status            // filled in as results come
	done   map[string]chan struct{} // by task, closed when its result is in
	index  map[string]int           // task id → index
}

// newEvaluation takes what it needs of e, whose lock the caller holds.
func newEvaluation(ctx context.Context, e *Evaluator, w World, publish func(engine.Status)) *evaluation {
	v := &evaluation{
		lab:        e.lab,
		cyclic:     e.cyclic,
		generation: e.generation,
		run:        newRun(ctx, w, e.lab, maps.Clone(e.answers)),
		latched:    maps.Clone(e.latched),
		last:       e.last,
		publish:    publish,
		done:       map[string]chan struct{}{},
		index:      map[string]int{},
	}
	if e.last != nil {
		v.status = copyStatus(e.last)
	} else {
		v.status.Tasks = make([]engine.TaskResult, len(e.lab.Tasks))
		v.status.Collateral = make([]engine.TaskResult, len(e.lab.Collateral))
	}
	for i, t := range e.lab.Tasks {
		v.index[t.ID] = i
		v.done[t.ID] = make(chan struct{})
	}
	return v
}

// work evaluates everything. Each task starts as soon as those it comes after
// have passed.
func (v *evaluation) work(ctx context.Context) {
	ahead, stop := context.WithCancel(ctx)
	var early, wg sync.WaitGroup
	first := v.likely()
	n := needsOf(v.collateralChecks()...)
	for _, t := range first {
		n.merge(needsOf(t.Checks...))
	}
	v.run.facts.load(ctx, n, observe.All)
	for _, t := range first {
		if len(t.After) > 0 {
			early.Go(func() { v.run.list(ahead, scope{task: t.ID, facts: v.run.facts}, senders(t.Checks)) })
		}
	}
	for i := range v.lab.Tasks {
		wg.Go(func() {
			t := &v.lab.Tasks[i]
			v.settle(&v.status.Tasks[i], v.task(ctx, t))
			close(v.done[t.ID])
		})
	}
	for i, c := range v.lab.Collateral {
		wg.Go(func() {
			res := v.run.all(ctx, "", []engine.Check{c.Check})
			v.settle(&v.status.Collateral[i], res.into(engine.TaskResult{ID: CollateralID(i), Goal: c.Goal}))
		})
	}
	wg.Wait()
	stop()
	early.Wait()
}

func (v *evaluation) collateralChecks() []engine.Check {
	out := make([]engine.Check, len(v.lab.Collateral))
	for i, c := range v.lab.Collateral {
		out[i] = c.Check
	}
	return out
}

// likely returns the tasks that will be looked at unless something has come
// undone: those whose predecessors passed last time. Their state is read in one
// go and their traffic sent without waiting for the predecessors.
func (v *evaluation) likely() []*engine.Task {
	var out []*engine.Task
	for i := range v.lab.Tasks {
		t := &v.lab.Tasks[i]
		_, latched := v.latched[t.ID]
		ready := !latched && !v.cyclic[t.ID]
		for _, id := range t.After {
			k, known := v.index[id]
			ready = ready && known && v.last != nil && v.last.Tasks[k].State == engine.Pass
		}
		if ready {
			out = append(out, t)
		}
	}
	return out
}

// settle puts a result in its place and publishes it if it is news.
func (v *evaluation) settle(place *engine.TaskResult, res engine.TaskResult) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old := *place
	res.Since = time.Now()
	if old.State == res.State {
		res.Since = old.Since
	}
	*place = res
	if v.publish == nil || v.last == nil || reflect.DeepEqual(old, res) {
		return
	}
	st := copyStatus(&v.status)
	st.Checking = true
	st.Solved = v.last.Solved && solved(&st)
	v.publish(st)
}

// task evaluates one task once those that it comes after have been.
func (v *evaluation) task(ctx context.Context, t *engine.Task) engine.TaskResult {
	res := engine.TaskResult{ID: t.ID, Goal: t.Goal}
	if old, ok := v.latched[t.ID]; ok {
		return old
	}
	if v.cyclic[t.ID] {
		res.Result = brokenf("This task comes after itself, so it can never be looked at.").Result
		return res
	}
	for _, id := range t.After {
		done, ok := v.done[id]
		if !ok {
			res.Result = brokenf("This task comes after %q, which is no task of this lab.", id).Result
			return res
		}
		<-done
	}
	for _, id := range t.After {
		if before := v.result(id); before.State != engine.Pass {
			res.State, res.Waiting = engine.Fail, true
			res.Got = "not looked at yet"
			res.Why = fmt.Sprintf("Comes after: %s", before.Goal)
			return res
		}
	}
	if len(t.Checks) == 0 {
		res.Result = brokenf("This task has no checks.").Result
		return res
	}
	res = v.run.all(ctx, t.ID, t.Checks).into(res)
	if res.State == engine.Fail {
		v.recognise(ctx, t, &res)
	}
	return res
}

func (v *evaluation) result(id string) engine.TaskResult {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status.Tasks[v.index[id]]
}

// recognise looks for the first misconception of a failed task that holds. All
// are looked at side by side, so that their time-outs do not add up.
func (v *evaluation) recognise(ctx context.Context, t *engine.Task, res *engine.TaskResult) {
	held := make([]bool, len(t.Misconceptions))
	var wg sync.WaitGroup
	for i, m := range t.Misconceptions {
		if len(m.When) == 0 {
			continue
		}
		wg.Go(func() { held[i] = v.run.all(ctx, t.ID, m.When).State == engine.Pass })
	}
	wg.Wait()
	for i, m := range t.Misconceptions {
		if held[i] {
			res.Misconception, res.Says = m.ID, m.Says
			return
		}
	}
}
