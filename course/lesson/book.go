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

	"underlay/course/ids"
	"underlay/lessons"
)

// Book is a set of modules with their lessons. It does not change once loaded.
type Book struct {
	modules []Module
	lessons map[string]entry
}

// entry is a lesson: what lists say of it, and the whole of it, which is read when it is
// first asked for.
type entry struct {
	info    *Info
	whole   func() (*Lesson, error)
	renames func() Renames
}

// Builtin returns the lessons that come with the program.
func Builtin() (*Book, error) { return Skim(lessons.Files) }

// Load reads a folder of modules; one called testdata is passed over, as Go's
// own tools do. On failure the error joins every *Error that
// was found, in file order, and no Book is returned.
func Load(fsys fs.FS) (*Book, error) { return read(fsys, loadModule) }

// Skim is Load of a folder that is trusted to be right: of a lesson only what lists say of
// it is read, and the rest when it is asked for.
func Skim(fsys fs.FS) (*Book, error) { return read(fsys, skimModule) }

// read reads the modules of a folder.
func read(fsys fs.FS, readModule func(fsys fs.FS, dir string) (Module, []entry, error)) (*Book, error) {
	folders, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("read the lessons folder: %w", err)
	}
	var modules []Module
	var lessons []entry
	var errs []error
	for _, e := range folders {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || e.Name() == "testdata" {
			continue
		}
		m, more, err := readModule(fsys, e.Name())
		errs = append(errs, err)
		modules, lessons = append(modules, m), append(lessons, more...)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newBook(modules, lessons)
}

// Merge puts books together. A module that is in several of them keeps the
// first one's title and gets the lessons of all; a lesson id may be used once.
func Merge(books ...*Book) (*Book, error) {
	var modules []Module
	var lessons []entry
	for _, b := range books {
		for _, m := range b.modules {
			for _, l := range m.Lessons {
				lessons = append(lessons, b.lessons[l.ID])
			}
			i := slices.IndexFunc(modules, func(o Module) bool { return o.ID == m.ID })
			if i < 0 {
				m.Lessons = slices.Clone(m.Lessons)
				modules = append(modules, m)
				continue
			}
			modules[i].Lessons = append(modules[i].Lessons, m.Lessons...)
		}
	}
	return newBook(modules, lessons)
}

// newBook sorts the modules and makes sure that no id is used twice, nor one again that a
// lesson had.
func newBook(modules []Module, lessons []entry) (*Book, error) {
	b := &Book{modules: modules, lessons: map[string]entry{}}
	slices.SortStableFunc(b.modules, func(x, y Module) int { return cmp.Compare(x.Order, y.Order) })
	for _, e := range lessons {
		if _, taken := b.lessons[e.info.ID]; !taken {
			b.lessons[e.info.ID] = e
		}
	}
	first := map[string]string{}
	var used ids.Used
	var errs []error
	for _, l := range b.Lessons() {
		wrong, wrongs := used.Add(l.File, l.ID, l.Formerly)
		if wrong != "" {
			errs = append(errs, &Error{l.File, 1, 1, "lesson " + wrong})
		}
		for _, what := range wrongs {
			if what != "" {
				errs = append(errs, &Error{l.File, 1, 1, what})
			}
		}
		if file, taken := first[l.ID]; taken {
			errs = append(errs, &Error{l.File, 1, 1, fmt.Sprintf("lesson id %q is taken by %s; give each lesson its own", l.ID, file)})
			continue
		}
		first[l.ID] = l.File
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b, nil
}

// Modules returns the modules in order. The lessons in them are shared: read only.
func (b *Book) Modules() []Module { return slices.Clone(b.modules) }

// Lessons returns what lists say of all lessons, in reading order.
func (b *Book) Lessons() []*Info {
	var out []*Info
	for _, m := range b.modules {
		out = append(out, m.Lessons...)
	}
	return out
}

// Info returns what lists say of the lesson with this id, or nil.
func (b *Book) Info(id string) *Info { return b.lessons[id].info }

// Lesson returns the lesson with this id, or nil if there is none. The error joins what is
// wrong with it, as that of Load does.
func (b *Book) Lesson(id string) (*Lesson, error) {
	e, ok := b.lessons[id]
	if !ok {
		return nil, nil
	}
	return e.whole()
}

// Renames says what had other ids once in a lesson; nothing if there is no such lesson.
func (b *Book) Renames(id string) Renames {
	e, ok := b.lessons[id]
	if !ok {
		return Renames{}
	}
	return e.renames()
}

// All reads every lesson, in reading order.
func (b *Book) All() ([]*Lesson, error) {
	var out []*Lesson
	for _, info := range b.Lessons() {
		l, err := b.Lesson(info.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// ForLab returns the first lesson that goes with this lab, or nil.
func (b *Book) ForLab(labID string) *Info {
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

// AfterLab returns the lesson that follows those that go with this lab, or nil.
func (b *Book) AfterLab(labID string) *Info {
	seen := false
	for _, l := range b.Lessons() {
		if seen && l.Lab != labID {
			return l
		}
		seen = seen || l.Lab == labID
	}
	return nil
}

// idRE is what ids of modules, lessons, labs and quizzes look like.
var idRE = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`) })

const (
	idWant       = "lower-case words joined by hyphens, such as egress-nat"
	formerlyWant = "a list of its former ids: " + idWant
)

// loadModule reads one folder. The module is usable only if err is nil.
func loadModule(fsys fs.FS, dir string) (m Module, lessons []entry, err error) {
	m, err = readModule(fsys, dir)
	errs := []error{err}
	files, err := lessonFiles(fsys, dir)
	errs = append(errs, err)
	for _, file := range files {
		l, err := readLesson(fsys, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if i := slices.IndexFunc(m.Lessons, func(o *Info) bool { return o.Number == l.Number }); i >= 0 {
			errs = append(errs, &Error{l.File, 1, 1, fmt.Sprintf("number %d is taken by %s; number the lessons of a module 1, 2, 3 …", l.Number, m.Lessons[i].File)})
		}
		m.Lessons = append(m.Lessons, &l.Info)
		lessons = append(lessons, entry{&l.Info, func() (*Lesson, error) { return l, nil }, renamesIn(fsys, file)})
	}
	slices.SortFunc(m.Lessons, byNumber)
	return m, lessons, errors.Join(errs...)
}

func byNumber(x, y *Info) int { return cmp.Compare(x.Number, y.Number) }

// lessonFiles returns the lessons in a module's folder, as paths.
func lessonFiles(fsys fs.FS, dir string) (files []string, err error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", dir, err)
	}
	for _, e := range entries {
		if !e.IsDir() && path.Ext(e.Name()) == ".md" {
			files = append(files, path.Join(dir, e.Name()))
		}
	}
	return files, nil
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

// named reads what a lesson's file is called: MODULE/NUMBER-ID.md.
func named(file string) (*Info, error) {
	part := nameRE().FindStringSubmatch(path.Base(file))
	if part == nil {
		return nil, &Error{file, 1, 1, "the file name must be NUMBER-ID.md, such as 1-docker0.md"}
	}
	number, err := strconv.Atoi(part[1])
	return &Info{ID: part[2], Number: number, Module: path.Dir(file), File: file}, err
}

func readLesson(fsys fs.FS, file string) (*Lesson, error) {
	name, err := named(file)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read lesson: %w", err)
	}
	l, err := parseLesson(file, data, name.ID)
	if err != nil {
		return nil, err
	}
	l.Number, l.Module = name.Number, name.Module
	return l, nil
}
