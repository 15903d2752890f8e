package check

import (
	"testing"

	"underlay/engine"
)

func TestWhatWasRememberedIsRecalled(t *testing.T) {
	lab := &engine.Lab{Tasks: []engine.Task{{ID: "first", Mode: engine.Once}, {ID: "later", Mode: engine.Once}}}
	e := New(lab)
	e.Answer("first", "one")
	status := func(first, later engine.State) *engine.Status {
		return &engine.Status{Tasks: []engine.TaskResult{
			{ID: "first", Result: engine.Result{State: first}}, {ID: "later", Result: engine.Result{State: later}},
		}}
	}
	then := e.Remember(status(engine.Pass, engine.Fail)) // not latched yet: it was published before the evaluation's end
	e.latch(e.latched, status(engine.Pass, engine.Pass))
	e.Answer("first", "two")
	e.Answer("later", "three")
	e.Recall(then)
	if _, ok := e.latched["first"]; !ok || len(e.latched) != 1 {
		t.Errorf("latched are %v", e.latched)
	}
	if len(e.answers) != 1 || e.answers["first"] != "one" {
		t.Errorf("the answers are %v", e.answers)
	}
	e.Answer("first", "four")
	e.Recall(then)
	if e.answers["first"] != "one" {
		t.Error("what is remembered changes with what is done later")
	}
}
