package plain

import (
	"context"
	"time"

	"underlay/progress"
)

// saveTime is how long storing one event may take.
const saveTime = 5 * time.Second

// journal records what the learner does. Failures are said once and never stop
// the dialogue.
type journal struct {
	ctx      context.Context
	store    *progress.Store // nil records nothing
	complain func(error)
	told     bool
}

// keep stores one event.
func (j *journal) keep(event func(context.Context, *progress.Store) error) {
	if j.store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(j.ctx, saveTime)
	defer cancel()
	if err := event(ctx, j.store); err != nil && !j.told {
		j.told = true
		j.complain(err)
	}
}

// attempt is one visit to a lab. Without an id, because its beginning could not
// be stored, there is nothing to add to.
type attempt struct {
	*journal
	id string
}

// start records that a lab has been opened.
func (j *journal) start(lab string, seed int64) attempt {
	a := attempt{journal: j}
	j.keep(func(ctx context.Context, s *progress.Store) (err error) {
		a.id, err = s.StartAttempt(ctx, lab, seed)
		return err
	})
	return a
}

// keep stores an event of the attempt.
func (a attempt) keep(event func(ctx context.Context, s *progress.Store, id string) error) {
	if a.id == "" {
		return
	}
	a.journal.keep(func(ctx context.Context, s *progress.Store) error { return event(ctx, s, a.id) })
}

func (a attempt) passed(task string) {
	a.keep(func(ctx context.Context, s *progress.Store, id string) error { return s.TaskPassed(ctx, id, task) })
}

func (a attempt) hinted(task string, tier int) {
	a.keep(func(ctx context.Context, s *progress.Store, id string) error { return s.HintShown(ctx, id, task, tier) })
}

func (a attempt) peeked() {
	a.keep(func(ctx context.Context, s *progress.Store, id string) error { return s.SolutionShown(ctx, id) })
}

func (a attempt) reset() {
	a.keep(func(ctx context.Context, s *progress.Store, id string) error { return s.Reset(ctx, id) })
}

func (a attempt) solved() {
	a.keep(func(ctx context.Context, s *progress.Store, id string) error { return s.Solved(ctx, id) })
}

func (a attempt) end() {
	a.keep(func(ctx context.Context, s *progress.Store, id string) error { return s.EndAttempt(ctx, id) })
}
