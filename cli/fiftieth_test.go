package cli

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A lab is added by adding its folder and its lesson, and nothing else is edited: in a
// copy of the repository one more of each is put into a module of its own, and what
// looks at content is tested there. (An ordinary user would build it all anew.)
func TestALabIsAddedByItsFolderOnce(t *testing.T) {
	dir := t.TempDir()
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", ":!kube", ":!vm")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if text, err := os.ReadFile(filepath.Join("..", name)); err == nil { // it may be deleted and not yet committed
			put(t, filepath.Join(dir, name), text)
		}
	}
	renamed := strings.NewReplacer("netns-veth", "fiftieth", "module: bridge", "module: spare")
	for from, to := range map[string]string{
		"labs/bridge/netns-veth":         "labs/spare/fiftieth",
		"lessons/bridge/1-netns-veth.md": "lessons/spare/1-fiftieth.md",
	} {
		copyTree(t, filepath.Join(dir, from), filepath.Join(dir, to), renamed)
	}
	put(t, filepath.Join(dir, "lessons/spare/module.yaml"), []byte("id: spare\ntitle: One more\norder: 99\nsummary: A module that was not there before.\n"))
	run := func(argv ...string) {
		t.Helper()
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
		}
	}
	run("make", "docs")
	if readme := read(t, filepath.Join(dir, "README.md")); !strings.Contains(readme, "| `fiftieth` |") {
		t.Error("make docs did not put it into the README")
	}
	run("go", "test", "./course/...", "./author/lint", "./author/draft")
	run("go", "test", "./cli", "-run", "^(TestReadme|TestDocs|TestScripts$/^(list|fault)$)")
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// copyTree copies a file or a folder with words replaced in the texts.
func copyTree(t *testing.T, from, to string, words *strings.Replacer) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		put(t, to+strings.TrimPrefix(path, from), []byte(words.Replace(read(t, path))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
