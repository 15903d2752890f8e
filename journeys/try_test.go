package journeys

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"underlay/engine"
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
