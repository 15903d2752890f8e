package prove

import (
	"context"
	"fmt"
	"strings"

	"underlay/author/record"
	"underlay/course/lesson"
)

// recordings: each command that the lab's lessons show prints what the lesson
// says it does, in the lab as it is written.
func recordings(p *Prover, s Subject) []Case {
	var out []Case
	for _, l := range s.Lessons {
		if record.Has(l) {
			out = append(out, Case{Name: l.ID, Prove: func(ctx context.Context) (Finding, error) { return p.recorded(ctx, s.Lab.ID, l) }})
		}
	}
	return out
}

// recorded runs what a lesson shows.
func (p *Prover) recorded(ctx context.Context, id string, l *lesson.Lesson) (f Finding, err error) {
	lab, err := p.Seeded(id, 0)
	if err != nil {
		return Finding{}, err
	}
	steps, err := record.Run(ctx, p.Opener, lab, l)
	if err != nil {
		return Finding{}, err
	}
	for _, s := range record.Differences(steps) {
		f.wrongf("line %d of the lesson: `%s` in %s does not print what is shown", s.Line, s.Command, s.Node)
		f.Differs = append(f.Differs, fmt.Sprintf("%s, in %s\n  shown\n    %s\n  printed\n    %s", s.Command, s.Node, indented(s.Shown), indented(s.Printed)))
	}
	return f, nil
}

func indented(text string) string { return strings.ReplaceAll(text, "\n", "\n    ") }
