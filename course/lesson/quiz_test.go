package lesson

import (
	"slices"
	"testing"
)

func parseTestQuiz(t *testing.T, src string) *Quiz {
	t.Helper()
	q, errs := parseQuiz("f.md", 1, src, "lesson", "q1")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return q
}

const optionQuiz = `
question: Which?
options:
  - text: one
    right: true
  - text: two
  - text: three
    right: true
explanation: because
`

func TestMarkOptions(t *testing.T) {
	q := parseTestQuiz(t, optionQuiz)
	if q.ID != "lesson/q1" || !q.Multiple() || q.Free() {
		t.Errorf("quiz: %+v", q)
	}
	for _, test := range []struct {
		chosen []int
		right  bool
	}{
		{[]int{0, 2}, true}, {[]int{2, 0, 2}, true}, {[]int{0}, false}, {[]int{0, 1, 2}, false}, {nil, false}, {[]int{-1, 9}, false},
	} {
		if got := q.Mark(Answer{Chosen: test.chosen}); got != test.right {
			t.Errorf("Mark(%v) = %v", test.chosen, got)
		}
	}
}

func TestMarkFree(t *testing.T) {
	q := parseTestQuiz(t, "question: Who?\nanswers: [The kernel, '/conn(ection )?track/']\nmodel: conntrack\nexplanation: because\n")
	for text, right := range map[string]bool{
		"the kernel": true, "  THE   Kernel. ": true, "Connection tracking does": true, "conntrack!": true,
		"kernel": false, "": false, "/conn(ection )?track/": false, "docker": false,
	} {
		if got := q.Mark(Answer{Text: text}); got != right {
			t.Errorf("Mark(%q) = %v", text, got)
		}
	}
}

func TestParseAnswer(t *testing.T) {
	q := parseTestQuiz(t, optionQuiz)
	for text, want := range map[string][]int{"a": {0}, "2": {1}, "a c": {0, 2}, "3,A": {2, 0}} {
		if got, err := q.Parse(text); err != nil || !slices.Equal(got.Chosen, want) {
			t.Errorf("Parse(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":   "choose from a to c",
		"d":  `there is no option "d"; choose from a to c`,
		"0":  `there is no option "0"; choose from a to c`,
		"ab": `there is no option "ab"; choose from a to c`,
		"é":  `there is no option "é"; choose from a to c`,
	} {
		if _, err := q.Parse(text); err == nil || err.Error() != want {
			t.Errorf("Parse(%q): %v, want %q", text, err, want)
		}
	}
}

func TestASCII(t *testing.T) {
	if got, want := ASCII("┌─►│ a ✓ é"), "+->| a v ?"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for r, a := range drawing {
		if a < ' ' || a > '~' {
			t.Errorf("%q maps to %q, which is not printable ASCII", r, a)
		}
	}
}
