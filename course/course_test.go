package course

import (
	"strings"
	"testing"
	"testing/fstest"

	"underlay/course/lesson"
	"underlay/engine"
)

const predict = "```predict c1 start\nid: reach\nquestion: Who is there?\nrun: ping -c1 10.0.0.1\noptions:\n" +
	"  - text: someone\n    when: [{link: {node: c1, name: eth0}}]\n" +
	"  - text: nobody\n    when: [{not: {link: {node: c1, name: eth0}}}]\nexplanation: So it is.\n```\n"

func newLesson(t *testing.T, text string) *lesson.Lesson {
	t.Helper()
	book, err := lesson.Load(fstest.MapFS{
		"m/module.yaml": {Data: []byte("id: m\ntitle: M\norder: 1\nsummary: All of M.\n")},
		"m/1-x.md":      {Data: []byte("---\nid: x\ntitle: X\nminutes: 5\nobjectives: [see]\nlab: wires\n---\n" + text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := book.Lesson("x")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wires() *engine.Lab {
	return &engine.Lab{ID: "wires", Topology: engine.Topology{Nodes: []engine.Node{{Name: "host"}, {Name: "c1"}}}}
}

func TestPredictionsComeInReadingOrder(t *testing.T) {
	got, err := Predictions(newLesson(t, predict+"\ntext\n\n"+strings.Replace(predict, "id: reach", "id: again", 1)), wires())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].ID != "x/predict/reach" || got[1].ID != "x/predict/again" || got[0].Node != "c1" || got[0].Solved {
		t.Errorf("%+v", got)
	}
}

func TestWrongPredictionsAreRefusedWithTheirPlace(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		lab  *engine.Lab
		want string
	}{
		"id twice": {predict + predict, wires(), `m/1-x.md:19:1: prediction id "reach" is taken in this lesson; give each prediction its own`},
		"id of another": {strings.Replace(predict, "id: reach", "id: reach\nformerly: [ping, pong]", 1) +
			strings.Replace(predict, "id: reach", "id: ping\nformerly: [reach, pong]", 1), wires(),
			"m/1-x.md:20:1: prediction id \"ping\" belonged to prediction \"reach\"; an id is never reused, because progress is kept by it\n" +
				"m/1-x.md:20:1: formerly has \"reach\", which is the id of prediction \"reach\"; an id is never reused, because progress is kept by it\n" +
				"m/1-x.md:20:1: formerly has \"pong\", and so has prediction \"reach\"; progress can follow to one place only"},
		"no lab": {predict, nil, `m/1-x.md:8:1: there is no lab "wires" to predict in; give the lesson the id of a lab`},
		"several": {strings.Replace(predict, "node: c1", "node: c2", 1) + strings.Replace(predict, "c1 start", "c3 start", 1), wires(),
			"m/1-x.md:14:26: unknown node \"c2\"; nodes here: c1, host; did you mean \"c1\"?\n" +
				"m/1-x.md:19:1: unknown node \"c3\"; nodes here: c1, host; did you mean \"c1\"?"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Predictions(newLesson(t, test.text), test.lab)
			if err == nil || err.Error() != test.want || got != nil {
				t.Errorf("%v and %v, want %s", got, err, test.want)
			}
		})
	}
}

// Whichever parameters are drawn, the built-in predictions must be right.
func TestBuiltinSeeds(t *testing.T) {
	for seed := range int64(40) {
		c, err := Open(seed)
		if err != nil {
			t.Fatal(err)
		}
		all, err := c.Book.All()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range all {
			predictions, err := c.Predictions(l)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if len(predictions) < 2 {
				t.Errorf("%s has %d predictions, want at least 2", l.ID, len(predictions))
			}
			for _, p := range predictions {
				if strings.Contains(p.Question+p.Run+p.Explanation, "${") {
					t.Errorf("seed %d: %s keeps a ${…}", seed, p.ID)
				}
			}
		}
	}
}
