package proven

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func TestLedgerIsReadAsItIsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "proven")
	l, err := Read(file)
	if err != nil {
		t.Fatalf("a file that is not there: %v", err)
	}
	root, learner := Platform{"6.1", "root"}, Platform{"6.1", "ordinary"}
	l.Set(Entry{"vxlan", root, "aa", 3})
	l.Set(Entry{"docker0", root, "bb", 59})
	l.Set(Entry{"docker0", learner, "cc", 59})
	l.Set(Entry{"vxlan", root, "dd", 4})
	if err := l.Write(); err != nil {
		t.Fatal(err)
	}
	again, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.String(), l.String(); got != want || strings.Count(got, "\n") != 5 {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, c := range []struct {
		lab    string
		at     Platform
		digest string
		want   bool
	}{
		{"docker0", root, "bb", true},
		{"docker0", learner, "bb", false},
		{"docker0", Platform{"6.12", "root"}, "bb", false},
		{"vxlan", root, "aa", false},
		{"vxlan", root, "dd", true},
		{"macvlan", root, "dd", false},
	} {
		if got := again.Has(c.lab, c.at, c.digest); got != c.want {
			t.Errorf("%s %v %s: %v", c.lab, c.at, c.digest, got)
		}
	}
	again.Forget("vxlan", root)
	if again.Has("vxlan", root, "dd") || !again.Has("docker0", root, "bb") {
		t.Errorf("forgotten is\n%s", again)
	}
}

func TestLedgerThatIsNone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "proven")
	write(t, file, "# a comment\n\ndocker0 6.1 root aa\n")
	if _, err := Read(file); err == nil || !strings.Contains(err.Error(), `line 3 is not lab, kernel, user, digest and number of proofs: "docker0 6.1 root aa"`) {
		t.Errorf("got %v", err)
	}
}

func TestVersion(t *testing.T) {
	for release, want := range map[string]string{"6.1.0-57-cloud-amd64": "6.1", "6.18.2": "6.18", "5.15.0+": "5.15"} {
		if got := version(release); got != want {
			t.Errorf("%s: %s, not %s", release, got, want)
		}
	}
}

// TestDigestTellsApart: whatever changes, a name or a text, makes another digest, and
// nothing else does.
func TestDigestTellsApart(t *testing.T) {
	seen := map[string]string{}
	of := func(name string, fsys fstest.MapFS) {
		t.Helper()
		d := NewDigest()
		if err := d.Files(fsys, "."); err != nil {
			t.Fatal(err)
		}
		if other, taken := seen[d.String()]; taken {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[d.String()] = name
	}
	f := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	of("nothing", fstest.MapFS{})
	of("a", fstest.MapFS{"a": f("1")})
	of("other text", fstest.MapFS{"a": f("2")})
	of("other name", fstest.MapFS{"b": f("1")})
	of("one more", fstest.MapFS{"a": f("1"), "b": f("")})
	of("moved border", fstest.MapFS{"a": f("1 1 b 0 ")})

	source := t.TempDir()
	for _, part := range Parts(true) {
		if filepath.Ext(part) == "" {
			part += "/x.go"
		}
		write(t, filepath.Join(source, part), "1")
	}
	program := func() string {
		d := NewDigest()
		if err := d.Program(source, false); err != nil {
			t.Fatal(err)
		}
		return d.String()
	}
	before := program()
	for _, file := range []string{"engine/x_test.go", "engine/check/testdata/x.yaml", "engine/README.md", "kube/x.go", "tui/x.go"} {
		write(t, filepath.Join(source, file), "2")
		if program() != before {
			t.Errorf("%s changes what has been proven", file)
		}
	}
	for _, file := range []string{"engine/x.go", "engine/check/new.go", "course/x.go", "go.sum"} {
		write(t, filepath.Join(source, file), "2")
		if now := program(); now == before {
			t.Errorf("%s does not change what has been proven", file)
		} else {
			before = now
		}
	}
}

// TestPartsAreAllThatProofsExercise: no package of this module that makes proofs is
// outside of the parts.
func TestPartsAreAllThatProofsExercise(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "underlay/author/prove", "underlay/engine/session", "underlay/engine/sandbox", "underlay/engine/workload").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := 0
	for pkg := range strings.FieldsSeq(string(out)) {
		dir, ours := strings.CutPrefix(pkg, "underlay/")
		// What is built in, each lab's digest has itself.
		if !ours || dir == "labs" || dir == "lessons" {
			continue
		}
		found++
		if !slices.ContainsFunc(Parts(false), func(part string) bool { return dir == part || strings.HasPrefix(dir, part+"/") }) {
			t.Errorf("%s is exercised by proofs, and not among the parts", dir)
		}
	}
	if found < 10 {
		t.Errorf("only %d packages were found", found)
	}
	for _, part := range Parts(true) {
		if _, err := os.Stat(filepath.Join("../..", part)); err != nil {
			t.Error(err)
		}
	}
}

// TestSince looks at a repository with one committed change, one that is not, and a file
// that git does not know.
func TestSince(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		args = append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"}, args...)
		if out, err := exec.CommandContext(t.Context(), "git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write(t, filepath.Join(dir, "labs/m/a/lab.yaml"), "1")
	write(t, filepath.Join(dir, "labs/m/b/lab.yaml"), "1")
	write(t, filepath.Join(dir, "engine/x.go"), "1")
	write(t, filepath.Join(dir, ".gitignore"), "bin\n")
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "first")
	git("tag", "v1")
	check := func(what string, program bool, changed ...string) {
		t.Helper()
		c, err := Since(t.Context(), dir, "v1")
		if err != nil {
			t.Fatal(err)
		}
		if c.Program(false) != program {
			t.Errorf("%s: the program has changed: %v", what, !program)
		}
		for _, lab := range []string{"labs/m/a", "labs/m/b", "labs/m/c"} {
			if got := c.Below(lab); got != slices.Contains(changed, lab) {
				t.Errorf("%s: %s has changed: %v", what, lab, got)
			}
		}
	}
	check("nothing", false)
	write(t, filepath.Join(dir, "labs/m/a/solve.sh"), "1")
	write(t, filepath.Join(dir, "bin/labs/m/b"), "1")
	check("a new file", false, "labs/m/a")
	git("add", ".")
	git("commit", "-qm", "second")
	write(t, filepath.Join(dir, "labs/m/b/lab.yaml"), "2")
	check("one committed, one not", false, "labs/m/a", "labs/m/b")
	write(t, filepath.Join(dir, "engine/x_test.go"), "2")
	check("a test", false, "labs/m/a", "labs/m/b")
	git("mv", "engine/x.go", "engine/y.go")
	check("the program", true, "labs/m/a", "labs/m/b")
	if _, err := Since(t.Context(), dir, "v2"); err == nil || !strings.Contains(err.Error(), "v2") {
		t.Errorf("a revision that there is not: %v", err)
	}
}

func TestCheckSource(t *testing.T) {
	if err := CheckSource("../.."); err != nil {
		t.Error(err)
	}
	if err := CheckSource(t.TempDir()); !errors.Is(err, ErrNoSource) {
		t.Errorf("an empty folder: %v", err)
	}
}
