// Package image writes the initramfs that the virtual machine runs in: a file
// system with the programs of some packages of this machine, in memory.
package image

import (
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// maxLinks bounds how many symbolic links one path may lead through.
const maxLinks = 40

// Tree is a file system to be written. Its paths are absolute.
type Tree struct {
	entries map[string]entry
}

// entry is one file of a Tree.
type entry struct {
	mode   cpio.FileMode // type and permissions
	uid    int
	source string // the file it is a copy of
	text   string // its content, without a source; of a symbolic link, where it leads
}

// NewTree returns a tree with nothing in it but its root.
func NewTree() *Tree {
	return &Tree{entries: map[string]entry{"/": {mode: cpio.TypeDir | 0o755}}}
}

// Dir adds a directory and those above it.
func (t *Tree) Dir(name string, perm os.FileMode, uid int) {
	t.parents(name)
	t.entries[name] = entry{mode: cpio.TypeDir | cpio.FileMode(perm), uid: uid}
}

// Text adds a file with this content.
func (t *Tree) Text(name, text string) {
	t.parents(name)
	t.entries[name] = entry{mode: cpio.TypeReg | 0o644, text: text}
}

// Copy adds a file with the content and permissions of another one.
func (t *Tree) Copy(name, source string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", source)
	}
	t.parents(name)
	t.entries[name] = entry{mode: cpio.TypeReg | cpio.FileMode(info.Mode().Perm()), source: source}
	return nil
}

// Has says whether the tree has this very path.
func (t *Tree) Has(name string) bool {
	_, ok := t.entries[name]
	return ok
}

func (t *Tree) parents(name string) {
	for dir := path.Dir(name); !t.Has(dir); dir = path.Dir(dir) {
		t.entries[dir] = entry{mode: cpio.TypeDir | 0o755}
	}
}

// Machine adds what this machine has at a path, to the same path, and every
// symbolic link on the way there. Of a directory it adds only the directory.
// It returns where the links end.
func (t *Tree) Machine(name string) (string, error) {
	done, rest := "/", strings.Split(strings.Trim(path.Clean(name), "/"), "/")
	for links := 0; len(rest) > 0; {
		at := path.Join(done, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(at)
		if err != nil {
			return "", err
		}
		switch mode := info.Mode(); {
		case mode&os.ModeSymlink != 0:
			if links++; links > maxLinks {
				return "", fmt.Errorf("%s: more than %d symbolic links", name, maxLinks)
			}
			target, err := os.Readlink(at)
			if err != nil {
				return "", err
			}
			t.entries[at] = entry{mode: cpio.TypeSymlink | 0o777, text: target}
			if path.IsAbs(target) {
				done = "/"
			}
			rest = append(strings.Split(strings.Trim(path.Clean(target), "/"), "/"), rest...)
			if rest[0] == "" { // the target is the root
				rest = rest[1:]
			}
		case mode.IsDir():
			if !t.Has(at) {
				t.Dir(at, mode.Perm(), 0)
			}
			done = at
		case mode.IsRegular() && len(rest) == 0:
			return at, t.Copy(at, at)
		default:
			return "", fmt.Errorf("%s is not a file, directory or link", at)
		}
	}
	return done, nil
}

// WriteTo writes the tree as a cpio archive that the kernel unpacks. A directory
// comes before what is in it.
func (t *Tree) WriteTo(w io.Writer) (int64, error) {
	names := make([]string, 0, len(t.entries))
	for name := range t.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	counted := &counter{w: w}
	archive := cpio.NewWriter(counted)
	for _, name := range names {
		if err := t.entries[name].write(archive, strings.TrimPrefix(name, "/")); err != nil {
			return counted.n, fmt.Errorf("%s: %w", name, err)
		}
	}
	return counted.n, archive.Close()
}

func (e entry) write(archive *cpio.Writer, name string) error {
	if name == "" {
		name = "."
	}
	header := &cpio.Header{Name: name, Mode: e.mode, Uid: e.uid, Guid: e.uid, Size: int64(len(e.text)), Links: 1}
	if e.source == "" {
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.WriteString(archive, e.text)
		return err
	}
	f, err := os.Open(e.source)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, f)
	return err
}

// counter counts the bytes on their way.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
