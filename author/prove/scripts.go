package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/trial"
)

// one makes the only case of its kind.
func one(prove func(context.Context) (Finding, error)) []Case { return []Case{{Prove: prove}} }

// each makes a case of each script.
func each(scripts []engine.Script, prove func(context.Context, engine.Script) (Finding, error)) []Case {
	out := make([]Case, 0, len(scripts))
	for _, s := range scripts {
		out = append(out, Case{Name: s.Name, Prove: func(ctx context.Context) (Finding, error) { return prove(ctx, s) }})
	}
	return out
}

// untouched: before anything is done, every task fails and everything is there
// that must stay.
func untouched(p *Prover, s Subject) []Case {
	return one(func(ctx context.Context) (Finding, error) {
		out, err := trial.Run(ctx, p.Opener, s.Lab, engine.Script{})
		f := found(out)
		if err == nil {
			f.nonePass(&out.Status)
		}
		return f, err
	})
}

// solution: solve.sh solves the lab.
func solution(p *Prover, s Subject) []Case {
	return one(func(ctx context.Context) (Finding, error) { return p.right(ctx, s.Lab, s.Lab.Solution) })
}

// alternatives: so does each of the other right ways.
func alternatives(p *Prover, s Subject) []Case {
	return each(s.Lab.Alternatives, func(ctx context.Context, a engine.Script) (Finding, error) {
		return p.right(ctx, s.Lab, a)
	})
}

// mistakes: the tasks that a mistake names fail, and its misconception is the
// answer, alone.
func mistakes(p *Prover, s Subject) []Case {
	return each(s.Lab.Mistakes, func(ctx context.Context, m engine.Script) (Finding, error) {
		return p.mistaken(ctx, s.Lab, m)
	})
}

// right demands that a script solves a lab.
func (p *Prover) right(ctx context.Context, lab *engine.Lab, s engine.Script) (Finding, error) {
	if f := readable(s); len(f.Wrong) > 0 {
		return f, nil
	}
	out, err := trial.Run(ctx, p.Opener, lab, s)
	if err != nil {
		return Finding{}, err
	}
	return rightly(out), nil
}

// rightly demands that what was typed solved the lab, and that none of it had
// to be interrupted or left out.
func rightly(out trial.Outcome) Finding {
	f := found(out)
	f.allPass(&out.Status)
	f.Wrong = append(f.Wrong, out.Notes...)
	return f
}

// mistaken demands that a script leaves the tasks undone that it names, and is
// answered with its misconception.
func (p *Prover) mistaken(ctx context.Context, lab *engine.Lab, s engine.Script) (Finding, error) {
	if f := readable(s); len(f.Wrong) > 0 {
		return f, nil
	}
	out, err := trial.Run(ctx, p.Opener, lab, s)
	if err != nil {
		return Finding{}, err
	}
	f := found(out)
	f.clear(&out.Status)
	if out.Status.Solved {
		f.wrongf("the mistake solves the lab")
	}
	var answers []string
	for i := range out.Status.Tasks {
		t := &out.Status.Tasks[i]
		if t.State == engine.Pass && slices.Contains(s.Fails, t.ID) {
			f.wrongf("task %s is done; `# fails:` says that it fails", t.ID)
		}
		if t.State == engine.Fail && t.Waiting && slices.Contains(s.Fails, t.ID) {
			f.wrongf("task %s was not looked at: it waits for another one; take it out of `# fails:`", t.ID)
		}
		if t.Misconception != "" {
			answers = append(answers, t.Misconception)
		}
	}
	if wrong := misanswered(s.Misconception, answers); wrong != "" {
		f.wrongf("%s", wrong)
	}
	return f, nil
}

// misanswered says what is wrong with the misconceptions that answer a mistake, "" if
// nothing is.
func misanswered(want string, answers []string) string {
	switch {
	case want == engine.NoMisconception && len(answers) == 0:
		return ""
	case want == engine.NoMisconception:
		return fmt.Sprintf("misconception %s answers it; none must", strings.Join(answers, ", "))
	case len(answers) == 0:
		return fmt.Sprintf("no misconception answers it; it must be %s", want)
	case len(answers) > 1:
		return fmt.Sprintf("%d misconceptions answer it (%s); it must be %s alone", len(answers), strings.Join(answers, ", "), want)
	case answers[0] != want:
		return fmt.Sprintf("misconception %s answers it; it must be %s", answers[0], want)
	}
	return ""
}
