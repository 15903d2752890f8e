package prove

import (
	"context"
	"errors"
	"fmt"

	"underlay/engine"
	"underlay/engine/trial"
)

// faults: each breaks the solved lab so that its symptom shows, and its repair
// brings everything back.
func faults(p *Prover, s Subject) []Case {
	out := make([]Case, 0, len(s.Lab.Faults))
	for i := range s.Lab.Faults {
		fault := &s.Lab.Faults[i]
		out = append(out, Case{fault.ID, func(ctx context.Context) (Finding, error) { return p.faulty(ctx, s.Lab, fault) }})
	}
	return out
}

// faulty proves one fault.
func (p *Prover) faulty(ctx context.Context, lab *engine.Lab, fault *engine.Fault) (f Finding, err error) {
	for _, s := range []engine.Script{lab.Solution, fault.Break, fault.Repair} {
		if f := readable(s); len(f.Wrong) > 0 {
			return f, nil
		}
	}
	session, err := p.Opener.Open(ctx, withFault(lab, fault), nil)
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
	f.broken(&out.Status, len(fault.Checks))
	if len(f.Wrong) > 0 {
		return f, nil
	}
	if err := t.Type(ctx, fault.Repair); err != nil {
		return Finding{}, err
	}
	if out, err = t.Settle(ctx); err != nil {
		return Finding{}, err
	}
	g := rightly(out)
	for i := range g.Wrong {
		g.Wrong[i] = "after the repair, " + g.Wrong[i]
	}
	return g, nil
}

// symptom names the task that stands for a fault's i-th check.
func symptom(i int) string { return fmt.Sprintf("symptom-%d", i+1) }

// withFault is a lab that opens as solved and then broken. Each check of the
// fault is a task of its own, before the lab's, and waits for none.
func withFault(lab *engine.Lab, fault *engine.Fault) *engine.Lab {
	out := *lab
	out.Prepare = append(append([]engine.Script{}, lab.Prepare...), lab.Solution, fault.Break)
	out.Tasks = nil
	for i, c := range fault.Checks {
		out.Tasks = append(out.Tasks, engine.Task{
			ID: symptom(i), Goal: fault.Symptom, Mode: engine.Now, Checks: []engine.Check{c}, Hints: fault.Hints,
		})
	}
	out.Tasks = append(out.Tasks, lab.Tasks...)
	return &out
}

// broken demands that each of the first n tasks, the fault's symptom, fails.
func (f *Finding) broken(st *engine.Status, n int) {
	f.clear(st)
	if st.Solved {
		f.wrongf("the fault breaks nothing: the lab is solved")
		return
	}
	for i := range st.Tasks[:n] {
		if t := &st.Tasks[i]; t.State == engine.Pass {
			f.wrongf("the symptom does not show: check %d of %d passes (%s)", i+1, n, t.Got)
		}
	}
}
