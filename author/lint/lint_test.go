package lint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/golden"

	"underlay/author/draft"
	"underlay/author/scaffold"
)

// written makes a content folder with the lab and the lesson that `author new`
// writes.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := scaffold.New(scaffold.Options{Dir: dir, ID: "demo", Module: "own"}, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// lint returns what is said of a content folder, with paths below it.
func lint(t *testing.T, dir string, o Options) []string {
	t.Helper()
	c, err := draft.Read([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(c, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range r.Findings {
		f.File = strings.TrimPrefix(f.File, dir+"/")
		out = append(out, f.String())
	}
	return out
}

// edit changes a content folder as a .edit file says:
//
//	file PATH    of the lines that follow, those with - stand in the file one
//	             after another and are replaced by those with +; a file that is
//	             not there is made of them
//	rm PATH      deletes a file
//	mv OLD NEW   gives a file or folder another path
//	want LINE    is what lint then says
func edit(t *testing.T, dir, script string) (want []string) {
	t.Helper()
	path := ""
	var old, put []string
	apply := func() {
		if path == "" || len(old)+len(put) == 0 {
			return
		}
		replace(t, path, old, put)
		old, put = nil, nil
	}
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "-":
			if len(put) > 0 {
				apply()
			}
			old = append(old, rest)
		case "+":
			put = append(put, rest)
		case "file", "rm", "want":
			apply()
			path = filepath.Join(dir, rest)
			switch word {
			case "mv":
				apply()
				before, after, _ := strings.Cut(rest, " ")
				if err := os.Rename(filepath.Join(dir, before), filepath.Join(dir, after)); err != nil {
					t.Fatal(err)
				}
			case "rm":
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			case "want":
				want = append(want, rest)
			}
		case "mv":
			apply()
			before, after, _ := strings.Cut(rest, " ")
			if err := os.Rename(filepath.Join(dir, before), filepath.Join(dir, after)); err != nil {
				t.Fatal(err)
			}
		case "#":
		default:
			t.Fatalf("unknown line: %s", line)
		}
	}
	return want
}

func replace(t *testing.T, path string, old, put []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && (len(old) > 0 || !errors.Is(err, fs.ErrNotExist)) {
		t.Fatal(err)
	}
	joined := func(lines []string) string {
		if len(lines) == 0 {
			return ""
		}
		return strings.Join(lines, "\n") + "\n"
	}
	text := joined(put)
	if len(old) > 0 {
		if strings.Count(string(b), joined(old)) != 1 {
			t.Fatalf("%s does not have these lines once:\n%s", path, joined(old))
		}
		text = strings.Replace(string(b), joined(old), joined(put), 1)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func rewrite(t *testing.T, file, script string, got []string) {
	t.Helper()
	script, _, _ = strings.Cut(script, "want ")
	if err := os.WriteFile(file, []byte(script+"want "+strings.Join(got, "\nwant ")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAuthorNewWritesIsClean(t *testing.T) {
	if got := lint(t, written(t), Options{Strict: true}); len(got) > 0 {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

// TestBadContent breaks the same lab and lesson in one way after another.
func TestBadContent(t *testing.T) {
	files, err := filepath.Glob("testdata/*.edit")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	seen := map[string]bool{}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".edit"), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			dir := written(t)
			want := edit(t, dir, string(b))
			got := lint(t, dir, Options{})
			if golden.FlagUpdate() {
				rewrite(t, f, string(b), got)
				want = got
			}
			if len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			for _, w := range want {
				seen[w[strings.LastIndexByte(w, '['):]] = true
			}
		})
	}
	for _, rule := range Rules {
		if !seen["["+rule+"]"] {
			t.Errorf("rule %s has no bad example", rule)
		}
	}
	if len(seen) != len(Rules) {
		t.Errorf("%d rules were broken, there are %d", len(seen), len(Rules))
	}
}

// TestBuiltinIsClean holds the program's own course to the rules: all that may
// be said of it is what it does not cover yet.
func TestBuiltinIsClean(t *testing.T) {
	c, err := draft.Read(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Rule != "covers" || !f.Warning {
			t.Error(f)
		}
	}
	if r.Labs < 4 || r.Lessons < 4 || r.Items.All != 123 || r.Items.Covered+len(r.Items.Missing) != 123 {
		t.Errorf("%+v", r)
	}
	strict, err := Run(c, Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := min(1, len(r.Items.Missing)); strict.Errors() != want {
		t.Errorf("strict: %d errors, want %d", strict.Errors(), want)
	}
	one, err := Run(c, Options{IDs: []string{"docker0"}})
	if err != nil || one.Labs != 1 || one.Lessons != 1 || len(one.Findings) != 0 {
		t.Errorf("docker0 alone: %+v, %v", one, err)
	}
}

// TestItems holds the list of source items against the tally of the fact check.
func TestItems(t *testing.T) {
	tally := map[string]int{}
	for _, i := range items()[1:] {
		tally[i.verdict]++
	}
	for verdict, n := range map[string]int{"wrong": 12, "outdated": 6, "imprecise": 36, "right": 57, "opinion": 12} {
		if tally[verdict] != n {
			t.Errorf("%d items are %s, want %d", tally[verdict], verdict, n)
		}
	}
	if got := ranges([]int{1, 3, 4, 6, 7, 8, 10}); got != "1, 3, 4, 6–8, 10" {
		t.Errorf("ranges: %s", got)
	}
}

// TestReading compares the formula with grades that were worked out by hand.
func TestReading(t *testing.T) {
	for text, want := range map[string]reading{
		"The cat sat on the mat.":                                {1, 6, 6, 6},
		"Run `ip route add default via 10.0.0.1` now. It is up!": {2, 6, 6, 3},
		"An interface of ${net}.0/24: it is idle.":               {2, 7, 10, 4},
		"": {},
	} {
		if got := read(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	// 0.39 × 6 + 11.8 × 1 − 15.59
	if g := read("The cat sat on the mat.").grade(); g < -1.46 || g > -1.44 {
		t.Errorf("grade %.3f, want −1.45", g)
	}
	for word, n := range map[string]int{"route": 1, "table": 2, "the": 1, "interface": 3, "10.0.0.1": 1, "machine's": 2, "cable,": 2} {
		if got := syllables(word); got != n {
			t.Errorf("%s has %d syllables, want %d", word, got, n)
		}
	}
}
