package engine

import (
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
)

// Fault is one way in which a solved lab breaks: a break-fix exercise. Its
// scripts are faults/ID.sh, which breaks the solved lab, and faults/ID.repair.sh,
// one right repair.
type Fault struct {
	ID string `yaml:"id" lab:"required,id"`

	// Formerly are ids that the fault had: what has been done under them counts for it.
	Formerly []string `yaml:"formerly" lab:"id"`

	Cause string `yaml:"cause" lab:"required"` // what is wrong, as one of the choices that the learner names the cause from

	// Symptom is what the learner is told, and Checks what must work again:
	// each fails while the fault is there and passes once it is repaired.
	Symptom string  `yaml:"symptom" lab:"required"`
	Checks  []Check `yaml:"checks" lab:"required"`

	// Tell is what shows this cause and no other in the live lab: all of it
	// passes while the fault is there. A learner who names this cause where
	// another one is at work is told what of it is not so.
	Tell []Check `yaml:"tell" lab:"required"`

	// Requires names what this fault needs of the machine beyond what its lab does.
	Requires []string `yaml:"requires" lab:"id"`

	Hints   Hints  `yaml:"hints" lab:"required"`
	Explain string `yaml:"explanation" lab:"required"` // how the cause makes the symptom; shown at the end

	Break  Script `yaml:"-"`
	Repair Script `yaml:"-"`
}

// The tasks of a lab that Faulted returns, in their order.
const (
	TaskCause  = "cause"  // name the cause: a choice
	TaskRepair = "repair" // what the fault broke works again
	TaskWhole  = "whole"  // everything else that the solved lab had holds, too
)

// RandomFault stands for a fault that the seed chooses.
const RandomFault = "random"

// maxOptions is how many causes a learner chooses from at most.
const maxOptions = 6

// Faulted returns the lab as a break-fix exercise: solved, then broken by one
// fault, with tasks of its own. The fault is named by its id, or chosen by the
// lab's seed if that is RandomFault; the seed also orders the causes to choose
// from. The lab itself is left as it is.
//
// The new lab's id is FaultedID's, its Solution the fault's repair, and its
// collateral what of the lab's collateral the fault leaves alive: a fault that
// breaks some has that check among its own. The error wraps ErrNotFound if the
// lab has no such fault.
func Faulted(lab *Lab, fault string) (*Lab, error) {
	f, err := findFault(lab, fault)
	if err != nil {
		return nil, err
	}
	out := *lab
	out.ID = FaultedID(lab.ID, f.ID)
	out.Title = lab.Title + ", broken"
	out.Summary = "This lab was solved, and then something broke. Find the cause and repair it."
	out.Fault, out.Faults = f, nil
	out.Requires = slices.Concat(lab.Requires, f.Requires)
	out.Prepare = []Script{lab.Solution, f.Break}
	out.Solution, out.Alternatives, out.Mistakes = f.Repair, nil, nil
	out.Tasks = []Task{causeTask(lab, f), repairTask(f), wholeTask(lab, f)}
	out.Collateral = slices.DeleteFunc(slices.Clone(lab.Collateral), func(c Collateral) bool {
		return slices.ContainsFunc(f.Checks, func(own Check) bool { return sameAssertion(own, c.Check) })
	})
	return &out, nil
}

// FaultedID is the id of a lab that is broken by a fault: "docker0/isolated".
func FaultedID(lab, fault string) string { return lab + "/" + fault }

// SplitID takes a lab's id apart into that of the lab as its author wrote it
// and that of the fault in it, "" if there is none.
func SplitID(id string) (lab, fault string) {
	lab, fault, _ = strings.Cut(id, "/")
	return lab, fault
}

// DrawSeed returns a seed from 1 to 999999, so that it can be given again by hand.
func DrawSeed() int64 { return 1 + rand.Int64N(999_999) }

func findFault(lab *Lab, id string) (*Fault, error) {
	if len(lab.Faults) == 0 {
		return nil, noFault(fmt.Sprintf("lab %s has no faults to repair", lab.ID))
	}
	if id == RandomFault {
		return &lab.Faults[draw(lab).IntN(len(lab.Faults))], nil
	}
	none := noFault(fmt.Sprintf("lab %s has no fault %q", lab.ID, id))
	var ids []string
	for i := range lab.Faults {
		f := &lab.Faults[i]
		switch {
		case f.ID == id:
			return f, nil
		case slices.Contains(f.Formerly, id):
			return nil, Hintf(none, "it is now called %s", f.ID)
		}
		ids = append(ids, f.ID)
	}
	return nil, Hintf(none,
		"its faults are %s, and %s", strings.Join(ids, ", "), RandomFault)
}

// noFault says that a lab lacks a fault. It is an ErrNotFound in other words.
type noFault string

func (e noFault) Error() string        { return string(e) }
func (e noFault) Is(target error) bool { return target == ErrNotFound }

// draw is the source of what a lab's seed decides about its faults. What it
// gives for a seed is the same on every machine.
func draw(lab *Lab) *rand.Rand {
	name := fnv.New64a()
	io.WriteString(name, lab.ID) //nolint:errcheck // a hash takes everything
	return rand.New(rand.NewPCG(uint64(lab.Seed), name.Sum64()))
}

// causeTask asks for the cause. A right answer stays one, whatever is typed
// after it.
func causeTask(lab *Lab, f *Fault) Task {
	c := &ChoiceCheck{Prompt: "What is wrong?", Options: options(lab, f), Right: f.ID}
	return Task{
		ID: TaskCause, Goal: "Find the cause and name it.", Mode: Once, Checks: []Check{{Choice: c}},
		Hints: Hints{Symptom: f.Hints.Symptom, Layer: f.Hints.Layer, Command: f.Hints.Command},
	}
}

// options are the causes to choose from: the true one and others of the lab. If
// not all fit, the seed chooses; it orders them, too, and whichever is true has
// no say in that order.
func options(lab *Lab, f *Fault) []Option {
	r := draw(lab)
	_ = r.Uint64() // chose the fault
	order := r.Perm(len(lab.Faults))
	others := maxOptions - 1
	var out []Option
	for _, i := range order {
		o := &lab.Faults[i]
		if o.ID != f.ID {
			if others == 0 {
				continue
			}
			others--
		}
		out = append(out, Option{ID: o.ID, Text: o.Cause, Tell: o.Tell})
	}
	return out
}

func repairTask(f *Fault) Task {
	return Task{
		ID: TaskRepair, Goal: "Repair it: what was reported works again.", Mode: Now, After: []string{TaskCause},
		Checks: f.Checks, Hints: Hints{Command: f.Hints.Command, Solution: f.Hints.Solution},
	}
}

// wholeTask demands what the lab's own tasks demand, also of those that stay done once
// they are. Left out is what cannot be asked for again: answers to questions.
func wholeTask(lab *Lab, f *Fault) Task {
	var checks []Check
	for _, t := range lab.Tasks {
		if t.Question() == nil && t.Choice() == nil {
			checks = append(checks, t.Checks...)
		}
	}
	if len(checks) == 0 {
		checks = f.Checks
	}
	return Task{
		ID: TaskWhole, Goal: "Everything else works as it did before it broke.", Mode: Now, After: []string{TaskRepair},
		Checks: checks,
		Hints: Hints{
			Symptom:  "Something that worked before now fails, or works only by a detour. This task shows what was wanted and what was found.",
			Layer:    "A repair that is wider than the fault breaks something else: a flush takes other rules along, an open policy lets in what it kept out, a detour hides what is still broken.",
			Command:  "Undo whatever else you changed, or start again from the broken lab and change as little as you can.",
			Solution: f.Hints.Solution,
		},
	}
}

// sameAssertion reports whether two checks assert the same, in whatever words: what
// they are made of is compared one by one, in the order of Walk.
func sameAssertion(a, b Check) bool {
	next, stop := iter.Pull(b.Walk())
	defer stop()
	for x := range a.Walk() {
		y, more := next()
		if !more || !reflect.DeepEqual(x.Kind(), y.Kind()) ||
			len(x.All) != len(y.All) || len(x.Any) != len(y.Any) || (x.Not == nil) != (y.Not == nil) {
			return false
		}
	}
	return true // how many there are in each is the same
}

// ChoiceCheck asks which of several statements is true. It is answered with an
// option's id.
type ChoiceCheck struct {
	Prompt  string
	Options []Option
	Right   string // id of the true one
}

// Option is one statement of a choice.
type Option struct {
	ID   string
	Text string
	Tell []Check // what would pass if it were true; what does not speaks against it
}

// Option returns the option with this id, or nil.
func (c *ChoiceCheck) Option(id string) *Option {
	for i := range c.Options {
		if c.Options[i].ID == id {
			return &c.Options[i]
		}
	}
	return nil
}
