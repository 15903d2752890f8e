package prove

import (
	"fmt"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/trial"
)

// Finding is what a proof found.
type Finding struct {
	Wrong      []string `json:"wrong,omitempty"`      // what is not as it must be, in sentences; none if it is proven
	Differs    []string `json:"differs,omitempty"`    // the state that differed, node by node or task by task
	Notes      []string `json:"notes,omitempty"`      // what else is worth knowing
	Transcript string   `json:"transcript,omitempty"` // the end of what the terminals showed, as plain text
}

func (f *Finding) wrongf(format string, args ...any) {
	f.Wrong = append(f.Wrong, fmt.Sprintf(format, args...))
}

func (f *Finding) notef(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// add takes over what was found of a part, under its name.
func (f *Finding) add(part string, g Finding) {
	for _, w := range g.Wrong {
		f.wrongf("%s: %s", part, w)
	}
	for _, n := range g.Notes {
		f.notef("%s: %s", part, n)
	}
	if len(g.Wrong) == 0 {
		return
	}
	for _, d := range g.Differs {
		f.Differs = append(f.Differs, part+": "+d)
	}
	f.Transcript += fmt.Sprintf("# %s\n%s\n", part, g.Transcript)
}

// found begins a finding with how a lab stands after a script. Only a lab that has
// come to rest is worth judging.
func found(out trial.Outcome) Finding {
	f := Finding{Transcript: strings.TrimRight(out.Transcript, "\n"), Notes: slices.Concat(out.Notes, out.Status.Health)}
	if !out.Settled {
		f.wrongf("the lab does not settle, so its verdicts prove nothing")
	}
	for i := range out.Status.Tasks {
		f.Differs = append(f.Differs, stands("task "+out.Status.Tasks[i].ID, &out.Status.Tasks[i]))
	}
	for i := range out.Status.Collateral {
		if c := &out.Status.Collateral[i]; c.State != engine.Pass {
			f.Differs = append(f.Differs, stands(c.Goal, c))
		}
	}
	return f
}

// stands says how a task stands: its state, and unless it passes a line for each
// of what was wanted, what was seen and why.
func stands(what string, r *engine.TaskResult) string {
	text := fmt.Sprintf("%s: %s", what, r.State)
	if r.State == engine.Pass {
		return text
	}
	for _, row := range [][2]string{{"want", r.Want}, {"got", r.Got}, {"why", r.Why}, {"note", r.Misconception}} {
		if row[1] != "" {
			text += fmt.Sprintf("\n  %-4s  %s", row[0], strings.ReplaceAll(row[1], "\n", "\n        "))
		}
	}
	return text
}

// clear demands that everything could be found out: a check that cannot tell
// proves nothing, whatever was to be proven.
func (f *Finding) clear(st *engine.Status) {
	for i := range st.Tasks {
		if t := &st.Tasks[i]; t.State == engine.Broken {
			f.wrongf("task %s could not be judged: %s", t.ID, t.Why)
		}
	}
	for i := range st.Collateral {
		if c := &st.Collateral[i]; c.State == engine.Broken {
			f.wrongf("something that must stay could not be judged (%s): %s", c.Goal, c.Why)
		}
	}
}

// alive demands that what must stay is there.
func (f *Finding) alive(st *engine.Status) {
	for i := range st.Collateral {
		if c := &st.Collateral[i]; c.State == engine.Fail {
			f.wrongf("something that must stay does not: %s", c.Goal)
		}
	}
}

// allPass demands that the lab is solved.
func (f *Finding) allPass(st *engine.Status) {
	f.clear(st)
	for i := range st.Tasks {
		if t := &st.Tasks[i]; t.State == engine.Fail {
			f.wrongf("task %s is not done", t.ID)
		}
	}
	f.alive(st)
}

// nonePass demands that no task is done and that everything is there that must
// stay.
func (f *Finding) nonePass(st *engine.Status) {
	f.clear(st)
	for i := range st.Tasks {
		t := &st.Tasks[i]
		if t.State == engine.Pass {
			f.wrongf("task %s is done before anybody has done anything", t.ID)
		}
		if t.State == engine.Fail && !t.Waiting && (t.Want == "" || t.Got == "") {
			f.wrongf("task %s does not say what it wants and what it got", t.ID)
		}
	}
	f.alive(st)
}
