// Package draft reads labs and lessons as their authors see them: with the
// text of each lesson, where everything stands, and what the loaders refuse as
// problems rather than as an error. It does not judge, run or show anything.
package draft

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"underlay/course"
	"underlay/course/format"
	"underlay/course/lesson"
	"underlay/engine"
)

// Draft is what an author works on: content folders, or what the program
// brings along.
type Draft struct {
	Labs    *format.Catalogue
	Lessons []Lesson
	Book    *lesson.Book // nil if Unread

	// Problems are what the loaders refuse. A lab that has one is not in Labs;
	// if a lesson has one, Unread is set and no lesson is there.
	Problems []Problem
	Unread   bool

	// Beyond is what the program brings along, for those who look an id up that
	// the content folders do not have. It is nil if that is the draft itself.
	Beyond *Draft
}

// Lesson is a lesson with its text.
type Lesson struct {
	*lesson.Lesson
	Shown string // its file, as a reader is shown it
	Path  string // its file on disk; "" for one that the program brings along
	Text  string
	Files fs.FS // the folder that Lesson.File is below
}

// Problem is something wrong with a file. Line and Col count from 1; both are 0
// when it is with the file as a whole.
type Problem struct {
	File      string
	Line, Col int
	What      string
}

// String returns "file:line:col: what", or "file: what" without a position.
func (p Problem) String() string { return format.Problem(p).String() }

// Read reads the content folders, or what the program brings along if there are
// none. It fails only for folders that cannot be read at all.
func Read(dirs []string) (*Draft, error) {
	c := &Draft{}
	if len(dirs) == 0 {
		return c, c.readBuiltin()
	}
	var err error
	if c.Labs, err = format.OpenDirs(0, dirs...); c.took(err) != nil {
		return nil, err
	}
	var books []*lesson.Book
	sources := map[*lesson.Lesson]string{}
	for _, dir := range dirs {
		sub := filepath.Join(dir, "lessons")
		if _, err := os.Stat(sub); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		book, err := lesson.Load(os.DirFS(sub))
		if err != nil {
			c.refuse(sub, err)
			continue
		}
		for _, l := range book.Lessons() {
			sources[l] = sub
		}
		books = append(books, book)
	}
	c.Beyond = &Draft{}
	if err := c.Beyond.readBuiltin(); err != nil || c.Unread {
		return c, err
	}
	book, err := lesson.Merge(books...)
	if err != nil {
		c.refuse("", err)
		return c, nil
	}
	c.Book = book
	course.Arrange(c.Labs, book)
	for _, l := range book.Lessons() {
		if err := c.addLesson(l, os.DirFS(sources[l]), sources[l], filepath.Join(sources[l], l.File)); err != nil {
			return nil, err
		}
		if _, err := c.Predictions(l); err != nil {
			c.refusePredictions(sources[l], err)
		}
	}
	return c, nil
}

func (c *Draft) readBuiltin() error {
	var err error
	if c.Labs, err = format.Builtin(); err != nil {
		return err
	}
	book, err := lesson.Builtin()
	if err != nil {
		return err
	}
	c.Book = book
	course.Arrange(c.Labs, book)
	for _, l := range book.Lessons() {
		if err := c.addLesson(l, lesson.Files(), "lessons", ""); err != nil {
			return err
		}
	}
	return nil
}

func (c *Draft) addLesson(l *lesson.Lesson, files fs.FS, shown, onDisk string) error {
	text, err := fs.ReadFile(files, l.File)
	if err != nil {
		return fmt.Errorf("read lesson: %w", err)
	}
	c.Lessons = append(c.Lessons, Lesson{Lesson: l, Shown: path.Join(shown, l.File), Path: onDisk, Text: string(text), Files: files})
	return nil
}

// took keeps a loader's problems with labs. Any other error it returns.
func (c *Draft) took(err error) error {
	var wrong format.Problems
	if err == nil || !errors.As(err, &wrong) {
		return err
	}
	for _, p := range wrong {
		c.Problems = append(c.Problems, Problem(p))
	}
	return nil
}

// Predictions returns those of a lesson, made with its lab.
func (c *Draft) Predictions(l *lesson.Lesson) ([]*engine.Prediction, error) {
	lab, err := c.Find(l.Lab)
	if err != nil {
		lab = nil // the error of a prediction without a lab has its place in the file
	}
	return course.Predictions(l, lab)
}

// refusePredictions keeps what is wrong with those of a lesson in a folder.
func (c *Draft) refusePredictions(dir string, err error) {
	var wrong format.Problems
	if !errors.As(err, &wrong) {
		wrong = format.Problems{{File: "", What: err.Error()}}
	}
	for _, p := range wrong {
		p.File = filepath.Join(dir, p.File)
		c.Problems = append(c.Problems, Problem(p))
	}
}

// refuse keeps what is wrong with the lessons in a folder.
func (c *Draft) refuse(dir string, err error) {
	c.Unread = true
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, e := range many.Unwrap() {
			c.refuse(dir, e)
		}
		return
	}
	p := Problem{File: filepath.Join(dir, "lessons"), What: err.Error()}
	var e *lesson.Error
	if errors.As(err, &e) {
		p = Problem{File: filepath.Join(dir, e.File), Line: e.Line, Col: e.Col, What: e.Msg}
	}
	if !slices.Contains(c.Problems, p) {
		c.Problems = append(c.Problems, p)
	}
}

// Lesson returns the lesson with this id, or nil.
func (c *Draft) Lesson(id string) *Lesson {
	i := slices.IndexFunc(c.Lessons, func(l Lesson) bool { return l.ID == id })
	if i < 0 {
		return nil
	}
	return &c.Lessons[i]
}

// Find returns the lab of that id, in the draft or beyond it. Its error is that
// of format.Catalogue.Lab.
func (c *Draft) Find(id string) (*engine.Lab, error) {
	lab, err := c.Labs.Lab(id)
	if err != nil && c.Beyond != nil {
		return c.Beyond.Find(id)
	}
	return lab, err
}

// AllLabs returns the draft's labs, and those beyond it whose ids it does not
// have.
func (c *Draft) AllLabs() []*engine.Lab {
	out := c.Labs.All()
	if c.Beyond != nil {
		for _, lab := range c.Beyond.Labs.All() {
			if _, err := c.Labs.Lab(lab.ID); err != nil {
				out = append(out, lab)
			}
		}
	}
	return out
}

// HasLab says whether there is a lab of that id, in the draft or beyond it.
func (c *Draft) HasLab(id string) bool {
	_, err := c.Find(id)
	return err == nil
}

// HasLesson says whether there is a lesson of that id, in the draft or beyond it.
func (c *Draft) HasLesson(id string) bool {
	return c.Lesson(id) != nil || c.Beyond != nil && c.Beyond.HasLesson(id)
}

// HasModule says whether there is a module of that id, in the draft or beyond it.
func (c *Draft) HasModule(id string) bool {
	return c.Book != nil && slices.ContainsFunc(c.Book.Modules(), func(m lesson.Module) bool { return m.ID == id }) ||
		c.Beyond != nil && c.Beyond.HasModule(id)
}
