package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"underlay/author/lint"
	"underlay/course/format"
)

const guide = "docs/AUTHORING.md"

// typed runs lines of shell in a directory and fails the test if one fails.
func typed(t *testing.T, dir, lines string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-eu", "-o", "pipefail", "-c", lines)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+dir+"/.state")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, lines, out.String())
	}
	return out.String()
}

// TestAuthoringGuideOnce does what docs/AUTHORING.md says, command by command. A
// line that begins with ! must fail: bash -e passes over it, so that is tried
// here.
func TestAuthoringGuideOnce(t *testing.T) {
	dir := t.TempDir()
	blocks := 0
	var lines []string // of one session: whatever a block does to the shell, the next one meets
	for _, m := range fence.FindAllStringSubmatch(page(t, guide), -1) {
		if m[1] != "sh" {
			continue
		}
		blocks++
		for line := range strings.Lines(m[2]) {
			if command, ok := strings.CutPrefix(line, "! "); ok {
				line = "if " + strings.TrimSpace(command) + "; then echo 'this should have failed'; exit 1; fi\n"
			}
			lines = append(lines, line)
		}
	}
	typed(t, dir, strings.Join(lines, ""))
	if blocks < 10 {
		t.Errorf("%s has %d blocks of commands", guide, blocks)
	}
	// What it leads to: a lab whose new mistake is told why, and a recorded output.
	out := typed(t, dir, "underlay try second-address --content my-course --script my-course/labs/my-labs/second-address/mistakes/second-on-router.sh --json || [ $? = 1 ]")
	var r tryResult
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Tasks, func(task tryTask) bool { return task.State != "pass" })
	if i < 0 || r.Tasks[i].ID != "second" || r.Tasks[i].Misconception != "second-on-router" {
		t.Errorf("the guide's mistake: %+v", r.Tasks)
	}
	lesson := read(t, filepath.Join(dir, "my-course/lessons/my-labs/1-second-address.md"))
	if !regexp.MustCompile(`(?m)^eth0@if\d+ +UP +10\.20\.1\.2/24 10\.20\.1\.9/24 *$`).MatchString(lesson) {
		t.Errorf("nothing was recorded:\n%s", lesson)
	}
}

// TestAuthorNewIsProven tries everything that a new lab brings along: the right
// ways solve it, each mistake fails just the tasks that it names and is
// answered by its misconception, with the canonical and with other parameters.
func TestAuthorNewIsProven(t *testing.T) {
	dir := t.TempDir()
	typed(t, dir, "underlay author new my-lab --dir .; underlay author lint --content . --strict; underlay author record --check --content .")
	c, err := format.OpenDirs(0, dir)
	if err != nil {
		t.Fatal(err)
	}
	lab, err := c.Lab("my-lab")
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range []string{"0", "5"} {
		for _, s := range append([]string{"solve"}, scriptNames(t, dir, "alternatives")...) {
			typed(t, dir, "underlay try my-lab --content . --seed "+seed+" --script labs/my-labs/my-lab/"+s+".sh")
		}
		for _, m := range lab.Mistakes {
			out := typed(t, dir, "underlay try my-lab --content . --seed "+seed+" --script labs/my-labs/my-lab/mistakes/"+m.Name+".sh --json || [ $? = 1 ]")
			var r tryResult
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatal(err)
			}
			for _, task := range r.Tasks {
				waits := len(lab.Task(task.ID).After) > 0 && slices.Contains(m.Fails, lab.Task(task.ID).After[0])
				if named := slices.Contains(m.Fails, task.ID); named != (task.State == "fail" && !waits) {
					t.Errorf("seed %s: %s: task %s is %s", seed, m.Name, task.ID, task.State)
				} else if named && task.Misconception != m.Misconception {
					t.Errorf("seed %s: %s is answered by %q", seed, m.Name, task.Misconception)
				}
			}
		}
	}
}

// scriptNames are the scripts of a folder of my-lab, without .sh.
func scriptNames(t *testing.T, dir, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "labs/my-labs/my-lab", folder, "*.sh"))
	if err != nil || len(found) == 0 {
		t.Fatal(err, found)
	}
	for i := range found {
		found[i] = folder + "/" + strings.TrimSuffix(filepath.Base(found[i]), ".sh")
	}
	return found
}

// TestGuideDescribesEveryField holds the guide against the schema: each field of
// the format is named, each check has an example, and each rule of lint is there.
func TestGuideDescribesEveryField(t *testing.T) {
	page := page(t, guide)
	s := format.LabSchema()
	s.Definitions["the lab"] = s
	for name, d := range s.Definitions {
		for field := range d.Properties {
			if !regexp.MustCompile("[`{, ]" + regexp.QuoteMeta(field) + "[`:]").MatchString(page) {
				t.Errorf("%s does not tell of %s of %s", guide, field, name)
			}
		}
	}
	for _, rule := range lint.Rules {
		if !strings.Contains(page, "| `"+rule+"` |") {
			t.Errorf("%s does not list the rule %s", guide, rule)
		}
	}
}

// TestGuideExamplesLoad puts every example of a check into a lab and loads it.
func TestGuideExamplesLoad(t *testing.T) {
	_, part, _ := strings.Cut(page(t, guide), "\n## Checks\n")
	part, _, _ = strings.Cut(part, "\n## ")
	var checks strings.Builder
	for _, m := range fence.FindAllStringSubmatch(part, -1) {
		if m[1] != "yaml" {
			t.Errorf("a block of %q among the checks", m[1])
		}
		for line := range strings.Lines(m[2]) {
			checks.WriteString("      " + line)
		}
	}
	for kind := range format.LabSchema().Definitions["Check"].Properties {
		if !strings.Contains(checks.String(), kind+":") {
			t.Errorf("there is no example of %s", kind)
		}
	}
	lab := `id: examples
title: Examples
module: bridge
summary: What the guide shows.
minutes: 5
cluster:
  pods: [{name: toolbox}]
nodes:
  - {name: host, kind: host, shell: true}
  - {name: c1, kind: container}
  - {name: c2, kind: container}
workloads:
  - {node: c2, kind: http, listen: ":80"}
tasks:
  - id: all
    goal: Every example holds.
    hints: {symptom: a, layer: b, command: c, solution: d}
    checks:
` + checks.String()
	_, err := format.Load(fstest.MapFS{"x/lab.yaml": {Data: []byte(lab)}, "x/solve.sh": {Data: []byte("true\n")}}, 0)
	if err != nil {
		t.Error(err)
	}
}
