package plain

import (
	"fmt"
	"strings"
	"time"

	"underlay/engine"
)

// announce says what is new in a status, and whether that was anything. What has
// got worse is believed only of a settled status.
func (v *visit) announce(st engine.Status, settled bool) (said bool) {
	fresh := false
	for i := range st.Tasks {
		t := &st.Tasks[i]
		switch before := v.done[t.ID]; {
		case t.State == engine.Pass && !before:
			v.done[t.ID], fresh = true, true
			v.item("Done: ", v.lab.Tasks[i].Goal)
		case t.State == engine.Fail && before && settled:
			v.done[t.ID], said = false, true
			v.item("No longer done: ", v.lab.Tasks[i].Goal)
		}
	}
	if fresh {
		v.record(&st)
	}
	if fresh || said {
		v.sayf("%d of %s done.", st.Done(), count(len(v.lab.Tasks), "task"))
	}
	if settled {
		said = v.announceCollateral(&st) || said
	}
	said = v.announceCapture(&st) || said
	for ; v.health < len(st.Health); v.health++ {
		v.sayf("Something happened to the lab: %s :reset starts it again.", st.Health[v.health])
		said = true
	}
	if st.Solved && !v.solved {
		v.solved = true
		v.attempt.solved()
		v.celebrate()
		return true
	}
	return fresh || said
}

func (v *visit) record(st *engine.Status) {
	for _, t := range st.Tasks {
		if t.State == engine.Pass {
			v.attempt.passed(t.ID)
		}
	}
}

// announceCollateral says what has stopped working, and what works again.
func (v *visit) announceCollateral(st *engine.Status) (said bool) {
	for i, c := range st.Collateral {
		bad := c.State == engine.Fail
		key := fmt.Sprint(i)
		if bad == v.broken[key] {
			continue
		}
		v.broken[key], said = bad, true
		if !bad {
			v.item("Works again: ", c.Goal)
			continue
		}
		v.item("This must hold as before, and does not: ", c.Goal)
		v.findings(&c)
	}
	return said
}

// announceCapture says, when a capture of the learner's begins, what it will show of
// tests.
func (v *visit) announceCapture(st *engine.Status) (said bool) {
	began := !v.captured && len(st.Captures) > 0
	v.captured = len(st.Captures) > 0
	if !began || v.lab.WithoutTests() == "" {
		return false
	}
	v.sayf("A capture runs in %s. Until it ends, only a change is tested, once, from ports %s. tcpdump leaves that out with:",
		strings.Join(st.Captures, ", "), engine.TestPorts())
	v.item("  ", v.lab.WithoutTests())
	return true
}

func (v *visit) celebrate() {
	v.blank()
	v.sayf("Solved: %s, in %s, %s.", v.lab.Title, span(time.Since(v.begun)), help(v.asked, v.peeked))
	if v.lab.Fault != nil {
		v.item("What it was: ", v.lab.Fault.Explain)
	} else if next := lessonAfter(v.Book, v.lab.ID); next != nil {
		v.sayf("Next: the lesson “%s” (%s).", next.Title, next.ID)
	} else {
		v.say("That was the last one. Well done.")
	}
	v.say("Stay as long as you like; :quit leaves the lab.")
}

// tasks says how each task stands, and what was found of the current one.
func (v *visit) tasks() {
	st := v.session.Status()
	current := v.current(&st)
	v.sayf("Tasks: %d of %d done.", st.Done(), len(v.lab.Tasks))
	for i := range v.lab.Tasks {
		r := v.result(&st, i)
		state := "to do"
		switch {
		case r.State == engine.Pass:
			state = "done"
		case i == current:
			state = "now"
		case r.Waiting:
			state = "later"
		}
		v.item(fmt.Sprintf("%3d. ", i+1), fmt.Sprintf("(%s) %s", state, v.lab.Tasks[i].Goal))
		if i == current {
			v.details(i, &r)
		}
	}
	for _, c := range st.Collateral {
		if c.State == engine.Fail {
			v.item("This must hold as before, and does not: ", c.Goal)
			v.findings(&c)
		}
	}
	v.tests(&st)
}

// tests says where Underlay's own packets come from, and how a capture leaves them out.
func (v *visit) tests(st *engine.Status) {
	filter := v.lab.WithoutTests()
	if filter == "" {
		return
	}
	begin := "After a change Underlay tests"
	if st.Testing {
		begin = "Underlay is testing,"
	}
	v.sayf("%s from ports %s. tcpdump leaves that out with:", begin, engine.TestPorts())
	v.item("  ", filter)
}

// result is a task as it stands; before the first judgement nothing is known.
func (v *visit) result(st *engine.Status, i int) engine.TaskResult {
	if i < len(st.Tasks) {
		return st.Tasks[i]
	}
	return engine.TaskResult{ID: v.lab.Tasks[i].ID, Goal: v.lab.Tasks[i].Goal, Result: engine.Result{State: engine.Fail}}
}

// current is the index of the first task that is neither done nor waiting, else
// of the last one.
func (v *visit) current(st *engine.Status) int {
	for i := range v.lab.Tasks {
		if r := v.result(st, i); r.State != engine.Pass && !r.Waiting {
			return i
		}
	}
	return len(v.lab.Tasks) - 1
}

// details say what was found of a task that is not done.
func (v *visit) details(i int, r *engine.TaskResult) {
	switch {
	case r.State == engine.Pass:
	case r.Waiting:
		v.say("     This comes after the tasks before it.")
	case r.State == engine.Broken:
		v.item("     ", "This could not be looked at: "+sentenceCase(r.Why)+" It is not your mistake.")
	default:
		v.findings(r)
		if v.lab.Tasks[i].Choice() != nil {
			v.item("     ", "Type :cause to hear what it could be.")
		} else if q := v.lab.Tasks[i].Question(); q != nil {
			v.item("     ", asked(q))
		} else if r.Flow.Proto != "" {
			v.item("     ", "Type :trace to hear how far that packet comes.")
		}
	}
}

func (v *visit) findings(r *engine.TaskResult) {
	for _, row := range [][2]string{{"Wanted: ", r.Want}, {"Found: ", r.Got}, {"Why: ", r.Why}, {"A common trap: ", r.Says}} {
		if row[1] != "" {
			v.item("     "+row[0], row[1])
		}
	}
}

// asked is a question, and how to answer it.
func asked(q *engine.AnswerCheck) string {
	return strings.TrimSpace(q.Prompt) + " Type :answer and your answer."
}
