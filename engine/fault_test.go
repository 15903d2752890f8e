package engine

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// breakable is a lab with n faults, called f0, f1 and so on.
func breakable(n int) *Lab {
	here := Check{Netns: &NetnsCheck{Node: "a"}}
	away := Check{Not: &here}
	lab := &Lab{
		ID: "lab", Title: "Lab", Requires: []string{"veth"}, Solution: Script{Name: "solve"}, Alternatives: []Script{{}}, Mistakes: []Script{{}},
		Tasks: []Task{
			{ID: "one", Checks: []Check{here}},
			{ID: "two", Checks: []Check{{Any: []Check{{Answer: &AnswerCheck{}}}}}},
			{ID: "three", Mode: Once, Checks: []Check{{Netns: &NetnsCheck{Node: "b"}}}},
			{ID: "four", Checks: []Check{away}},
		},
		Collateral: []Collateral{{Goal: "kept", Check: here}, {Goal: "broken by f0", Check: away}},
	}
	for i := range n {
		f := Fault{ID: fmt.Sprintf("f%d", i), Cause: fmt.Sprintf("Cause %d.", i), Checks: []Check{{Link: &LinkCheck{Node: "a"}}}}
		f.Requires = []string{"r" + f.ID}
		f.Break.Name, f.Repair.Name = f.ID, f.ID+".repair"
		lab.Faults = append(lab.Faults, f)
	}
	lab.Faults[0].Checks = append(lab.Faults[0].Checks, Check{Not: &here, Because: "in other words"})
	return lab
}

func TestFaulted(t *testing.T) {
	lab := breakable(3)
	before := *lab
	got, err := Faulted(lab, "f0")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*lab, before) {
		t.Error("the lab itself was changed")
	}
	if got.ID != "lab/f0" || got.Fault.ID != "f0" || got.Solution.Name != "f0.repair" || len(got.Prepare) != 2 ||
		!slices.Equal(got.Requires, []string{"veth", "rf0"}) || got.Prepare[0].Name != "solve" || got.Prepare[1].Name != "f0" || got.Alternatives != nil || got.Mistakes != nil {
		t.Errorf("%+v", got)
	}
	if len(got.Collateral) != 1 || got.Collateral[0].Goal != "kept" {
		t.Errorf("collateral %+v; what the fault breaks is not to be kept", got.Collateral)
	}
	var ids []string
	for _, task := range got.Tasks {
		ids = append(ids, task.ID+"<"+strings.Join(task.After, ","))
	}
	if want := []string{"cause<", "repair<cause", "whole<repair"}; !slices.Equal(ids, want) {
		t.Errorf("tasks %q, want %q", ids, want)
	}
	if whole := got.Task(TaskWhole).Checks; !reflect.DeepEqual(whole, []Check{lab.Tasks[0].Checks[0], lab.Tasks[2].Checks[0], lab.Tasks[3].Checks[0]}) {
		t.Errorf("whole asks for %+v", whole)
	}
	if base, fault := SplitID(got.ID); base != "lab" || fault != "f0" {
		t.Errorf("%q is of %q and %q", got.ID, base, fault)
	}
	if base, fault := SplitID("lab"); base != "lab" || fault != "" {
		t.Errorf("lab is of %q and %q", base, fault)
	}
}

func TestFaultedNeedsAFault(t *testing.T) {
	_, err := Faulted(breakable(2), "f9")
	var hinted *Error
	if !errors.Is(err, ErrNotFound) || !errors.As(err, &hinted) || hinted.Hint != "its faults are f0, f1, and random" {
		t.Errorf("%v", err)
	}
	lab := breakable(2)
	lab.Faults[1].Formerly = []string{"old"}
	_, err = Faulted(lab, "old")
	if !errors.Is(err, ErrNotFound) || !errors.As(err, &hinted) || hinted.Hint != "it is now called f1" {
		t.Errorf("by an id that it had: %v", err)
	}
	lab.Faults = nil
	for _, id := range []string{"f0", RandomFault} {
		if _, err := Faulted(lab, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s of a lab without faults: %v", id, err)
		}
	}
}

// TestChoiceOfCauses: the true cause is always there, none is there twice, and
// where it stands does not depend on its being true.
func TestChoiceOfCauses(t *testing.T) {
	lab := breakable(9)
	first, drawn := map[string]bool{}, map[string]bool{}
	for lab.Seed = range int64(200) {
		any9, err := Faulted(lab, RandomFault)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := Faulted(lab, RandomFault)
		if !reflect.DeepEqual(any9, again) {
			t.Fatalf("seed %d is not deterministic", lab.Seed)
		}
		drawn[any9.Fault.ID] = true
		var orders [][]string
		for i := range lab.Faults {
			l, err := Faulted(lab, lab.Faults[i].ID)
			if err != nil {
				t.Fatal(err)
			}
			c := l.Task(TaskCause).Choice()
			var ids []string
			for _, o := range c.Options {
				ids = append(ids, o.ID)
			}
			if len(ids) != 6 || c.Right != lab.Faults[i].ID || c.Option(c.Right) == nil || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 6 {
				t.Fatalf("seed %d: %s is chosen from %q", lab.Seed, c.Right, ids)
			}
			first[ids[0]] = true
			orders = append(orders, ids)
		}
		for _, ids := range orders[1:] {
			if !sameOrder(orders[0], ids) {
				t.Fatalf("seed %d: %q and %q", lab.Seed, orders[0], ids)
			}
		}
	}
	if len(first) != 9 || len(drawn) != 9 {
		t.Errorf("of nine causes %d ever came first and %d were drawn", len(first), len(drawn))
	}
}

// sameOrder reports whether what both lists have is in the same order.
func sameOrder(a, b []string) bool {
	common := func(x, y []string) []string {
		return slices.DeleteFunc(slices.Clone(x), func(s string) bool { return !slices.Contains(y, s) })
	}
	return slices.Equal(common(a, b), common(b, a))
}

func TestChoiceOfAnOrdinaryTask(t *testing.T) {
	if c := breakable(2).Tasks[0].Choice(); c != nil {
		t.Errorf("%+v", c)
	}
}
