package home

import "testing"

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
