package prove

import (
	"context"
	"strconv"

	"underlay/engine"
	"underlay/engine/trial"
)

// withoutLine: without any one of its commands, solve.sh does not solve the lab.
// A command is what stands at the top level of the script: a loop, a list joined
// with && and a command with its here-document are one each. A command that
// only makes something clearer is marked "# optional: reason"; without it, the
// lab must be solved.
func withoutLine(p *Prover, s Subject) []Case {
	solve := s.Lab.Solution
	src, err := parse(solve.Text)
	if err != nil {
		return one(func(context.Context) (Finding, error) { return readable(solve), nil })
	}
	var out []Case
	for _, m := range src.stray {
		out = append(out, Case{Name: "mark-" + strconv.Itoa(m.line), Prove: func(context.Context) (Finding, error) {
			var f Finding
			f.wrongf("the mark `# optional` belongs to no command; put it at the end of the command's line, or on the line above")
			return f, nil
		}})
	}
	for i := range src.commands {
		out = append(out, Case{Name: strconv.Itoa(i + 1), Prove: func(ctx context.Context) (Finding, error) {
			return p.without(ctx, s.Lab, src, i)
		}})
	}
	return out
}

// without tries the solution without its i-th command.
func (p *Prover) without(ctx context.Context, lab *engine.Lab, src *source, i int) (Finding, error) {
	c := src.commands[i]
	if c.optional != nil && c.optional.reason == "" {
		var f Finding
		f.wrongf("`%s` is marked optional without a reason; write `# optional: why it is there`", c.text)
		return f, nil
	}
	script := lab.Solution
	script.Text = src.without(i)
	out, err := trial.Run(ctx, p.Opener, lab, script)
	if err != nil {
		return Finding{}, err
	}
	f := found(out)
	f.clear(&out.Status)
	switch solved := out.Status.Solved; {
	case c.optional == nil && solved:
		f.wrongf("the lab is solved without `%s`; remove it, or mark it `# optional: reason`", c.text)
	case c.optional != nil && !solved:
		f.wrongf("`%s` is marked optional, but the lab is not solved without it; remove the mark", c.text)
	case c.optional != nil:
		f.notef("`%s` is optional: %s", c.text, c.optional.reason)
	}
	return f, nil
}
