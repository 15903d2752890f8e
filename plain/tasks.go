package plain

import (
	"fmt"
	"strings"

	"underlay/attempt"
	"underlay/engine"
)

// announce says what is new in a status, and whether that was anything. What has
// got worse is believed only of a settled status.
func (v *visit) announce(st engine.Status, settled bool) (said bool) {
	said = v.tell(v.attempt.See(st, settled))
	return v.announceCapture(&st) || said
}

// tell records what has happened and says what of it is news. It reports whether
// anything was.
func (v *visit) tell(events []attempt.Event) (said bool) {
	counts := false // the tasks that are done have yet to be counted
	for _, e := range events {
		v.journal.record(e)
		if v.tellTask(e) {
			said, counts = true, true
			continue
		}
		if counts {
			v.score()
		}
		counts = false
		said = v.tellRest(e) || said
	}
	if counts {
		v.score()
	}
	return said
}

func (v *visit) score() {
	v.sayf("%d of %s done.", v.attempt.Status().Done(), attempt.Count(len(v.lab.Tasks), "task"))
}

// tellTask says that a task is done, or no longer done, and whether an event was that.
func (v *visit) tellTask(e attempt.Event) bool {
	switch e := e.(type) {
	case attempt.TaskDone:
		if e.Found {
			return false
		}
		v.item("Done: ", v.lab.Tasks[e.Index].Goal)
	case attempt.TaskUndone:
		v.item("No longer done: ", v.lab.Tasks[e.Index].Goal)
	default:
		return false
	}
	return true
}

// tellRest says what else has happened, and whether there was anything to say. What
// the learner has just asked for is said by whoever was asked.
func (v *visit) tellRest(e attempt.Event) bool {
	switch e := e.(type) {
	case attempt.HintGiven:
		v.sayHint(e.Index, e.Tier, e.Of, e.Text)
	case attempt.Marked:
		return v.marked(e)
	case attempt.Spoiled:
		v.unkept(&e.Result)
	case attempt.Mended:
		v.item("Works again: ", e.Result.Goal)
	case attempt.Mishap:
		v.sayf("Something happened to the lab: %s :reset starts it again.", e.Text)
	case attempt.Solved:
		v.celebrate()
	default:
		return false
	}
	return true
}

// marked says how an answer was judged. That one which was typed is right is said
// with its task.
func (v *visit) marked(m attempt.Marked) bool {
	if m.Right {
		if m.Choice {
			v.say("That is the cause. Now repair it.")
		}
		return m.Choice
	}
	v.sayf("That does not do it yet. Task %d: %s", m.Index+1, v.lab.Tasks[m.Index].Goal)
	r := v.attempt.Result(m.Index)
	v.details(m.Index, &r)
	return true
}

// unkept says what must hold as before, and does not or could not be looked at.
func (v *visit) unkept(c *engine.TaskResult) {
	if c.State == engine.Broken {
		v.item("This must still hold, and could not be checked: ", c.Goal)
	} else {
		v.item("This must still hold, and does not: ", c.Goal)
	}
	v.findings(c)
}

// announceCapture says, when a capture of the learner's begins, what it will show of
// tests.
func (v *visit) announceCapture(st *engine.Status) (said bool) {
	began := !v.captured && len(st.Captures) > 0
	v.captured = len(st.Captures) > 0
	if !began || v.lab.WithoutTests() == "" {
		return false
	}
	v.sayf("A capture runs in %s. Until it ends, Underlay tests only once after a change, from ports %s. To leave that out, give tcpdump:",
		strings.Join(st.Captures, ", "), engine.TestPorts())
	v.item("  ", v.lab.WithoutTests())
	return true
}

func (v *visit) celebrate() {
	v.blank()
	v.sayf("Solved: %s, %s.", v.lab.Title, v.attempt.Account())
	if v.lab.Fault != nil {
		v.item("What it was: ", v.lab.Fault.Explain)
		v.others()
	} else if next := v.Book.AfterLab(v.lab.ID); next != nil {
		v.sayf("Next: the lesson “%s” (%s).", next.Title, next.ID)
	} else {
		v.say("That was the last one. Well done.")
	}
	v.say("Stay as long as you like; :quit leaves the lab.")
}

// tasks says how each task stands, and why of the current one.
func (v *visit) tasks() {
	st := v.session.Status()
	v.announce(st, false)
	current := v.attempt.Current()
	v.sayf("Tasks: %d of %d done.", st.Done(), len(v.lab.Tasks))
	for i := range v.lab.Tasks {
		r := v.attempt.Result(i)
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
	for _, c := range v.attempt.Unkept() {
		v.unkept(&c)
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
	v.sayf("%s from ports %s. To leave that out, give tcpdump:", begin, engine.TestPorts())
	v.item("  ", filter)
}

// details say what was found of a task that is not done.
func (v *visit) details(i int, r *engine.TaskResult) {
	switch {
	case r.State == engine.Pass:
	case r.Waiting:
		v.say("     Do the tasks before this one first.")
	case r.State == engine.Broken:
		v.item("     ", "This could not be checked: "+sentenceCase(r.Why)+" It is not your mistake.")
	default:
		v.findings(r)
		switch q, asks := v.attempt.Question(i); {
		case len(q.Options) > 0:
			v.item("     ", "Type :cause to hear what it could be.")
		case asks:
			v.item("     ", q.Prompt+" Type :answer and your answer.")
		case attempt.Follows(r):
			v.item("     ", "Type :trace to hear how far that packet gets.")
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
