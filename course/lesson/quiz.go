package lesson

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Quiz is one question: with options to choose from, or answered freely.
type Quiz struct {
	ID          string   // "LESSON/NAME", the same in every run
	Formerly    []string // NAMEs that it had
	Question    string   // Markdown
	Options     []Option // empty for a free answer
	Answers     []string // free answer: accepted texts, or /regular expressions/
	Model       string   // free answer: what a good answer says; Markdown
	Explanation string   // why the right is right and the wrong is wrong; Markdown
	Interview   bool     // it is asked in interviews, and in the drills

	accept []*regexp.Regexp
}

// Option is one thing to choose.
type Option struct {
	Text  string `yaml:"text"`
	Right bool   `yaml:"right"`
}

// Answer is what a learner says to a quiz: Chosen for options, Text for a free answer.
type Answer struct {
	Chosen []int // indexes of options, in any order
	Text   string
}

// Free says whether the quiz is answered in words rather than by choosing.
func (q *Quiz) Free() bool { return len(q.Options) == 0 }

// Multiple says whether more than one option is right.
func (q *Quiz) Multiple() bool { return len(q.Right()) > 1 }

// Right returns the indexes of the right options.
func (q *Quiz) Right() []int {
	var out []int
	for i, o := range q.Options {
		if o.Right {
			out = append(out, i)
		}
	}
	return out
}

// Mark says whether an answer is right. With options that means all right ones
// and no other; a free answer is compared without regard to case, spacing and
// final punctuation, or searched for the accepted regular expressions.
func (q *Quiz) Mark(a Answer) (right bool) {
	if !q.Free() {
		chosen := slices.Clone(a.Chosen)
		slices.Sort(chosen)
		return slices.Equal(slices.Compact(chosen), q.Right())
	}
	text := plain(a.Text)
	for _, want := range q.Answers {
		if _, isRE := regexText(want); !isRE && plain(want) == text {
			return true
		}
	}
	return slices.ContainsFunc(q.accept, func(re *regexp.Regexp) bool { return re.MatchString(text) })
}

// Parse reads a typed answer. For options it takes letters or numbers from a
// or 1: "b", "2", "a c", "1,3".
func (q *Quiz) Parse(text string) (Answer, error) {
	if q.Free() {
		return Answer{Text: text}, nil
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
	if len(words) == 0 {
		return Answer{}, fmt.Errorf("choose from %s", q.letters())
	}
	var a Answer
	for _, w := range words {
		i, err := strconv.Atoi(w)
		if err != nil && len(w) == 1 {
			i = int(w[0]-'a') + 1
		}
		if i < 1 || i > len(q.Options) {
			return Answer{}, fmt.Errorf("there is no option %q; choose from %s", w, q.letters())
		}
		a.Chosen = append(a.Chosen, i-1)
	}
	return a, nil
}

func (q *Quiz) letters() string {
	return fmt.Sprintf("a to %c", 'a'+len(q.Options)-1)
}

// plain reduces a text to what a comparison should see.
func plain(s string) string {
	s = strings.Join(strings.Fields(strings.ToLower(s)), " ")
	return strings.Trim(s, " .!?\"'`")
}

// regexText returns what is between the slashes of an accepted /regular expression/.
func regexText(s string) (string, bool) {
	if len(s) > 2 && strings.HasPrefix(s, "/") && strings.HasSuffix(s, "/") {
		return s[1 : len(s)-1], true
	}
	return "", false
}

// maxOptions keeps the options addressable by one letter and the quiz on a small screen.
const maxOptions = 8

// parseQuiz reads a quiz block. id is used if the block gives none.
func parseQuiz(file string, line int, src, lesson, id string) (*Quiz, []error) {
	q := &Quiz{ID: id}
	y := parseYAML(file, line, src, "a quiz", []field{
		{"id", idWant, false, &q.ID},
		{"formerly", formerlyWant, false, &q.Formerly},
		{"question", "a text", true, &q.Question},
		{"options", fmt.Sprintf("a list of 2 to %d, each with text and perhaps right: true", maxOptions), false, &q.Options},
		{"answers", "a list of accepted texts or /regular expressions/", false, &q.Answers},
		{"model", "a text: what a good free answer says", false, &q.Model},
		{"explanation", "a text: why the right is right and the wrong is wrong", true, &q.Explanation},
		{"interview", "true or false", false, &q.Interview},
	})
	if !idRE().MatchString(q.ID) {
		y.fail("id", "is %q", q.ID)
	}
	y.checkFormerly(q.ID, q.Formerly)
	q.ID = lesson + "/" + q.ID
	switch {
	case y.nodes["options"] != nil && y.nodes["answers"] != nil:
		y.refuse("answers", "answers and options exclude each other; give options to choose from, or answers and a model")
	case y.nodes["options"] != nil:
		q.checkOptions(y)
	case y.nodes["answers"] != nil:
		q.checkAnswers(y)
	case !y.bad["options"]:
		y.errs = append(y.errs, y.at(nil, "a quiz needs options to choose from, or answers and a model for a free answer"))
	}
	return q, y.errs
}

func (q *Quiz) checkOptions(y *fragment) {
	if n := len(q.Options); n < 2 || n > maxOptions {
		y.fail("options", "has %d entries", n)
	}
	seen := map[string]bool{}
	for i, o := range q.Options {
		if text := plain(o.Text); text == "" || seen[text] {
			y.errs = append(y.errs, y.at(y.item("options", i), "option %d is empty or repeated; each option needs its own text", i+1))
		}
		seen[plain(o.Text)] = true
	}
	if right := len(q.Right()); right == 0 || right == len(q.Options) {
		y.refuse("options", "%d of %d options are right; at least one must be right and one wrong", right, len(q.Options))
	}
	if q.Model != "" {
		y.refuse("model", "model is for free answers only; put it into the explanation")
	}
}

func (q *Quiz) checkAnswers(y *fragment) {
	if strings.TrimSpace(q.Model) == "" {
		y.errs = append(y.errs, y.at(y.token("answers"), "a free answer needs a model: the text of a good answer"))
	}
	if len(q.Answers) == 0 {
		y.fail("answers", "is empty")
	}
	for i, a := range q.Answers {
		if plain(a) == "" {
			y.errs = append(y.errs, y.at(y.item("answers", i), "answer %d is empty; allowed: a text or a /regular expression/", i+1))
		}
		text, isRE := regexText(a)
		if !isRE {
			continue
		}
		re, err := regexp.Compile("(?i)" + text)
		if err != nil {
			y.errs = append(y.errs, y.at(y.item("answers", i), "answer %d is not a regular expression: %v; allowed: Go's RE2 syntax", i+1, strings.TrimPrefix(err.Error(), "error parsing regexp: ")))
			continue
		}
		if re.MatchString("") {
			y.errs = append(y.errs, y.at(y.item("answers", i), "answer %d accepts an empty answer; allowed: an expression that needs at least one word", i+1))
			continue
		}
		q.accept = append(q.accept, re)
	}
}
