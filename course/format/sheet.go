package format

import (
	"path"

	"github.com/goccy/go-yaml/token"

	"underlay/engine"
)

// Sheet is a lab together with where everything in its lab.yaml stands, for
// those who judge how it is written.
type Sheet struct {
	Lab   *engine.Lab
	File  string // lab.yaml, as a reader is shown it
	where map[any]*token.Position
	src   source
}

// At returns the line and column, from 1, at which a value of the lab stands,
// given a pointer to it, such as &sheet.Lab.Tasks[0].Goal. Both are 0 for what
// the file does not give.
func (s *Sheet) At(pointer any) (line, col int) {
	at := s.where[pointer]
	if at == nil {
		return 0, 0
	}
	return at.Line, at.Column
}

// Beside returns a file of the lab's folder, as a reader is shown it.
func (s *Sheet) Beside(name string) string { return s.src.shown(path.Join(s.src.dir, name)) }

// Sheet reads a lab's lab.yaml again, with seed 0. Its errors are those of Lab
// and of Load.
func (c *Catalogue) Sheet(id string) (*Sheet, error) {
	e, err := c.find(id)
	if err != nil {
		return nil, err
	}
	src := e.source
	lab, where, problems := src.read(0)
	if err := problems.err(); err != nil {
		return nil, err
	}
	return &Sheet{Lab: lab, File: src.shown(path.Join(src.dir, labFile)), where: where, src: src}, nil
}
