package watch

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// patience is how long a test waits for a signal. calm is how long it looks for
// one that must not come: several times what a change takes to be told.
const (
	patience = 20 * time.Second
	calm     = 4 * quiet
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// content is a folder with a lab and a lesson, watched.
func content(t *testing.T) (dir string, changes <-chan struct{}) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "labs/x/lab.yaml"), "id: x\n")
	write(t, filepath.Join(dir, "y/lab.yaml"), "id: y\n")
	write(t, filepath.Join(dir, "lessons/m/1-x.md"), "text\n")
	write(t, filepath.Join(dir, "other/deep/file"), "no content\n")
	changes, err := Changes(t.Context(), []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	return dir, changes
}

func told(t *testing.T, what string, changes <-chan struct{}) {
	t.Helper()
	select {
	case <-changes:
	case <-time.After(patience):
		t.Errorf("%s was not told", what)
	}
}

func untold(t *testing.T, what string, changes <-chan struct{}) {
	t.Helper()
	select {
	case <-changes:
		t.Errorf("%s was told", what)
	case <-time.After(calm):
	}
}

func TestChangesAreTold(t *testing.T) {
	dir, changes := content(t)
	for what, change := range map[string]func(){
		"a file that is written":   func() { write(t, filepath.Join(dir, "labs/x/lab.yaml"), "id: x\ntitle: X\n") },
		"a lab beside labs":        func() { write(t, filepath.Join(dir, "y/lab.yaml"), "id: y\ntitle: Y\n") },
		"a lesson":                 func() { write(t, filepath.Join(dir, "lessons/m/1-x.md"), "more\n") },
		"a script in a new folder": func() { write(t, filepath.Join(dir, "labs/x/mistakes/a.sh"), "true\n") },
		"a file that is put in its place, as editors save": func() {
			write(t, filepath.Join(dir, "labs/x/.lab.yaml.new"), "id: x\ntitle: Z\n")
			if err := os.Rename(filepath.Join(dir, "labs/x/.lab.yaml.new"), filepath.Join(dir, "labs/x/lab.yaml")); err != nil {
				t.Fatal(err)
			}
		},
		"a lab that is made": func() { write(t, filepath.Join(dir, "labs/z/lab.yaml"), "id: z\n") },
	} {
		change()
		told(t, what, changes)
		untold(t, what+", once more,", changes)
	}
	if err := os.Remove(filepath.Join(dir, "labs/x/lab.yaml")); err != nil {
		t.Fatal(err)
	}
	told(t, "a file that is gone", changes)
	write(t, filepath.Join(dir, "labs/x/lab.yaml"), "id: x\n")
	told(t, "the same file, back again", changes)
}

func TestManyChangesAreOne(t *testing.T) {
	dir, changes := content(t)
	for range 50 {
		write(t, filepath.Join(dir, "labs/x/lab.yaml"), "id: x\n")
		write(t, filepath.Join(dir, "lessons/m/1-x.md"), "x\n")
	}
	told(t, "a burst", changes)
	untold(t, "a burst, once more,", changes)
}

func TestOtherFilesAreNotTold(t *testing.T) {
	dir, changes := content(t)
	write(t, filepath.Join(dir, "other/deep/file"), "x\n")
	write(t, filepath.Join(dir, "labs/x/.lab.yaml.swp"), "x\n")
	write(t, filepath.Join(dir, "labs/x/lab.yaml~"), "x\n")
	untold(t, "a file that is no content", changes)
}

func TestEnd(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	changes, err := Changes(ctx, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case _, open := <-changes:
		if open {
			t.Error("a change was told")
		}
	case <-time.After(patience):
		t.Error("the channel stays open")
	}
	if _, err := Changes(t.Context(), []string{filepath.Join(dir, "nowhere")}); err == nil {
		t.Error("a folder that is not there can be watched")
	}
}
