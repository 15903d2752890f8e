// Package proven remembers what has been proven, so that it is not proven again until
// something changes that the proofs depend on.
package proven

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Platform is where proofs are made. What is right on one kernel, or for root, may be wrong
// on another or for an ordinary user.
type Platform struct {
	Kernel string // its version as far as it decides what the kernel does: "6.1"
	User   string // "root" or "ordinary"
}

// ThisPlatform is the place of this process.
func ThisPlatform() (Platform, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return Platform{}, fmt.Errorf("ask for the kernel's version: %w", err)
	}
	p := Platform{Kernel: version(unix.ByteSliceToString(name.Release[:])), User: "ordinary"}
	if os.Geteuid() == 0 {
		p.User = "root"
	}
	return p, nil
}

// version is the part of a release that names a version: "6.1" of "6.1.0-57-cloud-amd64".
func version(release string) string {
	major, rest, _ := strings.Cut(release, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}

// Entry says that all proofs of a lab were made in a place, and proven.
type Entry struct {
	Lab string
	Platform
	Digest string // of all that the proofs depend on
	Proofs int    // how many there were
}

// Ledger is what has been proven: for each lab and place the last entry.
type Ledger struct {
	file    string
	entries []Entry
}

const head = `# What has been proven in full: lab, kernel, user, digest of all that its proofs depend
# on, number of proofs. Made by ` + "`make prove`" + `; docs/TESTING.md explains it.
`

// Read reads a ledger. A file that is not there is an empty one.
func Read(file string) (*Ledger, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l := &Ledger{file: file}
	if err := l.Add(string(text)); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

// Add takes over the entries of a ledger's text.
func (l *Ledger) Add(text string) error {
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var e Entry
		if _, err := fmt.Sscanf(line, "%s %s %s %s %d", &e.Lab, &e.Kernel, &e.User, &e.Digest, &e.Proofs); err != nil {
			return fmt.Errorf("line %d is not lab, kernel, user, digest and number of proofs: %q", n, line)
		}
		l.Set(e)
	}
	return nil
}

// Has reports whether what the digest stands for was proven in a place.
func (l *Ledger) Has(lab string, at Platform, digest string) bool {
	return slices.ContainsFunc(l.entries, func(e Entry) bool { return e.Lab == lab && e.Platform == at && e.Digest == digest })
}

// Set takes an entry in, instead of an older one of the same lab and place.
func (l *Ledger) Set(e Entry) {
	l.Forget(e.Lab, e.Platform)
	l.entries = append(l.entries, e)
}

// Forget takes the entry of a lab and place out.
func (l *Ledger) Forget(lab string, at Platform) {
	l.entries = slices.DeleteFunc(l.entries, func(e Entry) bool { return e.Lab == lab && e.Platform == at })
}

// Write writes the ledger where it was read. It is replaced as a whole.
func (l *Ledger) Write() error {
	temporary := l.file + ".new"
	if err := os.WriteFile(temporary, []byte(l.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, l.file)
}

// String returns the ledger as it is written, a line for each entry, sorted.
func (l *Ledger) String() string {
	slices.SortFunc(l.entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Lab, b.Lab), cmp.Compare(a.Kernel, b.Kernel), cmp.Compare(a.User, b.User))
	})
	var b strings.Builder
	b.WriteString(head)
	for _, e := range l.entries {
		fmt.Fprintf(&b, "%-24s %-6s %-9s %s %4d\n", e.Lab, e.Kernel, e.User, e.Digest, e.Proofs)
	}
	return b.String()
}
