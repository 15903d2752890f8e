package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"underlay/engine/preflight"
	"underlay/engine/progress"
)

// commandLimit is how long any command of a script may take: what a learner or
// a stranger gives the program, it ends.
const commandLimit = 2 * time.Minute

// script runs the lines of a txtar file in a directory of its own, in which the
// files that follow the lines are. Lines are words, 'quoted' where need be; $NAME
// is an environment variable; # begins a comment. The commands:
//
//	env NAME=VALUE           sets a variable
//	stdin FILE               is what the next program reads
//	exits CODE PROGRAM ARG…  runs a program, which must end with the code, in time
//	[!] stdout PATTERN       the program's output matches, line by line
//	[!] stderr PATTERN       its errors do
//	[!] exists PATTERN…      each is the name of a file
//	cp FROM TO               copies; FROM may be stdout
//	cmp A B                  two files are the same; A may be stdout
//	json PATH PATTERN        a value of the JSON output; PATH is of members, ids and indexes
//	shape NAME               the JSON output is what docs/JSON.md says: list, try, doctor, progress
//	fill FILE SIZE TEXT      makes a file of so many bytes of TEXT again and again; \n is a newline
type script struct {
	t              *testing.T
	dir            string
	env            []string
	stdin          string
	stdout, stderr string
	at             string // the line that is run
}

func newScript(t *testing.T) *script {
	t.Helper()
	dir := t.TempDir()
	return &script{t: t, dir: dir, at: "test", env: append(os.Environ(), "WORK="+dir, "TERM=dumb", "XDG_STATE_HOME="+dir+"/.state")}
}

// run runs a script to its end or to its first failure.
func (s *script) run(file string) {
	s.t.Helper()
	lines, files := split(readFile(s.t, file))
	for name, text := range files {
		s.write(name, text)
	}
	for i, line := range lines {
		words, err := s.words(line)
		if err != nil {
			s.t.Fatalf("%s:%d: %v", file, i+1, err)
		}
		if len(words) > 0 {
			s.at = fmt.Sprintf("%s:%d: %s", file, i+1, line)
			s.do(words...)
		}
	}
}

var fileMark = regexp.MustCompile(`^-- (\S+) --$`)

// split takes a txtar file apart.
func split(text string) (lines []string, files map[string]string) {
	files = map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch m := fileMark.FindStringSubmatch(line); {
		case m != nil:
			name = m[1]
			files[name] = ""
		case name != "":
			files[name] += line + "\n"
		default:
			lines = append(lines, line)
		}
	}
	return lines, files
}

var wordPart = regexp.MustCompile(`^(\s+|#.*|'[^']*'|[^\s'#]+)`)

// words splits a line; variables are replaced outside of quotes.
func (s *script) words(line string) ([]string, error) {
	var words []string
	apart := true
	for rest := line; rest != ""; {
		part := wordPart.FindString(rest)
		if part == "" {
			return nil, fmt.Errorf("unclosed quote in %s", line)
		}
		rest = rest[len(part):]
		switch {
		case part[0] == '#' && apart:
			return words, nil
		case strings.TrimSpace(part) == "":
			apart = true
			continue
		case part[0] == '\'':
			part = part[1 : len(part)-1]
		default:
			part = os.Expand(part, s.variable)
		}
		if apart {
			words = append(words, "")
		}
		words[len(words)-1] += part
		apart = false
	}
	return words, nil
}

func (s *script) variable(name string) string {
	value := ""
	for _, e := range s.env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

func (s *script) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s\n%s\nstdout:\n%.4000s\nstderr:\n%.4000s", s.at, fmt.Sprintf(format, args...), s.stdout, s.stderr)
}

// do runs one command.
func (s *script) do(words ...string) {
	s.t.Helper()
	want := words[0] != "!"
	if !want {
		words = words[1:]
	}
	args := words[1:]
	switch words[0] {
	case "env":
		s.env = append(s.env, args...)
	case "stdin":
		s.stdin = s.path(args[0])
	case "exits":
		s.exits(args)
	case "stdout":
		s.matches("stdout", s.stdout, args[0], want)
	case "stderr":
		s.matches("stderr", s.stderr, args[0], want)
	case "exists":
		s.exists(args, want)
	case "cp":
		s.write(args[1], s.text(args[0]))
	case "cmp":
		if a, b := s.text(args[0]), s.text(args[1]); a != b {
			s.failf("%s is\n%s\n%s is\n%s", args[0], a, args[1], b)
		}
	case "json":
		s.json(args[0], args[1])
	case "shape":
		s.shape(args[0])
	case "fill":
		size, err := strconv.Atoi(args[1])
		if err != nil {
			s.failf("%v", err)
		}
		text := strings.ReplaceAll(args[2], `\n`, "\n")
		s.write(args[0], strings.Repeat(text, size/len(text)+1)[:size])
	default:
		s.failf("unknown command %s", words[0])
	}
}

func (s *script) exits(args []string) {
	s.t.Helper()
	want, err := strconv.Atoi(args[0])
	if err != nil || len(args) < 2 {
		s.failf("exits CODE PROGRAM ARG…: %v", err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[1], args[2:]...)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if s.stdin != "" {
		f, err := os.Open(s.stdin)
		if err != nil {
			s.failf("%v", err)
		}
		defer f.Close() //nolint:errcheck // only read
		cmd.Stdin, s.stdin = f, ""
	}
	err = cmd.Run()
	s.stdout, s.stderr = stdout.String(), stderr.String()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		s.failf("%v", cmp.Or(ctx.Err(), err))
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		s.failf("exit code %d, want %d", got, want)
	}
}

func (s *script) matches(name, text, pattern string, want bool) {
	s.t.Helper()
	re, err := regexp.Compile("(?m)" + pattern)
	if err != nil {
		s.failf("%v", err)
	}
	if re.MatchString(text) != want {
		s.failf("%s: match of %q is %v", name, pattern, !want)
	}
}

func (s *script) exists(patterns []string, want bool) {
	s.t.Helper()
	for _, p := range patterns {
		if found, err := filepath.Glob(s.path(p)); err != nil || (len(found) > 0) != want {
			s.failf("files named %s: %v, %v", p, found, err)
		}
	}
}

func (s *script) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}

// text is a file's, stdout's, or none where there is no file.
func (s *script) text(name string) string {
	s.t.Helper()
	if name == "stdout" {
		return s.stdout
	}
	b, err := os.ReadFile(s.path(name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.failf("%v", err)
	}
	return string(b)
}

func (s *script) write(name, text string) {
	s.t.Helper()
	path := s.path(name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		s.failf("%v", err)
	}
}

// json looks a value up in the output: an element of an array is found by its
// index or its id.
func (s *script) json(path, pattern string) {
	s.t.Helper()
	d := json.NewDecoder(strings.NewReader(s.stdout))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		s.failf("the output is not JSON: %v", err)
	}
	for _, key := range strings.Split(path, ".") {
		next, ok := member(v, key)
		if !ok {
			s.failf("there is no %s of %s in the JSON", key, path)
		}
		v = next
	}
	text, err := json.Marshal(v)
	if str, ok := v.(string); ok {
		text = []byte(str)
	}
	if err != nil {
		s.failf("%v", err)
	}
	s.matches(path, string(text), pattern, true)
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

// shape reads the output strictly into what docs/JSON.md describes, of which
// docs_test.go takes care.
func (s *script) shape(name string) {
	s.t.Helper()
	into, ok := map[string]any{
		"list": &listResult{}, "try": &tryResult{}, "doctor": &preflight.Report{}, "progress": &progress.Overview{},
	}[name]
	if !ok {
		s.failf("unknown shape %s", name)
	}
	d := json.NewDecoder(strings.NewReader(s.stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() {
		s.failf("the output is not what docs/JSON.md says of %s: %v", name, err)
	}
}

// decode reads the output, which must be one JSON value.
func (s *script) decode(into any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.stdout), into); err != nil {
		s.failf("the output is not JSON: %v", err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
