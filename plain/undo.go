package plain

import (
	"fmt"
	"strconv"
	"time"

	"underlay/attempt"
	"underlay/engine"
)

// checkpoints says where the lab has been.
func (v *visit) checkpoints() {
	all := v.session.History().Checkpoints()
	v.say("Checkpoints, the last one first. :undo goes back to the last, :undo 0 to the start; :diff says what has changed since.")
	for i := len(all) - 1; i >= 0; i-- {
		c := all[i]
		v.item(fmt.Sprintf("%3d. ", c.ID), fmt.Sprintf("%s (%s ago)", c.Label, attempt.Span(time.Since(c.At))))
	}
}

// checkpoint finds the one that a command names, the last where it names none.
func (v *visit) checkpoint(number string) (engine.Checkpoint, bool) {
	all := v.session.History().Checkpoints()
	if len(all) == 0 {
		v.say("There is no checkpoint yet.")
		return engine.Checkpoint{}, false
	}
	if number == "" {
		return all[len(all)-1], true
	}
	n, err := strconv.Atoi(number)
	for _, c := range all {
		if err == nil && c.ID == n {
			return c, true
		}
	}
	v.sayf("There is no checkpoint %s. :checkpoints lists them.", number)
	return engine.Checkpoint{}, false
}

// diff says what has changed since a checkpoint, and how much that is.
func (v *visit) diff(number string) (to engine.Checkpoint, n int) {
	to, ok := v.checkpoint(number)
	if !ok {
		return to, 0
	}
	changes, err := v.session.History().Diff(v.ctx, to.ID)
	if err != nil {
		v.sayError(err)
		return to, 0
	}
	if len(changes) == 0 {
		v.sayf("Nothing has changed since checkpoint %d: %s.", to.ID, to.Label)
		return to, 0
	}
	v.sayf("Since checkpoint %d (%s) this has changed:", to.ID, to.Label)
	for _, c := range changes {
		where := c.What
		if c.Node != "" {
			where = c.Node + ", " + c.What
		}
		if c.Before != "" {
			v.item("  was: ", where+": "+c.Before)
		}
		if c.After != "" {
			v.item("  is:  ", where+": "+c.After)
		}
	}
	return to, len(changes)
}

// undo leads the lab back to a checkpoint, after asking.
func (v *visit) undo(number string) error {
	to, n := v.diff(number)
	if n == 0 {
		return nil
	}
	yes, err := v.sure("This is undone. Files and the programs you started stay as they are.")
	if err != nil || !yes {
		return err
	}
	how, err := v.session.History().Restore(v.ctx, to.ID)
	if err != nil {
		v.sayError(err)
		return nil
	}
	st := v.session.Status()
	v.tell(v.attempt.WentBack(to, how, st))
	if !how.Rebuilt {
		v.sayf("%s undone. %d of %s done.", attempt.Count(how.Changes, "change"), st.Done(), attempt.Count(len(v.lab.Tasks), "task"))
		return nil
	}
	v.say("The lab was rebuilt and then brought to the checkpoint, because:")
	for _, why := range how.Why {
		v.item("  - ", why)
	}
	v.sayf("The shells are new. %d of %s done.", st.Done(), attempt.Count(len(v.lab.Tasks), "task"))
	for _, sh := range v.shells {
		v.hangUp(sh)
	}
	_, err = v.shell()
	return err
}
