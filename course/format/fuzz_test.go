package format

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"underlay/engine"
)

// FuzzLoad feeds the loader what nobody would write. It must say what is wrong,
// and where, or return a lab that holds together.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"*/lab.yaml", "testdata/*/*.yaml", "testdata/good/*/lab.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			yaml, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(yaml, []byte("# node: a\nip link ${x}\n"), int64(1))
		}
	}
	f.Fuzz(func(t *testing.T, yaml, script []byte, seed int64) {
		fsys := solveOnly(string(yaml))
		fsys["x/solve.sh"].Data = script
		c, err := Load(fsys, seed)
		var problems Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("an error that is not Problems: %v", err)
		}
		for _, p := range problems {
			if p.File == "" || p.What == "" || p.Line < 0 || p.Col < 0 {
				t.Errorf("a problem that says nothing: %+v", p)
			}
		}
		for _, lab := range all(t, c) {
			holdsTogether(t, lab)
			if info, ok := (source{fsys: fsys, dir: "x"}).readHead(); ok && !reflect.DeepEqual(info, lab.Info()) {
				t.Errorf("from its head it is %+v, read it is %+v", info, lab.Info())
			}
		}
	})
}

// holdsTogether checks a loaded lab for what the engine takes for granted.
func holdsTogether(t *testing.T, lab *engine.Lab) {
	t.Helper()
	if !isID(lab.ID) || len(lab.Tasks) == 0 || len(lab.Topology.Nodes) == 0 || lab.Solution.Text == "" {
		t.Errorf("lab %q lacks something", lab.ID)
	}
	for _, l := range lab.Topology.Links {
		for _, e := range []engine.End{l.A, l.B} {
			if lab.Topology.Node(e.Node) == nil || !isInterface(e.Name) {
				t.Errorf("link end %+v", e)
			}
		}
	}
	for _, task := range lab.Tasks {
		for _, id := range task.After {
			if lab.Task(id) == nil {
				t.Errorf("task %q comes after %q, which is not there", task.ID, id)
			}
		}
		if len(task.Checks) == 0 {
			t.Errorf("task %q has no checks", task.ID)
		}
	}
}
