package ids

import (
	"slices"
	"testing"
)

func TestRepeated(t *testing.T) {
	got := Repeated("a", []string{"b", "a", "b", "", ""})
	want := []string{
		"", `formerly has "a", which is its present id; give only earlier ones`,
		`formerly has "b" twice; give each id once`, "", "",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// Whichever of two things comes first, the second is told that they are in each other's way.
func TestAdd(t *testing.T) {
	type thing struct {
		id       string
		formerly []string
	}
	const never = "; an id is never reused, because progress is kept by it"
	for name, test := range map[string]struct {
		first, second thing
		wrong         string
		wrongs        []string
	}{
		"apart":             {thing{"a", []string{"b", "c"}}, thing{"d", []string{"e"}}, "", []string{""}},
		"the id of another": {thing{"a", nil}, thing{"b", []string{"c", "a"}}, "", []string{"", `formerly has "a", which is the id of the first` + never}},
		"was another's":     {thing{"a", []string{"b"}}, thing{"b", nil}, `id "b" belonged to the first` + never, nil},
		"was both":          {thing{"a", []string{"c"}}, thing{"b", []string{"c"}}, "", []string{`formerly has "c", and so has the first; progress can follow to one place only`}},
		"changed places": {
			thing{"a", []string{"b"}}, thing{"b", []string{"a"}},
			`id "b" belonged to the first` + never, []string{`formerly has "a", which is the id of the first` + never},
		},
		"both have it now": {thing{"a", nil}, thing{"a", nil}, "", nil},
		"none has one":     {thing{"", []string{""}}, thing{"", []string{""}}, "", []string{""}},
		"its own":          {thing{"a", nil}, thing{"b", []string{"b", "c", "c"}}, "", []string{"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var u Used
			if wrong, wrongs := u.Add("the first", test.first.id, test.first.formerly); wrong != "" || slices.ContainsFunc(wrongs, func(s string) bool { return s != "" }) {
				t.Errorf("alone: %q, %q", wrong, wrongs)
			}
			wrong, wrongs := u.Add("the second", test.second.id, test.second.formerly)
			if wrong != test.wrong || !slices.Equal(wrongs, test.wrongs) {
				t.Errorf("%q, %q", wrong, wrongs)
			}
		})
	}
}
