package plain

import (
	"errors"
	"fmt"
	"strings"

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

// cause lists what a task offers to choose from, or chooses from it.
func (v *visit) cause(letter string) {
	for i := range v.lab.Tasks {
		c := v.lab.Tasks[i].Choice()
		switch {
		case c == nil:
			continue
		case v.done[v.lab.Tasks[i].ID]:
			v.say("You have named the cause.")
		case letter == "":
			v.options(c)
		default:
			v.choose(i, c, letter)
		}
		return
	}
	v.say("Nothing is broken in this lab that would have a cause to name.")
}

func (v *visit) options(c *engine.ChoiceCheck) {
	v.say(c.Prompt)
	for i, o := range c.Options {
		v.item(fmt.Sprintf("  %c. ", 'a'+i), o.Text)
	}
	v.say("Type :cause and a letter.")
}

func (v *visit) choose(i int, c *engine.ChoiceCheck, letter string) {
	at := strings.Index("abcdefghijklmnopqrstuvwxyz", strings.ToLower(letter))
	if len(letter) != 1 || at < 0 || at >= len(c.Options) {
		v.sayf("There is no cause %s to choose.", letter)
		v.options(c)
		return
	}
	v.say(c.Options[at].Text)
	v.give(i, c.Options[at].ID)
}
