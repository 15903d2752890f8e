package predict

import (
	"slices"
	"testing"

	"underlay/engine"
	"underlay/engine/trial"
)

func prediction() *engine.Prediction {
	link := func(state string) []engine.Check {
		return []engine.Check{{Link: &engine.LinkCheck{Node: "c1", Name: "eth0", State: state}}}
	}
	return &engine.Prediction{
		ID: "x/predict/up", Node: "c1", Run: "ip link",
		Outcomes: []engine.Outcome{{Text: "up", When: link("up")}, {Text: "down", When: link("down")}, {Text: "gone", When: link("admin-up")}},
	}
}

func TestJudge(t *testing.T) {
	const pass, fail, broken = engine.Pass, engine.Fail, engine.Broken
	for name, test := range map[string]struct {
		states  []engine.State
		holds   int
		trouble string
	}{
		"one":             {[]engine.State{fail, pass, fail}, 1, ""},
		"none":            {[]engine.State{fail, fail, fail}, -1, "none of the answers is what the kernel shows."},
		"two":             {[]engine.State{pass, fail, pass}, -1, "what the kernel shows fits more than one answer: a, c."},
		"broken":          {[]engine.State{fail, broken, fail}, -1, "The kernel did not answer."},
		"broken and one":  {[]engine.State{pass, broken, fail}, -1, "The kernel did not answer."},
		"never evaluated": {nil, -1, "the lab was not judged in time."},
	} {
		t.Run(name, func(t *testing.T) {
			var out trial.Outcome
			for _, s := range test.states {
				out.Status.Tasks = append(out.Status.Tasks, engine.TaskResult{Result: engine.Result{State: s, Got: "seen", Why: "The kernel did not answer."}})
			}
			f := judge(prediction(), out)
			if f.Holds != test.holds || f.Trouble != test.trouble || len(f.Outcomes) != len(test.states) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// The lab that is opened has the outcomes for tasks, and nothing of its own
// that could be judged or seen.
func TestStage(t *testing.T) {
	p := prediction()
	lab := &engine.Lab{
		ID: "x", Tasks: []engine.Task{{ID: "own"}}, Collateral: []engine.Collateral{{Goal: "own"}}, Faults: []engine.Fault{{ID: "own"}},
		Prepare: []engine.Script{{Name: "own"}}, Solution: engine.Script{Name: "solve", Text: "ip link add x type veth\n"},
	}
	s := stage(lab, p)
	var tasks []string
	for _, task := range s.Tasks {
		tasks = append(tasks, task.ID+" "+task.Goal)
	}
	if !slices.Equal(tasks, []string{"a up", "b down", "c gone"}) || s.Tasks[1].Checks[0].Link.State != "down" {
		t.Errorf("tasks %q", tasks)
	}
	if !s.Unwatched || s.Collateral != nil || s.Faults != nil || s.Prepare != nil {
		t.Errorf("stage %+v", s)
	}
	p.Solved = true
	if s := stage(lab, p); len(s.Prepare) != 1 || s.Prepare[0].Name != "solve" {
		t.Errorf("a solved lab is prepared by %+v", s.Prepare)
	}
	if len(lab.Tasks) != 1 || lab.Unwatched || len(lab.Prepare) != 1 {
		t.Error("the lab itself was changed")
	}
}
