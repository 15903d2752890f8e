package lesson

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"underlay/lessons"
)

// Book is a set of modules with their lessons. It does not change once loaded.
type Book struct {
	modules []Module
	lessons map[string]*Lesson
	quizzes map[string]*Quiz
}

// Builtin returns the lessons that come with the program.
func Builtin() (*Book, error) { return Load(lessons.Files) }

// Files are the lessons that come with the program, as they are written.
func Files() fs.FS { return lessons.Files }

// Load reads a folder of modules; one called testdata is passed over, as Go's
// own tools do. On failure the error joins every *Error that
// was found, in file order, and no Book is returned.
func Load(fsys fs.FS) (*Book, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("read the lessons folder: %w", err)
	}
	var modules []Module
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" {
			continue
		}
		m, err := loadModule(fsys, e.Name())
		errs = append(errs, err)
		modules = append(modules, m)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newBook(modules)
}

// Merge puts books together. A module that is in several of them keeps the
// first one's title and gets the lessons of all; a lesson id may be used once.
func Merge(books ...*Book) (*Book, error) {
	var modules []Module
	for _, b := range books {
		for _, m := range b.modules {
			i := slices.IndexFunc(modules, func(o Module) bool { return o.ID == m.ID })
			if i < 0 {
				m.Lessons = slices.Clone(m.Lessons)
				modules = append(modules, m)
				continue
			}
			modules[i].Lessons = append(modules[i].Lessons, m.Lessons...)
		}
	}
	return newBook(modules)
}

// newBook sorts the modules and makes sure that no id is used twice.
func newBook(modules []Module) (*Book, error) {
	b := &Book{modules: modules, lessons: map[string]*Lesson{}, quizzes: map[string]*Quiz{}}
	slices.SortStableFunc(b.modules, func(x, y Module) int { return cmp.Compare(x.Order, y.Order) })
	var errs []error
	for _, m := range b.modules {
		for _, l := range m.Lessons {
			if first := b.lessons[l.ID]; first != nil {
				errs = append(errs, &Error{l.File, 1, 1, fmt.Sprintf("lesson id %q is taken by %s; give each lesson its own", l.ID, first.File)})
				continue
			}
			b.lessons[l.ID] = l
			for _, q := range l.Quizzes() {
				b.quizzes[q.ID] = q
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b, nil
}

// Modules returns the modules in order. The lessons in them are shared: read only.
func (b *Book) Modules() []Module { return slices.Clone(b.modules) }

// Lessons returns all lessons in reading order.
func (b *Book) Lessons() []*Lesson {
	var out []*Lesson
	for _, m := range b.modules {
		out = append(out, m.Lessons...)
	}
	return out
}

// Lesson returns the lesson with this id, or nil.
func (b *Book) Lesson(id string) *Lesson { return b.lessons[id] }

// Quiz returns the quiz with this id, or nil.
func (b *Book) Quiz(id string) *Quiz { return b.quizzes[id] }

// ForLab returns the first lesson that goes with this lab, or nil.
func (b *Book) ForLab(labID string) *Lesson {
	if labID == "" {
		return nil
	}
	for _, l := range b.Lessons() {
		if l.Lab == labID {
			return l
		}
	}
	return nil
}

// idRE is what ids of modules, lessons, labs and quizzes look like.
var idRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`) })

const idWant = "lower-case words joined by hyphens, such as egress-nat"

// loadModule reads one folder. The module is usable only if err is nil.
func loadModule(fsys fs.FS, dir string) (Module, error) {
	m, err := readModule(fsys, dir)
	errs := []error{err}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return m, errors.Join(append(errs, fmt.Errorf("read module %s: %w", dir, err))...)
	}
	for _, e := range entries {
		if e.IsDir() || path.Ext(e.Name()) != ".md" {
			continue
		}
		l, err := readLesson(fsys, path.Join(dir, e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		l.Module = dir
		if i := slices.IndexFunc(m.Lessons, func(o *Lesson) bool { return o.Number == l.Number }); i >= 0 {
			errs = append(errs, &Error{l.File, 1, 1, fmt.Sprintf("number %d is taken by %s; number the lessons of a module 1, 2, 3 …", l.Number, m.Lessons[i].File)})
		}
		m.Lessons = append(m.Lessons, l)
	}
	slices.SortFunc(m.Lessons, func(x, y *Lesson) int { return cmp.Compare(x.Number, y.Number) })
	return m, errors.Join(errs...)
}

func readModule(fsys fs.FS, dir string) (Module, error) {
	file := path.Join(dir, "module.yaml")
	data, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return Module{}, &Error{file, 1, 1, "there is no such file; each module folder needs a module.yaml with id, title, order and summary"}
	}
	if err != nil {
		return Module{}, fmt.Errorf("read module: %w", err)
	}
	var m Module
	y := parseYAML(file, 1, normalise(data), "a module", []field{
		{"id", "the folder's name, " + strconv.Quote(dir), true, &m.ID},
		{"title", "a few words", true, &m.Title},
		{"order", "a whole number from 1", true, &m.Order},
		{"summary", "a sentence", true, &m.Summary},
	})
	if m.ID != dir {
		y.fail("id", "is %q", m.ID)
	}
	if m.Order < 1 {
		y.fail("order", "is %d", m.Order)
	}
	return m, y.err()
}

// nameRE splits a lesson's file name into its number and its id.
var nameRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([1-9][0-9]{0,2})-(.+)\.md$`) })

func readLesson(fsys fs.FS, file string) (*Lesson, error) {
	part := nameRE().FindStringSubmatch(path.Base(file))
	if part == nil {
		return nil, &Error{file, 1, 1, "the file name must be NUMBER-ID.md, such as 1-docker0.md"}
	}
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	l, err := parseLesson(file, data, part[2])
	if err != nil {
		return nil, err
	}
	l.Number, err = strconv.Atoi(part[1])
	return l, err
}
