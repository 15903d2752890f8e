package prove

import (
	"context"
	"errors"
	"fmt"

	"underlay/engine"
	"underlay/engine/trial"
)

// faults: each breaks the solved lab so that its symptom and its own cause show,
// and its repair brings everything back.
func faults(p *Prover, s Subject) []Case {
	out := make([]Case, 0, len(s.Lab.Faults))
	for i := range s.Lab.Faults {
		fault := &s.Lab.Faults[i]
		broken, err := engine.Faulted(s.Lab, fault.ID)
		out = append(out, Case{Name: fault.ID, Lab: broken, Prove: func(ctx context.Context) (Finding, error) {
			if err != nil {
				return Finding{}, err
			}
			return p.faulty(ctx, s.Lab, broken)
		}})
	}
	return out
}

// faulty proves a fault of a lab in what a learner gets, the broken lab.
func (p *Prover) faulty(ctx context.Context, lab, broken *engine.Lab) (f Finding, err error) {
	fault := broken.Fault
	for _, s := range []engine.Script{lab.Solution, fault.Break, fault.Repair} {
		if f := readable(s); len(f.Wrong) > 0 {
			return f, nil
		}
	}
	session, err := p.Opener.Open(ctx, observed(broken, lab), nil)
	if err != nil {
		return Finding{}, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	t := trial.New(session)
	out, err := t.Settle(ctx)
	if err != nil {
		return Finding{}, err
	}
	f = found(out)
	f.breaks(broken, lab, &out.Status)
	if len(f.Wrong) > 0 {
		return f, nil
	}
	session.Answer(engine.TaskCause, fault.ID)
	if err := t.Type(ctx, fault.Repair); err != nil {
		return Finding{}, err
	}
	if out, err = t.Settle(ctx); err != nil {
		return Finding{}, err
	}
	f = found(out)
	f.repaired(broken, &out.Status)
	f.Wrong = append(f.Wrong, out.Notes...)
	return f, nil
}

// The tasks that are added to a broken lab, to look at what its own do not show.
func symptom(i int) string     { return fmt.Sprintf("symptom-%d", i+1) }
func causeOf(id string) string { return "cause-" + id }

// observed is a broken lab with more tasks after its own: one for each check of
// the fault's symptom, and for each fault one that passes if it could be the
// cause.
func observed(broken, lab *engine.Lab) *engine.Lab {
	out := *broken
	out.Tasks = append([]engine.Task{}, broken.Tasks...)
	for i, c := range broken.Fault.Checks {
		out.Tasks = append(out.Tasks, engine.Task{ID: symptom(i), Goal: broken.Fault.Symptom, Mode: engine.Now, Checks: []engine.Check{c}})
	}
	for i := range lab.Faults {
		o := &lab.Faults[i]
		out.Tasks = append(out.Tasks, engine.Task{ID: causeOf(o.ID), Goal: o.Cause, Mode: engine.Now, Checks: o.Tell})
	}
	return &out
}

// states are a status's tasks by id.
func states(st *engine.Status) map[string]*engine.TaskResult {
	out := map[string]*engine.TaskResult{}
	for i := range st.Tasks {
		out[st.Tasks[i].ID] = &st.Tasks[i]
	}
	return out
}

// breaks demands of the lab before it is repaired that each check of the symptom
// fails, that of all causes the true one alone shows, and that everything is
// there that must stay.
func (f *Finding) breaks(broken, lab *engine.Lab, st *engine.Status) {
	f.clear(st)
	tasks, n := states(st), len(broken.Fault.Checks)
	var hidden []string
	for i := range n {
		if t := tasks[symptom(i)]; t.State == engine.Pass {
			hidden = append(hidden, fmt.Sprintf("the symptom does not show: check %d of %d passes (%s)", i+1, n, t.Got))
		}
	}
	if len(hidden) == n {
		hidden = []string{"the fault breaks nothing: every check of its symptom passes"}
	}
	f.Wrong = append(f.Wrong, hidden...)
	for i := range lab.Faults {
		id := lab.Faults[i].ID
		switch own, t := id == broken.Fault.ID, tasks[causeOf(id)]; {
		case own && t.State == engine.Fail:
			f.wrongf("the cause does not show: `tell` fails (want %s; got %s)", t.Want, t.Got)
		case !own && t.State == engine.Pass:
			f.wrongf("the cause %s is just as true: its `tell` passes, too (%s)", id, t.Got)
		}
	}
	f.alive(st)
}

// repaired demands of the lab after the repair that all its tasks are done, that
// the cause is gone, and that everything is there that must stay.
func (f *Finding) repaired(broken *engine.Lab, st *engine.Status) {
	f.clear(st)
	tasks := states(st)
	for _, task := range broken.Tasks {
		if t := tasks[task.ID]; t.State == engine.Fail && !t.Waiting {
			f.wrongf("after the repair, task %s is not done", t.ID)
		}
	}
	if tasks[causeOf(broken.Fault.ID)].State == engine.Pass {
		f.wrongf("after the repair, the cause still shows: `tell` passes")
	}
	f.alive(st)
}
