package lesson

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// sourceItems is how many items the source's inventory has.
const sourceItems = 123

func builtinBook(t *testing.T) *Book {
	t.Helper()
	b, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// builtinLessons are the built-in lessons, read.
func builtinLessons(t *testing.T) []*Lesson {
	t.Helper()
	all, err := builtinBook(t).All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Lessons come in the order of their modules, which have an order each.
func TestBuiltinOrder(t *testing.T) {
	b := builtinBook(t)
	at := map[string]int{}
	for i, m := range b.Modules() {
		if i > 0 && m.Order <= b.Modules()[i-1].Order {
			t.Errorf("module %s has order %d, and %s before it %d", m.ID, m.Order, b.Modules()[i-1].ID, b.Modules()[i-1].Order)
		}
		at[m.ID] = i
	}
	last := 0
	for _, l := range b.Lessons() {
		if at[l.Module] < last {
			t.Errorf("lesson %s of module %s comes after one of a later module", l.ID, l.Module)
		}
		last = at[l.Module]
	}
}

func TestBuiltinLookups(t *testing.T) {
	b := builtinBook(t)
	for _, l := range b.Lessons() {
		if b.Info(l.ID) != l {
			t.Errorf("Info(%q) is not the lesson", l.ID)
		}
		whole, err := b.Lesson(l.ID)
		if again, _ := b.Lesson(l.ID); err != nil || !reflect.DeepEqual(&whole.Info, l) || again != whole {
			t.Errorf("Lesson(%q) is not the lesson: %v", l.ID, err)
		}
		if l.Lab != "" && b.ForLab(l.Lab) == nil {
			t.Errorf("ForLab(%q) finds no lesson", l.Lab)
		}
	}
	all := b.Lessons()
	for i, next := range all[1:] {
		if l := all[i]; l.Lab != "" && l.Lab != next.Lab && b.AfterLab(l.Lab) != next {
			t.Errorf("AfterLab(%q) is not %s", l.Lab, next.ID)
		}
	}
	if last := all[len(all)-1]; b.AfterLab(last.Lab) != nil {
		t.Errorf("a lesson follows the lab of the last one, %q", last.Lab)
	}
	if b.AfterLab("no-such") != nil {
		t.Error("a lesson follows a lab that is not there")
	}
	if l, err := b.Lesson("no-such"); l != nil || err != nil || b.Info("no-such") != nil || b.ForLab("no-such") != nil || b.ForLab("") != nil {
		t.Error("an unknown id finds something")
	}
}

// A lesson judges each source item that it says it covers.
func TestBuiltinCoverage(t *testing.T) {
	for _, l := range builtinLessons(t) {
		judged := map[int]bool{}
		for _, w := range l.Wrongs {
			for _, n := range w.Items {
				judged[n] = true
			}
		}
		if len(l.Covers) == 0 {
			t.Errorf("%s covers nothing", l.ID)
		}
		for _, n := range l.Covers {
			if n > sourceItems {
				t.Errorf("%s covers item %d of %d", l.ID, n, sourceItems)
			}
			if !judged[n] {
				t.Errorf("%s covers item %d and has no wrong block for it", l.ID, n)
			}
		}
	}
}

func TestBuiltinQuizzes(t *testing.T) {
	for _, l := range builtinLessons(t) {
		quizzes := l.Quizzes()
		if len(quizzes) < 3 || len(quizzes) > 5 {
			t.Errorf("%s has %d quizzes, want 3 to 5", l.ID, len(quizzes))
		}
		if !slices.ContainsFunc(quizzes, func(q *Quiz) bool { return q.Interview }) {
			t.Errorf("%s has no interview quiz", l.ID)
		}
		for _, q := range quizzes {
			checkQuiz(t, q)
		}
	}
}

// checkQuiz answers a quiz rightly and in every wrong way with one option.
func checkQuiz(t *testing.T, q *Quiz) {
	t.Helper()
	if len(strings.Fields(q.Explanation)) < 20 {
		t.Errorf("%s explains too little to say why the wrong ones are wrong", q.ID)
	}
	if q.Mark(Answer{}) || q.Mark(Answer{Text: "I do not know"}) {
		t.Errorf("%s takes no answer for a right one", q.ID)
	}
	if q.Free() {
		if !q.Mark(Answer{Text: q.Model}) {
			t.Errorf("%s does not accept its own model answer", q.ID)
		}
		return
	}
	if !q.Mark(Answer{Chosen: q.Right()}) {
		t.Errorf("%s does not accept its right options", q.ID)
	}
	for i, o := range q.Options {
		if !o.Right && q.Mark(Answer{Chosen: append(q.Right(), i)}) {
			t.Errorf("%s accepts wrong option %d", q.ID, i+1)
		}
		if q.Mark(Answer{Chosen: []int{i}}) != (o.Right && !q.Multiple()) {
			t.Errorf("%s marks option %d alone wrongly", q.ID, i+1)
		}
	}
}

// The lessons must read well in a narrow pane of a terminal.
func TestBuiltinReadsWell(t *testing.T) {
	for _, l := range builtinLessons(t) {
		if n := words(l); n < 600 || n > 1100 {
			t.Errorf("%s has %d words, want 600 to 1100", l.ID, n)
		}
		for _, h := range l.Outline() {
			if n := utf8.RuneCountInString(h.Text); n > 40 {
				t.Errorf("%s: heading %q has %d characters, at most 40", l.ID, h.Text, n)
			}
			if line := strings.Split(l.Blocks[h.Block].Text, "\n")[h.Line]; !strings.Contains(line, h.Text) {
				t.Errorf("%s: heading %q is not at its place: %q", l.ID, h.Text, line)
			}
		}
		for _, b := range l.Blocks {
			checkCode(t, l, b)
		}
	}
}

var codeRE = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")

func checkCode(t *testing.T, l *Lesson, b Block) {
	t.Helper()
	const columns = 72
	switch b.Kind {
	case KindRun:
		for _, s := range b.Run.Steps {
			if utf8.RuneCountInString(s.Command) > columns {
				t.Errorf("%s:%d: command is wider than %d: %s", l.File, b.Line, columns, s.Command)
			}
		}
	case KindFigure:
		if strings.Contains(b.Figure.ASCII(), "?") {
			t.Errorf("%s:%d: the figure has no full ASCII form", l.File, b.Line)
		}
	case KindText:
		for _, m := range codeRE.FindAllStringSubmatch(b.Text, -1) {
			for line := range strings.Lines(m[1]) {
				if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > columns {
					t.Errorf("%s:%d: code is wider than %d: %s", l.File, b.Line, columns, line)
				}
			}
		}
	}
}

// words counts what there is to read, without quizzes and recorded output.
func words(l *Lesson) int {
	n := 0
	for _, b := range l.Blocks {
		n += len(strings.Fields(b.Text))
	}
	return n
}

// Free answers that name a wrong cause must not pass because of a word in them.
func TestBuiltinFreeAnswers(t *testing.T) {
	quizzes := map[string]*Quiz{}
	for _, l := range builtinLessons(t) {
		for _, q := range l.Quizzes() {
			if quizzes[q.ID] != nil {
				t.Errorf("quiz %s is there twice", q.ID)
			}
			quizzes[q.ID] = q
		}
	}
	for id, answers := range map[string]struct{ right, wrong []string }{
		"netns-veth/slash-32": {
			right: []string{"the connected route", "a /24 prefix, /32 covers only itself", "The route to 172.17.0.0/24"},
			wrong: []string{"a default route via the host", "the network has no default route", "ARP", "ip_forward"},
		},
		"egress-nat/not-out-docker0": {
			right: []string{"c2 would see 172.17.0.1 instead of c1", "traffic between containers gets NATed too"},
			wrong: []string{"the gateway would be unreachable", "nothing", "replies would be lost"},
		},
	} {
		q := quizzes[id]
		if q == nil {
			t.Fatalf("no quiz %s", id)
		}
		for _, a := range answers.right {
			if !q.Mark(Answer{Text: a}) {
				t.Errorf("%s refuses %q", id, a)
			}
		}
		for _, a := range answers.wrong {
			if q.Mark(Answer{Text: a}) {
				t.Errorf("%s accepts %q", id, a)
			}
		}
	}
}
