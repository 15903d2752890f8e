package format

import (
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/token"

	"underlay/engine"
)

// maxOutcomes keeps each outcome of a prediction addressable by one letter, and
// the question on a small screen.
const maxOutcomes = 8

// Block is a predict block as it stands in a lesson.
type Block struct {
	File   string // for problems
	Line   int    // of the file, on which the block's fence is; Text begins below it
	Node   string // whose shell the lines are typed into
	Solved bool   // the lab is opened as its solution leaves it
	Text   string // YAML
}

// Prediction decodes a predict block for a lab, as strictly as a lab.yaml, and
// with the lab's parameters in place of their ${name}. The error is a Problems
// with positions in the block's file.
func Prediction(lab *engine.Lab, b Block) (*engine.Prediction, error) {
	// Empty lines put every token at its place in the file.
	root, problem := parseYAML(b.File, strings.Repeat("\n", b.Line)+b.Text, "a prediction needs id, question, run, options and explanation")
	if problem != nil {
		if problem.Line == 0 {
			problem.Line, problem.Col = b.Line, 1
		}
		return nil, Problems{*problem}
	}
	d := &decoder{name: b.File, drawn: lab.Params, where: map[any]*token.Position{}}
	d.nodes = append(d.nodes, reference{b.Node, &token.Position{Line: b.Line, Column: 1}})
	p := &engine.Prediction{Node: b.Node, Solved: b.Solved}
	d.value(root, reflect.ValueOf(p).Elem(), rule{name: "a prediction"})
	v := &validator{decoder: d, lab: lab}
	v.checkFormerly(p.ID, p.Formerly)
	v.checkRun(p)
	v.checkOutcomes(p)
	v.checkReferences()
	return p, d.problems.err()
}

// checkRun demands that there is something to run, and notes the nodes in whose
// shells it is.
func (v *validator) checkRun(p *engine.Prediction) {
	commands := 0
	for line := range strings.Lines(p.Run) {
		line = strings.TrimSpace(line)
		if node, ok := strings.CutPrefix(line, "# node:"); ok {
			v.nodes = append(v.nodes, reference{strings.TrimSpace(node), v.at(&p.Run)})
		} else if line != "" && !strings.HasPrefix(line, "#") {
			commands++
		}
	}
	if commands == 0 && strings.TrimSpace(p.Run) != "" {
		v.errorf(v.at(&p.Run), "run has no commands; give the lines that show what happens")
	}
}

// checkOutcomes demands that there is a choice, and that the kernel can decide it.
func (v *validator) checkOutcomes(p *engine.Prediction) {
	if n := len(p.Outcomes); n == 1 || n > maxOutcomes {
		v.errorf(v.at(&p.Outcomes), "options has %d; a prediction offers 2 to %d", n, maxOutcomes)
	}
	seen := map[string]bool{}
	for i := range p.Outcomes {
		o := &p.Outcomes[i]
		if text := strings.ToLower(strings.TrimSpace(o.Text)); text != "" {
			if seen[text] {
				v.errorf(v.at(&o.Text), "this option is there twice; each must say something else")
			}
			seen[text] = true
		}
		for c := range engine.Walk(o.When) {
			v.checkKind(c)
			if c.Answer != nil { // an outcome is what the kernel says, not what somebody types
				v.errorf(v.at(c.Answer), "answer asks the learner; only the live lab decides an option")
			}
		}
	}
}
