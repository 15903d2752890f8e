package cli

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"gotest.tools/v3/golden"

	"underlay/author/lint"
	"underlay/author/prove"
	"underlay/bench"
	"underlay/course"
	"underlay/engine"
	"underlay/engine/preflight"
	"underlay/progress"
)

// documents returns the text of README.md and of every page in docs, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages, err := fs.Glob(repository, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range append(pages, "README.md") {
		texts[name] = page(t, name)
	}
	return texts
}

// repository is what this checkout holds.
var repository = os.DirFS("..")

// page is the text of a file of the repository.
func page(t *testing.T, path string) string {
	t.Helper()
	return read(t, filepath.Join("..", path))
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	fence  = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	quoted = regexp.MustCompile("`([^`\n]+)`")
	linked = regexp.MustCompile(`\]\(([^)#]+)\)`)
	pathy  = regexp.MustCompile(`^[\w.*-]+(/[\w.*-]+)*/?$`)
	upper  = regexp.MustCompile(`\b[A-Z]{2,}(/|$)`)
)

// namesPath says whether quoted text is meant as a path of this repository: it
// begins with something that is here, or looks like a file of ours.
func namesPath(text string) bool {
	if !pathy.MatchString(text) {
		return false
	}
	first, _, deep := strings.Cut(text, "/")
	if _, err := fs.Stat(repository, first); err == nil {
		return deep || filepath.Ext(text) != ""
	}
	return !deep && slices.Contains([]string{".md", ".go"}, filepath.Ext(text))
}

// exists says whether a path is here; a part in capitals stands for any name.
func exists(path string) bool {
	path = upper.ReplaceAllString(strings.TrimSuffix(path, "/"), "*$1")
	found, err := fs.Glob(repository, path)
	return err == nil && len(found) > 0
}

func TestDocsNamePathsThatExist(t *testing.T) {
	named := 0
	for page, text := range documents(t) {
		for _, m := range quoted.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if !namesPath(m[1]) || strings.HasPrefix(m[1], "bin/") { // made by make
				continue
			}
			named++
			if !exists(m[1]) {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
		for _, m := range linked.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			named++
			if path := filepath.Join(filepath.Dir(page), m[1]); !exists(path) {
				t.Errorf("%s links to %s, which is not there", page, path)
			}
		}
	}
	if named < 5 {
		t.Errorf("only %d paths were found in the docs", named)
	}
}

func TestDocsNameMakeTargetsThatExist(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z-]*):`).FindAllStringSubmatch(page(t, "Makefile"), -1) {
		targets[m[1]] = true
	}
	said := regexp.MustCompile("(?m)(?:`|^)make ([a-z-]+)")
	for page, text := range documents(t) {
		for _, m := range said.FindAllStringSubmatch(text, -1) {
			if !targets[m[1]] {
				t.Errorf("%s says make %s; the Makefile has no such target", page, m[1])
			}
		}
	}
	for _, target := range []string{"learn", "test"} {
		if !strings.Contains(page(t, "README.md"), "make "+target) {
			t.Errorf("README.md does not say make %s", target)
		}
	}
}

// commandTree is the command line as users meet it.
func commandTree() *cobra.Command {
	root := (&program{out: &bytes.Buffer{}, err: &bytes.Buffer{}}).commands()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("help") // an argument: cobra adds it only to a program with commands
	return root
}

var row = regexp.MustCompile("(?m)^\\| `(underlay[^`]*)` \\|")

func TestReadmeListsEveryCommand(t *testing.T) {
	root := commandTree()
	listed := map[*cobra.Command]bool{}
	for _, m := range row.FindAllStringSubmatch(page(t, "README.md"), -1) {
		words := strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(m[1]))[1:]
		names := slices.DeleteFunc(slices.Clone(words), func(w string) bool {
			return strings.HasPrefix(w, "-") || strings.ToUpper(w) == w
		})
		cmd, rest, err := root.Find(names)
		if err != nil || len(rest) > 0 {
			t.Errorf("README.md lists %s, which is not a command (%v)", m[1], err)
			continue
		}
		listed[cmd] = true
		for _, w := range words {
			if flag, ok := strings.CutPrefix(w, "--"); ok && cmd.Flag(flag) == nil {
				t.Errorf("README.md lists %s, but there is no --%s", m[1], flag)
			}
		}
		listsFlags(t, m[1], cmd.LocalNonPersistentFlags().FlagUsages())
	}
	for _, cmd := range root.Commands() {
		parts := cmd.Commands()
		if cmd.Hidden || listed[cmd] {
			continue
		}
		for _, c := range append(parts, cmd) {
			if !listed[c] && (c != cmd || len(parts) == 0) {
				t.Errorf("README.md does not list %s", c.CommandPath())
			}
		}
	}
}

func TestReadmeListsEveryGlobalFlag(t *testing.T) {
	listsFlags(t, page(t, "README.md"), commandTree().PersistentFlags().FlagUsages())
}

var flagIn = regexp.MustCompile(`--([a-z-]+)`)

// listsFlags complains of every flag that README.md leaves out of a text.
func listsFlags(t *testing.T, text, flags string) {
	t.Helper()
	for _, m := range flagIn.FindAllStringSubmatch(flags, -1) {
		if m[1] != "help" && !strings.Contains(text, "--"+m[1]) {
			t.Errorf("README.md does not list --%s in: %.60s", m[1], text)
		}
	}
}

// jsonExamples returns the examples of docs/JSON.md by the command above them.
func jsonExamples(t *testing.T) map[string]string {
	t.Helper()
	examples := map[string]string{}
	for _, section := range strings.Split(page(t, "docs/JSON.md"), "\n## ")[1:] {
		command, text, _ := strings.Cut(section, "\n")
		if m := fence.FindStringSubmatch(text); m != nil {
			examples[command] = m[2]
		}
	}
	return examples
}

// TestJSONExamples holds the documented JSON against the types that are printed:
// strictly read and written again it must be the same, so no member is missing
// in either.
func TestJSONExamples(t *testing.T) {
	examples := jsonExamples(t)
	for command, into := range map[string]any{
		"underlay list --json": &listResult{}, "underlay trace --json": &engine.Autopsy{}, "underlay try --json": &tryResult{},
		"underlay doctor --json": &preflight.Report{}, "underlay bench --json": &bench.Report{},
		"underlay author test --json": &prove.Report{}, "underlay author lint --json": &lint.Report{},
		"underlay progress show --json": &progress.Overview{},
	} {
		t.Run(command, func(t *testing.T) {
			d := json.NewDecoder(strings.NewReader(examples[command]))
			d.DisallowUnknownFields()
			if err := d.Decode(into); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(into)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, examples[command], string(again))
		})
	}
}

func TestJSONExampleOfExport(t *testing.T) {
	example := jsonExamples(t)["underlay progress export"]
	store, _, err := progress.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := store.Import(t.Context(), strings.NewReader(example)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := store.Export(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	exported := regexp.MustCompile(`"exported": "[^"]*"`)
	sameJSON(t, exported.ReplaceAllString(example, `"exported": ""`), exported.ReplaceAllString(out.String(), `"exported": ""`))
}

func sameJSON(t *testing.T, want, got string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(want), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("documented:\n%s\nthe program:\n%s", want, got)
	}
}

func TestPictureIsWellFormed(t *testing.T) {
	d := xml.NewDecoder(strings.NewReader(page(t, "docs/screen.svg")))
	var shown []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			shown = append(shown, string(text))
		}
	}
	for _, want := range []string{"docker0 by hand", "want", "got", "A common trap", "✓"} {
		if !slices.Contains(shown, want) {
			t.Errorf("the picture does not show %q", want)
		}
	}
}

// The table of lessons is what the content says: a lab that is added is in there.
func TestReadmeListsEveryLab(t *testing.T) {
	const begin, end = "<!-- labs: made by make docs -->\n", "<!-- /labs -->\n"
	text := page(t, "README.md")
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("README.md has no %s…%s", begin, end)
	}
	want := before + begin + lessonTable(t) + end + after
	if golden.FlagUpdate() {
		if err := os.WriteFile("../README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != want {
		t.Errorf("the table of lessons is not up to date; run make docs. It should be\n%s", lessonTable(t))
	}
}

func lessonTable(t *testing.T) string {
	t.Helper()
	c, err := course.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	table := "| lesson | its lab | what you do there |\n| --- | --- | --- |\n"
	for _, l := range c.Book.Lessons() {
		lab, err := c.Labs.Lab(l.Lab)
		if err != nil {
			t.Fatal(err)
		}
		does := strings.ToLower(lab.Summary[:1]) + strings.TrimSuffix(lab.Summary[1:], ".")
		if lab.Cluster != nil {
			does += " (takes `make kube`)"
		}
		table += fmt.Sprintf("| %s | `%s` | %s |\n", l.Title, lab.ID, does)
	}
	return table
}
