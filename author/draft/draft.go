// Package draft reads labs and lessons as their authors see them: with the
// text of each lesson, where everything stands, and what the loaders refuse as
// problems rather than as an error. It does not judge, run or show anything.
package draft

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"underlay/course"
	"underlay/course/format"
	"underlay/course/lesson"
)

// Draft is what an author works on: content folders, or what the program
// brings along.
type Draft struct {
	*course.Course // its Book is nil if Unread
	Lessons        []Lesson

	// Problems are what the loaders refuse. A lab that has one is not in Labs;
	// if a lesson has one, Unread is set and no lesson is there.
	Problems format.Problems
	Unread   bool
}

// Lesson is a lesson with its text.
type Lesson struct {
	*lesson.Lesson
	Shown string // its file, as a reader is shown it
	Path  string // its file on disk; "" for one that the program brings along
	Text  string
	Files fs.FS // the folder that Lesson.File is below
}

// Read reads the content folders, or what the program brings along if there are
// none. It fails only for folders that cannot be read at all.
func Read(dirs []string) (*Draft, error) {
	d := &Draft{}
	var err error
	if len(dirs) == 0 {
		d.Course, err = course.Open(0)
	} else {
		d.Course, d.Problems, err = course.OpenDirs(dirs...)
	}
	if err != nil {
		return nil, err
	}
	if d.Unread = d.Book == nil; d.Unread {
		return d, nil
	}
	all, err := d.Book.All()
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		if err := d.addLesson(l); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Draft) addLesson(l *lesson.Lesson) error {
	from := d.Source(l.ID)
	text, err := fs.ReadFile(from.Files, l.File)
	if err != nil {
		return fmt.Errorf("read lesson: %w", err)
	}
	out := Lesson{Lesson: l, Shown: filepath.Join("lessons", l.File), Text: string(text), Files: from.Files}
	if from.Dir != "" {
		out.Path = filepath.Join(from.Dir, l.File)
		out.Shown = out.Path
	}
	d.Lessons = append(d.Lessons, out)
	return nil
}

// Lesson returns the lesson with this id, or nil.
func (d *Draft) Lesson(id string) *Lesson {
	i := slices.IndexFunc(d.Lessons, func(l Lesson) bool { return l.ID == id })
	if i < 0 {
		return nil
	}
	return &d.Lessons[i]
}

// anywhere says whether something holds of the draft's lessons, or of those beyond it.
func (d *Draft) anywhere(holds func(*lesson.Book) bool) bool {
	for c := d.Course; c != nil; c = c.Beyond {
		if c.Book != nil && holds(c.Book) {
			return true
		}
	}
	return false
}

// HasLesson says whether there is a lesson of that id, in the draft or beyond it.
func (d *Draft) HasLesson(id string) bool {
	return d.anywhere(func(b *lesson.Book) bool { return b.Info(id) != nil })
}

// HasLessonFor says whether there is a lesson for that lab, in the draft or beyond it.
func (d *Draft) HasLessonFor(lab string) bool {
	return d.anywhere(func(b *lesson.Book) bool { return b.ForLab(lab) != nil })
}

// HasModule says whether there is a module of that id, in the draft or beyond it.
func (d *Draft) HasModule(id string) bool {
	return d.anywhere(func(b *lesson.Book) bool {
		return slices.ContainsFunc(b.Modules(), func(m lesson.Module) bool { return m.ID == id })
	})
}
