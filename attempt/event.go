package attempt

import (
	"time"

	"underlay/engine"
)

// Event is something that has happened: in a lab that is open, or while a lesson is
// read. Those that are recorded say of which lab or lesson; a Journal keeps them.
type Event interface{ event() }

// What the learner has done in a lab. All of it is recorded.
type (
	// Began says that a lab has been opened.
	Began struct {
		Lab  string
		Seed int64 // that its parameters were drawn with
	}
	// TaskDone says that a task is done.
	TaskDone struct {
		Lab, Task string
		Index     int // of the task, from 0
		// Found says that it was so when the lab was first judged: it counts as done
		// from the first task on that the learner does, and is no news.
		Found bool
	}
	// HintGiven says that the next hint for a task was given.
	HintGiven struct {
		Lab, Task string
		Index     int    // of the task, from 0
		Tier, Of  int    // Tier counts from 1
		Text      string // of the hint
	}
	// SolutionShown says that the whole solution was shown.
	SolutionShown struct{ Lab string }
	// Reset says that the lab was built anew.
	Reset struct{ Lab string }
	// Solved says that a lab is solved: for the first time since it was opened, reset,
	// or led back to where it was not.
	Solved struct {
		Lab    string
		Took   time.Duration // since it was opened
		Hints  int           // given since then
		Peeked bool          // the solution was shown
	}
	// Left says that the learner has left the lab.
	Left struct{ Lab string }
)

// What has become of a lab. None of it is recorded.
type (
	// TaskUndone says that a task that was done is not any more.
	TaskUndone struct {
		Task  string
		Index int
	}
	// Answered says that an answer was handed in. A Marked follows once it is judged.
	Answered struct{ Task, Text string }
	// Marked says how an answer was judged.
	Marked struct {
		Task   string
		Index  int
		Text   string // the answer
		Right  bool
		Why    string // what speaks against it, or what form it should have; may be empty
		Choice bool   // it was chosen, not typed
	}
	// Spoiled says that something which must hold as before does not.
	Spoiled struct{ Result engine.TaskResult }
	// Mended says that it holds again.
	Mended struct{ Result engine.TaskResult }
	// Mishap says what has happened to the lab's world, in a sentence.
	Mishap struct{ Text string }
	// WentBack says that the lab was led back to a checkpoint.
	WentBack struct {
		To  engine.Checkpoint
		How engine.Restored
	}
)

// What the learner has done in a lesson. All of it is recorded.
type (
	// ReadTo says how far a lesson was read: the block at the top of what is read,
	// from 0, and whether its end has been seen.
	ReadTo struct {
		Lesson string
		Block  int
		Done   bool
	}
	// QuizMarked says that an answer to a question of a lesson was marked, or that
	// the kernel has marked a prediction.
	QuizMarked struct {
		Quiz  string
		Right bool
	}
)

func (Began) event()         {}
func (TaskDone) event()      {}
func (HintGiven) event()     {}
func (SolutionShown) event() {}
func (Reset) event()         {}
func (Solved) event()        {}
func (Left) event()          {}
func (TaskUndone) event()    {}
func (Answered) event()      {}
func (Marked) event()        {}
func (Spoiled) event()       {}
func (Mended) event()        {}
func (Mishap) event()        {}
func (WentBack) event()      {}
func (ReadTo) event()        {}
func (QuizMarked) event()    {}
