// Package course joins lessons and labs, which know each other by id only: it
// makes predictions of the predict blocks in a lesson, whose checks are about
// the lesson's lab.
package course

import (
	"errors"
	"fmt"

	"underlay/course/format"
	"underlay/course/ids"
	"underlay/course/lesson"
	"underlay/engine"
)

// predicts is before a prediction's name in its id. A slash is in no name, so that no quiz
// of the lesson can be called this.
const predicts = "predict/"

// Predictions returns the predictions of a lesson, one for each predict block in
// reading order. lab is the lesson's, drawn with whichever seed; nil if there is
// no such lab. The error is a format.Problems with everything that is wrong.
func Predictions(l *lesson.Lesson, lab *engine.Lab) ([]*engine.Prediction, error) {
	var out []*engine.Prediction
	var problems format.Problems
	taken := map[string]bool{}
	var used ids.Used
	for _, b := range l.Blocks {
		if b.Predict == nil {
			continue
		}
		refuse := func(what string, args ...any) {
			problems = append(problems, format.Problem{File: l.File, Line: b.Line, Col: 1, What: fmt.Sprintf(what, args...)})
		}
		if lab == nil {
			refuse("there is no lab %q to predict in; give the lesson the id of a lab", l.Lab)
			continue
		}
		p, err := format.Prediction(lab, format.Block{File: l.File, Line: b.Line, Node: b.Predict.Node, Solved: b.Predict.Solved, Text: b.Predict.Text})
		if wrong := (format.Problems)(nil); errors.As(err, &wrong) {
			problems = append(problems, wrong...)
			continue
		}
		if taken[p.ID] {
			refuse("prediction id %q is taken in this lesson; give each prediction its own", p.ID)
		}
		taken[p.ID] = true
		wrong, wrongs := used.Add(fmt.Sprintf("prediction %q", p.ID), p.ID, p.Formerly)
		if wrong != "" {
			refuse("prediction %s", wrong)
		}
		for _, what := range wrongs {
			if what != "" {
				refuse("%s", what)
			}
		}
		p.ID = l.ID + "/" + predicts + p.ID
		out = append(out, p)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}
