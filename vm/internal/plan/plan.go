// Package plan is what the machine that starts the virtual one and the virtual
// one itself say to each other: what is to be run, and how it went.
package plan

import (
	"regexp"
	"slices"
	"time"
)

// Where things are in the virtual machine.
const (
	File       = "/plan.json" // the Plan
	Source     = "/src"       // this repository's files
	Tests      = "/tests"     // compiled tests: NAME.test
	Program    = "/usr/bin/underlay"
	Line       = "/dev/ttyS1" // the serial line that Events are written to
	Ordinary   = "learner"    // the ordinary user
	OrdinaryID = 1000         // their uid and gid
)

// Kind is how the end of a step is read.
type Kind string

// The kinds of step.
const (
	Command Kind = "command" // by its exit code and what it says
	GoTest  Kind = "gotest"  // a compiled test, run with -test.v
	JUnit   Kind = "junit"   // it writes the file Step.JUnit
	Doctor  Kind = "doctor"  // `underlay doctor --json`: every feature of the kernel must be there
)

// Plan is all that is to be proven, by machines that run side by side.
type Plan []Lane

// Lane is what one machine runs, one step after another.
type Lane struct {
	Name  string `json:"name"`
	Steps []Step `json:"steps"`
}

// LaneVariable is the variable of init's environment, and so of the kernel's command line,
// with the name of the lane that a machine runs.
const LaneVariable = "VM_LANE"

// Lane returns the lane with a name, or nil.
func (p Plan) Lane(name string) *Lane {
	if i := slices.IndexFunc(p, func(l Lane) bool { return l.Name == name }); i >= 0 {
		return &p[i]
	}
	return nil
}

// Steps returns every step, in the order in which they were written down.
func (p Plan) Steps() []Step {
	var steps []Step
	for _, lane := range p {
		steps = append(steps, lane.Steps...)
	}
	return steps
}

// Step is one program that is run as one user.
type Step struct {
	Name    string        `json:"name"` // unique
	Kind    Kind          `json:"kind"`
	Root    bool          `json:"root"` // run by root, not by the ordinary user
	Dir     string        `json:"dir"`  // "" is Source
	Command []string      `json:"command"`
	Limit   time.Duration `json:"limit"`   // it is killed then
	Silence time.Duration `json:"silence"` // printing nothing for so long, it hangs and is killed; 0 allows any

	// Of a Command: the code that it must exit with, and a regular expression
	// that must match some of its output.
	Exit int    `json:"exit"`
	Says string `json:"says"`

	// JUnit is the file that a step of that kind writes.
	JUnit string `json:"junit"`
}

// Event is one line on the serial line, as JSON. The last one has Done set; a
// machine that ends before it ended too soon.
type Event struct {
	Step   string  `json:"step,omitempty"`   // the step it is about
	Output string  `json:"output,omitempty"` // lines that the step has just printed
	Result *Result `json:"result,omitempty"` // how it ended; without it and Output the step begins
	Kernel string  `json:"kernel,omitempty"` // the release, in the first event
	Done   bool    `json:"done,omitempty"`
}

// Result is how a step ended.
type Result struct {
	Exit   int           `json:"exit"`  // -1: it could not be started, or was killed
	Error  string        `json:"error"` // why it was not run to its end
	JUnit  string        `json:"junit"` // the file's text
	Took   time.Duration `json:"took"`
	Again  *Result       `json:"again,omitempty"` // of the tests that failed, run once more by themselves
	Output string        `json:"-"`               // the end of what it printed, both streams, collected from the events
}

// Again is the name of a step's second run.
func Again(name string) string { return name + ", again" }

var failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// FailedTests are the tests that a compiled test printed as failed, without subtests.
func FailedTests(printed string) []string {
	var names []string
	for _, m := range failedTest.FindAllStringSubmatch(printed, -1) {
		names = append(names, m[1])
	}
	return names
}
