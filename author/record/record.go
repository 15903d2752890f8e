// Package record runs the commands that a lesson shows in the lesson's lab, and
// says where the kernel prints something else than the lesson does. It types
// into the nodes' shells as a learner would; it knows nothing of how a lab is
// built or judged.
package record

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"underlay/course/lesson"
	"underlay/engine"
)

// Step is one command of a lesson as it was run.
type Step struct {
	Line    int    // of the lesson's file, at which its run block begins
	Index   int    // within the block
	Node    string // whose shell it was typed into
	Command string
	Shown   string // what the lesson shows
	Printed string // what was printed now
	Cluster bool   // its lab has a cluster, in which more differs from run to run
}

// Same says whether the lesson shows what was printed, apart from what differs
// from run to run.
func (s *Step) Same() bool { return same(s.Shown, s.Printed, s.Cluster) }

// Differences returns the steps that printed something else than is shown.
func Differences(steps []Step) []Step {
	var out []Step
	for i := range steps {
		if !steps[i].Same() {
			out = append(out, steps[i])
		}
	}
	return out
}

// Has says whether a lesson shows a command at all.
func Has(l *lesson.Lesson) bool {
	return slices.ContainsFunc(l.Blocks, func(b lesson.Block) bool { return b.Run != nil })
}

// Run runs every run block of a lesson in its lab, in reading order: one that is
// marked start or solved in a lab of its own that is so, any other in the lab of
// the block before it, as it was left, or at the start if it is the first. The
// error says at which line of the lesson a command could not be run to its end.
func Run(ctx context.Context, o engine.Opener, lab *engine.Lab, l *lesson.Lesson) (steps []Step, err error) {
	var s *stage
	defer func() { err = errors.Join(err, s.close()) }()
	for i := range l.Blocks {
		b := &l.Blocks[i]
		if b.Run == nil {
			continue
		}
		if s == nil || b.Run.State != "" {
			if err := s.close(); err != nil {
				return steps, err
			}
			if s, err = open(ctx, o, lab, b.Run.State == "solved"); err != nil {
				return steps, err
			}
		}
		more, err := s.block(ctx, b)
		steps = append(steps, more...)
		if err != nil {
			return steps, fmt.Errorf("%s:%d: %w", l.File, b.Line, err)
		}
	}
	return steps, nil
}
