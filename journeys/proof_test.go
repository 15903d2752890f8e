package journeys

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"underlay/engine"
	"underlay/labs"
)

// tried is what `underlay try --json` prints, as documented.
type tried struct {
	Lab    string `json:"lab"`
	Fault  string `json:"fault"`
	Solved bool   `json:"solved"`
	Tasks  []struct {
		ID            string       `json:"id"`
		State         engine.State `json:"state"`
		Got           string       `json:"got"`
		Want          string       `json:"want"`
		Why           string       `json:"why"`
		Misconception string       `json:"misconception"`
		Explanation   string       `json:"explanation"`
	} `json:"tasks"`
	Collateral []struct {
		Goal  string       `json:"goal"`
		State engine.State `json:"state"`
		Got   string       `json:"got"`
		Why   string       `json:"why"`
	} `json:"collateral"`
	Transcript string `json:"transcript"`
}

// try types a script into a lab with the real program.
func try(t *testing.T, lab string, script engine.Script, flags ...string) tried {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), script.Name+".sh")
	if err := os.WriteFile(file, []byte(script.Text), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"try", lab, "--script", file, "--json"}, flags...)
	if script.Node != "" {
		args = append(args, "--node", script.Node)
	}
	cmd := exec.Command(bin, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var r tried
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("%v\n%s", err, stdout.String())
	}
	if r.Solved != (err == nil) {
		t.Errorf("solved is %v, but the exit code says otherwise (%v)", r.Solved, err)
	}
	return r
}

func (r tried) states() []engine.State {
	var out []engine.State
	for _, task := range r.Tasks {
		out = append(out, task.State)
	}
	return out
}

func TestLabsAreProven(t *testing.T) {
	catalogue, err := labs.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, lab := range catalogue.All() {
		t.Run(lab.ID, func(t *testing.T) {
			if len(lab.Alternatives) < 2 {
				t.Errorf("%d alternatives; a lab has at least two", len(lab.Alternatives))
			}
			if len(lab.Mistakes) < 4 {
				t.Errorf("%d mistakes; a lab has at least four", len(lab.Mistakes))
			}
			if len(lab.Collateral) == 0 {
				t.Error("nothing is said to have to stay as it was")
			}
			t.Run("untouched", func(t *testing.T) {
				t.Parallel()
				untouched(t, lab)
			})
			for _, s := range slices.Concat([]engine.Script{lab.Solution}, lab.Alternatives) {
				t.Run("right/"+s.Name, func(t *testing.T) {
					t.Parallel()
					right(t, lab, s)
				})
			}
			for _, s := range lab.Mistakes {
				t.Run("wrong/"+s.Name, func(t *testing.T) {
					t.Parallel()
					wrong(t, lab, s)
				})
			}
		})
	}
}

func untouched(t *testing.T, lab *engine.Lab) {
	r := try(t, lab.ID, engine.Script{Name: "nothing", Text: "true\n"})
	for i, task := range r.Tasks {
		if task.State != engine.Fail {
			t.Errorf("task %s is %s before anything was done (%s %s)", task.ID, task.State, task.Got, task.Why)
		}
		if i == 0 && (task.Want == "" || task.Got == "") {
			t.Errorf("task %s fails without saying what was wanted and seen: %+v", task.ID, task)
		}
	}
	alive(t, r)
}

func alive(t *testing.T, r tried) {
	for _, c := range r.Collateral {
		if c.State != engine.Pass {
			t.Errorf("%s: %s: %s %s", c.Goal, c.State, c.Got, c.Why)
		}
	}
}

func right(t *testing.T, lab *engine.Lab, s engine.Script) {
	r := try(t, lab.ID, s)
	if !r.Solved {
		t.Errorf("not solved: %v\n%s", r.states(), r.Transcript)
	}
	for _, task := range r.Tasks {
		if task.State != engine.Pass {
			t.Errorf("%s: %s: want %s; got %s; %s %s", task.ID, task.State, task.Want, task.Got, task.Why, task.Explanation)
		}
	}
	alive(t, r)
}

func wrong(t *testing.T, lab *engine.Lab, s engine.Script) {
	r := try(t, lab.ID, s)
	if r.Solved {
		t.Fatalf("solved\n%s", r.Transcript)
	}
	if len(s.Fails) == 0 || s.Misconception == "" {
		t.Fatal("the script does not say which tasks it leaves undone and what answers it")
	}
	var answered []string
	for _, task := range r.Tasks {
		if slices.Contains(s.Fails, task.ID) && task.State != engine.Fail {
			t.Errorf("task %s is %s", task.ID, task.State)
		}
		if task.Misconception != "" {
			answered = append(answered, task.Misconception)
			if task.Explanation == "" {
				t.Errorf("misconception %s has no words", task.Misconception)
			}
		}
	}
	if len(answered) != 1 || answered[0] != s.Misconception {
		t.Errorf("answered with %q, not with %s\n%s", answered, s.Misconception, r.Transcript)
	}
}
