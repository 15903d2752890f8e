package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"underlay/author/prove"
)

// badLab is a lab that is wrong in one way, and what the proofs must say of it.
type badLab struct {
	id    string
	files map[string]string
	// fails are lines "PROOF: WORDS": the proof fails, and says these words. No
	// other proof of the lab may fail.
	fails []string
	skips []string // proofs that this machine cannot make
	only  string   // proofs to make, as a regular expression; "" for all
}

// cannotRun is the bad lab of which nothing can be proven anywhere.
const cannotRun = "runs-nowhere"

// badLabs reads testdata/badlabs: each NAME.txtar is a lab that differs from the
// one in base by the files in it. Its first lines say what must be found.
func badLabs(t *testing.T) []badLab {
	t.Helper()
	base := baseLab(t)
	var out []badLab
	for _, path := range glob(t, "testdata/badlabs/*.txtar") {
		lab := badLab{id: strings.TrimSuffix(filepath.Base(path), ".txtar"), files: maps.Clone(base)}
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			lab.files[f.Name] = string(f.Data)
		}
		for name, text := range lab.files {
			lab.files[name] = strings.ReplaceAll(text, "${ID}", lab.id)
		}
		for line := range strings.Lines(string(archive.Comment)) {
			line = strings.TrimSpace(line)
			if fails, ok := strings.CutPrefix(line, "# fails "); ok {
				lab.fails = append(lab.fails, fails)
			}
			if skips, ok := strings.CutPrefix(line, "# skips "); ok {
				lab.skips = append(lab.skips, skips)
			}
			if only, ok := strings.CutPrefix(line, "# only "); ok {
				lab.only = only
			}
		}
		out = append(out, lab)
	}
	return out
}

// baseLab returns the files of the lab that bad labs differ from.
func baseLab(t *testing.T) map[string]string {
	t.Helper()
	base := map[string]string{}
	for _, pattern := range []string{"*", "*/*.sh"} {
		for _, path := range glob(t, filepath.Join("testdata/badlabs/base", pattern)) {
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				name, _ := filepath.Rel("testdata/badlabs/base", path)
				base[name] = read(t, path)
			}
		}
	}
	return base
}

// fineLab is a lab that nothing is wrong with.
func fineLab(t *testing.T) badLab {
	t.Helper()
	files := baseLab(t)
	for name, text := range files {
		files[name] = strings.ReplaceAll(text, "${ID}", "fine")
	}
	return badLab{id: "fine", files: files}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found
}

// writeLabs writes labs as a content folder, and the lessons that some have.
func writeLabs(t *testing.T, labs []badLab) string {
	t.Helper()
	dir := t.TempDir()
	labs = append(labs, badLab{id: "lessons", files: map[string]string{
		"bad/module.yaml": "id: bad\ntitle: Bad lessons\norder: 99\nsummary: What is wrong with them.\n",
	}})
	for i, lab := range labs {
		for name, text := range lab.files {
			path := filepath.Join(dir, lab.id, name)
			if name == "lesson.md" {
				path = filepath.Join(dir, fmt.Sprintf("lessons/bad/%d-%s.md", i+1, lab.id))
			}
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// authorTest runs `underlay author test` and returns its output and exit code.
func authorTest(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "underlay", append([]string{"author", "test"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestEveryBadLabIsCaughtOnce proves all bad labs: exactly the proofs fail that must,
// and say what must be said, in each form of report. Not once more as an ordinary user,
// because it takes minutes and is about what proofs demand, not about what they may do.
func TestEveryBadLabIsCaughtOnce(t *testing.T) {
	t.Parallel()
	labs := badLabs(t)
	if len(labs) < 20 {
		t.Fatalf("only %d bad labs", len(labs))
	}
	dir, junit := writeLabs(t, labs), filepath.Join(t.TempDir(), "junit.xml")
	args := []string{"--content", dir, "--seeds", "4", "--json", "--junit", junit, "--run", chosenProofs(labs)}
	for _, lab := range labs {
		args = append(args, lab.id)
	}
	stdout, stderr, code := authorTest(t, args...)
	if code != exitNotSolved || stderr != "" {
		t.Fatalf("exit code %d, %s\n%s", code, stderr, stdout)
	}
	var report prove.Report
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&report); err != nil {
		t.Fatal(err)
	}
	for _, lab := range labs {
		t.Run(lab.id, func(t *testing.T) { caught(t, lab, report) })
	}
	sameInJUnit(t, report, read(t, junit))
}

// chosen chooses the proofs to make: all that a lab does not restrict, but that
// it stays solved only of a lab that does not, for that proof takes seconds.
func chosenProofs(labs []badLab) string {
	var out []string
	for _, lab := range labs {
		only := cmp.Or(lab.only, "[^h].*")
		if slices.ContainsFunc(lab.fails, func(line string) bool { return strings.HasPrefix(line, "hold: ") }) {
			only += "|hold"
		}
		out = append(out, fmt.Sprintf("^%s/(%s)$", lab.id, only))
	}
	return strings.Join(out, "|")
}

// caught holds the proofs of one bad lab against what must be found.
func caught(t *testing.T, lab badLab, report prove.Report) {
	made := 0
	for i := range report.Proofs {
		p := &report.Proofs[i]
		if p.Lab != lab.id {
			continue
		}
		made++
		name := strings.TrimPrefix(p.ID(), lab.id+"/")
		expected := false
		for _, line := range lab.fails {
			proof, words, _ := strings.Cut(line, ": ")
			if proof != name {
				continue
			}
			expected = true
			if !slices.ContainsFunc(p.Wrong, func(w string) bool { return strings.Contains(w, words) }) {
				t.Errorf("%s says %q, not %q", name, p.Wrong, words)
			}
		}
		if (p.Verdict == prove.Skipped) != slices.Contains(lab.skips, name) && lab.id != cannotRun {
			t.Errorf("%s is %s: %q", name, p.Verdict, p.Notes)
		}
		if expected != (p.Verdict == prove.Failed) {
			t.Errorf("%s is %s: %q\n%s\n%s", name, p.Verdict, p.Wrong, strings.Join(p.Differs, "\n"), p.Transcript)
		}
	}
	if made < 8 && lab.only == "" {
		t.Errorf("only %d proofs were made", made)
	}
	for _, line := range lab.fails {
		name, _, _ := strings.Cut(line, ": ")
		if !slices.ContainsFunc(report.Proofs, func(p prove.Proof) bool { return p.ID() == lab.id+"/"+name }) {
			t.Errorf("there is no proof %s", name)
		}
	}
}

// sameInJUnit holds a JUnit file against the report.
func sameInJUnit(t *testing.T, report prove.Report, text string) {
	t.Helper()
	type word struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var run struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *word  `xml:"failure"`
				Skipped *word  `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &run); err != nil {
		t.Fatal(err)
	}
	if run.Tests != len(report.Proofs) || run.Failures != report.Failed || run.Skipped != report.Skipped {
		t.Errorf("JUnit counts %d, %d, %d; the report %d, %d, %d", run.Tests, run.Failures, run.Skipped,
			len(report.Proofs), report.Failed, report.Skipped)
	}
	i := 0
	for _, suite := range run.Suites {
		for _, c := range suite.Cases {
			p := &report.Proofs[i]
			i++
			if suite.Name+"/"+c.Name != p.ID() || (c.Failure != nil) != (p.Verdict == prove.Failed) || (c.Skipped != nil) != (p.Verdict == prove.Skipped) {
				t.Errorf("JUnit has %s/%s (%v, %v) where the report has %s, %s", suite.Name, c.Name, c.Failure, c.Skipped, p.ID(), p.Verdict)
				continue
			}
			for _, w := range p.Wrong {
				if !strings.Contains(c.Failure.Message, w) || !strings.Contains(c.Failure.Text, w) {
					t.Errorf("JUnit does not say of %s: %s", p.ID(), w)
				}
			}
		}
	}
	if i != len(report.Proofs) {
		t.Errorf("JUnit has %d cases, the report %d", i, len(report.Proofs))
	}
}

// TestProofsAreToldOnce reads the report for people: a line for each lab, then all
// about those that failed, then the sum.
func TestProofsAreToldOnce(t *testing.T) {
	t.Parallel()
	dir := writeLabs(t, badLabs(t))
	stdout, stderr, code := authorTest(t, "--content", dir, "--seeds", "1", "--run", "/(solution|untouched|mistake/off|without-line/2)$",
		"line-for-nothing", "mistake-is-answered-otherwise", "optional-and-needed", "alternative-hangs")
	if code != exitNotSolved || stderr != "" {
		t.Fatalf("exit code %d, %s\n%s", code, stderr, stdout)
	}
	for _, want := range []string{
		"✓ alternative-hangs: 4 of 4 proven\n",
		"✗ line-for-nothing: 1 of 4 proofs failed\n",
		"✗ line-for-nothing/without-line/2\n    the lab is solved without `ip link set lo mtu 1500`; remove it, or mark it `# optional: reason`\n",
		"  state\n    task up: pass\n    task address: pass\n  transcript\n    host:~# ip addr add 10.9.9.9/32 dev lo\n    host:~# ip link set lo up\n",
		"✗ mistake-is-answered-otherwise/mistake/off\n",
		"    task address: fail\n      want  lo in host has the address 10.9.9.9/32\n      got   lo in host has 127.0.0.1/8 and 10.9.9.9/24\n",
		"      note  other-length\n",
		"\n13 proven, 3 failed, in ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the report does not say\n%s", want)
		}
	}
	if t.Failed() {
		t.Log(stdout)
	}
}

func TestVerboseTellsOfEveryProofOnce(t *testing.T) {
	t.Parallel()
	dir := writeLabs(t, badLabs(t))
	stdout, _, code := authorTest(t, "--content", dir, "--seeds", "2", "--verbose", "--run", "solution|mark|seed", "optional-what")
	if code != exitNotSolved {
		t.Fatalf("exit code %d\n%s", code, stdout)
	}
	for _, want := range []string{"✓ optional-what/solution  ", "✗ optional-what/without-line/mark-4  ", "✓ optional-what/seed/1  ",
		"    the lab has no parameters, so there is only one draw\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, stdout)
		}
	}
}

// TestALabThatCannotRunIsNotProvenOnce: it is said, and no failure, except that
// nothing was proven or that --strict wants everything.
func TestALabThatCannotRunIsNotProvenOnce(t *testing.T) {
	t.Parallel()
	dir := writeLabs(t, badLabs(t))
	junit := filepath.Join(t.TempDir(), "junit.xml")
	const said = "- runs-nowhere: not proven here: the lab requires no-such-thing, which this version of Underlay does not know; update Underlay\n"
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitOK, []string{"runs-nowhere", "mistake-solves"}},
		{exitCannotRun, []string{"runs-nowhere", "mistake-solves", "--strict"}},
		{exitCannotRun, []string{"runs-nowhere"}},
		{exitNotSolved, []string{"runs-nowhere", "solution-leaves-a-task"}},
	} {
		stdout, _, code := authorTest(t, append([]string{"--content", dir, "--run", "solution$", "--junit", junit}, c.args...)...)
		if code != c.code || !strings.Contains(stdout, said) || !strings.Contains(stdout, "1 not proven here") {
			t.Errorf("%q ends with %d, not %d:\n%s", c.args, code, c.code, stdout)
		}
		if text := read(t, junit); !strings.Contains(text, `<skipped message="not proven here: the lab requires no-such-thing`) {
			t.Errorf("JUnit does not say so:\n%s", text)
		}
	}
}

func TestAuthorTestRefusesWhatMeansNothingOnce(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`error: --run "nonsense" matches no proof`:         {"--run", "nonsense"},
		"error: --run: error parsing regexp":               {"--run", "("},
		`error: lab "docker1": not found`:                  {"docker1"},
		"error: --seeds 0":                                 {"--seeds", "0"},
		"error: --jobs -1":                                 {"--jobs", "-1"},
		"error: --junit: open /nowhere/x":                  {"--junit", "/nowhere/x", "--run", "netns-veth/untouched"},
		"error: --remember needs --proven":                 {"--remember"},
		"error: --remember with --run, --shard or":         {"--remember", "--proven", "x", "--shard", "1/2"},
		"error: /: not the source of Underlay":             {"--proven", "x", "--source", "/"},
		"error: --changed-since: git diff: ":               {"--changed-since", "no-such-revision", "--source", ".."},
		"error: --proven: read ..: is a directory":         {"--proven", "..", "--source", ".."},
		`error: invalid argument "3/2" for "--shard" flag`: {"--shard", "3/2"},
	} {
		stdout, stderr, code := authorTest(t, args...)
		if code != exitUsage || !strings.HasPrefix(stderr, want) || !strings.Contains(stderr, "\nhint: ") {
			t.Errorf("%q ends with %d: %s%s", args, code, stdout, stderr)
		}
	}
}
