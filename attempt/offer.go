package attempt

import (
	"strings"

	"underlay/engine"
)

// NoHint says why a task (-1 for none) has no further hint; "" if it has one.
func (a *Attempt) NoHint(i int) string {
	if a.status.Solved || i < 0 {
		return "every task is done"
	}
	given, of := a.Hints(i)
	switch {
	case of == 0:
		return "this task has no hints"
	case a.Done(i):
		return "this task is done"
	case len(given) == of:
		return "you have seen all hints for this task"
	}
	return ""
}

// Hint gives the next hint for a task, where NoHint says nothing against it.
func (a *Attempt) Hint(i int) []Event {
	if a.NoHint(i) != "" {
		return nil
	}
	task := &a.lab.Tasks[i]
	tiers := task.Hints.Tiers()
	a.hints[task.ID]++
	a.given++
	tier := a.hints[task.ID]
	return []Event{HintGiven{Lab: a.lab.ID, Task: task.ID, Index: i, Tier: tier, Of: len(tiers), Text: tiers[tier-1]}}
}

// Hints are those that were given for a task, and how many it has.
func (a *Attempt) Hints(i int) (given []string, of int) {
	task := &a.lab.Tasks[i]
	tiers := task.Hints.Tiers()
	return tiers[:min(a.hints[task.ID], len(tiers))], len(tiers)
}

// Question is what a task asks the learner.
type Question struct {
	Index  int // of the task, from 0
	Prompt string
	// Options are what is chosen from; without any, the answer is typed.
	Options []Option
}

// Option is a statement to choose.
type Option struct {
	ID, Text string
	Wrong    bool // it was chosen, and is not right
}

// Question is what a task asks, whether it is done or not. ok is false if it asks
// nothing. A question may stand anywhere in the task's checks.
func (a *Attempt) Question(i int) (q Question, ok bool) {
	task := &a.lab.Tasks[i]
	if c := task.Choice(); c != nil {
		q = Question{Index: i, Prompt: c.Prompt}
		for _, o := range c.Options {
			q.Options = append(q.Options, Option{o.ID, o.Text, a.wrong[task.ID][o.ID]})
		}
		return q, true
	}
	answer := task.Question()
	if answer == nil {
		return q, false
	}
	return Question{Index: i, Prompt: strings.TrimSpace(answer.Prompt)}, true
}

// Asked is the question to answer while a task (-1 for none) is looked at: its own if
// it has one, else that of the first task that asks, and waits for no other. Where
// there is none, no says why.
func (a *Attempt) Asked(i int) (q Question, no string) {
	if i >= 0 && !a.Done(i) {
		if q, ok := a.Question(i); ok {
			return q, ""
		}
	}
	for j := range a.lab.Tasks {
		if r := a.Result(j); r.State == engine.Pass || r.Waiting {
			continue
		}
		if q, ok := a.Question(j); ok {
			return q, ""
		}
	}
	if i < 0 {
		return Question{}, "no task waits for an answer"
	}
	if _, ok := a.Question(i); ok {
		return Question{}, "this task is done"
	}
	return Question{}, "this task is not answered in words"
}

// Answer hands in an answer to a task: what was typed, or the id of an option. Where
// it is not taken, no says why.
func (a *Attempt) Answer(i int, text string) (events []Event, no string) {
	task := &a.lab.Tasks[i]
	if a.Done(i) {
		return nil, "this task is done"
	}
	if c := task.Choice(); c != nil {
		switch {
		case c.Option(text) == nil:
			return nil, "that is not one of the choices"
		case a.wrong[task.ID][text]:
			return nil, "you have already chosen that, and it is wrong"
		}
	}
	a.pending[task.ID] = answer{text, a.Result(i).Got, a.status.Evaluation}
	a.session.Answer(task.ID, text)
	return []Event{Answered{task.ID, text}}, ""
}

// Pending reports whether an answer to a task is not marked yet.
func (a *Attempt) Pending(i int) bool {
	_, ok := a.pending[a.lab.Tasks[i].ID]
	return ok
}

// mark says how answers were judged, of those that have been. One to a task that waits
// for another is judged when its turn has come.
func (a *Attempt) mark(st *engine.Status) []Event {
	var out []Event
	for i := range st.Tasks {
		t := &st.Tasks[i]
		given, ok := a.pending[t.ID]
		seen := t.Got != given.before || !st.Checking && st.Evaluation > given.evaluation
		right := t.State == engine.Pass
		if !ok || !right && (t.State != engine.Fail || t.Waiting || !seen) {
			continue
		}
		delete(a.pending, t.ID)
		m := Marked{Task: t.ID, Index: i, Text: given.text, Right: right, Choice: a.lab.Tasks[i].Choice() != nil}
		if !right {
			m.Why = t.Why
		}
		if m.Choice && !right {
			if a.wrong[t.ID] == nil {
				a.wrong[t.ID] = map[string]bool{}
			}
			a.wrong[t.ID][given.text] = true
		}
		out = append(out, m)
	}
	return out
}

// Unmet is the traffic that does not end as the lab wants, while a task (-1 for none)
// is looked at: that of this task or else, as where it is to name the cause of a
// fault, of the first one that fails for traffic, what must hold as before included.
// ok is false if nothing fails for traffic that can be followed.
func (a *Attempt) Unmet(i int) (flow engine.Flow, ok bool) {
	if i >= 0 {
		if r := a.Result(i); Follows(&r) {
			return r.Flow, true
		}
	}
	for _, all := range [][]engine.TaskResult{a.status.Tasks, a.status.Collateral} {
		for i := range all {
			if Follows(&all[i]) {
				return all[i].Flow, true
			}
		}
	}
	return engine.Flow{}, false
}

// Follows reports whether a task fails for want of traffic that can be followed.
func Follows(r *engine.TaskResult) bool {
	return r.State == engine.Fail && !r.Waiting && r.Flow.Proto != ""
}

// GivesAway reports whether to follow a packet may tell the learner what there is to
// find out: the cause of a fault that is not named yet. Whoever was warned of that
// once is not warned again.
func (a *Attempt) GivesAway() bool { return a.lab.Fault != nil && !a.forewarned && !a.Named() }

// Forewarn says that the learner was warned of that, and goes on.
func (a *Attempt) Forewarn() { a.forewarned = true }

// Named reports whether the cause of the lab's fault has been named.
func (a *Attempt) Named() bool {
	for i := range a.lab.Tasks {
		if a.lab.Tasks[i].ID == engine.TaskCause {
			return a.Done(i)
		}
	}
	return false
}
