package tui

import (
	"context"
	"errors"
	"sync"

	"underlay/progress"
	"underlay/tui/intent"
	"underlay/tui/marks"
)

// Store remembers what the learner has done. Its methods are called from
// commands, never from the thread that draws.
type Store interface {
	// Marks returns everything that the screens show.
	Marks(context.Context) (marks.Marks, error)

	// Record stores an event: intent.ReadTo, QuizMarked, LabOpened, TasksDone,
	// HintShown, SolutionShown, WasReset, Solved or LabLeft.
	Record(ctx context.Context, event any) error
}

// attempts keeps events in a progress.Store, which counts by attempts at a lab.
type attempts struct {
	store *progress.Store

	mu   sync.Mutex
	open map[string]string // lab → its open attempt
}

// stored makes a Store of a progress file; of nil it makes none.
func stored(p *progress.Store) Store {
	if p == nil {
		return nil
	}
	return &attempts{store: p, open: map[string]string{}}
}

// Marks implements Store.
func (a *attempts) Marks(ctx context.Context) (marks.Marks, error) {
	m := marks.New()
	lessons, err1 := a.store.Lessons(ctx)
	labs, err2 := a.store.Labs(ctx)
	quizzes, err3 := a.store.Quizzes(ctx)
	place, err4 := a.store.Resume(ctx)
	for id, l := range lessons {
		m.Lessons[id] = marks.Lesson{Block: l.Position, Begun: true, Read: l.Finished}
	}
	for id, l := range labs {
		m.Labs[id] = marks.Lab{Begun: true, Done: len(l.TasksDone), Solved: l.Solved}
	}
	for id, q := range quizzes {
		m.Quizzes[id] = q.Right > 0
	}
	m.Last = marks.Place{Lesson: place.Lesson}
	if place.Lab != "" && !place.LabAt.Before(place.LessonAt) {
		m.Last = marks.At(place.Lab)
	}
	return m, errors.Join(err1, err2, err3, err4)
}

// Record implements Store.
func (a *attempts) Record(ctx context.Context, event any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch e := event.(type) {
	case intent.ReadTo:
		err := a.store.ReadLesson(ctx, e.Lesson, e.Block)
		if err == nil && e.Done {
			err = a.store.FinishLesson(ctx, e.Lesson)
		}
		return err
	case intent.QuizMarked:
		return a.store.AnswerQuiz(ctx, e.Quiz, e.Right)
	case intent.LabOpened:
		id, err := a.store.StartAttempt(ctx, e.Lab, e.Seed)
		a.open[e.Lab] = id
		return err
	}
	return a.attempt(ctx, event)
}

// attempt stores an event of the lab that is open. Without an attempt, because
// its beginning could not be stored, there is nothing to add to.
func (a *attempts) attempt(ctx context.Context, event any) error {
	switch e := event.(type) {
	case intent.TasksDone:
		var errs []error
		for _, task := range e.Tasks {
			errs = append(errs, a.in(e.Lab, func(id string) error { return a.store.TaskPassed(ctx, id, task) }))
		}
		return errors.Join(errs...)
	case intent.HintShown:
		return a.in(e.Lab, func(id string) error { return a.store.HintShown(ctx, id, e.Task, e.Tier) })
	case intent.SolutionShown:
		return a.in(e.Lab, func(id string) error { return a.store.SolutionShown(ctx, id) })
	case intent.WasReset:
		return a.in(e.Lab, func(id string) error { return a.store.Reset(ctx, id) })
	case intent.Solved:
		return a.in(e.Lab, func(id string) error { return a.store.Solved(ctx, id) })
	case intent.LabLeft:
		return a.in(e.Lab, func(id string) error {
			delete(a.open, e.Lab)
			return a.store.EndAttempt(ctx, id)
		})
	}
	return nil
}

func (a *attempts) in(lab string, do func(attempt string) error) error {
	if id := a.open[lab]; id != "" {
		return do(id)
	}
	return nil
}
