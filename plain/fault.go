package plain

import (
	"errors"
	"fmt"
	"strings"

	"underlay/attempt"
	"underlay/engine"
)

// visitFault opens a lab with a fault in it: "NAME" or "NAME FAULT".
func (g *guide) visitFault(text string) error {
	id, fault, _ := strings.Cut(text, " ")
	if fault = strings.TrimSpace(fault); fault == "" {
		fault = engine.RandomFault
	}
	if g.Faulted == nil {
		return fmt.Errorf("labs with faults: %w", engine.ErrNotFound)
	}
	id = g.idOf(id, true)
	lab, err := g.Faulted(id, fault)
	switch {
	case err == nil:
		return g.visit(lab)
	case g.findLab(id) != nil && errors.Is(err, engine.ErrNotFound): // it is the fault that is not there
		g.sayError(err)
		return nil
	}
	return err
}

// report says what was reported of a lab with a fault in it.
func (v *visit) report() {
	v.sayf("Something is broken: “%s”", v.lab.Fault.Symptom)
	v.say("Type :cause to hear what it could be, and to name it. Then repair it.")
}

// cause lists what could be broken, or chooses from it.
func (v *visit) cause(letter string) {
	switch q, no := v.attempt.Asked(v.attempt.Current()); {
	case v.lab.Fault == nil:
		v.say("Nothing is broken in this lab, so there is no cause to name.")
	case v.attempt.Named():
		v.say("You have named the cause.")
	case no != "":
		v.say(sentenceCase(no))
	case letter == "":
		v.options(q)
	default:
		v.choose(q, letter)
	}
}

func (v *visit) options(q attempt.Question) {
	v.say(q.Prompt)
	for i, o := range q.Options {
		text := o.Text
		if o.Wrong {
			text += " (You have chosen this; it is wrong.)"
		}
		v.item(fmt.Sprintf("  %c. ", 'a'+i), text)
	}
	v.say("Type :cause and a letter.")
}

func (v *visit) choose(q attempt.Question, letter string) {
	at := strings.Index("abcdefghijklmnopqrstuvwxyz", strings.ToLower(letter))
	if len(letter) != 1 || at < 0 || at >= len(q.Options) {
		v.sayf("There is no cause %s.", letter)
		v.options(q)
		return
	}
	v.say(q.Options[at].Text)
	v.give(q.Index, q.Options[at].ID)
}

// others says how many faults of the lab are left, once one is repaired, and how to
// get to them if the list is where leaving leads. Where nothing is recorded, nobody
// knows.
func (v *visit) others() {
	id, _ := engine.SplitID(v.lab.ID)
	lab := v.findLab(id)
	if lab == nil || v.Progress == nil {
		return
	}
	n := len(lab.Faults) - repairedOf(lab, v.visits())
	switch {
	case n == 0:
	case v.Start.Lab != nil:
		v.sayf("This lab has %s left to repair.", attempt.Count(n, "fault"))
	default:
		v.sayf("This lab has %s left to repair. In the list, type: break %s", attempt.Count(n, "fault"), id)
	}
}
