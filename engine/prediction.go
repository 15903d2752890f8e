package engine

import "slices"

// Prediction is a question that the kernel answers: the learner commits to one
// of several outcomes, then the lab is built, the lines are run, and the one
// outcome that holds is the right one. Nothing in it says which that will be.
//
// The struct tags are those of Lab, for the YAML of a lesson's predict block.
type Prediction struct {
	ID          string    `yaml:"id" lab:"required,id"` // once decoded, "LESSON/predict/NAME"
	Formerly    []string  `yaml:"formerly" lab:"id"`    // names that it had
	Question    string    `yaml:"question" lab:"required"`
	Run         string    `yaml:"run" lab:"required"` // shell lines, as in a Script's Text
	Outcomes    []Outcome `yaml:"options" lab:"required"`
	Explanation string    `yaml:"explanation" lab:"required"`

	// Requires names what this prediction needs of the machine beyond what its lab does.
	Requires []string `yaml:"requires" lab:"id"`

	Node   string `yaml:"-"` // whose shell the lines are typed into
	Solved bool   `yaml:"-"` // the lab is opened as its solution leaves it, rather than as it is built
}

// Outcome is one way in which it may end. It holds when all of When pass once
// the lines have been run.
type Outcome struct {
	Text string  `yaml:"text" lab:"required"`
	When []Check `yaml:"when" lab:"required"`
}

// Needing returns the lab as the prediction needs it: with what it requires of
// the machine itself. The lab is left as it is.
func (p *Prediction) Needing(lab *Lab) *Lab {
	out := *lab
	out.Requires = slices.Concat(lab.Requires, p.Requires)
	return &out
}
