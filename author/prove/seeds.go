package prove

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"underlay/engine"
)

// draw is a lab as a seed draws it, and what is tried in it.
type draw struct {
	lab   *engine.Lab
	err   error
	same  int64 // an earlier seed that draws the same values; 0 if none does
	tries []try
}

// try is one script of a drawn lab.
type try struct {
	name  string
	prove func(context.Context, *engine.Lab) (Finding, error)
}

// seeds: whatever values a lab's parameters are drawn with, solve.sh solves it.
// Each alternative, mistake, fault and prediction is tried with drawn values, too, in one
// seed's lab, so that a script which has a value written into it is found.
func seeds(p *Prover, s Subject) []Case {
	if len(s.Lab.Params) == 0 {
		return []Case{{Name: "1", Prove: func(ctx context.Context) (Finding, error) {
			f, err := p.right(ctx, s.Lab, s.Lab.Solution)
			f.notef("the lab has no parameters, so there is only one draw")
			return f, err
		}}}
	}
	draws := sync.OnceValue(func() []draw { return p.draws(s) })
	out := make([]Case, p.Seeds)
	for i := range out {
		out[i] = Case{Name: strconv.Itoa(i + 1), Prove: func(ctx context.Context) (Finding, error) { return draws()[i].prove(ctx) }}
	}
	return out
}

// draws draws a lab with each seed from 1, and says what is tried in which. The
// solution is tried once with the same values: it would be the same lab.
func (p *Prover) draws(s Subject) []draw {
	out := make([]draw, p.Seeds)
	var others []*draw // draws that differ from the lab as it is written
	for i := range out {
		d := &out[i]
		if d.lab, d.err = p.Seeded(s.Lab.ID, int64(i+1)); d.err != nil {
			continue
		}
		if !maps.Equal(d.lab.Params, s.Lab.Params) {
			others = append(others, d)
		}
		alike := func(e draw) bool { return e.err == nil && maps.Equal(e.lab.Params, d.lab.Params) }
		if j := slices.IndexFunc(out[:i], alike); j >= 0 {
			d.same = int64(j + 1)
			continue
		}
		d.tries = append(d.tries, try{"solve", func(ctx context.Context, lab *engine.Lab) (Finding, error) {
			return p.right(ctx, lab, lab.Solution)
		}})
	}
	if len(others) == 0 {
		return out
	}
	for i, t := range p.tries(s) {
		d := others[i%len(others)]
		d.tries = append(d.tries, t)
	}
	return out
}

// tries returns all that there is to try other than a lab's solution. A drawn lab has
// the same ones in the same order.
func (p *Prover) tries(s Subject) []try {
	var out []try
	for i, a := range s.Lab.Alternatives {
		out = append(out, try{"alternative " + a.Name, func(ctx context.Context, lab *engine.Lab) (Finding, error) {
			return p.right(ctx, lab, lab.Alternatives[i])
		}})
	}
	for i, m := range s.Lab.Mistakes {
		out = append(out, try{"mistake " + m.Name, func(ctx context.Context, lab *engine.Lab) (Finding, error) {
			return p.mistaken(ctx, lab, lab.Mistakes[i])
		}})
	}
	for _, c := range s.Lab.Faults {
		out = append(out, try{"fault " + c.ID, func(ctx context.Context, lab *engine.Lab) (Finding, error) {
			broken, err := engine.Faulted(lab, c.ID)
			if err != nil {
				return Finding{}, err
			}
			if reason := p.unavailable(broken); reason != "" {
				return Finding{Notes: []string{"not proven here: " + reason}}, nil
			}
			return p.faulty(ctx, lab, broken)
		}})
	}
	for _, l := range s.Lessons {
		for i, one := range predicted(l, s.Lab) {
			out = append(out, try{"prediction " + one.name, func(ctx context.Context, lab *engine.Lab) (Finding, error) {
				if reason := p.unavailable(one.lab); reason != "" {
					return Finding{Notes: []string{"not proven here: " + reason}}, nil
				}
				return p.predicted(ctx, lab, l, i)
			}})
		}
	}
	return out
}

// prove tries what is to be tried in a draw.
func (d *draw) prove(ctx context.Context) (Finding, error) {
	if d.err != nil {
		return Finding{}, d.err
	}
	var f Finding
	f.notef("drawn: %s", values(d.lab.Params))
	if d.same != 0 {
		f.notef("the same values as seed %d, which tries solve.sh", d.same)
	}
	var errs []error
	for _, t := range d.tries {
		g, err := t.prove(ctx, d.lab)
		if ctx.Err() != nil {
			return Finding{}, ctx.Err()
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.name, err))
		}
		f.add(t.name, g)
	}
	return f, errors.Join(errs...)
}

// values writes drawn parameters in the order of their names.
func values(params map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		out = append(out, name+"="+params[name])
	}
	return strings.Join(out, ", ")
}
