package format

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml/token"

	"underlay/course/ids"
	"underlay/engine"
	"underlay/labs"
)

// Catalogue is a set of labs, each id once. It does not change once loaded and
// arranged, so it may be used from any goroutine.
type Catalogue struct {
	seed    int64
	entries []entry
	used    ids.Used // by labs, those included that are not in entries because they are wrong
}

// entry is a lab: what lists say of it, the whole of it, which is read when it is
// first asked for, and where to read it again with another seed.
type entry struct {
	info   *engine.LabInfo
	whole  func() (*engine.Lab, error)
	source source
}

// source is a lab's folder.
type source struct {
	fsys  fs.FS
	dir   string
	shown func(string) string // how to show a path of fsys to a reader
}

// file is the lab's file, as a reader is shown it.
func (s source) file() string { return s.shown(path.Join(s.dir, labFile)) }

// Builtin returns the labs that the program brings along, with seed 0.
func Builtin() (*Catalogue, error) { return Open(labs.Files, 0) }

// Open returns the labs of builtin, which is MODULE/ID/lab.yaml and is trusted to be right,
// and those of the given content folders, all drawn with the seed, by module id: the
// order of modules is the lessons' to know. Of a lab of builtin only what lists say of it is
// read; the rest when it is asked for. The folders are read whole: see Load for its errors;
// a folder that is not there is one too.
func Open(builtin fs.FS, seed int64, dirs ...string) (*Catalogue, error) {
	c := &Catalogue{seed: seed}
	return c.open(c.skim(builtin, func(p string) string { return path.Join("labs", p) }), dirs)
}

// OpenDirs returns the labs of the content folders alone. Its errors are those
// of Open.
func OpenDirs(seed int64, dirs ...string) (*Catalogue, error) {
	return (&Catalogue{seed: seed}).open(nil, dirs)
}

// open adds the labs of the folders.
func (c *Catalogue) open(problems Problems, dirs []string) (*Catalogue, error) {
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() {
			err = cmp.Or(err, fmt.Errorf("%s is not a directory", dir))
			return nil, engine.Hintf(fmt.Errorf("content: %w", err), "give a folder that holds labs/MODULE/NAME/lab.yaml or NAME/lab.yaml")
		}
		more := c.add(os.DirFS(dir), func(p string) string { return filepath.Join(dir, p) })
		problems = append(problems, more...)
	}
	c.Arrange(nil)
	return c, problems.err()
}

// Find returns the lab files of a file system, as paths: labs/MODULE/ID/lab.yaml, and
// the same without labs, without MODULE, or without both.
func Find(fsys fs.FS) (files []string, err error) {
	for _, pattern := range []string{"*/" + labFile, "*/*/" + labFile, "*/*/*/" + labFile} {
		found, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if dirs := strings.Split(path.Dir(file), "/"); len(dirs) < 3 || dirs[0] == "labs" {
				files = append(files, file)
			}
		}
	}
	return files, nil
}

// moduleFolder is the module in whose folder a lab's file is; "" if it is in none.
func moduleFolder(file string) string {
	dirs := strings.Split(strings.TrimPrefix(path.Dir(file), "labs/"), "/")
	if len(dirs) < 2 {
		return ""
	}
	return dirs[0]
}

// Load returns the labs of a file system that Find finds. Seed 0 draws the canonical labs. The error is a Problems when labs are wrong; the
// catalogue then still holds those that are right.
func Load(fsys fs.FS, seed int64) (*Catalogue, error) {
	c := &Catalogue{seed: seed}
	problems := c.add(fsys, func(p string) string { return p })
	c.Arrange(nil)
	return c, problems.err()
}

// add loads what is in fsys, and returns what is wrong with it.
func (c *Catalogue) add(fsys fs.FS, shown func(string) string) Problems {
	var problems Problems
	found, err := Find(fsys)
	if err != nil {
		problems = append(problems, Problem{File: shown("."), What: fmt.Sprintf("cannot be read: %v", err)})
	}
	for i, read := range loadAll(fsys, found, shown, c.seed) {
		file, src, lab, wrong := found[i], read.src, read.lab, slices.Concat(read.wrong, c.reused(&read))
		if folder := moduleFolder(file); folder != "" && lab.Module != "" && folder != lab.Module {
			wrong = append(wrong, Problem{File: shown(file), What: fmt.Sprintf("is in the folder of module %q, but says module: %s", folder, lab.Module)})
		}
		if other := c.entry(lab.ID); other != nil && lab.ID != "" {
			wrong = append(wrong, Problem{File: shown(file), What: fmt.Sprintf("lab id %q is taken by %s; each id names one lab",
				lab.ID, other.source.file())})
		}
		problems = append(problems, wrong...)
		if len(wrong) == 0 {
			c.entries = append(c.entries, entry{lab.Info(), func() (*engine.Lab, error) { return lab, nil }, src})
		}
	}
	return problems
}

// reused says which ids of a lab that was read are another's, or were.
func (c *Catalogue) reused(r *reading) (wrong Problems) {
	say := func(pointer *string, what string) {
		if what != "" {
			p := Problem{File: r.src.file(), What: what}
			if at := r.where[pointer]; at != nil {
				p.Line, p.Col = at.Line, at.Column
			}
			wrong = append(wrong, p)
		}
	}
	id, formerly := c.used.Add(r.src.file(), r.lab.ID, r.lab.Formerly)
	if id != "" {
		say(&r.lab.ID, "lab "+id)
	}
	for i, what := range formerly {
		say(&r.lab.Formerly[i], what)
	}
	return wrong
}

// load reads one lab's folder. The lab is there even if it has problems, as
// far as it could be read.
func (s source) load(seed int64) (*engine.Lab, Problems) {
	lab, _, problems := s.read(seed)
	return lab, problems
}

// read is load, which also says where each value stands.
func (s source) read(seed int64) (*engine.Lab, map[any]*token.Position, Problems) {
	yamlFile := path.Join(s.dir, labFile)
	out := &file{}
	out.Seed = seed
	text, problem := readText(s.fsys, yamlFile, s.shown(yamlFile))
	if problem != nil {
		return &out.Lab, nil, Problems{*problem}
	}
	d, problem := decode(s.shown(yamlFile), text, out)
	if problem != nil {
		return &out.Lab, nil, Problems{*problem}
	}
	sc := scripts{fsys: s.fsys, dir: s.dir, shown: s.shown, lab: &out.Lab}
	sc.read()
	return &out.Lab, d.where, append(d.problems, sc.problems...).sorted()
}

// reading is one lab's folder as it was read.
type reading struct {
	src   source
	lab   *engine.Lab
	where map[any]*token.Position // its values stand
	wrong Problems
}

// loadAll reads labs side by side.
func loadAll(fsys fs.FS, files []string, shown func(string) string, seed int64) []reading {
	out := make([]reading, len(files))
	var wg sync.WaitGroup
	for i, file := range files {
		wg.Go(func() {
			src := source{fsys, path.Dir(file), shown}
			lab, where, wrong := src.read(seed)
			out[i] = reading{src, lab, where, wrong}
		})
	}
	wg.Wait()
	return out
}

// Arrange puts the labs in the order of their modules, and within a module in their
// own. Modules that are not named come after those that are, by id. It is called
// before the catalogue is used.
func (c *Catalogue) Arrange(modules []string) {
	module := func(id string) int {
		if i := slices.Index(modules, id); i >= 0 {
			return i
		}
		return len(modules)
	}
	slices.SortStableFunc(c.entries, func(x, y entry) int {
		a, b := x.info, y.info
		return cmp.Or(cmp.Compare(module(a.Module), module(b.Module)), cmp.Compare(a.Module, b.Module),
			cmp.Compare(a.Order, b.Order), cmp.Compare(a.ID, b.ID))
	})
}

func (c *Catalogue) entry(id string) *entry {
	i := slices.IndexFunc(c.entries, func(e entry) bool { return e.info.ID == id })
	if i < 0 {
		return nil
	}
	return &c.entries[i]
}

// Has says whether there is a lab of that id.
func (c *Catalogue) Has(id string) bool { return c.entry(id) != nil }

// Lab returns the lab of that id, read and validated. The error for an unknown one wraps
// engine.ErrNotFound and hints at ids that are close; else it is that of Load.
func (c *Catalogue) Lab(id string) (*engine.Lab, error) {
	e, err := c.find(id)
	if err != nil {
		return nil, err
	}
	return e.whole()
}

// Seeded returns the lab of that id with its parameters drawn anew. Its errors
// are those of Lab and of Load.
func (c *Catalogue) Seeded(id string, seed int64) (*engine.Lab, error) {
	e, err := c.find(id)
	if err != nil {
		return nil, err
	}
	if seed == c.seed {
		return e.whole()
	}
	lab, problems := e.source.load(seed)
	if err := problems.err(); err != nil {
		return nil, fmt.Errorf("lab %s with seed %d: %w", id, seed, err)
	}
	return lab, nil
}

// Faulted returns the lab of that id, drawn with the seed, as a break-fix
// exercise; see engine.Faulted. Its errors are those of Seeded and of
// engine.Faulted.
func (c *Catalogue) Faulted(id, fault string, seed int64) (*engine.Lab, error) {
	lab, err := c.Seeded(id, seed)
	if err != nil {
		return nil, err
	}
	out, err := engine.Faulted(lab, fault)
	if err != nil && len(lab.Faults) == 0 {
		var known []string
		for _, e := range c.entries {
			if len(e.info.Faults) > 0 {
				known = append(known, e.info.ID)
			}
		}
		err = engine.Hintf(err, "labs with faults: %s", listed(known))
	}
	return out, err
}

func (c *Catalogue) find(id string) (*entry, error) {
	if e := c.entry(id); e != nil {
		return e, nil
	}
	err := fmt.Errorf("lab %q: %w", id, engine.ErrNotFound)
	var known []string
	for _, e := range c.entries {
		if slices.Contains(e.info.Formerly, id) {
			return nil, engine.Hintf(err, "it is now called %q", e.info.ID)
		}
		known = append(known, e.info.ID)
	}
	if near := nearest(id, known); near != "" {
		return nil, engine.Hintf(err, "did you mean %q?", near)
	}
	return nil, engine.Hintf(err, "labs: %s", listed(known))
}

// Infos returns what lists say of every lab, in the order of the course.
func (c *Catalogue) Infos() []*engine.LabInfo {
	out := make([]*engine.LabInfo, 0, len(c.entries))
	for _, e := range c.entries {
		out = append(out, e.info)
	}
	return out
}

// All reads every lab, in the order of the course.
func (c *Catalogue) All() ([]*engine.Lab, error) {
	out := make([]*engine.Lab, 0, len(c.entries))
	for _, e := range c.entries {
		lab, err := e.whole()
		if err != nil {
			return nil, err
		}
		out = append(out, lab)
	}
	return out, nil
}
