package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// faulty proves one fault: it breaks what it says and leaves alive what must
// stay, what tells it tells it alone, and its repair brings everything back.
func (p *Prover) faulty(ctx context.Context, lab *engine.Lab, fault *engine.Fault) (f Finding, err error) {
	for _, s := range []engine.Script{lab.Solution, fault.Break, fault.Repair} {
		if f := readable(s); len(f.Wrong) > 0 {
			return f, nil
		}
	}
	faulted, err := engine.Faulted(lab, fault.ID)
	if err != nil {
		return Finding{}, err
	}
	session, err := p.Opener.Open(ctx, inDetail(lab, faulted), nil)
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
	if f.broken(&out.Status, fault); len(f.Wrong) > 0 {
		return f, nil
	}
	session.Answer(engine.TaskCause, fault.ID)
	if err := t.Type(ctx, fault.Repair); err != nil {
		return Finding{}, err
	}
	if out, err = t.Settle(ctx); err != nil {
		return Finding{}, err
	}
	out.Status = untold(out.Status)
	g := rightly(out)
	for i := range g.Wrong {
		g.Wrong[i] = "after the repair, " + g.Wrong[i]
	}
	return g, nil
}

// symptom names the task that stands for a fault's i-th check, tell the one that
// stands for what tells a fault.
func symptom(i int) string     { return fmt.Sprintf("symptom-%d", i+1) }
func tell(fault string) string { return tellPrefix + fault }

const tellPrefix = "tell-"

// inDetail is the faulted lab with tasks before its own that wait for none: each
// check of the fault, and what tells each fault that the lab has.
func inDetail(lab, faulted *engine.Lab) *engine.Lab {
	out := *faulted
	out.Tasks = nil
	add := func(id string, f *engine.Fault, checks ...engine.Check) {
		out.Tasks = append(out.Tasks, engine.Task{ID: id, Goal: f.Symptom, Mode: engine.Now, Checks: checks, Hints: f.Hints})
	}
	for i, c := range faulted.Fault.Checks {
		add(symptom(i), faulted.Fault, c)
	}
	for i := range lab.Faults {
		add(tell(lab.Faults[i].ID), &lab.Faults[i], lab.Faults[i].Tell...)
	}
	out.Tasks = append(out.Tasks, faulted.Tasks...)
	return &out
}

// untold is a status without the tasks that stand for what tells a fault: a
// repair need not undo that, if what was broken works again.
func untold(st engine.Status) engine.Status {
	st.Tasks = slices.DeleteFunc(slices.Clone(st.Tasks), func(t engine.TaskResult) bool { return strings.HasPrefix(t.ID, tellPrefix) })
	failed := func(t engine.TaskResult) bool { return t.State != engine.Pass }
	st.Solved = !slices.ContainsFunc(st.Tasks, failed) && !slices.ContainsFunc(st.Collateral, failed)
	return st
}

// broken demands that each check of the fault fails, that it alone is told, and
// that everything is there that it says it leaves.
func (f *Finding) broken(st *engine.Status, fault *engine.Fault) {
	f.clear(st)
	for i := range st.Tasks {
		t := &st.Tasks[i]
		other, isTell := strings.CutPrefix(t.ID, tellPrefix)
		switch {
		case i < len(fault.Checks):
			if t.State == engine.Pass {
				f.wrongf("the symptom does not show: check %d of %d passes (%s)", i+1, len(fault.Checks), t.Got)
			}
		case !isTell:
		case other == fault.ID && t.State == engine.Fail:
			f.wrongf("what tells this fault does not hold while it is there (%s)", t.Got)
		case other != fault.ID && t.State == engine.Pass:
			f.wrongf("what tells the fault %s holds as well, so that the cause cannot be named", other)
		}
	}
	f.alive(st)
}
