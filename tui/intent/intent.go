// Package intent holds what a pane can ask of the program: go somewhere, open
// something, remember something. Panes return intents as commands; only the
// root model acts on them, so that panes do not know each other.
package intent

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"underlay/tui/dialog"
)

// OpenLesson shows a lesson.
type OpenLesson struct{ ID string }

// OpenLab starts a lab.
type OpenLab struct{ ID string }

// ChooseFault asks which fault of a lab is to be looked for.
type ChooseFault struct{ Lab string }

// OpenFault starts a lab that is solved, and broken by a fault.
type OpenFault struct{ Lab, Fault string }

// GoHome shows the list of lessons.
type GoHome struct{}

// Quit ends the program, after asking if something would be lost.
type Quit struct{}

// Note shows a sentence in the status line until the next key.
type Note struct{ Text string }

// Do makes a command of an intent.
func Do(i tea.Msg) tea.Cmd { return func() tea.Msg { return i } }

// Open lays a dialog over the screen.
type Open struct{ Dialog dialog.Dialog }

// TasksDone says which tasks of a lab are done now.
type TasksDone struct {
	Lab   string
	Tasks []string
}

// HintShown says that a hint was shown; Tier counts from 1.
type HintShown struct {
	Lab, Task string
	Tier      int
}

// SolutionShown says that the whole solution was shown.
type SolutionShown struct{ Lab string }

// Solved says that a lab was solved for the first time since it was opened.
type Solved struct {
	Lab   string
	Took  time.Duration
	Hints int
}

// Leave closes the lab and goes home, or to Next where that is given.
type Leave struct{ Next tea.Msg }

// Celebrate shows what was achieved and what comes next. Asked says that the
// learner has asked for it, rather than that the lab has just been solved.
type Celebrate struct{ Asked bool }

// Help shows the keys of this screen.
type Help struct{}

// ReadTo remembers how far a lesson was read: the block at the top of the
// screen, and whether its end has been seen.
type ReadTo struct {
	Lesson string
	Block  int
	Done   bool
}

// QuizMarked says that an answer to a question was marked, or that the kernel has
// marked a prediction.
type QuizMarked struct {
	Quiz  string
	Right bool
}

// LabOpened says that a lab has been built and is on the screen.
type LabOpened struct {
	Lab  string
	Seed int64
}

// WasReset says that a lab was built anew.
type WasReset struct{ Lab string }

// LabLeft says that the learner has left a lab.
type LabLeft struct{ Lab string }
