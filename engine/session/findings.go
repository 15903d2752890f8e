package session

import (
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/autopsy"
)

// failure is traffic that got no answer, though a task or a collateral goal wants
// one, or another kind of refusal.
type failure struct {
	flow  engine.Flow
	ended engine.Expect
}

// unanswered returns the failure that a result is about, if it is about one.
// What was answered was lost nowhere.
func unanswered(r *engine.TaskResult) (failure, bool) {
	lost := r.Ended == engine.Refused || r.Ended == engine.Timeout || r.Ended == engine.Unreachable
	return failure{r.Flow, r.Ended}, r.State == engine.Fail && lost
}

// endings are those of an autopsy that sees the failure again.
var endings = map[engine.Expect]engine.Ending{
	engine.Refused: engine.EndingRefused, engine.Timeout: engine.EndingDropped, engine.Unreachable: engine.EndingUnreachable,
}

// seen reports whether an autopsy saw the failure again.
func (f failure) seen(a *engine.Autopsy) bool {
	return a.Outcome == endings[f.ended] || a.Outcome == engine.EndingUndetermined
}

// verdict is what an autopsy of the failure may tell a learner: nothing if it
// could not be made, or saw the traffic end otherwise.
func (f failure) verdict(a *engine.Autopsy, err error) engine.Verdict {
	if err != nil || !f.seen(a) {
		return engine.Verdict{}
	}
	return a.Verdict
}

// finding is what an autopsy found of a failure.
type finding struct {
	gots    []string       // what was seen in the results that it was made for
	verdict engine.Verdict // without a Text if there is none to tell
}

// findings are what is known of the lab as it is. The session's mu guards them.
type findings struct {
	known map[failure]finding
	turn  int    // counts what has changed: an autopsy that was begun before does not count
	print uint64 // of what changes without an event
}

// forget drops all, because something has changed, and reports whether there was
// anything.
func (f *findings) forget() bool {
	had := len(f.known) > 0
	f.known = nil
	f.turn++
	return had
}

// note keeps what was found of a failure.
func (f *findings) note(about failure, gots []string, v engine.Verdict) {
	if f.known == nil {
		f.known = map[failure]finding{}
	}
	f.known[about] = finding{gots, v}
}

// covers reports whether the failure, seen like this, has had its autopsy.
func (f *findings) covers(about failure, got string) bool {
	return slices.Contains(f.known[about].gots, got)
}

// tell completes results with the verdicts on them.
func (f *findings) tell(results []engine.TaskResult) {
	for i := range results {
		r := &results[i]
		about, ok := unanswered(r)
		if !ok || !f.covers(about, r.Got) {
			continue
		}
		r.Verdict = f.known[about].verdict
		said := strings.Contains(r.Got, r.Verdict.Text) // as with a name that nobody knows
		if r.Authored || said || r.Why != "" && r.Verdict.Reason == autopsy.ReasonUnknown {
			continue
		}
		r.Why = join(r.Why, r.Verdict.Sentence())
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// withheld reports whether verdicts would give an answer away: to name the cause
// is the first task of a lab with a fault.
func withheld(lab *engine.Lab, st *engine.Status) bool {
	return lab.Fault != nil && slices.ContainsFunc(st.Tasks, func(r engine.TaskResult) bool {
		return r.ID == engine.TaskCause && r.State != engine.Pass
	})
}

// failures are those that a status tells of, in its order, each with what was
// seen of it.
func failures(st *engine.Status) (order []failure, gots map[failure][]string) {
	gots = map[failure][]string{}
	for _, results := range [][]engine.TaskResult{st.Tasks, st.Collateral} {
		for i := range results {
			about, ok := unanswered(&results[i])
			if !ok {
				continue
			}
			if gots[about] == nil {
				order = append(order, about)
			}
			gots[about] = append(gots[about], results[i].Got)
		}
	}
	return order, gots
}

// unsure reports whether something fails of which it is not known that it does: it
// took packets to find out, there was no answer, and no autopsy has seen the same.
func (s *Session) unsure() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(slices.Concat(s.status.Tasks, s.status.Collateral), func(r engine.TaskResult) bool {
		about, ok := unanswered(&r)
		known := r.Ended == engine.OK || ok && s.found.covers(about, r.Got)
		return r.State == engine.Broken || r.Sent && !known
	})
}
