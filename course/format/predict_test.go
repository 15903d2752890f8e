package format

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"underlay/engine"
)

// block is a predict block whose fence is on line 10 of a lesson.
func block(t *testing.T, name string) Block {
	t.Helper()
	text, err := os.ReadFile("testdata/predict/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return Block{File: "m/1-x.md", Line: 10, Node: "a", Text: string(text)}
}

func sampleLab(t *testing.T) *engine.Lab {
	t.Helper()
	c, err := Load(os.DirFS("testdata/good"), 0)
	if err != nil {
		t.Fatal(err)
	}
	lab, err := c.Lab("sample")
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

func TestPrediction(t *testing.T) {
	b := block(t, "good")
	b.Solved = true
	b.Text = strings.ReplaceAll(b.Text, "to: 10.0.0.2", `to: "${b}"`)
	b.Text = strings.Replace(b.Text, "ping -c1 10.0.0.2", "ping -c1 ${b}", 1)
	lab := sampleLab(t)
	lab.Params = map[string]string{"b": "10.0.0.2"}
	b.Text += "\nrequires: [br-netfilter]"
	p, err := Prediction(lab, b)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Needing(lab).Requires; !slices.Equal(got, append(slices.Clone(lab.Requires), "br-netfilter")) {
		t.Errorf("it requires %v, its lab %v", got, lab.Requires)
	}
	if p.ID != "who" || p.Node != "a" || !p.Solved || p.Run != "ping -c1 10.0.0.2" || p.Explanation == "" || len(p.Outcomes) != 2 {
		t.Errorf("prediction %+v", p)
	}
	if c := p.Outcomes[1].When[0].Not.Traffic; c.To != "10.0.0.2" || c.Expect != engine.OK {
		t.Errorf("check %+v", c)
	}
}

// TestBadPredictions demands the exact message for each way to be wrong, at its
// place in the lesson.
func TestBadPredictions(t *testing.T) {
	files, err := filepath.Glob("testdata/predict/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d predictions, %v", len(files), err)
	}
	lab := sampleLab(t)
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".yaml")
		if name == "good" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			b := block(t, name)
			if name == "unknown-node" {
				b.Node = "aa"
			}
			_, err := Prediction(lab, b)
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("Prediction: %v, want problems", err)
			}
			for _, p := range problems {
				if p.Line < b.Line || p.Col < 1 {
					t.Errorf("%s is at no place in the block", p)
				}
			}
			got := problems.Error() + "\n"
			golden.Assert(t, got, strings.TrimSuffix(strings.TrimPrefix(f, "testdata/"), ".yaml")+".want")
		})
	}
}

// FuzzPrediction makes sure that no block can make the decoder panic, and that
// what it refuses is refused at a place in the file.
func FuzzPrediction(f *testing.F) {
	files, err := filepath.Glob("testdata/predict/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("a", string(text))
	}
	c, err := Load(os.DirFS("testdata/good"), 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, node, text string) {
		p, err := Prediction(all(t, c)[0], Block{File: "m/1-x.md", Line: 10, Node: node, Text: text})
		if err == nil {
			if len(p.Outcomes) < 2 || p.Run == "" {
				t.Fatalf("taken: %+v", p)
			}
			return
		}
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 || problems[0].Line < 10 {
			t.Fatalf("no position in %v", err)
		}
	})
}
