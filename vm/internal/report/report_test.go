package report

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"underlay/vm/internal/plan"
)

func command(exit int, says string) plan.Step {
	return plan.Step{Name: "a step", Kind: plan.Command, Command: []string{"do", "it"}, Exit: exit, Says: says}
}

// failures are the messages of the failed cases.
func failures(s junit.Testsuite) string {
	var all []string
	for _, c := range s.Testcases {
		if c.Failure != nil {
			all = append(all, c.Name+": "+c.Failure.Message)
		}
	}
	return strings.Join(all, "\n")
}

func TestStepsAreJudged(t *testing.T) {
	goTest := plan.Step{Name: "tests", Kind: plan.GoTest, Command: []string{"x.test"}}
	written := plan.Step{Name: "labs", Kind: plan.JUnit, JUnit: "/tmp/x.xml", Command: []string{"prove"}}
	const suites = `<testsuites><testsuite name="l"><testcase name="a" classname="l"></testcase><testcase name="b" classname="l"><failure message="no">why</failure></testcase></testsuite></testsuites>`
	for name, c := range map[string]struct {
		step   plan.Step
		result *plan.Result
		tests  int
		want   string // of failures
	}{
		"never ended":    {command(0, ""), nil, 1, "do it: the virtual machine ended before this did"},
		"killed":         {command(0, ""), &plan.Result{Exit: -1, Error: "still running after 1m0s"}, 1, "do it: still running after 1m0s"},
		"right":          {command(3, "^error: .*here$"), &plan.Result{Exit: 3, Output: "x\nerror: not here\nhint"}, 1, ""},
		"other code":     {command(3, ""), &plan.Result{Exit: 0}, 1, "do it: exit code 0, not 3"},
		"other words":    {command(3, "^error: mine"), &plan.Result{Exit: 3, Output: "error: yours"}, 1, `do it: the output does not match "^error: mine"`},
		"tests pass":     {goTest, &plan.Result{Output: "=== RUN   TestA\n--- PASS: TestA (0.10s)\nPASS\n"}, 1, ""},
		"a test fails":   {goTest, &plan.Result{Exit: 1, Output: "=== RUN   TestA\n    a_test.go:1: no\n--- FAIL: TestA (0.10s)\nFAIL\n"}, 1, "TestA: Failed"},
		"a test skips":   {goTest, &plan.Result{Output: "=== RUN   TestA\n    a_test.go:1: why\n--- SKIP: TestA (0.00s)\nPASS\n"}, 1, "TestA: skipped"},
		"no tests":       {goTest, &plan.Result{Output: "testing: warning: no tests to run\nPASS\n"}, 1, "all: nothing was run"},
		"after tests":    {goTest, &plan.Result{Exit: 1, Output: "=== RUN   TestA\n--- PASS: TestA (0.10s)\nPASS\nleft behind\n"}, 2, "all: exit code 1, though no case failed"},
		"written":        {written, &plan.Result{Exit: 1, JUnit: suites}, 2, "b: no"},
		"nothing there":  {written, &plan.Result{Exit: 0, JUnit: "<testsuites></testsuites>"}, 1, "all: nothing was run"},
		"half a file":    {written, &plan.Result{Exit: 0, JUnit: "<testsuites>"}, 1, "prove: /tmp/x.xml cannot be read: XML syntax error on line 1: unexpected EOF"},
		"no such kind":   {plan.Step{Name: "x", Kind: "guess", Command: []string{"x"}}, &plan.Result{}, 1, `x: unknown kind "guess"`},
		"doctor is mute": {plan.Step{Name: "x", Kind: plan.Doctor, Command: []string{"d"}}, &plan.Result{Output: "{"}, 1, "d: no report: unexpected end of JSON input"},
	} {
		suite := Suite(c.step, c.result)
		if got := failures(suite); got != c.want || suite.Tests != c.tests || (suite.Failures > 0) != (c.want != "") {
			t.Errorf("%s: %d cases, failures %q, want %d and %q", name, suite.Tests, got, c.tests, c.want)
		}
	}
}

func TestEveryFeatureMustBeThere(t *testing.T) {
	step := plan.Step{Name: "features", Kind: plan.Doctor, Command: []string{"doctor"}}
	var findings []string
	for _, id := range append(Needed(), "veth") {
		findings = append(findings, `{"id":"kernel/`+id+`","ok":true}`)
	}
	text := func(list []string) *plan.Result {
		return &plan.Result{Output: `{"findings":[{"id":"tool/vim","ok":false},{"id":"namespaces","ok":true},` + strings.Join(list, ",") + `]}`}
	}
	suite := Suite(step, text(findings))
	if got := failures(suite); got != "" || suite.Tests != len(Needed())+2 {
		t.Errorf("all there: %d cases, %s", suite.Tests, got)
	}
	if got := failures(Suite(step, text(findings[1:]))); got != "kernel/"+Needed()[0]+": doctor does not look at it" {
		t.Errorf("one that preflight does not know: %q", got)
	}
	findings[0] = `{"id":"kernel/` + Needed()[0] + `","ok":false,"detail":"no such module","remedy":"modprobe it"}`
	if got := failures(Suite(step, text(findings))); got != "kernel/"+Needed()[0]+": no such module (modprobe it)" {
		t.Errorf("one that is not there: %q", got)
	}
	none := &plan.Result{Output: `{"findings":[{"id":"namespaces","ok":false,"detail":"forbidden","remedy":"allow it"},{"id":"kernel/veth","ok":false}]}`}
	if got := failures(Suite(step, none)); got != "doctor: forbidden (allow it)" {
		t.Errorf("no namespaces: %q", got)
	}
}

func TestReportCanBeWritten(t *testing.T) {
	var all junit.Testsuites
	all.AddSuite(Suite(command(0, ""), &plan.Result{Exit: 1, Output: "\x1b[1mbold\x1b[0m\x00"}))
	var b strings.Builder
	if err := all.WriteXML(&b); err != nil {
		t.Fatal(err)
	}
	var back junit.Testsuites
	if err := xml.Unmarshal([]byte(b.String()), &back); err != nil || back.Failures != 1 {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestLine(t *testing.T) {
	good := Line(command(0, ""), &plan.Result{Took: 1500 * time.Millisecond})
	bad := Line(command(0, ""), nil)
	if !strings.HasPrefix(good, "ok    a step ") || !strings.HasSuffix(good, "1 of 1       1.5 s") || !strings.HasPrefix(bad, "FAIL  a step ") {
		t.Errorf("%q\n%q", good, bad)
	}
}

// TestFlakesAreTold: what failed once and not again has not failed, and is told.
func TestFlakesAreTold(t *testing.T) {
	tests := plan.Step{Name: "tests", Kind: plan.GoTest, Command: []string{"x.test"}}
	labs := plan.Step{Name: "labs", Kind: plan.JUnit, JUnit: "/tmp/x.xml", Command: []string{"prove"}}
	output := func(a, b string) string {
		return "=== RUN   TestA\n    a_test.go:1: slow\n--- " + a + ": TestA (0.10s)\n=== RUN   TestB\n--- " + b + ": TestB (0.10s)\n"
	}
	first := output("FAIL", "PASS") + "FAIL\n"
	for name, c := range map[string]struct {
		step   plan.Step
		result *plan.Result
		failed string
		flakes []Flake
	}{
		"passes again": {tests, &plan.Result{Exit: 1, Output: first, Again: &plan.Result{Output: output("PASS", "PASS") + "PASS\n"}}, "", []Flake{{"TestA", "    a_test.go:1: slow"}}},
		"fails again":  {tests, &plan.Result{Exit: 1, Output: first, Again: &plan.Result{Exit: 1, Output: first}}, "TestA: Failed", nil},
		"dies again":   {tests, &plan.Result{Exit: 1, Output: first, Again: &plan.Result{Exit: 2, Output: output("PASS", "PASS")}}, "all: exit code 2, though no case failed", []Flake{{"TestA", "    a_test.go:1: slow"}}},
		"of a file": {labs, &plan.Result{JUnit: `<testsuites><testsuite name="l"><testcase name="a" classname="l"><flakyFailure message="no">why</flakyFailure></testcase></testsuite></testsuites>`},
			"", []Flake{{"l a", "why"}}},
	} {
		if got := failures(Suite(c.step, c.result)); got != c.failed {
			t.Errorf("%s: failures %q, want %q", name, got, c.failed)
		}
		if got := Flakes(c.step, c.result); !slices.Equal(got, c.flakes) {
			t.Errorf("%s: flakes %q, want %q", name, got, c.flakes)
		}
		if n := strings.Count(Line(c.step, c.result), "  1 FLAKE"); n != len(c.flakes) {
			t.Errorf("%s: %s", name, Line(c.step, c.result))
		}
	}
}
