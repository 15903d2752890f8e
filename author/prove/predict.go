package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"underlay/course"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/engine/predict"
)

// predictions: of each prediction in the lab's lessons just one answer is what
// the kernel shows.
func predictions(p *Prover, s Subject) []Case {
	var out []Case
	for _, l := range s.Lessons {
		for i, one := range predicted(l, s.Lab) {
			out = append(out, Case{Name: one.name, Lab: one.lab, Prove: func(ctx context.Context) (Finding, error) { return p.predicted(ctx, s.Lab, l, i) }})
		}
	}
	return out
}

// question is a prediction to prove: its name, and the lab with what it requires.
type question struct {
	name string
	lab  *engine.Lab
}

// predicted lists a lesson's predictions. One that could not be made is a name
// without an id, so that its proof is there to fail.
func predicted(l *lesson.Lesson, lab *engine.Lab) []question {
	if !slices.ContainsFunc(l.Blocks, func(b lesson.Block) bool { return b.Predict != nil }) {
		return nil
	}
	made, err := course.Predictions(l, lab)
	if err != nil {
		return []question{{l.ID, lab}}
	}
	var out []question
	for _, p := range made {
		out = append(out, question{strings.Replace(p.ID, "/predict/", "/", 1), p.Needing(lab)})
	}
	return out
}

// predicted proves a lesson's i-th prediction in a lab.
func (p *Prover) predicted(ctx context.Context, lab *engine.Lab, l *lesson.Lesson, i int) (Finding, error) {
	made, err := course.Predictions(l, lab)
	if err != nil {
		return Finding{}, err
	}
	said, err := predict.Ask(ctx, p.Opener, lab, made[i], nil)
	if err != nil {
		return Finding{}, err
	}
	var f Finding
	if said.Trouble != "" {
		f.wrongf("the kernel does not say which answer is right: %s", said.Trouble)
	}
	f.Wrong = append(f.Wrong, said.Notes...)
	for i, r := range said.Outcomes {
		f.Differs = append(f.Differs, stands("answer "+predict.Letter(i), &engine.TaskResult{Result: r}))
	}
	for _, s := range said.Steps {
		f.Transcript += fmt.Sprintf("%s$ %s\n%s\n", s.Node, s.Command, s.Output)
	}
	return f, nil
}
