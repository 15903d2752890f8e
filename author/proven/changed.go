package proven

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Changes are the files of a repository that differ from a revision, as paths below it.
type Changes struct{ files []string }

// Since returns what has changed in the repository of dir since a revision, whether it
// was committed or not; what git ignores has not.
func Since(ctx context.Context, dir, revision string) (Changes, error) {
	var c Changes
	for _, args := range [][]string{
		{"diff", "--name-only", "--no-renames", "-z", "--relative", revision, "--", "."},
		{"ls-files", "--others", "--exclude-standard", "-z"},
	} {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return c, fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(string(exit.Stderr)))
		}
		if err != nil {
			return c, err
		}
		for _, file := range strings.Split(string(out), "\x00") {
			if file != "" {
				c.files = append(c.files, file)
			}
		}
	}
	return c, nil
}

// Program reports whether something has changed that proofs exercise, beside the content.
func (c Changes) Program(withCluster bool) bool {
	for _, part := range Parts(withCluster) {
		if slices.ContainsFunc(c.files, func(f string) bool { return exercised(f) && (f == part || strings.HasPrefix(f, part+"/")) }) {
			return true
		}
	}
	return false
}

// Below reports whether a file below a folder of the repository has changed, or the file
// of that name.
func (c Changes) Below(path string) bool {
	path = filepath.ToSlash(filepath.Clean(path))
	return slices.ContainsFunc(c.files, func(f string) bool { return f == path || strings.HasPrefix(f, path+"/") })
}
