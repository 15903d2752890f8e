// Package predict lets the kernel mark a prediction: it opens the lab, types
// the prediction's lines, and then asks which of the predicted outcomes holds. It
// knows no right answer; there is none but what the lab shows. It knows sessions
// and what trials type into them, and nothing of what is behind them.
package predict

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"underlay/engine"
	"underlay/engine/trial"
)

// Finding is what the lab showed.
type Finding struct {
	Holds    int             // index of the outcome that holds; -1 if that could not be found out
	Trouble  string          // then why, in a sentence; "" otherwise
	Outcomes []engine.Result // how each outcome came out; empty if the lab never came to rest
	Steps    []trial.Step    // what was typed, and what it printed
	Notes    []string        // what happened while it was typed, in sentences
}

// Ask opens the prediction's lab, runs its lines and returns what the kernel
// says. progress, which may be nil, is told of each step. The error is one of
// opening, driving or closing the lab; that no single outcome holds is none, but
// is in the Finding.
func Ask(ctx context.Context, o engine.Opener, lab *engine.Lab, p *engine.Prediction, progress func(step string)) (f Finding, err error) {
	if progress == nil {
		progress = func(string) {}
	}
	session, err := o.Open(ctx, stage(lab, p), progress)
	if err != nil {
		return Finding{}, err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	t := trial.New(session)
	progress("Typing the commands")
	if err := t.Type(ctx, engine.Script{Name: p.ID, Node: p.Node, Text: p.Run}); err != nil {
		return Finding{}, err
	}
	progress("Asking the kernel")
	out, err := t.Settle(ctx)
	if err != nil {
		return Finding{}, err
	}
	return judge(p, out), nil
}

// stage is the lab as the prediction opens it. Its tasks are the outcomes, so
// that they are judged as any lab's tasks are; and it is unwatched, so that no
// probe of ours comes before or among the prediction's own commands.
func stage(lab *engine.Lab, p *engine.Prediction) *engine.Lab {
	s := *lab
	s.Unwatched = true
	s.Collateral, s.Faults, s.Tasks = nil, nil, nil
	if s.Prepare = nil; p.Solved {
		s.Prepare = []engine.Script{lab.Solution}
	}
	for i, o := range p.Outcomes {
		s.Tasks = append(s.Tasks, engine.Task{ID: Letter(i), Goal: o.Text, Mode: engine.Now, Checks: o.When})
	}
	return &s
}

// Letter is what outcome i is called: a, b, c …
func Letter(i int) string { return string(rune('a' + i)) }

// judge says which outcome holds. A check that is broken leaves that open, even
// where another outcome has passed: it might have held as well.
func judge(p *engine.Prediction, out trial.Outcome) Finding {
	f := Finding{Holds: -1, Steps: out.Steps, Notes: out.Notes}
	if len(out.Status.Tasks) != len(p.Outcomes) {
		f.Trouble = "the lab was not judged in time."
		return f
	}
	var hold []string
	for i, t := range out.Status.Tasks {
		f.Outcomes = append(f.Outcomes, t.Result)
		switch {
		case t.State == engine.Broken && f.Trouble == "":
			f.Trouble = t.Why
		case t.State == engine.Pass:
			hold = append(hold, Letter(i))
			f.Holds = i
		}
	}
	switch {
	case f.Trouble != "":
	case len(hold) == 0:
		f.Trouble = "none of the answers is what the kernel shows."
	case len(hold) > 1:
		f.Trouble = fmt.Sprintf("what the kernel shows fits more than one answer: %s.", strings.Join(hold, ", "))
	}
	if f.Trouble != "" {
		f.Holds = -1
	}
	return f
}
