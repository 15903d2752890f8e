package course

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"underlay/progress"
)

var _ progress.Names = (*Names)(nil)

// renamedContent is a lab and a lesson in which everything has had other ids, and a lab
// and a lesson that have not.
func renamedContent(t *testing.T) Content {
	t.Helper()
	sample, err := os.ReadFile("format/testdata/good/sample/lab.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const fault = `
    symptom: a no longer pings b.
    checks: [{traffic: {from: a, to: 10.0.0.2, proto: icmp}}]
    tell: [{netns: {node: a}}]
    hints: {symptom: s, layer: l, command: c, solution: s}
    explanation: e
`
	lab := strings.NewReplacer("id: sample", "id: by-hand\nformerly: [docker0, bridge]", "id: ping\n", "id: reach\n    formerly: [ping, pong]\n").Replace(string(sample)) +
		"\nfaults:\n  - id: unplugged\n    formerly: [loose, down]\n    cause: eth0 is down." + fault + "  - id: other\n    cause: lo is down." + fault
	quiz := "```quiz\n%squestion: Why?\nanswers: [so]\nmodel: so\nexplanation: so\n```\n"
	lesson := "---\nid: bridges\nformerly: [bridge]\ntitle: B\nminutes: 5\nobjectives:\n  - see\nlab: by-hand\n---\ntext\n" +
		fmt.Sprintf(quiz, "id: layer\nformerly: [q1]\n") + fmt.Sprintf(quiz, "") +
		strings.NewReplacer("id: reach", "id: first\nformerly: [q1, reach]", "c1", "a").Replace(predict)
	solve := &fstest.MapFile{Data: []byte("ip link\n")}
	out := Content{
		Labs: fstest.MapFS{"m/by-hand/lab.yaml": {Data: []byte(strings.Replace(lab, "module: bridge", "module: m", 1))}, "m/by-hand/solve.sh": solve,
			"m/sample/lab.yaml": {Data: sample}, "m/sample/solve.sh": solve},
		Lessons: fstest.MapFS{
			"m/module.yaml":  {Data: []byte("id: m\ntitle: M\norder: 1\nsummary: All of M.\n")},
			"m/1-bridges.md": {Data: []byte(lesson)},
			"m/2-x.md":       {Data: []byte("---\nid: x\ntitle: X\nminutes: 5\nobjectives:\n  - see\n---\ntext\n" + fmt.Sprintf(quiz, ""))},
		},
	}
	for _, f := range []string{"unplugged", "unplugged.repair", "other", "other.repair"} {
		out.Labs.(fstest.MapFS)["m/by-hand/faults/"+f+".sh"] = solve
	}
	return out
}

func TestNames(t *testing.T) {
	content := renamedContent(t)
	c, err := content.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	n := c.Names()
	inLab := func(lab string) func(string) string { return func(id string) string { return n.Task(lab, id) } }
	for kind, test := range map[string]struct {
		now  func(string) string
		want map[string]string
	}{
		"labs": {n.Lab, map[string]string{
			"by-hand": "by-hand", "docker0": "by-hand", "bridge": "by-hand", "sample": "sample", "unknown": "unknown", "docker0/": "docker0/", "": "",
			"docker0/loose": "by-hand/unplugged", "by-hand/down": "by-hand/unplugged", "bridge/other": "by-hand/other", "by-hand/unplugged": "by-hand/unplugged",
			"sample/loose": "sample/loose", "unknown/loose": "unknown/loose", "docker0/unknown": "by-hand/unknown", "docker0/a/b": "by-hand/a/b",
		}},
		"tasks":                       {inLab("by-hand"), map[string]string{"ping": "reach", "pong": "reach", "reach": "reach", "unknown": "unknown", "loose": "loose"}},
		"tasks of another lab":        {inLab("sample"), map[string]string{"ping": "ping"}},
		"tasks of no lab":             {inLab("unknown"), map[string]string{"ping": "ping"}},
		"tasks of a lab with a fault": {inLab("by-hand/unplugged"), map[string]string{"cause": "cause", "ping": "ping"}},
		"lessons":                     {n.Lesson, map[string]string{"bridge": "bridges", "bridges": "bridges", "x": "x", "docker0": "docker0", "unknown": "unknown"}},
		"quizzes": {n.Quiz, map[string]string{
			"bridge/q1": "bridges/layer", "bridges/q1": "bridges/layer", "bridge/layer": "bridges/layer", "bridge/q2": "bridges/q2", "bridges/unknown": "bridges/unknown",
			"bridge/predict/q1": "bridges/predict/first", "bridges/predict/reach": "bridges/predict/first", "bridges/predict/first": "bridges/predict/first",
			"bridge/predict/unknown": "bridges/predict/unknown", "x/q1": "x/q1", "unknown/q1": "unknown/q1", "unknown": "unknown", "bridge": "bridge",
		}},
	} {
		for id, want := range test.want {
			if got := test.now(id); got != want {
				t.Errorf("%s: %q is called %q now, want %q", kind, id, got, want)
			}
			if again := test.now(test.now(id)); again != test.now(id) {
				t.Errorf("%s: %q is called %q, and that %q", kind, id, test.now(id), again)
			}
		}
	}
}

// The start finds the names of labs and lessons without reading any of them whole, and what
// is found then is what reading finds.
func TestNamesAreFoundAtAGlance(t *testing.T) {
	content := renamedContent(t)
	labs, lessons := map[string]int{}, map[string]int{} // which are read side by side
	content.Labs, content.Lessons = counting{content.Labs, labs}, counting{content.Lessons, lessons}
	c, err := content.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	n := c.Names()
	n.Lab("docker0/loose")
	n.Task("by-hand", "ping")
	n.Lesson("bridge")
	for _, opened := range []map[string]int{labs, lessons} {
		for file, times := range opened {
			if strings.HasSuffix(file, ".sh") || times > 1 {
				t.Errorf("%s is read %d times", file, times)
			}
		}
	}
	for _, id := range []string{"bridge/q1", "bridges/predict/q1", "bridges/q1"} {
		n.Quiz(id)
	}
	if lessons["m/1-bridges.md"] != 2 || lessons["m/2-x.md"] != 1 || labs["m/by-hand/solve.sh"] != 0 {
		t.Errorf("for the names of quizzes, read: %v and %v", lessons, labs)
	}
}

// counting counts how often each file is opened.
type counting struct {
	fs.FS
	opened map[string]int
}

func (c counting) Open(name string) (fs.File, error) {
	if strings.Contains(name, ".") && name != "." {
		c.opened[name]++
	}
	return c.FS.Open(name)
}
