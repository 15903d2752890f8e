package cli

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"underlay/engine/preflight"
	"underlay/progress"
)

// scriptsLimit is how long all scripts of a folder together may take: what a learner or a
// stranger gives the program, it ends.
const scriptsLimit = 5 * time.Minute

// TestScripts runs the scripts of testdata/script, which say how the program
// behaves, and TestScriptsOnce those of testdata/once, which are not about who runs it.
// They are testscript's, with `underlay` and `without` (main_test.go) as
// programs and these commands more:
//
//	exits CODE PROGRAM ARG…  the program ends with this very code
//	json PATH PATTERN        a value of the JSON output; PATH is of members, ids and indexes
//	shape NAME               the JSON output is what docs/JSON.md says: list, try, doctor, progress
//	spoil DIR OLD NEW        makes DIR/x a copy of good/x with OLD in lab.yaml replaced; \n is a newline
//	fill FILE SIZE TEXT      makes a file of so many bytes of TEXT again and again; \n is a newline
func TestScripts(t *testing.T) { scripts(t, "testdata/script") }

func TestScriptsOnce(t *testing.T) { scripts(t, "testdata/once") }

func scripts(t *testing.T, dir string) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:      dir,
		Deadline: time.Now().Add(scriptsLimit),
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"HOME", "USER", "LANG"} {
				e.Setenv(name, os.Getenv(name))
			}
			e.Setenv("PATH", e.Getenv("PATH")+":/usr/sbin:/sbin")
			e.Setenv("TERM", "dumb")
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, ".state"))
			return nil
		},
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": command("exits code program [args...]", exits),
			"json":  command("json path pattern", jsonValue),
			"shape": command("shape name", jsonShape),
			"spoil": command("spoil dir old new", spoil),
			"fill":  command("fill file size text", fill),
		},
	})
}

// command makes a command of scripts that must be called as its usage says, which
// excludes negation.
func command(usage string, run func(*testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
	words := strings.Fields(usage)[1:]
	return func(ts *testscript.TestScript, neg bool, args []string) {
		last := words[len(words)-1]
		more := strings.HasPrefix(last, "[")
		if neg || len(args) != len(words) && (!more || len(args) < len(words)-1) {
			ts.Fatalf("usage: %s", usage)
		}
		run(ts, args)
	}
}

func exits(ts *testscript.TestScript, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// jsonValue looks a value up in the output: an element of an array is found by its
// index or its id.
func jsonValue(ts *testscript.TestScript, args []string) {
	path, pattern := args[0], args[1]
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	d.UseNumber()
	var v any
	ts.Check(d.Decode(&v))
	for _, key := range strings.Split(path, ".") {
		next, ok := member(v, key)
		if !ok {
			ts.Fatalf("there is no %s of %s in the JSON", key, path)
		}
		v = next
	}
	text, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		ts.Check(err)
		text = string(b)
	}
	re, err := regexp.Compile("(?m)" + pattern)
	ts.Check(err)
	if !re.MatchString(text) {
		ts.Fatalf("%s is %s, which does not match %q", path, text, pattern)
	}
}

func member(v any, key string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		m, ok := v[key]
		return m, ok
	case []any:
		for i, e := range v {
			if o, ok := e.(map[string]any); ok && o["id"] == key || strconv.Itoa(i) == key {
				return e, true
			}
		}
	}
	return nil, false
}

// jsonShape reads the output strictly into what docs/JSON.md describes, of which
// docs_test.go takes care; written again it is the same, so no member is missing.
func jsonShape(ts *testscript.TestScript, args []string) {
	into, ok := map[string]any{
		"list": &listResult{}, "try": &tryResult{}, "doctor": &preflight.Report{}, "progress": &progress.Overview{},
	}[args[0]]
	if !ok {
		ts.Fatalf("unknown shape %s", args[0])
	}
	said := ts.ReadFile("stdout")
	d := json.NewDecoder(strings.NewReader(said))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		ts.Fatalf("the output is not what docs/JSON.md says of %s: %v", args[0], err)
	}
	again, err := json.Marshal(into)
	ts.Check(err)
	var a, b any
	ts.Check(errors.Join(json.Unmarshal([]byte(said), &a), json.Unmarshal(again, &b)))
	if !reflect.DeepEqual(a, b) {
		ts.Fatalf("the output lacks something of what docs/JSON.md says of %s: %s", args[0], again)
	}
}

func spoil(ts *testscript.TestScript, args []string) {
	dir := filepath.Join(args[0], "x")
	old, lab := lines(args[1]), ts.ReadFile("good/x/lab.yaml")
	if strings.Count(lab, old) != 1 {
		ts.Fatalf("good/x/lab.yaml has %q %d times, want once", old, strings.Count(lab, old))
	}
	write(ts, filepath.Join(dir, "lab.yaml"), strings.Replace(lab, old, lines(args[2]), 1))
	write(ts, filepath.Join(dir, "solve.sh"), ts.ReadFile("good/x/solve.sh"))
}

func fill(ts *testscript.TestScript, args []string) {
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := lines(args[2])
	write(ts, args[0], strings.Repeat(text, size/len(text)+1)[:size])
}

func write(ts *testscript.TestScript, name, text string) {
	path := ts.MkAbs(name)
	ts.Check(errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)))
}

// lines is a word of a script with its newlines.
func lines(word string) string { return strings.ReplaceAll(word, `\n`, "\n") }
