package main

import (
	
	"errors"
	"fmt"
	"io/fs"
	"os"
	

	

		
	"underlay/labs"
	"underlay/lessons"
)

// content is what there is to learn: built in, and from --content directories.
type content struct {
	labs *labs.Catalogue
	book *lessons.Book
}

// load reads all content, with the labs' parameters drawn by --seed.
func (p *program) load() (*content, error) {
	dirs := make([]fs.FS, 0, len(p.content))
	for _, dir := range p.content {
		if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
			return nil, usageError{fmt.Errorf("--content %s: there is no such directory", dir)}
		}
		dirs = append(dirs, os.DirFS(dir))
	}
	catalogue, err := labs.Open(p.seed, p.content...)
	if err != nil {
		return nil, usageError{err}
	}
	book, err := lessons.Builtin()
	if err != nil {
		return nil, err
	}
	for i, dir := range dirs {
		sub, err := fs.Sub(dir, "lessons")
		if err != nil {
			return nil, err
		}
		if _, err := fs.Stat(sub, "."); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		more, err := lessons.Load(sub)
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", p.content[i], err)}
		}
		if book, err = lessons.Merge(book, more); err != nil {
			return nil, usageError{err}
		}
	}
	return &content{catalogue, book}, nil
}

