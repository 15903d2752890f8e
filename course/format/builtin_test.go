package format

import (
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	"underlay/engine"
	"underlay/labs"
)

// TestBuiltin demands of our own labs more than the format does.
func TestBuiltin(t *testing.T) {
	c, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, lab := range all(t, c) {
		t.Run(lab.ID, func(t *testing.T) {
			if len(lab.Faults) < 4 {
				t.Errorf("%d faults; a lab of ours has at least four", len(lab.Faults))
			}
			if len(lab.Alternatives) < 2 || len(lab.Mistakes) < 4 || len(lab.Collateral) == 0 || len(lab.Requires) == 0 {
				t.Errorf("%d alternatives, %d mistakes, %d collateral, requires %v",
					len(lab.Alternatives), len(lab.Mistakes), len(lab.Collateral), lab.Requires)
			}
			answered := map[string]bool{}
			for _, m := range lab.Mistakes {
				answered[m.Misconception] = true
			}
			for _, task := range lab.Tasks {
				for _, m := range task.Misconceptions {
					if !answered[m.ID] {
						t.Errorf("no mistake proves misconception %q", m.ID)
					}
				}
				if !slices.ContainsFunc(lab.Mistakes, func(m engine.Script) bool { return slices.Contains(m.Fails, task.ID) }) &&
					len(task.Misconceptions) > 0 {
					t.Errorf("no mistake fails task %q", task.ID)
				}
			}
		})
	}
}

// TestBuiltinFolders loads the labs from disk, where files that go:embed passes
// over would be noticed.
func TestBuiltinFolders(t *testing.T) {
	onDisk, err := Load(os.DirFS("../../labs"), 0)
	if err != nil {
		t.Fatal(err)
	}
	built, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if idsOf(onDisk) == "" || !reflect.DeepEqual(all(t, onDisk), all(t, built)) {
		t.Errorf("on disk there are %q, built in are %q, or they differ", idsOf(onDisk), idsOf(built))
	}
	for _, e := range onDisk.entries {
		if e.source.dir != path.Join(e.info.Module, e.info.ID) {
			t.Errorf("%s is in %s", e.info.ID, e.source.dir)
		}
	}
}

// TestBuiltinSeeds draws our labs many times: each draw must be a valid lab,
// and leave no parameter behind.
func TestBuiltinSeeds(t *testing.T) {
	for seed := range int64(40) {
		c, err := Open(labs.Files, seed)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, lab := range all(t, c) {
			scripts := slices.Concat([]engine.Script{lab.Solution}, lab.Alternatives, lab.Mistakes)
			for i := range lab.Faults {
				scripts = append(scripts, lab.Faults[i].Break, lab.Faults[i].Repair)
			}
			for _, s := range scripts {
				if strings.Contains(s.Text, "${") {
					t.Errorf("seed %d: %s/%s keeps a ${…}", seed, lab.ID, s.Name)
				}
			}
		}
	}
}

func BenchmarkBuiltin(b *testing.B) {
	for b.Loop() {
		if _, err := Builtin(); err != nil {
			b.Fatal(err)
		}
	}
}
