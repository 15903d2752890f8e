// Package watch tells when the files of content folders are written. It does
// not read them.
package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"underlay/course/format"
)

// quiet is how long nothing must be written before a change is told: editors
// write a file in several steps, and an author may save several files at once.
const quiet = 80 * time.Millisecond

// maxDirs is how many directories are watched at most. A content folder has a
// few for each lab; more means that it is not one.
const maxDirs = 4000

// Changes returns a channel that is signalled after files below the folders'
// labs and lessons have been written, made, renamed or deleted. Signals
// coalesce: after one, read the files. Directories are watched rather than
// files, because editors save by putting a new file in the place of the old. The
// channel is closed when ctx ends.
func Changes(ctx context.Context, dirs []string) (<-chan struct{}, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	f := &folders{watcher: w}
	for _, dir := range dirs {
		if err := f.root(dir); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	out := make(chan struct{}, 1)
	go f.follow(ctx, out)
	return out, nil
}

// folders are the directories that are watched.
type folders struct {
	watcher *fsnotify.Watcher
	count   int
}

// root watches a content folder: itself, and below it what can hold content.
func (f *folders) root(dir string) error {
	if err := f.add(dir); err != nil {
		return err
	}
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	found, err := format.Find(os.DirFS(dir))
	if err != nil {
		return err
	}
	holders := map[string]bool{"labs": true, "lessons": true} // which may be empty yet, or not be there
	for _, file := range found {
		top, _, _ := strings.Cut(file, "/")
		holders[top] = true
	}
	for top := range holders {
		if err := f.tree(filepath.Join(dir, top)); err != nil {
			return err
		}
	}
	return nil
}

// tree watches a directory and all below it. One that is gone by now is no error.
func (f *folders) tree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path != dir && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		}
		return f.add(path)
	})
}

func (f *folders) add(dir string) error {
	if f.count++; f.count > maxDirs {
		return fmt.Errorf("watch %s: more than %d directories are below the content folder", dir, maxDirs)
	}
	if err := f.watcher.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	return nil
}

// follow tells of changes until ctx ends.
func (f *folders) follow(ctx context.Context, out chan<- struct{}) {
	defer close(out)
	defer f.watcher.Close() //nolint:errcheck // nothing was written through it
	calm := time.NewTimer(quiet)
	calm.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-f.watcher.Events:
			if !ok {
				return
			}
			if f.matters(e) {
				calm.Reset(quiet)
			}
		case _, ok := <-f.watcher.Errors: // events were lost: look again
			if !ok {
				return
			}
			calm.Reset(quiet)
		case <-calm.C:
			select {
			case out <- struct{}{}:
			default:
			}
		}
	}
}

// matters says whether an event can have changed content, and watches a
// directory that is new. What it leaves out would only cost a reading.
func (f *folders) matters(e fsnotify.Event) bool {
	name := filepath.Base(e.Name)
	if e.Op == fsnotify.Chmod || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
		return false
	}
	if e.Has(fsnotify.Create) {
		if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
			_ = f.tree(e.Name) // at worst the next save there goes unnoticed
		}
	}
	return true
}
