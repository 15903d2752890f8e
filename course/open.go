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
	"underlay/labs"
	"underlay/lessons"
)

// Course is what there is to learn: built in, and from content folders. It does not
// change once opened, so it may be used from any goroutine.
type Course struct {
	Labs *format.Catalogue // in the order of the modules
	Book *lesson.Book
	Seed int64 // the labs' parameters were drawn with

	// Beyond is asked for labs and lessons that are not here: what the program brings
	// along, for a course of content folders alone. It is nil for any other.
	Beyond *Course

	sources map[string]Source // of lessons, by id
}

// Source is where a lesson is written.
type Source struct {
	Files fs.FS  // the folder that the lesson's File is below
	Dir   string // where that is on disk; "" for what the program brings along
}

// Content is what can be built in: labs as MODULE/ID/lab.yaml, lessons as
// MODULE/NUMBER-ID.md. It is trusted to be right.
type Content struct{ Labs, Lessons fs.FS }

// Builtin is what the program brings along.
func Builtin() Content { return Content{labs.Files, lessons.Files} }

// Open is Content.Open of what the program brings along.
func Open(seed int64, dirs ...string) (*Course, error) { return Builtin().Open(seed, dirs...) }

// Open reads what lists say of built-in labs and lessons, which are read themselves when
// they are opened, and all of what the content folders hold, with the labs drawn by the
// seed. The error is about a folder: one that cannot be read, or a format.Problems or
// *lesson.Error with everything that is wrong in it.
//
// Labs and lessons are read side by side: the first frame waits for both. Predictions of
// content folders are made, to refuse what is wrong at once; tests do so
// for those that are built in.
func (b Content) Open(seed int64, dirs ...string) (*Course, error) {
	c := &Course{Seed: seed, sources: map[string]Source{}}
	var built *lesson.Book
	var added []shelf
	var g errgroup.Group
	g.Go(func() (err error) {
		c.Labs, err = format.Open(b.Labs, seed, dirs...)
		return err
	})
	g.Go(func() (err error) {
		added = shelves(dirs)
		built, err = lesson.Skim(b.Lessons)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	books := []*lesson.Book{built}
	for _, s := range added {
		if s.err != nil {
			return nil, fmt.Errorf("%s: %w", s.Dir, s.err)
		}
		books = append(books, s.book)
	}
	if err := c.merge(books); err != nil {
		return nil, err
	}
	c.from(shelf{Source{Files: b.Lessons}, built, nil})
	for _, s := range added {
		c.from(s)
	}
	if wrong := c.wrongPredictions(added); len(wrong) > 0 {
		return nil, wrong
	}
	return c, nil
}

// OpenDirs reads what the content folders hold, with seed 0, and what is built in as what
// is Beyond. Wrong is everything that is wrong in the folders: a lab that has a problem is
// not in Labs, and if a lesson has one, Book is nil. The error is about a folder that cannot
// be read at all.
func OpenDirs(dirs ...string) (c *Course, wrong format.Problems, err error) {
	c = &Course{sources: map[string]Source{}}
	if c.Labs, err = format.OpenDirs(0, dirs...); err != nil && !errors.As(err, &wrong) {
		return nil, nil, err
	}
	if c.Beyond, err = Open(0); err != nil {
		return nil, nil, err
	}
	var books []*lesson.Book
	var broken format.Problems
	added := shelves(dirs)
	for _, s := range added {
		if s.err != nil {
			broken = append(broken, problemsOf(s.Dir, s.err)...)
			continue
		}
		books = append(books, s.book)
	}
	if len(broken) > 0 {
		return c, append(wrong, broken...), nil
	}
	if err := c.merge(books); err != nil {
		return c, append(wrong, problemsOf("", err)...), nil
	}
	for _, s := range added {
		c.from(s)
	}
	return c, append(wrong, c.wrongPredictions(added)...), nil
}

// merge makes one book, and puts the labs in the order of its modules.
func (c *Course) merge(books []*lesson.Book) (err error) {
	if c.Book, err = lesson.Merge(books...); err != nil {
		return err
	}
	var order []string
	for _, m := range c.Book.Modules() {
		order = append(order, m.ID)
	}
	c.Labs.Arrange(order)
	return nil
}

// shelf is a folder of lessons, and what is in it or what is wrong with that.
type shelf struct {
	Source
	book *lesson.Book
	err  error
}

// shelves reads the lessons of the content folders that have some.
func shelves(dirs []string) (out []shelf) {
	for _, dir := range dirs {
		sub := filepath.Join(dir, "lessons")
		if _, err := os.Stat(sub); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s := shelf{Source: Source{os.DirFS(sub), sub}}
		s.book, s.err = lesson.Load(s.Files)
		out = append(out, s)
	}
	return out
}

// from remembers where the lessons of a shelf are written.
func (c *Course) from(s shelf) {
	for _, l := range s.book.Lessons() {
		c.sources[l.ID] = s.Source
	}
}

// Source says where a lesson of the course is written.
func (c *Course) Source(lesson string) Source { return c.sources[lesson] }

// Predictions are those of a lesson. They are made when the lesson is opened.
func (c *Course) Predictions(l *lesson.Lesson) ([]*engine.Prediction, error) {
	lab, err := c.Lab(l.Lab)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return nil, err
	}
	return Predictions(l, lab) // the error of a prediction without a lab has its place in the file
}

// Lab returns the lab of that id, here or beyond. Its errors are those of
// format.Catalogue.Lab.
func (c *Course) Lab(id string) (*engine.Lab, error) {
	lab, err := c.Labs.Lab(id)
	if c.Beyond != nil && errors.Is(err, engine.ErrNotFound) {
		return c.Beyond.Lab(id)
	}
	return lab, err
}

// Infos returns what lists say of the labs, and of those beyond whose ids are not here.
func (c *Course) Infos() []*engine.LabInfo {
	out := c.Labs.Infos()
	if c.Beyond != nil {
		for _, info := range c.Beyond.Labs.Infos() {
			if !c.Labs.Has(info.ID) {
				out = append(out, info)
			}
		}
	}
	return out
}

// HasLab says whether there is a lab of that id, here or beyond.
func (c *Course) HasLab(id string) bool {
	return c.Labs.Has(id) || c.Beyond != nil && c.Beyond.HasLab(id)
}

// Variant returns the lab of that id as it is written, or broken by a fault if that is not "".
func (c *Course) Variant(id, fault string) (*engine.Lab, error) {
	if fault == "" {
		return c.Lab(id)
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

// wrongPredictions makes all predictions of content folders and says what is wrong with
// them.
func (c *Course) wrongPredictions(added []shelf) (wrong format.Problems) {
	for _, s := range added {
		for _, info := range s.book.Lessons() {
			l, err := s.book.Lesson(info.ID)
			if err == nil {
				_, err = c.Predictions(l)
			}
			wrong = append(wrong, problemsOf(s.Dir, err)...)
		}
	}
	return wrong
}

// problemsOf is what an error says of files below a folder.
func problemsOf(dir string, err error) (out format.Problems) {
	var many interface{ Unwrap() []error }
	var problems format.Problems
	var one *lesson.Error
	switch {
	case err == nil:
	case errors.As(err, &problems):
		for _, p := range problems {
			p.File = filepath.Join(dir, p.File)
			out = append(out, p)
		}
	case errors.As(err, &many):
		for _, e := range many.Unwrap() {
			out = append(out, problemsOf(dir, e)...)
		}
	case errors.As(err, &one):
		return format.Problems{{File: filepath.Join(dir, one.File), Line: one.Line, Col: one.Col, What: one.Msg}}
	default:
		return format.Problems{{File: filepath.Join(dir, "lessons"), What: err.Error()}}
	}
	return out
}
