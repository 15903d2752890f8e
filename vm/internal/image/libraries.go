package image

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// loader loads programs and shared libraries that name no loader themselves.
const loader = "/lib64/ld-linux-x86-64.so.2"

// libraries adds the shared libraries that a program or library needs, as the
// loader finds them on this machine. Other files need none.
func (t *Tree) libraries(ctx context.Context, file string) error {
	dynamic, err := isDynamic(file)
	if err != nil || !dynamic {
		return err
	}
	var complaint strings.Builder
	list := exec.CommandContext(ctx, loader, "--list", file)
	list.Stderr = &complaint
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("the libraries of %s: %w: %s", file, err, strings.TrimSpace(complaint.String()))
	}
	for _, name := range parseList(string(out)) {
		if t.Has(name) {
			continue
		}
		if _, err := t.Machine(name); err != nil {
			return fmt.Errorf("a library of %s: %w", file, err)
		}
	}
	return nil
}

// parseList returns the files that the loader's --list names: "libc.so.6 =>
// /lib/libc.so.6 (0x…)", and the loader itself without an arrow. What the
// kernel itself provides has no file.
func parseList(out string) []string {
	var names []string
	for line := range strings.Lines(out) {
		if _, found, ok := strings.Cut(line, "=> "); ok {
			line = found
		}
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(name, "/") {
			names = append(names, name)
		}
	}
	return names
}

// isDynamic says whether a file is a program or library that is linked when it
// is started.
func isDynamic(file string) (bool, error) {
	f, err := elf.Open(file)
	var format *elf.FormatError
	if errors.As(err, &format) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	needs, err := f.ImportedLibraries()
	return len(needs) > 0, err
}
