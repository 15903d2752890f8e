// Package scaffold writes the beginning of a lab: a small one that works and
// passes its proofs, with comments that explain the format, and the lesson that
// goes with it. An author changes it step by step.
package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"underlay/engine"
)

//go:embed template
var template embed.FS

// Options say what the lab is called and where it goes.
type Options struct {
	Dir    string   // the content folder, which need not be there yet
	ID     string   // of the lab and of its lesson
	Title  string   // "" makes one of the id
	Module string   // of the lesson; its folder may be there already
	Taken  []string // ids that are in use elsewhere
}

// SchemaFile is where the JSON Schema for editors lies in a content folder.
const SchemaFile = "lab.schema.json"

// ErrBadName means that an id or title cannot be used; the error says why.
var ErrBadName = errors.New("cannot be used")

var idPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// maxID is the longest id, as in package labs.
const maxID = 40

// New writes the files and returns their paths. schema is the text of the JSON
// Schema. Nothing is overwritten: where a file is in the way, none is written
// and the error wraps fs.ErrExist.
func New(o Options, schema []byte) ([]string, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Title == "" {
		words := strings.ReplaceAll(o.ID, "-", " ")
		o.Title = strings.ToUpper(words[:1]) + words[1:]
	}
	files, err := o.files()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if _, err := os.Lstat(f.path); !errors.Is(err, fs.ErrNotExist) {
			if err == nil {
				err = fs.ErrExist
			}
			return nil, engine.Hintf(fmt.Errorf("%s: %w", f.path, err), "nothing was written; choose another id, or move that away")
		}
	}
	// What several labs share is written once.
	for _, f := range []file{{filepath.Join(o.moduleDir(), "module.yaml"), o.fill("template/module.yaml")}, {filepath.Join(o.Dir, SchemaFile), string(schema)}} {
		if _, err := os.Lstat(f.path); errors.Is(err, fs.ErrNotExist) {
			files = append(files, f)
		}
	}
	var paths []string
	for _, f := range files {
		if err := f.write(); err != nil {
			return paths, err
		}
		paths = append(paths, f.path)
	}
	return paths, nil
}

func (o Options) check() error {
	for what, id := range map[string]string{"id": o.ID, "module": o.Module} {
		if !idPattern.MatchString(id) || len(id) > maxID {
			return engine.Hintf(fmt.Errorf("the %s %q %w", what, id, ErrBadName), "lower-case words joined by hyphens, at most %d characters, such as two-routers", maxID)
		}
	}
	if slices.Contains(o.Taken, o.ID) {
		return engine.Hintf(fmt.Errorf("the id %q %w: there is a lab or lesson of that name", o.ID, ErrBadName), "choose another")
	}
	if strings.ContainsFunc(o.Title, func(c rune) bool { return c < ' ' || strings.ContainsRune("\"\\`$", c) }) {
		return engine.Hintf(fmt.Errorf("the title %q %w", o.Title, ErrBadName), "a title is plain words on one line, without quotes")
	}
	return nil
}

func (o Options) moduleDir() string { return filepath.Join(o.Dir, "lessons", o.Module) }

// file is one file to be written.
type file struct{ path, text string }

func (f file) write() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	w, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = w.WriteString(f.text)
	return errors.Join(err, w.Close())
}

// files are the files that belong to this lab alone.
func (o Options) files() ([]file, error) {
	number, err := o.nextNumber()
	if err != nil {
		return nil, err
	}
	lesson := filepath.Join(o.moduleDir(), fmt.Sprintf("%d-%s.md", number, o.ID))
	out := []file{{lesson, o.fill("template/lesson.md")}}
	const lab = "template/lab"
	err = fs.WalkDir(template, lab, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, file{filepath.Join(o.Dir, "labs", o.Module, o.ID, strings.TrimPrefix(path, lab)), o.fill(path)})
		}
		return err
	})
	return out, err
}

var numbered = regexp.MustCompile(`^([0-9]+)-(.*)\.md$`)

// nextNumber is the place after the module's last lesson. A lesson of this id
// keeps its number, so that it is found to be in the way.
func (o Options) nextNumber() (int, error) {
	entries, err := os.ReadDir(o.moduleDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	last := 0
	for _, e := range entries {
		m := numbered.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			continue // a number that no lesson may have
		}
		if m[2] == o.ID {
			return n, nil
		}
		last = max(last, n)
	}
	return last + 1, nil
}

// fill returns a template's text with the names put in.
func (o Options) fill(path string) string {
	text, err := template.ReadFile(path)
	if err != nil {
		panic("scaffold: " + err.Error()) // it is part of the program
	}
	title := o.Title
	if strings.ContainsAny(title, ":#'{}[],&*!|>%@") || title != strings.TrimSpace(title) {
		title = `"` + title + `"`
	}
	s := strings.ReplaceAll(string(text), "\n# LAB_TITLE\n", "\n# "+o.Title+"\n")
	return strings.NewReplacer("LAB_ID", o.ID, "LAB_TITLE", title, "MODULE_ID", o.Module, "SCHEMA_PATH", "../../../"+SchemaFile).Replace(s)
}
