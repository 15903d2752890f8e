package tui

import (
	"context"
	"errors"

	"underlay/attempt"
	"underlay/progress"
	"underlay/tui/marks"
)

// Store remembers what the learner has done. Its methods are called from
// commands, never from the thread that draws.
type Store interface {
	// Marks returns everything that the screens show.
	Marks(context.Context) (marks.Marks, error)

	// Record stores an event.
	Record(context.Context, attempt.Event) error
}

// kept is a Store in a progress file.
type kept struct {
	*attempt.Journal
	store *progress.Store
}

// stored makes a Store of a progress file; of nil it makes none.
func stored(p *progress.Store) Store {
	if p == nil {
		return nil
	}
	return kept{attempt.NewJournal(p), p}
}

// Marks implements Store.
func (k kept) Marks(ctx context.Context) (marks.Marks, error) {
	m := marks.New()
	lessons, err1 := k.store.Lessons(ctx)
	labs, err2 := k.store.Labs(ctx)
	quizzes, err3 := k.store.Quizzes(ctx)
	place, err4 := k.store.Resume(ctx)
	for id, l := range lessons {
		m.Lessons[id] = marks.Lesson{Block: l.Position, Begun: true, Read: l.Finished}
	}
	for id, l := range labs {
		tasks := map[string]bool{}
		for _, t := range l.TasksDone {
			tasks[t] = true
		}
		m.Labs[id] = marks.Lab{Begun: true, Tasks: tasks, Solved: l.Solved}
	}
	for id, q := range quizzes {
		m.Quizzes[id] = q.Right > 0
	}
	m.Last = marks.Position{Lesson: place.Lesson}
	if place.Lab != "" && !place.LabAt.Before(place.LessonAt) {
		m.Last = marks.At(place.Lab)
	}
	return m, errors.Join(err1, err2, err3, err4)
}
