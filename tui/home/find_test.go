package home

import (
	"testing"

	"underlay/course/lesson"
	"underlay/engine"
)

func TestFuzzyFindsLettersInOrder(t *testing.T) {
	for _, c := range []struct {
		query, text string
		found       bool
	}{{"dnat", "Publishing a port: DNAT", true}, {"d0", "docker0", true}, {"0d", "docker0", false}, {"p p", "Publish ports", true}, {"x", "", false}} {
		score, at := fuzzy(c.query, c.text)
		if (score > 0) != c.found {
			t.Errorf("%q in %q: %d %v", c.query, c.text, score, at)
		}
	}
	word, _ := fuzzy("nat", "Routes and NAT")
	scattered, _ := fuzzy("nat", "Bringing a port out")
	if word <= scattered {
		t.Errorf("a whole word scores %d, scattered letters %d", word, scattered)
	}
}

func TestEveryNameOfARowFindsIt(t *testing.T) {
	r := row{
		kind: rowLesson, title: "A container is a namespace",
		lesson: &lesson.Info{ID: "namespaces"}, lab: &engine.LabInfo{ID: "netns-veth", Title: "Cable a container"},
	}
	for query, marked := range map[string]bool{"is a namespace": true, "namespaces": false, "netns-veth": false, "Cable a container": false} {
		score, match := r.find(query)
		if score == 0 {
			t.Errorf("%q does not find the row", query)
		}
		if (match != nil) != marked {
			t.Errorf("%q marks %v in the title", query, match)
		}
	}
	if score, _ := r.find("bridge"); score > 0 {
		t.Errorf("a name that it does not have finds it, with %d", score)
	}
}
