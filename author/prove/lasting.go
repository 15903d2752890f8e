package prove

import (
	"context"
	"errors"
	"time"

	"underlay/engine"
	"underlay/engine/trial"
)

const (
	holdFor  = 5 * time.Second
	lookEach = 500 * time.Millisecond
)

// hold: once solved, the lab stays solved for five seconds, whatever the reason
// to look again.
func hold(p *Prover, s Subject) []Case {
	return one(func(ctx context.Context) (f Finding, err error) {
		if f := readable(s.Lab.Solution); len(f.Wrong) > 0 {
			return f, nil
		}
		session, err := p.Opener.Open(ctx, s.Lab, nil)
		if err != nil {
			return Finding{}, err
		}
		defer func() { err = errors.Join(err, session.Close()) }()
		t := trial.New(session)
		if err := t.Type(ctx, s.Lab.Solution); err != nil {
			return Finding{}, err
		}
		out, err := t.Settle(ctx)
		if err != nil {
			return Finding{}, err
		}
		if !out.Status.Solved {
			f := found(out)
			f.wrongf("solve.sh does not solve the lab, so it cannot stay solved")
			return f, nil
		}
		began := time.Now()
		if out.Status, out.Settled, err = watch(ctx, session); err != nil {
			return Finding{}, err
		}
		f = found(out)
		if !out.Status.Solved {
			f.wrongf("the lab stayed solved for only %.1f s", time.Since(began).Seconds())
			f.allPass(&out.Status)
		}
		return f, nil
	})
}

// watch looks at a solved lab again and again, and returns the first status
// that is not solved, or the last one, and whether the lab came to rest.
func watch(ctx context.Context, session engine.Session) (st engine.Status, settled bool, err error) {
	enough := time.Now().Add(holdFor)
	look := time.NewTicker(lookEach)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return st, false, ctx.Err()
		case <-session.Changed():
			if st = session.Status(); !st.Solved {
				return st, true, nil
			}
			continue
		case <-look.C:
		}
		session.Poke()
		out, err := trial.New(session).Settle(ctx)
		if err != nil || !out.Settled || !out.Status.Solved || time.Now().After(enough) {
			return out.Status, out.Settled, err
		}
	}
}
