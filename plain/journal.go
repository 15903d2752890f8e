package plain

import (
	"context"
	"time"

	"underlay/attempt"
	"underlay/progress"
)

// saveTime is how long storing one event may take.
const saveTime = 5 * time.Second

// journal records what the learner does. Failures are said once and never stop
// the dialogue.
type journal struct {
	ctx      context.Context
	store    *progress.Store // nil records nothing
	events   *attempt.Journal
	complain func(error)
	told     bool
}

func newJournal(ctx context.Context, store *progress.Store, complain func(error)) *journal {
	return &journal{ctx: ctx, store: store, events: attempt.NewJournal(store), complain: complain}
}

// record stores an event.
func (j *journal) record(e attempt.Event) {
	j.keep(func(ctx context.Context, _ *progress.Store) error { return j.events.Record(ctx, e) })
}

// keep does something with the store, if there is one.
func (j *journal) keep(do func(context.Context, *progress.Store) error) {
	if j.store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(j.ctx, saveTime)
	defer cancel()
	if err := do(ctx, j.store); err != nil && !j.told {
		j.told = true
		j.complain(err)
	}
}
