package lesson

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"underlay/course/head"
)

// skimModule is loadModule with what lists say of the lessons alone. A lesson is read whole
// when it is asked for; so is at once one whose front matter says more than can be taken in
// from its head.
func skimModule(fsys fs.FS, dir string) (m Module, lessons []entry, err error) {
	m, ok := readModuleHead(fsys, dir)
	if !ok {
		if m, err = readModule(fsys, dir); err != nil {
			return m, nil, err
		}
	}
	files, err := lessonFiles(fsys, dir)
	if err != nil {
		return m, nil, err
	}
	for _, file := range files {
		e := entry{whole: sync.OnceValues(func() (*Lesson, error) { return readLesson(fsys, file) }), renames: renamesIn(fsys, file)}
		if e.info, ok = readHead(fsys, file); !ok {
			l, err := e.whole()
			if err != nil {
				return m, nil, err
			}
			e.info = &l.Info
		}
		m.Lessons = append(m.Lessons, e.info)
		lessons = append(lessons, e)
	}
	slices.SortFunc(m.Lessons, byNumber)
	return m, lessons, nil
}

// frontMatter is how many bytes of a lesson have to hold its front matter, to be read from its head.
const frontMatter = 4 << 10

// readHead reads what lists say of a lesson without parsing it. ok is false for what is not
// written plainly enough: on one line each.
func readHead(fsys fs.FS, file string) (info *Info, ok bool) {
	info, err := named(file)
	if err != nil {
		return nil, false
	}
	text, err := beginning(fsys, file)
	text, begun := strings.CutPrefix(text, "---\n")
	text, _, ended := strings.Cut(text, "\n---\n")
	if err != nil || !begun || !ended {
		return nil, false
	}
	fields, ok := head.Split(text)
	if !ok {
		return nil, false
	}
	id, ok1 := fields["id"].Text()
	title, ok2 := fields["title"].Text()
	minutes, ok3 := fields["minutes"].Number()
	objectives, ok4 := fields["objectives"].Texts()
	if !ok1 || !ok2 || !ok3 || !ok4 || id != info.ID {
		return nil, false
	}
	info.Title, info.Minutes, info.Objectives = title, minutes, objectives
	if formerly, given := fields["formerly"]; given {
		info.Formerly, ok = formerly.Words()
	}
	if lab, given := fields["lab"]; ok && given {
		info.Lab, ok = lab.Text()
	}
	return info, ok
}

// readModuleHead reads a module.yaml without parsing it.
func readModuleHead(fsys fs.FS, dir string) (m Module, ok bool) {
	text, err := fs.ReadFile(fsys, path.Join(dir, "module.yaml"))
	if err != nil {
		return m, false
	}
	fields, ok := head.Split(string(text))
	if !ok {
		return m, false
	}
	var oks [4]bool
	m.ID, oks[0] = fields["id"].Text()
	m.Title, oks[1] = fields["title"].Text()
	m.Order, oks[2] = fields["order"].Number()
	m.Summary, oks[3] = fields["summary"].Text()
	return m, m.ID == dir && oks == [4]bool{true, true, true, true}
}

// beginning reads as much of a file as a front matter may take.
func beginning(fsys fs.FS, file string) (string, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return "", err
	}
	buf := make([]byte, frontMatter)
	n, err := io.ReadFull(f, buf)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return string(buf[:n]), errors.Join(err, f.Close())
}
