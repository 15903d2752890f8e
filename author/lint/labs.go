package lint

import (
	"slices"
	"strings"
	"unicode"

	"underlay/course/format"
	"underlay/engine"
)

// How many scripts a lab needs at least, so that its checks are known to take
// other right ways and to refuse wrong ones.
const (
	minAlternatives = 2
	minMistakes     = 4
)

// lab looks at one lab.
func (c *checker) lab(s *format.Sheet) {
	lab := s.Lab
	at := func(rule string, pointer any, format string, args ...any) {
		line, col := s.At(pointer)
		c.errorf(rule, s.File, line, col, format, args...)
	}
	if !c.draft.Unread && !c.draft.HasModule(lab.Module) {
		at("link", &lab.Module, "there is no module %q; give it a folder lessons/%s with a module.yaml", lab.Module, lab.Module)
	}
	if n := len(lab.Alternatives); n < minAlternatives {
		c.errorf("scripts", s.Beside("alternatives"), 0, 0, "alternatives: %d; at least %d are needed to show that the checks accept other right ways", n, minAlternatives)
	}
	if n := len(lab.Mistakes); n < minMistakes {
		c.errorf("scripts", s.Beside("mistakes"), 0, 0, "mistakes: %d; at least %d are needed to show that the checks reject them", n, minMistakes)
	}
	if len(lab.Collateral) == 0 {
		c.errorf("collateral", s.File, 1, 1, "collateral is missing; say what works at the start and must still work at the end, or flushing everything passes")
	}
	for i := range lab.Tasks {
		t := &lab.Tasks[i]
		c.hints(s, t.ID, &t.Hints)
		c.exercised(lab, t, at)
		c.wide(s, &t.Goal, t.Checks)
		for j := range t.Misconceptions {
			c.says(&t.Misconceptions[j], at)
			c.evident(&t.Misconceptions[j], at)
		}
	}
	for i := range lab.Collateral {
		k := &lab.Collateral[i]
		c.wide(s, &k.Goal, []engine.Check{k.Check})
	}
	for i := range lab.Faults {
		c.hints(s, lab.Faults[i].ID, &lab.Faults[i].Hints)
	}
	if !c.draft.Unread && !c.draft.HasLessonFor(lab.ID) {
		c.warnf("alone", s.File, 1, 1, "no lesson names this lab, so its learners have only the tasks to read")
	}
}

// exercised demands mistakes that leave the task undone, one for each of its
// misconceptions.
func (c *checker) exercised(lab *engine.Lab, t *engine.Task, at func(rule string, pointer any, format string, args ...any)) {
	if !slices.ContainsFunc(lab.Mistakes, func(m engine.Script) bool { return slices.Contains(m.Fails, t.ID) }) {
		at("untried", &t.ID, "no mistake leaves task %q undone, so nothing shows that its checks can fail; write one with %q", t.ID, "# fails: "+t.ID)
	}
	for i := range t.Misconceptions {
		m := &t.Misconceptions[i]
		if !slices.ContainsFunc(lab.Mistakes, func(s engine.Script) bool { return s.Misconception == m.ID }) {
			at("untried", &m.ID, "no mistake leads to misconception %q, so nothing shows that it is recognised; write one with %q", m.ID, "# misconception: "+m.ID)
		}
	}
}

// says judges how a misconception's answer reads.
func (c *checker) says(m *engine.Misconception, at func(rule string, pointer any, format string, args ...any)) {
	r := read(m.Says)
	if g := r.grade(); g > maxSaysGrade {
		at("reading", &m.Says, "says reads at school grade %.0f, above %.0f; use shorter sentences and words", g, maxSaysGrade)
	}
	if r.longest > maxSentence {
		at("reading", &m.Says, "says has a sentence of %d words; at most %d", r.longest, maxSentence)
	}
}

// tier is one of the hints of a task or fault.
type tier struct {
	name string
	text *string
}

func tiers(h *engine.Hints) []tier {
	return []tier{{"symptom", &h.Symptom}, {"layer", &h.Layer}, {"command", &h.Command}, {"solution", &h.Solution}}
}

// hints judges the four hints of a task or fault: each must tell something that
// those before it did not, and all must be easy to read.
func (c *checker) hints(s *format.Sheet, of string, h *engine.Hints) {
	at := func(rule string, t tier, format string, args ...any) {
		line, col := s.At(t.text)
		c.errorf(rule, s.File, line, col, format, args...)
	}
	all := tiers(h)
	for i, t := range all {
		for _, before := range all[:i] {
			if plain(*before.text) == plain(*t.text) {
				at("unused", t, "the %s hint of %q repeats the %s hint; each tier must add something", t.name, of, before.name)
			}
		}
		if t.name != "layer" && !specific(s.Lab, *t.text) { // which explains in general
			at("vague", t, "the %s hint of %q names no command, node, interface or address of this lab", t.name, of)
		}
		if r := read(*t.text); r.longest > maxSentence {
			at("reading", t, "the %s hint of %q has a sentence of %d words; at most %d", t.name, of, r.longest, maxSentence)
		}
	}
	solution := all[len(all)-1]
	for _, t := range all[:len(all)-1] {
		if given := givesAway(*t.text, *solution.text); given != "" {
			at("unused", solution, "the %s hint of %q already gives %s, so this tier adds nothing; let the earlier one say less", t.name, of, given)
			break
		}
	}
	if g := read(h.Tiers()...).grade(); g > maxHintGrade {
		at("reading", all[0], "the hints of %q read at school grade %.0f, above %.0f; use shorter sentences and words", of, g, maxHintGrade)
	}
}

func plain(s string) string {
	return strings.ToLower(strings.Trim(strings.Join(strings.Fields(s), " "), " .!"))
}

// specific says whether a hint speaks of this lab: a command, or a name or
// address that is in it.
func specific(lab *engine.Lab, hint string) bool {
	if codeSpan.MatchString(hint) {
		return true
	}
	typed := words(lab.Solution.Text)
	for _, w := range words(hint) {
		// A word of the solution that is no word of the language: docker0, FORWARD, 8080.
		if isName := strings.ContainsFunc(w, func(c rune) bool { return unicode.IsUpper(c) || unicode.IsDigit(c) }); isName && slices.Contains(typed, w) {
			return true
		}
		if named(lab, strings.TrimSuffix(w, "'s")) {
			return true
		}
	}
	return false
}

func words(text string) []string {
	ws := strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" ,;()\n\"", c) })
	for i := range ws {
		ws[i] = strings.TrimRight(ws[i], ".:!?")
	}
	return ws
}

func named(lab *engine.Lab, word string) bool {
	host, _, _ := strings.Cut(word, "/")
	if strings.Count(host, ".") == 3 && !strings.ContainsFunc(host, func(c rune) bool { return c != '.' && (c < '0' || c > '9') }) {
		return true
	}
	if lab.Topology.Node(word) != nil || word == "lo" {
		return true
	}
	return slices.ContainsFunc(lab.Topology.Interfaces(), func(i engine.Interface) bool { return *i.Name == word })
}

// givesAway returns the whole commands of the solution hint, if an earlier hint
// has every one of them already.
func givesAway(hint, solution string) string {
	spans := codeSpan.FindAllString(solution, -1)
	var whole []string
	for _, s := range spans {
		if len(strings.Fields(s)) < 2 {
			continue
		}
		if !strings.Contains(hint, s) {
			return ""
		}
		whole = append(whole, s)
	}
	return strings.Join(whole, " and ")
}
