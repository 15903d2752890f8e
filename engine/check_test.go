package engine

import (
	"reflect"
	"slices"
	"testing"
)

// kindField reports whether a field of Check is a kind of its own: a pointer to what
// that kind asks for.
func kindField(f reflect.StructField) bool {
	return f.Type.Kind() == reflect.Pointer && f.Type != reflect.TypeFor[*Check]()
}

// kinds returns a check of each kind, by the name of its field.
func kinds() map[string]Check {
	out := map[string]Check{}
	typ := reflect.TypeFor[Check]()
	for i := range typ.NumField() {
		if f := typ.Field(i); kindField(f) {
			var c Check
			reflect.ValueOf(&c).Elem().Field(i).Set(reflect.New(f.Type.Elem()))
			out[f.Name] = c
		}
	}
	return out
}

// around returns a check around c for each field that holds checks, by its name. A
// field of a type that this does not know fails the test, so that Walk is thought of.
func around(t *testing.T, c Check) map[string]Check {
	t.Helper()
	out := map[string]Check{}
	typ := reflect.TypeFor[Check]()
	for i := range typ.NumField() {
		var whole Check
		v := reflect.ValueOf(&whole).Elem().Field(i)
		switch f := typ.Field(i); {
		case kindField(f), f.Name == "Because":
			continue
		case f.Type == reflect.TypeFor[[]Check]():
			v.Set(reflect.ValueOf([]Check{{}, c}))
		case f.Type == reflect.TypeFor[*Check]():
			v.Set(reflect.ValueOf(&c))
		default:
			t.Fatalf("Check.%s is a %s: neither a kind nor known to hold checks", f.Name, f.Type)
		}
		out[typ.Field(i).Name] = whole
	}
	return out
}

func TestWalkVisitsEveryKind(t *testing.T) {
	all := kinds()
	if len(all) < 18 {
		t.Fatalf("only %d kinds", len(all))
	}
	for name, c := range all {
		for outer, whole := range around(t, c) {
			for outermost, wholer := range around(t, whole) {
				seen := 0
				for in := range wholer.Walk() {
					if in.Kind() != nil {
						seen++
						if in.Kind() != reflect.ValueOf(c).FieldByName(name).Interface() {
							t.Errorf("in %s in %s: %T is seen in place of %s", outer, outermost, in.Kind(), name)
						}
					}
				}
				if seen != 1 {
					t.Errorf("in %s in %s: %s is seen %d times", outer, outermost, name, seen)
				}
			}
		}
	}
}

func TestWalkGoesInTheOrderOfTheFile(t *testing.T) {
	named := func(name string) Check { return Check{Because: name} }
	inner := named("d")
	c := Check{Because: "a", All: []Check{{Because: "b", Any: []Check{named("c"), {Not: &inner}}}, named("e")}}
	var order string
	for in := range c.Walk() {
		order += in.Because
	}
	if order != "abcde" {
		t.Errorf("in the order %s", order)
	}
	for in := range c.Walk() {
		if order = in.Because; order == "c" {
			break
		}
	}
	if order != "c" {
		t.Errorf("went on to %s", order)
	}
	for in := range Walk([]Check{c}, nil, []Check{named("f")}) {
		in.Because += "!"
	}
	if c.Because != "a" || c.All[0].Any[0].Because != "c!" || inner.Because != "d!" {
		t.Error("what is yielded is not the check itself")
	}
}

// What an evaluation looks at, wherever it stands in a lab.
func TestChecksOfALab(t *testing.T) {
	named := func(name string) []Check { return []Check{{Not: &Check{Because: name}}} }
	lab := &Lab{
		Tasks: []Task{
			{Checks: named("task"), Misconceptions: []Misconception{{When: named("misconception")}}},
			{Checks: []Check{{Any: []Check{{Choice: &ChoiceCheck{Options: []Option{{Tell: named("a wrong choice")}}}}}}}},
		},
		Collateral: []Collateral{{Check: named("what must stay")[0]}},
		Faults:     []Fault{{Checks: named("no fault"), Tell: named("no fault")}},
	}
	var got []string
	for c := range lab.Checks() {
		if c.Because != "" {
			got = append(got, c.Because)
		}
	}
	if want := []string{"task", "misconception", "a wrong choice", "what must stay"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A task may ask at any depth.
func TestQuestionOfATask(t *testing.T) {
	answer, choice := &AnswerCheck{Prompt: "Which?"}, &ChoiceCheck{Prompt: "What?"}
	for name, c := range around(t, Check{Answer: answer}) {
		task := Task{Checks: []Check{{}, c}}
		if task.Question() != answer || task.Choice() != nil {
			t.Errorf("in %s: %v, %v", name, task.Question(), task.Choice())
		}
	}
	for name, c := range around(t, Check{Choice: choice}) {
		task := Task{Checks: []Check{{}, c}}
		if task.Choice() != choice || task.Question() != nil {
			t.Errorf("in %s: %v, %v", name, task.Question(), task.Choice())
		}
	}
}

// Two checks assert the same in whatever words, at any depth.
func TestSameAssertion(t *testing.T) {
	here := func(because string) Check { return Check{Netns: &NetnsCheck{Node: "a"}, Because: because} }
	for name, a := range around(t, here("so")) {
		for other, b := range around(t, here("")) {
			if sameAssertion(a, b) != (name == other) {
				t.Errorf("%s and %s: %v", name, other, sameAssertion(a, b))
			}
		}
	}
	for _, other := range []Check{here("so").in(2), {Netns: &NetnsCheck{Node: "b"}}, {}, {All: []Check{here(""), {}}}, {All: []Check{{}, here("")}}} {
		if one := (Check{All: []Check{here("")}}); sameAssertion(one, other) || sameAssertion(other, one) {
			t.Errorf("%+v", other)
		}
	}
}

// in returns the check so many times in all of itself alone.
func (c Check) in(depth int) Check {
	for range depth {
		c = Check{All: []Check{c}}
	}
	return c
}
