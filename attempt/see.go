package attempt

import "underlay/engine"

// See takes in how the lab stands and says what is new. Settled says that it has come
// to rest so: only then is believed that something has got worse. Whoever shows each
// status as it comes calls all of them settled; whoever says things that cannot be
// taken back does not.
func (a *Attempt) See(st engine.Status, settled bool) []Event {
	a.status = st
	if a.held || st.Evaluation == 0 { // nobody has looked at it yet
		return nil
	}
	if !a.judged {
		a.judged = true
		a.knowDone(&st)
	}
	fresh, undone := a.seeTasks(&st, settled)
	solved := st.Solved && !a.announced
	events := append(a.count(&st, fresh, solved), undone...)
	events = append(events, a.mark(&st)...)
	if settled {
		events = append(events, a.seeCollateral(&st)...)
	}
	for ; a.mishaps < len(st.Health); a.mishaps++ {
		events = append(events, Mishap{st.Health[a.mishaps]})
	}
	if solved {
		a.announced = true
		a.solved = &Solved{Lab: a.lab.ID, Took: a.now().Sub(a.began), Hints: a.given, Peeked: a.peeked}
		events = append(events, *a.solved)
	}
	return events
}

// knowDone takes the tasks that pass for known to be done. A task that could not be
// looked at is what it was.
func (a *Attempt) knowDone(st *engine.Status) {
	for _, t := range st.Tasks {
		if t.State != engine.Broken {
			a.done[t.ID] = t.State == engine.Pass
		}
	}
}

// seeTasks says which tasks are done that were not, and which are not any more.
func (a *Attempt) seeTasks(st *engine.Status, settled bool) (fresh map[string]bool, undone []Event) {
	fresh = map[string]bool{}
	for i, t := range st.Tasks {
		switch known := a.done[t.ID]; {
		case t.State == engine.Pass && !known:
			a.done[t.ID], fresh[t.ID] = true, true
		case t.State == engine.Fail && known && settled:
			a.done[t.ID] = false
			undone = append(undone, TaskUndone{t.ID, i})
		}
	}
	return fresh, undone
}

// count says which tasks are done, once the learner has done any: the fresh ones, and
// those that were found done and are not recorded yet.
func (a *Attempt) count(st *engine.Status, fresh map[string]bool, solved bool) []Event {
	if len(fresh) == 0 && !solved {
		return nil
	}
	var out []Event
	for i, t := range st.Tasks {
		if fresh[t.ID] || t.State == engine.Pass && !a.recorded[t.ID] {
			a.recorded[t.ID] = true
			out = append(out, TaskDone{Lab: a.lab.ID, Task: t.ID, Index: i, Found: !fresh[t.ID]})
		}
	}
	return out
}

// seeCollateral says what has stopped to hold, and what holds again.
func (a *Attempt) seeCollateral(st *engine.Status) []Event {
	var out []Event
	for i, c := range st.Collateral {
		switch {
		case c.State == engine.Fail && !c.Waiting && !a.spoiled[i]:
			a.spoiled[i] = true
			out = append(out, Spoiled{c})
		case c.State == engine.Pass && a.spoiled[i]:
			delete(a.spoiled, i)
			out = append(out, Mended{c})
		}
	}
	return out
}
