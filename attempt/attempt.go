// Package attempt is a learner's visit to a lab, without a screen: which task is
// current, what hints were given, how answers were marked, whether the solution was
// shown, what the learner may do next, and what is recorded of it.
//
// An Attempt is told how the lab stands and what the learner asks for, and says what
// has happened in typed events. It draws nothing, waits for nothing and stores
// nothing: whoever shows the lab passes the events to a Journal and tells the learner
// of them in its own way. So what a hint costs, when a lab counts as solved or what
// gives a fault away is the same on the screen and in the dialogue in lines.
package attempt

import (
	"time"

	"underlay/engine"
)

// Session is what an attempt asks of a lab that runs: a part of engine.Session of
// which nothing waits.
type Session interface {
	Lab() *engine.Lab
	Status() engine.Status
	Answer(task, text string)
}

// Attempt is one visit to a lab. Tasks are named by their index in the lab, from 0.
// Its methods are called from one goroutine.
type Attempt struct {
	session Session
	lab     *engine.Lab
	now     func() time.Time
	began   time.Time
	status  engine.Status
	held    bool // the world is on its way from one state to another

	judged   bool            // the lab was judged since it was built: what passed then was not done
	done     map[string]bool // tasks that are known to be done
	recorded map[string]bool // tasks of which there was a TaskDone
	spoiled  map[int]bool    // collateral that is known not to hold
	mishaps  int             // of which there was a Mishap

	hints      map[string]int // task → tiers given
	given      int            // hints given in all
	pending    map[string]answer
	wrong      map[string]map[string]bool // task → options that were chosen, and are not right
	peeked     bool
	forewarned bool
	announced  bool    // the lab was said to be solved as it stands
	solved     *Solved // how it was solved last
}

// answer is one that is not marked yet.
type answer struct {
	text       string
	before     string // what the task said of the answer before
	evaluation int    // the newest one when it was given
}

// Begin is the attempt that begins when a lab has been opened.
func Begin(s Session, now func() time.Time) (*Attempt, []Event) {
	a := &Attempt{now: now, began: now(), recorded: map[string]bool{}, hints: map[string]int{}}
	return a, append([]Event{Began{Lab: s.Lab().ID, Seed: s.Lab().Seed}}, a.join(s)...)
}

// Rejoin goes on with the attempt in another build of the same lab, whose content
// may have changed. The hints that were given stay so.
func (a *Attempt) Rejoin(s Session) []Event { return a.join(s) }

func (a *Attempt) join(s Session) []Event {
	a.session, a.lab = s, s.Lab()
	a.wrong = map[string]map[string]bool{}
	return a.anew(s.Status())
}

// anew begins to keep track from a lab that was just built.
func (a *Attempt) anew(st engine.Status) []Event {
	a.held, a.judged, a.announced, a.mishaps = false, false, false, 0
	a.done, a.spoiled, a.pending = map[string]bool{}, map[int]bool{}, map[string]answer{}
	return a.See(st, false)
}

// Lab is the lab that is visited.
func (a *Attempt) Lab() *engine.Lab { return a.lab }

// Status is how the lab stood when it was last seen.
func (a *Attempt) Status() *engine.Status { return &a.status }

// Result is how a task stands; before the first judgement nothing is known of it.
func (a *Attempt) Result(i int) engine.TaskResult {
	if i < len(a.status.Tasks) {
		return a.status.Tasks[i]
	}
	return engine.TaskResult{ID: a.lab.Tasks[i].ID, Goal: a.lab.Tasks[i].Goal, Result: engine.Result{State: engine.Fail}}
}

// Current is the index of the task that is being worked on: the first that is
// neither done nor waiting. It is -1 when there is none.
func (a *Attempt) Current() int {
	for i := range a.lab.Tasks {
		if r := a.Result(i); r.State != engine.Pass && !r.Waiting {
			return i
		}
	}
	return -1
}

// Done reports whether a task is done as it stands.
func (a *Attempt) Done(i int) bool { return a.Result(i).State == engine.Pass }

// Unkept is what must hold as before, and does not, or could not be looked at.
func (a *Attempt) Unkept() []engine.TaskResult {
	var out []engine.TaskResult
	for _, c := range a.status.Collateral {
		if c.State != engine.Pass && !c.Waiting {
			out = append(out, c)
		}
	}
	return out
}

// Solved reports whether the lab is solved as it stands.
func (a *Attempt) Solved() bool { return a.status.Solved }

// WasSolved reports whether the lab has been solved at some time since it was opened,
// which is what is recorded.
func (a *Attempt) WasSolved() bool { return a.solved != nil }

// Hold says that the lab is being reset or led back. Until Reset, WentBack or Release
// is called nothing that shows in it is the learner's doing.
func (a *Attempt) Hold() { a.held = true }

// Held reports whether the lab is being reset or led back.
func (a *Attempt) Held() bool { return a.held }

// Release says that this has failed, and left the lab as it stands.
func (a *Attempt) Release() { a.held = false }

// Reset says that the lab was built anew, and how it stands. Hints stay given; what
// was chosen and is not right stays so.
func (a *Attempt) Reset(st engine.Status) []Event {
	return append([]Event{Reset{a.lab.ID}}, a.anew(st)...)
}

// WentBack says that the lab was led back to a checkpoint, and how it stands. What is
// done again by that is not done by the learner, so it is no news.
func (a *Attempt) WentBack(to engine.Checkpoint, how engine.Restored, st engine.Status) []Event {
	a.held, a.status = false, st
	a.judged = st.Evaluation > 0
	a.knowDone(&st)
	for i := range a.spoiled {
		if i >= len(st.Collateral) || st.Collateral[i].State == engine.Pass {
			delete(a.spoiled, i)
		}
	}
	a.mishaps = min(a.mishaps, len(st.Health))
	a.announced = a.announced && st.Solved
	clear(a.pending)
	return []Event{WentBack{to, how}}
}

// Leave says that the learner leaves the lab.
func (a *Attempt) Leave() []Event { return []Event{Left{a.lab.ID}} }

// ShowSolution says that the learner has been shown the whole solution.
func (a *Attempt) ShowSolution() []Event {
	if a.NoSolution() != "" {
		return nil
	}
	a.peeked = true
	return []Event{SolutionShown{a.lab.ID}}
}

// NoSolution says why there is no solution to be shown; "" if there is.
func (a *Attempt) NoSolution() string {
	if a.lab.Solution.Text == "" {
		return "this lab has no solution"
	}
	return ""
}

// Peeked reports whether the solution was shown since the lab was opened. Whoever has
// seen it is not asked again.
func (a *Attempt) Peeked() bool { return a.peeked }

// SolutionNode names the node whose shell the solution is typed into.
func (a *Attempt) SolutionNode() string {
	if a.lab.Solution.Node != "" {
		return a.lab.Solution.Node
	}
	return a.lab.Topology.FirstShell()
}
