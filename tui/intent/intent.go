// Package intent holds what a pane can ask of the program: go somewhere, open
// something, remember something. Panes return intents as commands; only the
// root model acts on them, so that panes do not know each other.
package intent

import (
	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
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

// Happened says what has happened in a lab or a lesson, to be recorded.
type Happened struct{ Events []attempt.Event }

// Record makes a command of what has happened; of nothing it makes none.
func Record(events ...attempt.Event) tea.Cmd {
	if len(events) == 0 {
		return nil
	}
	return Do(Happened{events})
}

// Open lays a dialog over the screen.
type Open struct{ Dialog dialog.Dialog }

// Leave closes the lab and goes home, or to Next where that is given.
type Leave struct{ Next tea.Msg }

// Celebrate shows what was achieved and what comes next. Asked says that the
// learner has asked for it, rather than that the lab has just been solved.
type Celebrate struct{ Asked bool }

// Help shows the keys of this screen.
type Help struct{}
