// Package marks is what the learner has done, as the screens show it. It is a
// picture in memory, kept up with the same events that are stored; it does not
// know where they are stored.
package marks

import (
	"maps"

	"underlay/attempt"
	"underlay/engine"
)

// Lesson is how far a lesson was read.
type Lesson struct {
	Block int  // at the top of the screen when it was left
	Begun bool // it was opened
	Read  bool // its end was seen
}

// Lab is how far a lab was solved.
type Lab struct {
	Begun  bool
	Tasks  map[string]bool // ids of those that have ever been done; never changed in place
	Solved bool
}

// Done is how many tasks of the lab have ever been done.
func (l Lab) Done(lab *engine.LabInfo) int {
	return attempt.TasksDone(lab, len(l.Tasks))
}

// Position is where the learner was last: a lesson or a lab.
type Position struct{ Lesson, Lab string }

// At is the place of a lab. One with a fault in it is at the place of the lab as
// its author wrote it.
func At(lab string) Position {
	id, _ := engine.SplitID(lab)
	return Position{Lab: id}
}

// Marks is all of it.
type Marks struct {
	Lessons map[string]Lesson
	Labs    map[string]Lab  // those with a fault in them, too, each by its own id
	Quizzes map[string]bool // answered rightly
	Last    Position
}

// New returns empty marks.
func New() Marks {
	return Marks{Lessons: map[string]Lesson{}, Labs: map[string]Lab{}, Quizzes: map[string]bool{}}
}

// First reports whether nothing has been done yet.
func (m *Marks) First() bool { return len(m.Lessons) == 0 && len(m.Labs) == 0 }

// Repaired counts the faults of a lab that have been repaired.
func (m *Marks) Repaired(lab *engine.LabInfo) int {
	return attempt.Repaired(lab, func(id string) bool { return m.Labs[id].Solved })
}

// Clone returns a copy that shares nothing.
func (m *Marks) Clone() Marks {
	return Marks{maps.Clone(m.Lessons), maps.Clone(m.Labs), maps.Clone(m.Quizzes), m.Last}
}

// Apply takes in an event: an attempt.ReadTo, QuizMarked, Began, TaskDone or Solved.
// Others change nothing that is shown.
func (m *Marks) Apply(event attempt.Event) {
	switch e := event.(type) {
	case attempt.ReadTo:
		l := m.Lessons[e.Lesson]
		l.Begun, l.Block, l.Read = true, e.Block, l.Read || e.Done
		m.Lessons[e.Lesson], m.Last = l, Position{Lesson: e.Lesson}
	case attempt.QuizMarked:
		m.Quizzes[e.Quiz] = m.Quizzes[e.Quiz] || e.Right
	case attempt.Began:
		l := m.Labs[e.Lab]
		l.Begun = true
		m.Labs[e.Lab], m.Last = l, At(e.Lab)
	case attempt.TaskDone:
		l := m.Labs[e.Lab]
		tasks := maps.Clone(l.Tasks)
		if tasks == nil {
			tasks = map[string]bool{}
		}
		tasks[e.Task] = true
		l.Begun, l.Tasks = true, tasks
		m.Labs[e.Lab] = l
	case attempt.Solved:
		l := m.Labs[e.Lab]
		l.Begun, l.Solved = true, true
		m.Labs[e.Lab] = l
	}
}
