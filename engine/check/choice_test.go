package check

import (
	"context"
	"testing"

	"underlay/engine"
)

func choiceOutcomes(t *testing.T) map[engine.State]bool {
	out := map[engine.State]bool{}
	for _, r := range choiceRows {
		out[chosen(t, r.right, r.id).State] = true
	}
	return out
}

var choiceRows = []struct {
	right, id string
	state     engine.State
	got, why  string
}{
	{"loop", "", engine.Fail, "no choice yet", ""},
	{"loop", " loop ", engine.Pass, "you chose “Packets go round”", ""},
	{"loop", "gone", engine.Fail, "you chose “There is no eth1”", "It is not that. It would mean: not: c1 has the interface eth0. But: eth0 in c1 is a veth, up."},
	{"loop", "said", engine.Fail, "you chose “Nothing listens”", "It is not that. Somebody listens."},
	{"loop", "so", engine.Fail, "you chose “There is an eth0”", "It is not that, although nothing that was checked rules it out."},
	{"loop", "luck", engine.Fail, `you chose "luck"`, "That is not one of the choices."},
	{"luck", "loop", engine.Broken, "", "None of the choices of this task is right."},
}

func chosen(t *testing.T, right, id string) engine.TaskResult {
	t.Helper()
	eth0 := link(engine.LinkCheck{Node: "c1", Name: "eth0"})
	eth1 := link(engine.LinkCheck{Node: "c1", Name: "eth1"})
	c := engine.ChoiceCheck{Prompt: "What is wrong?", Right: right, Options: []engine.Option{
		{ID: "gone", Text: "There is no eth1.", Tell: []engine.Check{{Not: &eth0}}},
		{ID: "said", Text: "Nothing listens.", Tell: []engine.Check{{Link: eth1.Link, Because: "Somebody listens."}}},
		{ID: "so", Text: "There is an eth0.", Tell: []engine.Check{eth0}},
		{ID: "loop", Text: "Packets go round.", Tell: []engine.Check{eth1}},
	}}
	e := New(&engine.Lab{Tasks: []engine.Task{{ID: "t", Checks: []engine.Check{{Choice: &c}}}}})
	e.Answer("t", id)
	got := e.Evaluate(context.Background(), newFake()).Tasks[0]
	wellSaid(t, got)
	return got
}

func TestChoices(t *testing.T) {
	for _, r := range choiceRows {
		got := chosen(t, r.right, r.id).Result
		want := engine.Result{State: r.state, Got: r.got, Want: "the right answer to: What is wrong?", Why: r.why}
		if !sameWords(got, want) {
			t.Errorf("%q where %q is right:\n got %+v\nwant %+v", r.id, r.right, got, want)
		}
	}
}
