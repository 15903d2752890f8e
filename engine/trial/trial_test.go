package trial

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"underlay/engine"
)

// slow is a session that takes its time to settle.
type slow struct {
	engine.Session
	takes time.Duration
	err   error
}

func (s slow) Settle(ctx context.Context) (engine.Status, error) {
	select {
	case <-ctx.Done():
		return engine.Status{}, ctx.Err()
	case <-time.After(s.takes):
		return engine.Status{Solved: s.err == nil}, s.err
	}
}

// A machine that is slow is waited for; a lab that changes all the time is told from it.
func TestSettle(t *testing.T) {
	for name, test := range map[string]struct {
		session slow
		settled bool
		notes   string
	}{
		"at once":          {slow{}, true, ""},
		"a slow machine":   {slow{takes: 2 * time.Minute}, true, ""},
		"no end":           {slow{takes: time.Hour}, false, "the lab was not judged within 5m0s"},
		"changes for ever": {slow{takes: 20 * time.Second, err: engine.ErrRestless}, false, "the lab did not settle: something in the lab keeps changing"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, err := New(test.session).Settle(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if out.Settled != test.settled || out.Status.Solved != test.settled {
					t.Errorf("settled %v, solved %v, want %v", out.Settled, out.Status.Solved, test.settled)
				}
				if got := strings.Join(out.Notes, "\n"); got != test.notes {
					t.Errorf("notes %q, want %q", got, test.notes)
				}
			})
		})
	}
}

// Whoever calls may have less time, which is no news of the lab.
func TestSettleEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if out, err := New(slow{takes: time.Minute}).Settle(ctx); err == nil {
			t.Errorf("no error but %+v", out)
		}
	})
}
