package proven

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// program are the parts of this repository that proofs exercise, beside the content:
// folders, with all below them, and files.
var program = []string{"author/prove", "author/record", "course", "engine", "go.mod", "go.sum"}

// cluster are those that proofs of a lab with a Kubernetes exercise as well.
var cluster = []string{"kube"}

// Parts returns the paths below a repository that proofs exercise.
func Parts(withCluster bool) []string {
	if withCluster {
		return append(append([]string{}, program...), cluster...)
	}
	return program
}

// exercised reports whether a file of a part can change what proofs find.
func exercised(file string) bool {
	return !strings.HasSuffix(file, "_test.go") && !strings.HasSuffix(file, ".md") && !strings.Contains("/"+file, "/testdata/")
}

// ErrNoSource means that a folder does not hold this program's source.
var ErrNoSource = errors.New("not the source of Underlay")

// CheckSource returns an error that wraps ErrNoSource unless a folder holds this
// program's source.
func CheckSource(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !strings.HasPrefix(string(text), "module underlay\n") {
		return fmt.Errorf("%s: %w", dir, ErrNoSource)
	}
	return nil
}

// Digest is one of all that something depends on, which is added to it part by part.
type Digest struct{ sum hash.Hash }

// NewDigest returns one of nothing.
func NewDigest() *Digest { return &Digest{sha256.New()} }

// Text adds a named text.
func (d *Digest) Text(name, text string) {
	// The lengths keep what is added apart: "ab", "c" is not "a", "bc".
	_, _ = fmt.Fprintf(d.sum, "%d %s %d %s\n", len(name), name, len(text), text)
}

// Files adds every file of a file system below a path.
func (d *Digest) Files(fsys fs.FS, below string) error {
	return d.files(fsys, below, func(string) bool { return true })
}

func (d *Digest) files(fsys fs.FS, below string, wanted func(string) bool) error {
	return fs.WalkDir(fsys, below, func(file string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || !wanted(file) {
			return err
		}
		text, err := fs.ReadFile(fsys, file)
		d.Text(file, string(text))
		return err
	})
}

// Program adds the parts of the program that proofs exercise, whose source is in dir.
func (d *Digest) Program(dir string, withCluster bool) error {
	for _, part := range Parts(withCluster) {
		if err := d.files(os.DirFS(dir), path.Clean(part), exercised); err != nil {
			return fmt.Errorf("read the program's source: %w", err)
		}
	}
	return nil
}

// String returns the digest in hexadecimal, 96 bits of it.
func (d *Digest) String() string { return hex.EncodeToString(d.sum.Sum(nil)[:12]) }
