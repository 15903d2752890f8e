package check

import (
	"context"
	"fmt"
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
		return brokenf("Nothing that this task offers is right.")
	}
	text := strings.TrimSpace(r.answers[s.task])
	if text == "" {
		return failed("nothing chosen yet", "")
	}
	chosen := picked(&c, text)
	if chosen == nil {
		return failed(fmt.Sprintf("you chose %q", text), "That is not one of those to choose from.")
	}
	got := fmt.Sprintf("you chose “%s”", strings.TrimSuffix(chosen.Text, "."))
	if chosen.ID == c.Right {
		return passed(got)
	}
	return failed(got, r.against(ctx, s, chosen.Tell))
}

// picked returns the option that an answer names, or nil.
func picked(c *engine.ChoiceCheck, answer string) *engine.Option {
	return c.Option(strings.TrimSpace(answer))
}

// against says what speaks against a statement that would show in these checks.
func (r *run) against(ctx context.Context, s scope, tell []engine.Check) string {
	v := r.all(ctx, s.task, tell)
	switch {
	case v.State != engine.Fail:
		return "It is not that, although what was looked at does not speak against it."
	case v.authored:
		return "It is not that. " + v.Why
	}
	return fmt.Sprintf("It is not that. Then this would be so: %s. But: %s.", v.Want, v.Got)
}
