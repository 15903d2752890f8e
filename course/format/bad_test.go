package format

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"gotest.tools/v3/golden"
)

// solveOnly is a lab folder with this lab.yaml and a solution.
func solveOnly(yaml string) fstest.MapFS {
	return fstest.MapFS{
		"x/lab.yaml": {Data: []byte(yaml)},
		"x/solve.sh": {Data: []byte("ip link set eth0 up\n")},
	}
}

var faultID = regexp.MustCompile(`(?m)^  - id: (.*)\n(?:    formerly: .*\n)?    (cause|symptom):`)

// scripted is solveOnly with the scripts of the faults that this lab.yaml has.
func scripted(yaml string) fstest.MapFS {
	out := solveOnly(yaml)
	for _, m := range faultID.FindAllStringSubmatch(yaml, -1) {
		for _, name := range []string{m[1], m[1] + ".repair"} {
			out["x/faults/"+name+".sh"] = out["x/solve.sh"]
		}
	}
	return out
}

// TestBad demands the exact message for each way to be wrong.
func TestBad(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d bad labs, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".yaml"), func(t *testing.T) {
			yaml, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Load(scripted(string(yaml)), 0)
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("Load: %v, want problems", err)
			}
			if len(all(t, c)) != 0 {
				t.Error("the wrong lab is in the catalogue")
			}
			got := problems.Error() + "\n"
			golden.Assert(t, got, strings.TrimSuffix(strings.TrimPrefix(f, "testdata/"), ".yaml")+".want")
		})
	}
}
