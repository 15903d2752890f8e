package course

import (
	"cmp"
	"strings"

	"underlay/engine"
)

// Names tells which ids the things of a course have now, given those that they ever had.
// It is what progress.Names asks for. It may be used from any goroutine.
type Names struct {
	course        *Course
	labs, lessons map[string]string // by the ids that they had
	infos         map[string]*engine.LabInfo
}

// Names are those of what is in the course, but not beyond it. What lists say is all that
// it takes for labs, their tasks and faults, and for lessons. A lesson is read for the
// names of its quizzes and predictions when the first of them is asked about.
func (c *Course) Names() *Names {
	n := &Names{course: c, infos: map[string]*engine.LabInfo{}}
	for _, info := range c.Labs.Infos() {
		n.labs = engine.Renamed(n.labs, info.ID, info.Formerly)
		n.infos[info.ID] = info
	}
	for _, info := range c.Book.Lessons() {
		n.lessons = engine.Renamed(n.lessons, info.ID, info.Formerly)
	}
	return n
}

// now is the id that something has, given one that it has or had.
func now(olds map[string]string, id string) string { return cmp.Or(olds[id], id) }

// Lab returns the id of a lab, or of one with a fault in it.
func (n *Names) Lab(id string) string {
	lab, fault := engine.SplitID(id)
	if fault == "" {
		return now(n.labs, id)
	}
	lab = now(n.labs, lab)
	if info := n.infos[lab]; info != nil {
		fault = now(info.OldFaults, fault)
	}
	return engine.FaultedID(lab, fault)
}

// Task returns the id of a task. Those of a lab with a fault in it are the program's own.
func (n *Names) Task(lab, id string) string {
	if info := n.infos[lab]; info != nil {
		return now(info.OldTasks, id)
	}
	return id
}

// Lesson returns the id of a lesson.
func (n *Names) Lesson(id string) string { return now(n.lessons, id) }

// Quiz returns the id of a quiz or prediction.
func (n *Names) Quiz(id string) string {
	lesson, name, ok := strings.Cut(id, "/")
	if !ok {
		return id
	}
	lesson = n.Lesson(lesson)
	renames := n.course.Book.Renames(lesson)
	if prediction, ok := strings.CutPrefix(name, predicts); ok {
		return lesson + "/" + predicts + now(renames.Predictions, prediction)
	}
	return lesson + "/" + now(renames.Quizzes, name)
}
