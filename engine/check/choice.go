package check

import (
	"context"
	"strings"

	"underlay/engine"
)

// What is told of a wrong choice is no part of the check: see Evaluator.pending.
var choiceKind = spec[engine.ChoiceCheck]{
	of:       func(c *engine.Check) *engine.ChoiceCheck { return c.Choice },
	judge:    judgeChoice,
	describe: func(c engine.ChoiceCheck) string { return rightAnswer(c.Prompt) },
}.kind()

// judgeChoice marks what the learner chose. A wrong choice is answered with what of it
// is not so in the live lab, where anything is; what is right is not given away.
func judgeChoice(ctx context.Context, r *run, s scope, c engine.ChoiceCheck) verdict {
	if c.Option(c.Right) == nil {
		return broken("choice.no-right", args{})
	}
	text := strings.TrimSpace(r.answers[s.task])
	if text == "" {
		return fail("choice.none", args{})
	}
	chosen := picked(&c, text)
	if chosen == nil {
		return fail("choice.unknown", args{Value: text})
	}
	a := args{Value: strings.TrimSuffix(chosen.Text, ".")}
	if chosen.ID == c.Right {
		return pass("choice", a)
	}
	return r.against(ctx, s, a, chosen.Tell)
}

// picked returns the option that an answer names, or nil.
func picked(c *engine.ChoiceCheck, answer string) *engine.Option {
	return c.Option(strings.TrimSpace(answer))
}

// against fails for a wrong choice, and says what speaks against it: the first of the checks
// in which it would show that does not pass.
func (r *run) against(ctx context.Context, s scope, a args, tell []engine.Check) verdict {
	v := r.all(ctx, s.task, tell)
	switch {
	case v.State != engine.Fail:
		return fail("choice.possible", a)
	case v.authored:
		a.Detail = v.Why
		return fail("choice.refuted", a)
	}
	a.Detail, a.Note = v.Want, v.Got
	return fail("choice.contradicted", a)
}
