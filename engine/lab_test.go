package engine

import (
	"reflect"
	"testing"
)

func TestExpand(t *testing.T) {
	lab := &Lab{Params: map[string]string{"net": "10.1", "port": "8080"}}
	const text = "for net in ${net}.1 ${other} $net; do ${port}; done"
	if got, want := lab.Expand(text), "for net in 10.1.1 ${other} $net; do 8080; done"; got != want {
		t.Errorf("it became %q, not %q", got, want)
	}
	if got, want := lab.Expand(text, "port", "other"), "for net in 10.1.1 ${other} $net; do ${port}; done"; got != want {
		t.Errorf("with exceptions it became %q, not %q", got, want)
	}
	if lab.Uses("${other} $net {port}") || !lab.Uses(text) {
		t.Error("it is not told what uses a parameter")
	}
}

func TestPartsFollowTheNodeLines(t *testing.T) {
	for text, want := range map[string][]Script{
		"a\nb\n":                           {{Node: "n", Text: "a\nb\n"}},
		"# node: c1\na\n":                  {{Node: "c1", Text: "a\n"}},
		"a\n  # node: c1  \nb\n# node: c2": {{Node: "n", Text: "a\n"}, {Node: "c1", Text: "b\n"}},
		"# a comment\na\n":                 {{Node: "n", Text: "# a comment\na\n"}},
		"":                                 {{Node: "n"}},
	} {
		if got := (Script{Node: "n", Text: text}).Parts(); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}
