package attempt

import (
	"context"
	"sync"

	"underlay/progress"
)

// Journal records events. Its methods may be called from any goroutine.
type Journal struct {
	store *progress.Store

	mu   sync.Mutex
	open map[string]string // lab → id of its open attempt
}

// NewJournal makes a journal that keeps events in a progress file.
func NewJournal(store *progress.Store) *Journal {
	return &Journal{store: store, open: map[string]string{}}
}

// Record stores an event; one that is not to be recorded is passed over. Without a
// Began, because it could not be stored, there is nothing to add to: then what happens
// in the lab is passed over, too.
func (j *Journal) Record(ctx context.Context, e Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch e := e.(type) {
	case ReadTo:
		err := j.store.ReadLesson(ctx, e.Lesson, e.Block)
		if err == nil && e.Done {
			err = j.store.FinishLesson(ctx, e.Lesson)
		}
		return err
	case QuizMarked:
		return j.store.AnswerQuiz(ctx, e.Quiz, e.Right)
	case Began:
		id, err := j.store.StartAttempt(ctx, e.Lab, e.Seed)
		if err == nil {
			j.open[e.Lab] = id
		}
		return err
	case TaskDone:
		return j.in(e.Lab, func(id string) error { return j.store.TaskPassed(ctx, id, e.Task) })
	case HintGiven:
		return j.in(e.Lab, func(id string) error { return j.store.HintShown(ctx, id, e.Task, e.Tier) })
	case SolutionShown:
		return j.in(e.Lab, func(id string) error { return j.store.SolutionShown(ctx, id) })
	case Reset:
		return j.in(e.Lab, func(id string) error { return j.store.Reset(ctx, id) })
	case Solved:
		return j.in(e.Lab, func(id string) error { return j.store.Solved(ctx, id) })
	case Left:
		return j.in(e.Lab, func(id string) error {
			delete(j.open, e.Lab)
			return j.store.EndAttempt(ctx, id)
		})
	}
	return nil
}

// in does something with the open attempt of a lab, if there is one.
func (j *Journal) in(lab string, do func(attempt string) error) error {
	if id := j.open[lab]; id != "" {
		return do(id)
	}
	return nil
}
