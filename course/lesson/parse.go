package lesson

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"underlay/course/ids"
)

// normalise returns the text with Unix line ends and without a byte-order mark.
func normalise(data []byte) string {
	s := strings.TrimPrefix(string(data), "\ufeff")
	return strings.ReplaceAll(s, "\r\n", "\n")
}

// parseLesson reads one lesson. id is what its front matter must give as id.
func parseLesson(file string, data []byte, id string) (*Lesson, error) {
	if !utf8.Valid(data) {
		return nil, &Error{file, badLine(data), 1, "this is not UTF-8 text; save the file as UTF-8"}
	}
	lines := strings.Split(normalise(data), "\n")
	if strings.TrimRight(lines[0], " ") != "---" {
		return nil, &Error{file, 1, 1, `the file must start with "---" and front matter`}
	}
	end := slices.IndexFunc(lines[1:], func(s string) bool { return strings.TrimRight(s, " ") == "---" })
	if end < 0 {
		return nil, &Error{file, 1, 1, `the front matter has no end; close it with a line "---"`}
	}
	l := &Lesson{Info: Info{File: file}}
	errs := l.frontMatter(strings.Join(lines[1:1+end], "\n"), id)
	s := &splitter{lesson: l, lines: lines, next: end + 2, quizzes: map[string]bool{}, id: id}
	s.split()
	if err := errors.Join(inOrder(append(errs, s.errs...))...); err != nil {
		return nil, err
	}
	if len(l.Blocks) == 0 {
		return nil, &Error{file, end + 2, 1, "the lesson has no text; write some below the front matter"}
	}
	return l, nil
}

// badLine returns the line of the first byte that is not UTF-8.
func badLine(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[size:]
	}
	return line
}

func (l *Lesson) frontMatter(src, id string) []error {
	y := parseYAML(l.File, 2, src, "the front matter", []field{
		{"id", "the file name without number and .md, " + strconv.Quote(id), true, &l.ID},
		{"formerly", formerlyWant, false, &l.Formerly},
		{"title", "a few words", true, &l.Title},
		{"minutes", "a whole number from 1 to 120", true, &l.Minutes},
		{"objectives", "a list of texts", true, &l.Objectives},
		{"lab", "the id of a lab, " + idWant, false, &l.Lab},
		{"covers", "a list of whole numbers from 1", false, &l.Covers},
	})
	if l.ID != id {
		y.fail("id", "is %q", l.ID)
	}
	y.checkFormerly(l.ID, l.Formerly)
	if !idRE().MatchString(id) {
		y.errs = append(y.errs, &Error{l.File, 1, 1, fmt.Sprintf("the file name has the id %q; allowed: %s", id, idWant)})
	}
	if l.Minutes < 1 || l.Minutes > 120 {
		y.fail("minutes", "is %d", l.Minutes)
	}
	if y.nodes["lab"] != nil && !idRE().MatchString(l.Lab) {
		y.fail("lab", "is %q", l.Lab)
	}
	for i, n := range l.Covers {
		if n < 1 || slices.Contains(l.Covers[:i], n) {
			y.errs = append(y.errs, y.at(y.item("covers", i), "covers has %d, which is repeated or below 1; list each item once", n))
		}
	}
	return y.errs
}

// splitter turns the lines below the front matter into blocks.
type splitter struct {
	lesson  *Lesson
	id      string
	lines   []string
	next    int // index of the line to be read next
	text    []string
	start   int // index of text's first line
	quizzes map[string]bool
	used    ids.Used // by quizzes
	errs    []error
}

// fenceRE matches the line that opens a fenced block: the fence and its info string.
var fenceRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^ {0,3}(`{3,}|~{3,})([^`]*)$") })

// languages are the info strings of code that stays text.
var languages = []string{"", "text", "sh", "yaml", "json", "nft"}

func (s *splitter) split() {
	for s.next < len(s.lines) {
		line := s.next
		m := fenceRE().FindStringSubmatch(s.lines[line])
		s.next++
		if m == nil {
			s.keep(line, s.lines[line])
			continue
		}
		body, ok := s.fenced(m[1])
		if !ok {
			s.fail(line, "the fenced block has no end; close it with %s", m[1])
			return
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(m[2]), " ")
		s.block(line, word, strings.TrimSpace(rest), body)
	}
	s.flush()
}

// fenced returns the lines up to the closing fence and moves beyond it.
func (s *splitter) fenced(fence string) ([]string, bool) {
	start := s.next
	for ; s.next < len(s.lines); s.next++ {
		t := strings.TrimSpace(s.lines[s.next])
		if len(t) >= len(fence) && strings.Trim(t, fence[:1]) == "" {
			s.next++
			return slices.Clone(s.lines[start : s.next-1]), true
		}
	}
	return nil, false
}

func (s *splitter) block(line int, word, rest string, body []string) {
	switch word {
	case "quiz":
		s.quiz(line, rest, body)
	case "predict":
		s.predict(line, rest, body)
	case "run":
		s.run(line, rest, body)
	case "figure":
		fig, errs := parseFigure(s.lesson.File, line+2, rest, body)
		s.errs = append(s.errs, errs...)
		s.add(line, Block{Kind: KindFigure, Figure: fig})
	case "wrong":
		s.wrong(line, rest, body)
	default:
		if !slices.Contains(languages, word) {
			s.fail(line, "unknown block %q; allowed: quiz, predict NODE STATE, run NODE, figure, wrong, or code in %s", word, strings.Join(languages[1:], ", "))
		}
		for i := line; i < s.next; i++ {
			s.keep(i, s.lines[i])
		}
	}
}

func (s *splitter) quiz(line int, rest string, body []string) {
	if rest != "" {
		s.fail(line, "%q after quiz; allowed: nothing, the rest is YAML below", rest)
	}
	number := fmt.Sprintf("q%d", len(s.quizzes)+1)
	q, errs := parseQuiz(s.lesson.File, line+2, strings.Join(body, "\n"), s.id, number)
	s.errs = append(s.errs, errs...)
	if s.quizzes[q.ID] {
		s.fail(line, "quiz id %q is taken in this lesson; give each quiz its own", q.ID)
	}
	s.quizzes[q.ID] = true
	name := strings.TrimPrefix(q.ID, s.id+"/")
	wrong, wrongs := s.used.Add(fmt.Sprintf("quiz %q", name), name, q.Formerly)
	if wrong != "" {
		s.fail(line, "quiz %s", wrong)
	}
	for _, what := range wrongs {
		if what != "" {
			s.fail(line, "%s", what)
		}
	}
	s.add(line, Block{Kind: KindQuiz, Quiz: q})
}

func (s *splitter) predict(line int, rest string, body []string) {
	const want = "predict NODE start, or predict NODE solved"
	words := strings.Fields(rest)
	if len(words) != 2 {
		s.fail(line, "predict has %d words after it; allowed: %s", len(words), want)
		return
	}
	if words[1] != "start" && words[1] != "solved" {
		s.fail(line, "unknown state %q; allowed: %s", words[1], want)
	}
	if s.lesson.Lab == "" {
		s.fail(line, "a prediction needs a lab to run in; add lab: ID to the front matter")
	}
	s.add(line, Block{Kind: KindPredict, Predict: &Predict{
		Node: words[0], Solved: words[1] == "solved", Text: strings.Join(body, "\n"),
	}})
}

func (s *splitter) run(line int, rest string, body []string) {
	const want = "run NODE, or run NODE start or run NODE solved"
	words := strings.Fields(rest)
	if len(words) < 1 || len(words) > 2 {
		s.fail(line, "run has %d words after it; allowed: %s", len(words), want)
		return
	}
	r := &Run{Node: words[0]}
	if len(words) == 2 {
		if r.State = words[1]; r.State != "start" && r.State != "solved" {
			s.fail(line, "unknown state %q; allowed: %s", r.State, want)
		}
	}
	for i, b := range body {
		if cmd, ok := strings.CutPrefix(b, "$ "); ok && strings.TrimSpace(cmd) != "" {
			r.Steps = append(r.Steps, Step{Command: strings.TrimSpace(cmd)})
			continue
		}
		if len(r.Steps) == 0 && r.backstage(b) {
			continue
		}
		if len(r.Steps) == 0 {
			s.fail(line+1+i, `output without a command; start with a line "$ COMMAND", or with "before NODE: COMMAND" or "during NODE: COMMAND"`)
			return
		}
		last := &r.Steps[len(r.Steps)-1]
		last.Output += b + "\n"
	}
	if len(r.Steps) == 0 {
		s.fail(line, `the block has no command; give at least one line "$ COMMAND"`)
	}
	for i := range r.Steps {
		r.Steps[i].Output = strings.TrimRight(r.Steps[i].Output, "\n")
	}
	s.add(line, Block{Kind: KindRun, Run: r})
}

// backstageRE matches a line about what a reader is not shown.
var backstageRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(before|during) (\S+): +(\S.*)$`) })

// backstage takes such a line, and reports whether it was one.
func (r *Run) backstage(line string) bool {
	m := backstageRE().FindStringSubmatch(line)
	if m == nil {
		return false
	}
	typed := Typed{Node: m[2], Command: strings.TrimSpace(m[3])}
	if m[1] == "before" {
		r.Before = append(r.Before, typed)
	} else {
		r.During = append(r.During, typed)
	}
	return true
}

// verdicts are the words a wrong block may judge a claim with, and how each is shown.
var verdicts = map[string]string{
	"right":     "True",
	"imprecise": "True, but imprecise",
	"outdated":  "Outdated",
	"wrong":     "Wrong",
	"opinion":   "A matter of opinion",
}

func (s *splitter) wrong(line int, rest string, body []string) {
	if rest != "" {
		s.fail(line, "%q after wrong; allowed: nothing, the rest is YAML below", rest)
	}
	w := Wrong{Line: line + 1}
	y := parseYAML(s.lesson.File, line+2, strings.Join(body, "\n"), "a wrong block", []field{
		{"items", "a list of item numbers that the front matter covers", true, &w.Items},
		{"verdict", "right, imprecise, outdated, wrong or opinion", true, &w.Verdict},
		{"claim", "a text: what notes say", true, &w.Claim},
		{"truth", "a text: what holds", true, &w.Truth},
	})
	if verdicts[w.Verdict] == "" {
		y.fail("verdict", "is %q", w.Verdict)
	}
	for i, n := range w.Items {
		if !slices.Contains(s.lesson.Covers, n) {
			y.errs = append(y.errs, y.at(y.item("items", i), "item %d is not covered here; allowed: an item from the front matter's covers", n))
		}
	}
	if len(y.errs) > 0 {
		s.errs = append(s.errs, y.errs...)
		return
	}
	s.lesson.Wrongs = append(s.lesson.Wrongs, w)
	shown := fmt.Sprintf("**“%s”** *%s.* %s", oneLine(w.Claim), verdicts[w.Verdict], oneLine(w.Truth))
	s.keep(line, "")
	s.keep(line, shown)
	s.keep(line, "")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// keep adds a line to the text block that is being collected.
func (s *splitter) keep(line int, text string) {
	if len(s.text) == 0 {
		if strings.TrimSpace(text) == "" {
			return
		}
		s.start = line
	}
	s.text = append(s.text, text)
}

// flush ends the text block that is being collected.
func (s *splitter) flush() {
	if text := strings.TrimRight(strings.Join(s.text, "\n"), " \n"); text != "" {
		s.lesson.Blocks = append(s.lesson.Blocks, Block{Kind: KindText, Line: s.start + 1, Text: text})
	}
	s.text = nil
}

func (s *splitter) add(line int, b Block) {
	s.flush()
	b.Line = line + 1
	s.lesson.Blocks = append(s.lesson.Blocks, b)
}

func (s *splitter) fail(line int, format string, args ...any) {
	s.errs = append(s.errs, &Error{s.lesson.File, line + 1, 1, fmt.Sprintf(format, args...)})
}

// headingRE matches a heading's marks and words, without closing marks.
var headingRE = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*(?:[ \t]#+[ \t]*)?$`)
})

// headings finds the headings of a Markdown text; those in code do not count.
func headings(text string) []Heading {
	var out []Heading
	fence := ""
	for i, line := range strings.Split(text, "\n") {
		if fence != "" {
			if t := strings.TrimSpace(line); len(t) >= len(fence) && strings.Trim(t, fence[:1]) == "" {
				fence = ""
			}
			continue
		}
		if m := fenceRE().FindStringSubmatch(line); m != nil {
			fence = m[1]
			continue
		}
		if m := headingRE().FindStringSubmatch(line); m != nil && m[2] != "" {
			out = append(out, Heading{Level: len(m[1]), Text: m[2], Line: i})
		}
	}
	return out
}
