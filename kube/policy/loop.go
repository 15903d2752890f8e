package policy

import (
	"context"
	"time"
)

// RetryPeriod is when what failed is tried again.
const retryPeriod = time.Second

// A loop does something after each wake, and again if it fails.
type loop struct {
	do     func(context.Context) error
	failed func(error) // gets the first of failures that follow each other
	awake  chan struct{}
	asked  chan chan<- struct{} // who is told when it has been done
	told   bool
}

func newLoop(do func(context.Context) error, failed func(error)) *loop {
	return &loop{do: do, failed: failed, awake: make(chan struct{}, 1), asked: make(chan chan<- struct{})}
}

// Wake lets it be done once more. Wakes that come meanwhile are one.
func (l *loop) wake() {
	select {
	case l.awake <- struct{}{}:
	default:
	}
}

// Await has it done from its beginning, and returns when it has been, or when ctx ends. It
// must be running.
func (l *loop) await(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case l.asked <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run does it after each wake until ctx is done.
func (l *loop) run(ctx context.Context) {
	retry := time.NewTimer(retryPeriod)
	for {
		var done chan<- struct{}
		select {
		case <-ctx.Done():
			return
		case <-l.awake:
		case done = <-l.asked:
		case <-retry.C:
		}
		retry.Stop()
		if !l.once(ctx) {
			retry.Reset(retryPeriod)
		}
		if done != nil {
			close(done)
		}
	}
}

func (l *loop) once(ctx context.Context) (ok bool) {
	err := l.do(ctx)
	if err != nil && !l.told && ctx.Err() == nil {
		l.failed(err)
	}
	l.told = err != nil
	return err == nil
}
