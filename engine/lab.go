package engine

import (
	"slices"
	"strings"
)

// Lab is one exercise: a world to start in, tasks to do in it, and what must
// be seen for each task to count as done.
//
// In the types of a lab the struct tag "yaml" is a field's name in
// lab.yaml, and "lab" what package labs demands of it: required (or, with
// unless=, only where another field is not given), the shape of its text, or
// with one= the values it may have.
type Lab struct {
	ID string `yaml:"id" lab:"required,id"`

	// Formerly are ids that the lab had: what has been done under them counts for it.
	Formerly []string `yaml:"formerly" lab:"id"`

	Title   string `yaml:"title" lab:"required"`
	Module  string `yaml:"module" lab:"required,id"`       // id of the module it belongs to, as in lessons/
	Order   int    `yaml:"order"`                          // position within its module; equal ones go by id
	Summary string `yaml:"summary" lab:"required"`         // one sentence: what the learner builds or repairs
	Minutes int    `yaml:"minutes" lab:"required,minutes"` // what it takes a first-time learner, roughly

	// Requires names what the machine must offer, in preflight's words:
	// kernel features ("veth", "bridge", "nat") and tools ("iptables").
	Requires []string `yaml:"requires" lab:"id"`

	Topology   Topology     `yaml:",inline"`
	Cluster    *Cluster     `yaml:"cluster"` // a Kubernetes; its nodes are in Topology once the lab is loaded
	Tasks      []Task       `yaml:"tasks" lab:"required"`
	Collateral []Collateral `yaml:"collateral"`
	Faults     []Fault      `yaml:"faults"`

	// Prepare is run by the program itself, in this order, once the topology
	// stands and before the learner's first command; reset runs it again.
	Prepare []Script `yaml:"-"`

	// Unwatched labs are looked at by Session.Settle only. Until it is called
	// nothing is judged and no packet sent, so that what the first commands
	// show is the lab as it was built.
	Unwatched bool `yaml:"-"`

	Solution     Script   `yaml:"-"`
	Alternatives []Script `yaml:"-"`
	Mistakes     []Script `yaml:"-"`

	// Fault is what is broken in this lab from the start; nil in a lab as its
	// author wrote it. See Faulted.
	Fault *Fault `yaml:"-"`

	Seed   int64             `yaml:"-"` // the seed the parameters were drawn with; 0 is the canonical lab
	Params map[string]string `yaml:"-"` // the parameters' values
}

// Uses reports whether one of the lab's parameters stands in a text, as ${name}.
func (l *Lab) Uses(text string) bool {
	for name := range l.Params {
		if strings.Contains(text, "${"+name+"}") {
			return true
		}
	}
	return false
}

// Expand puts the values of the lab's parameters in place of their ${name} in a text, but
// for those that are excepted. Other ${…} are left as they are.
func (l *Lab) Expand(text string, except ...string) string {
	for name, value := range l.Params {
		if !slices.Contains(except, name) {
			text = strings.ReplaceAll(text, "${"+name+"}", value)
		}
	}
	return text
}

// Task returns the task with this id, or nil.
func (l *Lab) Task(id string) *Task {
	for i := range l.Tasks {
		if l.Tasks[i].ID == id {
			return &l.Tasks[i]
		}
	}
	return nil
}

// Script is a sequence of shell lines as a learner would type them.
type Script struct {
	Name string // file name without .sh: "solve", "pure-nft", "no-up"
	Node string // node whose shell it is typed into; "" means the lab's first shell
	Text string

	// Fails names the tasks that a mistake leaves undone, and Misconception
	// the id that must answer it. Both are empty for right solutions. They
	// come from "# fails: a, b" and "# misconception: id" comment lines.
	Fails         []string
	Misconception string
}

// Parts takes a script apart at its "# node: NAME" lines into one script for
// each stretch that is typed in the same shell. A script without such lines is
// its own only part; a part's Node is empty for the lab's first shell.
func (s Script) Parts() []Script {
	part := s
	part.Text = ""
	var out []Script
	for line := range strings.Lines(s.Text) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "# node:"); ok {
			if strings.TrimSpace(part.Text) != "" {
				out = append(out, part)
			}
			part.Node, part.Text = strings.TrimSpace(name), ""
			continue
		}
		part.Text += line
	}
	if strings.TrimSpace(part.Text) != "" || out == nil {
		out = append(out, part)
	}
	return out
}

// Mode says when a task counts as done.
type Mode string

// The modes of a task: Now must hold whenever it is looked at, Once latches.
const (
	Now  Mode = "now"
	Once Mode = "once"
)

// Task is one goal. It is done when all its checks pass and every task in
// After is done.
type Task struct {
	ID             string          `yaml:"id" lab:"required,id"`
	Formerly       []string        `yaml:"formerly" lab:"id"` // ids that the task had: what has been done under them counts for it
	Goal           string          `yaml:"goal" lab:"required"`
	After          []string        `yaml:"after"`
	Mode           Mode            `yaml:"mode" lab:"one=now|once"`
	Checks         []Check         `yaml:"checks" lab:"required"`
	Hints          Hints           `yaml:"hints" lab:"required"`
	Misconceptions []Misconception `yaml:"misconceptions"`
}

// Hints go from the gentlest to the answer itself.
type Hints struct {
	Symptom  string `yaml:"symptom" lab:"required"`
	Layer    string `yaml:"layer" lab:"required"`
	Command  string `yaml:"command" lab:"required"`
	Solution string `yaml:"solution" lab:"required"`
}

// Tiers returns the hints that there are, in the order in which they are given.
func (h Hints) Tiers() []string {
	all := []string{h.Symptom, h.Layer, h.Command, h.Solution}
	return slices.DeleteFunc(all, func(tier string) bool { return tier == "" })
}

// NoMisconception in place of a mistake's misconception says that none may answer it.
const NoMisconception = "none"

// Misconception is a wrong idea that can be recognised from the live state.
// The first of a task whose When passes is what the learner is told.
type Misconception struct {
	ID   string  `yaml:"id" lab:"required,id"`
	When []Check `yaml:"when" lab:"required"` // all must pass
	Says string  `yaml:"says" lab:"required"`
}

// Collateral is something that works, or must not work, before and after.
type Collateral struct {
	Goal  string `yaml:"goal" lab:"required"`
	Check Check  `yaml:"check" lab:"required"`
}
