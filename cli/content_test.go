package cli

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// output is what the program said and how it ended.
type output struct {
	code           int
	stdout, stderr string
}

// underlay runs the program in a directory.
func underlay(t *testing.T, dir string, args ...string) output {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "underlay", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+dir, "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return output{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// lab writes a lab below dir.
func lab(t *testing.T, dir, name, text string) {
	t.Helper()
	dir = filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "lab.yaml"), []byte(text), 0o644),
		os.WriteFile(filepath.Join(dir, "solve.sh"), []byte("ip link set lo down\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// refusal is how the program refuses a bad lab: with its place in the file, at
// most so many problems, and what to do.
var refusal = regexp.MustCompile(`^error: (bad/x/(lab\.yaml|faults/[a-z.]+\.sh)(:\d+:\d+)?: \S.*\n){1,25}(… and \d+ more\n)?hint: \S.*\n$`)

// TestEveryBadLabOnce gives each of the loader's bad labs to the program, by the one
// way that all of its commands take.
func TestEveryBadLabOnce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../course/format/testdata/bad/*.yaml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d bad labs, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			lab(t, dir, "bad/x", read(t, file))
			out := underlay(t, dir, "list", "--content", "bad")
			if out.code != exitUsage || out.stdout != "" || !refusal.MatchString(out.stderr) {
				t.Errorf("it ended with %d, said %q and complained:\n%s", out.code, out.stdout, out.stderr)
			}
		})
	}
}

// TestLabsAreAvailableAsDoctorSays writes a lab for every feature and tool that
// doctor knows and demands that list agrees with it, and that one which cannot
// run says why instead of running.
func TestLabsAreAvailableAsDoctorSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var report struct {
		Findings []struct {
			ID string
			OK bool
		}
	}
	decode(t, underlay(t, dir, "doctor", "--json"), &report)
	works := map[string]bool{}
	for _, f := range report.Findings {
		kind, word, _ := strings.Cut(f.ID, "/")
		if kind != "kernel" && kind != "tool" || word == "version" {
			continue
		}
		if was, twice := works[word]; twice { // the name of a feature and of a tool: a lab needs both
			works[word] = was && f.OK
			continue
		}
		works[word] = f.OK
		lab(t, dir, "more/needs-"+word, strings.NewReplacer("id: tiny", "id: needs-"+word, "[veth]", "["+word+"]").Replace(tinyLab))
	}
	if len(works) < 20 {
		t.Fatalf("doctor looked at %d things only", len(works))
	}
	var list listResult
	decode(t, underlay(t, dir, "list", "--json", "--content", "more"), &list)
	for word, ok := range works {
		i := slices.IndexFunc(list.Labs, func(l listLab) bool { return l.ID == "needs-"+word })
		if i < 0 {
			t.Fatalf("the lab that needs %s is not listed", word)
		}
		l := list.Labs[i]
		if l.Available != ok || l.Available != (l.Reason == "") {
			t.Errorf("doctor says %s is %v, list says %v (%s)", word, ok, l.Available, l.Reason)
		}
		if l.Available {
			continue
		}
		out := underlay(t, dir, "try", l.ID, "--content", "more", "--script", "more/"+l.ID+"/solve.sh")
		says := regexp.MustCompile(`^error: lab ` + l.ID + ` cannot run here: .*` + word + `.*\nhint: \S.*\n$`)
		if out.code != exitCannotRun || out.stdout != "" || !says.MatchString(out.stderr) {
			t.Errorf("%s ended with %d, said %q and complained:\n%s", l.ID, out.code, out.stdout, out.stderr)
		}
	}
}

// TestLabsOfOtherKernels takes the labs that each need one rarer feature of the
// kernel. Here every one of them is either solved, or says at once and in words
// that it cannot run and what to do; `make vm-test` solves them all.
func TestLabsOfOtherKernels(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder, err := filepath.Abs("../vm/testdata/labs")
	if err != nil {
		t.Fatal(err)
	}
	var list listResult
	decode(t, underlay(t, dir, "list", "--json", "--content", folder), &list)
	seen := 0
	for _, l := range list.Labs {
		if l.Module != "second-kernel" {
			continue
		}
		seen++
		out := underlay(t, dir, "try", l.ID, "--content", folder, "--script", filepath.Join(folder, l.ID, "solve.sh"))
		if l.Available {
			if out.code != exitOK {
				t.Errorf("%s ended with %d:\n%s%s", l.ID, out.code, out.stdout, out.stderr)
			}
			continue
		}
		says := regexp.MustCompile(`^error: lab ` + l.ID + ` cannot run here: this machine lacks the (kernel feature|tool) \S.*\nhint: ` +
			regexp.QuoteMeta(l.Remedy) + `\n$`)
		if out.code != exitCannotRun || out.stdout != "" || l.Remedy == "" || !says.MatchString(out.stderr) {
			t.Errorf("%s ended with %d, said %q and complained:\n%s", l.ID, out.code, out.stdout, out.stderr)
		}
	}
	if seen < 8 {
		t.Errorf("only %d labs were looked at", seen)
	}
}

func decode(t *testing.T, out output, into any) {
	t.Helper()
	if out.code != exitOK {
		t.Fatalf("it ended with %d: %s", out.code, out.stderr)
	}
	if err := json.Unmarshal([]byte(out.stdout), into); err != nil {
		t.Fatal(err)
	}
}

// tinyLab is the smallest lab that is one.
const tinyLab = `id: tiny
title: Tiny
module: bridge
summary: The smallest lab.
minutes: 1
requires: [veth]
nodes:
  - {name: host, kind: host, shell: true}
tasks:
  - id: down
    goal: lo of host is down.
    checks:
      - link: {node: host, name: lo, state: down}
    hints: {symptom: It is up., layer: Links., command: ip link set, solution: ip link set lo down}
`
