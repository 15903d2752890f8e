package course

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"underlay/course/format"
	"underlay/course/lesson"
	"underlay/engine"
)

// Course is what there is to learn: built in, and from content folders. It does not
// change once opened, so it may be used from any goroutine.
type Course struct {
	Labs *format.Catalogue // in the order of the modules
	Book *lesson.Book
	Seed int64 // the labs' parameters were drawn with
}

// Open reads what is built in and what the content folders hold, with the labs drawn
// by the seed. The error is about a folder: one that cannot be read, or a
// format.Problems or *lesson.Error with everything that is wrong in it.
//
// Labs and lessons are read side by side: the first frame waits for both. Predictions of
// content folders are made, to refuse what is wrong at once; tests do so for those
// that are built in.
func Open(seed int64, dirs ...string) (*Course, error) {
	c := &Course{Seed: seed}
	var added []addedBook
	var g errgroup.Group
	g.Go(func() (err error) {
		c.Labs, err = format.Open(seed, dirs...)
		return err
	})
	g.Go(func() (err error) {
		c.Book, added, err = readBook(dirs)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	Arrange(c.Labs, c.Book)
	for _, a := range added {
		if err := c.checkPredictions(a); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Arrange puts labs in the order that the lessons' modules have.
func Arrange(labs *format.Catalogue, book *lesson.Book) {
	var order []string
	for _, m := range book.Modules() {
		order = append(order, m.ID)
	}
	labs.Arrange(order)
}

// addedBook is the lessons of one content folder.
type addedBook struct {
	dir  string
	book *lesson.Book
}

// readBook reads the built-in lessons and those of content folders.
func readBook(dirs []string) (*lesson.Book, []addedBook, error) {
	book, err := lesson.Builtin()
	if err != nil {
		return nil, nil, err
	}
	var added []addedBook
	for _, dir := range dirs {
		sub := filepath.Join(dir, "lessons")
		if _, err := os.Stat(sub); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		more, err := lesson.Load(os.DirFS(sub))
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", sub, err)
		}
		if book, err = lesson.Merge(book, more); err != nil {
			return nil, nil, err
		}
		added = append(added, addedBook{sub, more})
	}
	return book, added, nil
}

// Predictions are those of a lesson. They are made when the lesson is opened, so
// that the first frame does not wait for them.
func (c *Course) Predictions(l *lesson.Lesson) ([]*engine.Prediction, error) {
	lab, err := c.Labs.Lab(l.Lab)
	if err != nil {
		lab = nil // the error of a prediction without a lab has its place in the file
	}
	return Predictions(l, lab)
}

// Lab returns a lab by its id, broken by a fault if that is not "".
func (c *Course) Lab(id, fault string) (*engine.Lab, error) {
	if fault == "" {
		return c.Labs.Lab(id)
	}
	return c.Labs.Faulted(id, fault, c.Seed)
}

// Broken returns a lab with a fault in it. Unless the course was opened with a seed each
// random fault is drawn anew, and the lab's addresses with it.
func (c *Course) Broken(id, fault string) (*engine.Lab, error) {
	seed := c.Seed
	if seed == 0 && fault == engine.RandomFault {
		seed = engine.DrawSeed()
	}
	return c.Labs.Faulted(id, fault, seed)
}

// checkPredictions makes all predictions of a content folder.
func (c *Course) checkPredictions(a addedBook) error {
	var all format.Problems
	for _, l := range a.book.Lessons() {
		_, err := c.Predictions(l)
		var problems format.Problems
		errors.As(err, &problems)
		for _, p := range problems {
			p.File = filepath.Join(a.dir, p.File)
			all = append(all, p)
		}
	}
	if len(all) > 0 {
		return all
	}
	return nil
}
