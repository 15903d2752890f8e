package engine

import (
	"iter"
	"reflect"
)

// Walk yields a check, then those in it, at any depth and in the order of the
// file. Each is the check itself and no copy. What speaks against a wrong choice
// (Option.Tell) is in no check: it is looked at to explain, and asserts nothing.
func (c *Check) Walk() iter.Seq[*Check] {
	return func(yield func(*Check) bool) { c.walk(yield) }
}

// walk is Walk; it returns false once yield has.
func (c *Check) walk(yield func(*Check) bool) bool {
	if !yield(c) {
		return false
	}
	for _, in := range [][]Check{c.All, c.Any} {
		for i := range in {
			if !in[i].walk(yield) {
				return false
			}
		}
	}
	return c.Not == nil || c.Not.walk(yield)
}

// Walk yields what Check.Walk yields of each check of these lists.
func Walk(lists ...[]Check) iter.Seq[*Check] {
	return func(yield func(*Check) bool) {
		for _, list := range lists {
			for i := range list {
				if !list[i].walk(yield) {
					return
				}
			}
		}
	}
}

// Checks yields what Check.Walk yields of each check that an evaluation of the lab
// may look at: those of tasks, of their misconceptions and wrong choices, and what
// must stay as it is. Of faults it may only if the lab is Faulted.
func (l *Lab) Checks() iter.Seq[*Check] {
	var lists [][]Check
	for i := range l.Tasks {
		t := &l.Tasks[i]
		lists = append(lists, t.Checks)
		for j := range t.Misconceptions {
			lists = append(lists, t.Misconceptions[j].When)
		}
		if c := t.Choice(); c != nil {
			for j := range c.Options {
				lists = append(lists, c.Options[j].Tell)
			}
		}
	}
	return func(yield func(*Check) bool) {
		for c := range Walk(lists...) {
			if !yield(c) {
				return
			}
		}
		for i := range l.Collateral {
			if !l.Collateral[i].Check.walk(yield) {
				return
			}
		}
	}
}

// Kind returns what the check asks for by itself: an *AddrCheck or another of the
// pointers in it. It is nil for one that is made of others.
func (c *Check) Kind() any {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() && f.Type() != reflect.TypeFor[*Check]() {
			return f.Interface()
		}
	}
	return nil
}

// Question returns what a task asks the learner in words, or nil.
func (t *Task) Question() *AnswerCheck {
	for c := range Walk(t.Checks) {
		if c.Answer != nil {
			return c.Answer
		}
	}
	return nil
}

// Choice returns what a task has the learner choose from, or nil.
func (t *Task) Choice() *ChoiceCheck {
	for c := range Walk(t.Checks) {
		if c.Choice != nil {
			return c.Choice
		}
	}
	return nil
}
