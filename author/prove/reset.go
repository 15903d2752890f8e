package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"underlay/engine"
	"underlay/engine/trial"
	"underlay/engine/undo"
)

// Stater is a session whose state can be compared with that of another start.
type Stater interface {
	State(context.Context) (*undo.State, error)
	// Declared are the objects of the lab's cluster, one a line, in a fixed order and
	// without what the cluster chooses itself; none if the lab has no cluster.
	Declared(context.Context) ([]string, error)
}

// reset: after a reset the lab is as it was at its first start, however it was
// left; and so after another one.
func reset(p *Prover, s Subject) []Case {
	return one(func(ctx context.Context) (f Finding, err error) {
		session, err := p.Opener.Open(ctx, s.Lab, nil)
		if err != nil {
			return Finding{}, err
		}
		defer func() { err = errors.Join(err, session.Close()) }()
		first, err := standing(ctx, session)
		if err != nil {
			return Finding{}, err
		}
		for _, which := range []string{"first", "second"} {
			if err := trial.New(session).Type(ctx, s.Lab.Solution); err != nil {
				return Finding{}, err
			}
			if err := session.Reset(ctx); err != nil {
				return Finding{}, err
			}
			now, err := standing(ctx, session)
			if err != nil {
				return Finding{}, err
			}
			if d := first.differences(s.Lab, now); len(d) > 0 {
				f.Differs = d
				f.wrongf("after the %s reset the lab is not as it was at the start", which)
				return f, nil
			}
		}
		return f, nil
	})
}

// stand is everything about a lab as it stands.
type stand struct {
	state   *undo.State // what its nodes hold
	objects []string    // what its cluster is told
	tasks   []string    // how its tasks do
}

func standing(ctx context.Context, session engine.Session) (stand, error) {
	s, ok := session.(Stater)
	if !ok {
		return stand{}, errors.New("this session does not report its state")
	}
	state, err := s.State(ctx)
	if err != nil {
		return stand{}, err
	}
	out, err := trial.New(session).Settle(ctx)
	if err != nil {
		return stand{}, err
	}
	if !out.Settled {
		return stand{}, errors.New("it does not settle")
	}
	objects, err := s.Declared(ctx)
	if err != nil {
		return stand{}, err
	}
	now := stand{state: state, objects: objects}
	for _, t := range slices.Concat(out.Status.Tasks, out.Status.Collateral) {
		now.tasks = append(now.tasks, fmt.Sprintf("%s: %s", t.ID, t.State))
	}
	return now, nil
}

// differences lists what another start of the lab has otherwise.
func (a stand) differences(lab *engine.Lab, b stand) []string {
	var out []string
	for _, c := range undo.CompareBuilds(lab, a.state, b.state) {
		if c.Before != "" {
			out = append(out, fmt.Sprintf("%s: gone: %s %s", c.Node, c.What, c.Before))
		}
		if c.After != "" {
			out = append(out, fmt.Sprintf("%s: new: %s %s", c.Node, c.What, c.After))
		}
	}
	for _, o := range a.objects {
		if !slices.Contains(b.objects, o) {
			out = append(out, "cluster: gone: "+o)
		}
	}
	for _, o := range b.objects {
		if !slices.Contains(a.objects, o) {
			out = append(out, "cluster: new: "+o)
		}
	}
	for i, task := range a.tasks {
		if task != b.tasks[i] {
			out = append(out, fmt.Sprintf("task %s, then %s", task, b.tasks[i]))
		}
	}
	return out
}
