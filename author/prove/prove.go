package prove

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"underlay/course/lesson"
	"underlay/engine"
)

// Subject is what is proven together: a lab, and the lessons that use it.
type Subject struct {
	Lab     *engine.Lab
	Lessons []*lesson.Lesson
}

// Kind is one kind of proof.
type Kind struct {
	Name string
	// Cases returns what there is to prove of this kind. It opens nothing.
	Cases func(*Prover, Subject) []Case
}

// Case is one proof.
type Case struct {
	Name string // among those of its kind; "" where a lab has only one
	// Lab is the lab that must be able to run here; nil is the subject's.
	Lab *engine.Lab
	// Prove returns what was found. An error says that the lab could not be
	// looked at, which proves nothing either.
	Prove func(context.Context) (Finding, error)
}

// Kinds returns every kind, in the order in which they are told. The one that
// takes longest comes early, so that no lab ends with waiting for it.
func Kinds() []Kind {
	return []Kind{
		{"untouched", untouched},
		{"solution", solution},
		{"hold", hold},
		{"reset", reset},
		{"alternative", alternatives},
		{"mistake", mistakes},
		{"without-line", withoutLine},
		{"fault", faults},
		{"prediction", predictions},
		{"recorded", recordings},
		{"seed", seeds},
	}
}

// Prover proves subjects.
type Prover struct {
	Opener    engine.Opener
	Available engine.Available
	// Seeded returns a lab with its parameters drawn by a seed.
	Seeded func(id string, seed int64) (*engine.Lab, error)

	Kinds []Kind
	Only  *regexp.Regexp // of the proofs' names, "docker0/mistake/no-address"; nil for all
	Seeds int            // how many seeds are drawn for each lab
	Jobs  int            // how many proofs run side by side

	// Again has a proof that fails made once more. If it succeeds then, it is a flake: it
	// is counted and told as one.
	Again bool

	Sample Sample // what is left out, and of which labs
	Shard  Shard  // which part of the plan is made here

	sampled []string // ids of the labs of which the last plan has a sample only
}

// Planned is a proof that is to be made.
type Planned struct {
	Lab, Kind, Name string
	skip            string // why it cannot be made here
	weight          int    // as how many proofs it counts of those that run side by side
	prove           func(context.Context) (Finding, error)
}

// ID is the name by which a proof is chosen and told: "docker0/mistake/no-address".
func (p *Planned) ID() string { return id(p.Lab, p.Kind, p.Name) }

func id(lab, kind, name string) string {
	if name != "" {
		name = "/" + name
	}
	return lab + "/" + kind + name
}

// Plan returns the proofs of the subjects in their order, those of one lab
// together.
func (p *Prover) Plan(subjects []Subject) []Planned {
	var plan []Planned
	p.sampled = nil
	for _, s := range subjects {
		sampled := p.Sample.Of != nil && p.Sample.Of(s)
		if sampled {
			p.sampled = append(p.sampled, s.Lab.ID)
		}
		for _, kind := range p.Kinds {
			cases := kind.Cases(p, s)
			if sampled {
				cases = p.Sample.cases(s.Lab.ID, kind.Name, cases)
			}
			for _, c := range cases {
				one := Planned{Lab: s.Lab.ID, Kind: kind.Name, Name: c.Name, prove: c.Prove}
				if p.Only != nil && !p.Only.MatchString(one.ID()) {
					continue
				}
				lab := cmp.Or(c.Lab, s.Lab)
				one.skip, one.weight = p.unavailable(lab), weight(lab)
				plan = append(plan, one)
			}
		}
	}
	return p.Shard.of(plan)
}

// unavailable says why a lab cannot run here and what would change that, "" if it can.
func (p *Prover) unavailable(lab *engine.Lab) string {
	reason, remedy := p.Available(lab.Requires)
	if reason != "" && remedy != "" {
		reason += "; " + remedy
	}
	return reason
}

// Run makes the proofs of a plan, several side by side, and returns what they
// found in the plan's order. ended, which may be nil, is told of each proof when
// it is made; its calls do not overlap. The only error is that of ctx.
func (p *Prover) Run(ctx context.Context, plan []Planned, ended func(Proof)) (Report, error) {
	began := time.Now()
	proofs := make([]Proof, len(plan))
	var telling sync.Mutex
	var g errgroup.Group
	jobs := int64(max(1, p.Jobs))
	places := semaphore.NewWeighted(jobs)
	for i := range plan {
		takes := min(int64(plan[i].weight), jobs)
		if places.Acquire(ctx, takes) != nil { // ctx has ended
			break
		}
		g.Go(func() error {
			defer places.Release(takes)
			proofs[i] = plan[i].make(ctx)
			if p.Again && proofs[i].Verdict == Failed {
				proofs[i] = proofs[i].orAgain(plan[i].make(ctx))
			}
			telling.Lock()
			defer telling.Unlock()
			if ended != nil && ctx.Err() == nil {
				ended(proofs[i])
			}
			return ctx.Err()
		})
	}
	if err := errors.Join(g.Wait(), ctx.Err()); err != nil {
		return Report{}, ctx.Err()
	}
	report := newReport(proofs, time.Since(began))
	if report.Sampled = p.sampled; len(p.sampled) > 0 {
		report.Sample = p.Sample.Seed
	}
	return report, nil
}

// make makes one proof.
func (p *Planned) make(ctx context.Context) Proof {
	out := Proof{Lab: p.Lab, Kind: p.Kind, Name: p.Name, Verdict: Proven}
	if p.skip != "" {
		out.Verdict = Skipped
		out.Notes = []string{"not proven here: " + p.skip}
		return out
	}
	began := time.Now()
	found, err := p.prove(ctx)
	out.Seconds = seconds(time.Since(began))
	if err != nil {
		found.wrongf("the proof could not be run: %v", err)
	}
	out.Finding = found
	if len(found.Wrong) > 0 {
		out.Verdict = Failed
		return out
	}
	// What proves nothing wrong need not be read.
	out.Differs, out.Transcript = nil, ""
	return out
}
