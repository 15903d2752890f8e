// Package report turns what the virtual machine said of each step into JUnit
// test suites.
package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/jstemmer/go-junit-report/v2/parser/gotest"

	"underlay/engine/preflight"
	"underlay/vm/internal/plan"
)

// Needed are the features that the second kernel is there for: preflight must
// know and find each of them. It must find every other one that it knows, too.
func Needed() []string {
	return []string{"br-netfilter", "dummy", "geneve", "gre", "ipip", "ipvlan", "ipvs", "netem", "vlan", "vrf", "wireguard"}
}

// Suite judges a step. A nil result is of a step that did not come to its end.
func Suite(s plan.Step, r *plan.Result) junit.Testsuite {
	if r == nil {
		return single(s, "the virtual machine ended before this did", "")
	}
	var suite junit.Testsuite
	switch {
	case r.Error != "":
		suite = single(s, r.Error, r.Output)
	case s.Kind == plan.Command:
		suite = single(s, complaint(s, r), r.Output)
	case s.Kind == plan.Doctor:
		suite = doctor(s, r)
	case s.Kind == plan.GoTest:
		suite = goTest(s, r)
	case s.Kind == plan.JUnit:
		suite = ready(s, r)
	default:
		suite = single(s, fmt.Sprintf("unknown kind %q", s.Kind), r.Output)
	}
	suite.Name, suite.Time = s.Name, fmt.Sprintf("%.3f", r.Took.Seconds())
	return suite
}

// single is a suite of one case, which failed unless message is empty.
func single(s plan.Step, message, output string) junit.Testsuite {
	var suite junit.Testsuite
	suite.Name = s.Name
	suite.AddTestcase(testcase(s, strings.Join(s.Command, " "), message, output))
	return suite
}

func testcase(s plan.Step, name, message, output string) junit.Testcase {
	c := junit.Testcase{Classname: s.Name, Name: name}
	if message != "" {
		c.Failure = &junit.Result{Message: message, Data: printable(output)}
	}
	return c
}

// complaint says in which way a command did not end as it had to.
func complaint(s plan.Step, r *plan.Result) string {
	if r.Exit != s.Exit {
		return fmt.Sprintf("exit code %d, not %d", r.Exit, s.Exit)
	}
	says, err := regexp.Compile("(?m)" + s.Says)
	if err != nil {
		return err.Error()
	}
	if !says.MatchString(r.Output) {
		return fmt.Sprintf("the output does not match %q", s.Says)
	}
	return ""
}

// doctor makes a case of each feature of the kernel that doctor looked at.
func doctor(s plan.Step, r *plan.Result) junit.Testsuite {
	var found preflight.Report
	if err := json.Unmarshal([]byte(r.Output), &found); err != nil {
		return single(s, "no report: "+err.Error(), r.Output)
	}
	var suite junit.Testsuite
	absent := Needed()
	for _, f := range found.Findings {
		id, ok := strings.CutPrefix(f.ID, "kernel/")
		if !ok && f.ID != "namespaces" {
			continue
		}
		absent = slices.DeleteFunc(absent, func(n string) bool { return n == id })
		message := ""
		if !f.OK {
			message = f.Detail + " (" + f.Remedy + ")"
		}
		if !f.OK && !ok { // nothing else could be tried
			return single(s, message, r.Output)
		}
		suite.AddTestcase(testcase(s, f.ID, message, ""))
	}
	for _, id := range absent {
		suite.AddTestcase(testcase(s, "kernel/"+id, "doctor does not look at it", r.Output))
	}
	return suite
}

// goTest reads what a compiled test printed. A test that was skipped failed:
// here is all that any of them needs.
func goTest(s plan.Step, r *plan.Result) junit.Testsuite {
	cases, flakes, err := tried(s, r)
	if err != nil {
		return single(s, "the output cannot be read: "+err.Error(), r.Output)
	}
	var suite junit.Testsuite
	for _, c := range cases {
		if slices.ContainsFunc(flakes, func(f Flake) bool { return f.Name == c.Name }) {
			c.Failure = nil
		}
		suite.AddTestcase(c)
	}
	if r.Again != nil && suite.Failures == 0 { // so that its exit code says nothing more
		end := *r
		end.Exit = r.Again.Exit
		r = &end
	}
	return believed(s, r, suite)
}

// testcases reads what a compiled test printed. Those that were skipped have failed.
func testcases(s plan.Step, r *plan.Result) ([]junit.Testcase, error) {
	parsed, err := gotest.NewParser(gotest.PackageName(s.Name)).Parse(strings.NewReader(r.Output))
	if err != nil {
		return nil, err
	}
	var out []junit.Testcase
	for _, part := range junit.CreateFromReport(parsed, "").Suites {
		for _, c := range part.Testcases {
			c.Classname, c.SystemOut = s.Name, nil
			if c.Skipped != nil {
				c.Failure, c.Skipped = &junit.Result{Message: "skipped", Data: c.Skipped.Data}, nil
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// Flake is what failed, and did not when it was tried once more.
type Flake struct {
	Name    string
	Message string // what it said when it failed
}

// Flakes returns a step's flakes.
func Flakes(s plan.Step, r *plan.Result) []Flake {
	switch {
	case r == nil:
		return nil
	case s.Kind == plan.JUnit:
		return written(r.JUnit)
	case s.Kind != plan.GoTest:
		return nil
	}
	_, flakes, _ := tried(s, r) // Suite says what cannot be read
	return flakes
}

// tried reads what a compiled test printed, and which of its failures did not come again.
func tried(s plan.Step, r *plan.Result) (cases []junit.Testcase, flakes []Flake, err error) {
	if cases, err = testcases(s, r); err != nil || r.Again == nil {
		return cases, nil, err
	}
	again, err := testcases(s, r.Again)
	if err != nil {
		return cases, nil, nil //nolint:nilerr // then what failed has failed
	}
	passed := map[string]bool{}
	for _, c := range again {
		passed[c.Name] = c.Failure == nil && c.Error == nil
	}
	for _, c := range cases {
		if c.Failure != nil && passed[c.Name] {
			flakes = append(flakes, Flake{c.Name, c.Failure.Data})
		}
	}
	return cases, flakes, nil
}

// written returns the flakes in a file that a step wrote, as Maven's Surefire has them.
func written(text string) []Flake {
	var run struct {
		Cases []struct {
			Class string `xml:"classname,attr"`
			Name  string `xml:"name,attr"`
			Flake *struct {
				Text string `xml:",chardata"`
			} `xml:"flakyFailure"`
		} `xml:"testsuite>testcase"`
	}
	if xml.Unmarshal([]byte(text), &run) != nil { // which Suite says
		return nil
	}
	var out []Flake
	for _, c := range run.Cases {
		if c.Flake != nil {
			out = append(out, Flake{c.Class + " " + c.Name, c.Flake.Text})
		}
	}
	return out
}

// ready takes over the suites that a step wrote itself.
func ready(s plan.Step, r *plan.Result) junit.Testsuite {
	var written junit.Testsuites
	if err := xml.Unmarshal([]byte(r.JUnit), &written); err != nil {
		return single(s, s.JUnit+" cannot be read: "+err.Error(), r.Output)
	}
	var suite junit.Testsuite
	for _, part := range written.Suites {
		for _, c := range part.Testcases {
			c.Classname = s.Name + " " + c.Classname
			suite.AddTestcase(c)
		}
	}
	return believed(s, r, suite)
}

// believed adds a failure where the cases do not fit the exit code: where
// nothing ran, or something went wrong that is no case.
func believed(s plan.Step, r *plan.Result, suite junit.Testsuite) junit.Testsuite {
	bad := suite.Failures + suite.Errors
	switch {
	case suite.Tests == 0:
		suite.AddTestcase(testcase(s, "all", "nothing was run", r.Output))
	case r.Exit != 0 && bad == 0:
		suite.AddTestcase(testcase(s, "all", fmt.Sprintf("exit code %d, though no case failed", r.Exit), r.Output))
	}
	return suite
}

// Line is one line of the summary.
func Line(s plan.Step, r *plan.Result) string {
	suite, took, flakes := Suite(s, r), time.Duration(0), ""
	if r != nil {
		took = r.Took
	}
	if n := len(Flakes(s, r)); n > 0 {
		flakes = fmt.Sprintf("  %d FLAKE", n)
	}
	mark := "ok  "
	if suite.Failures+suite.Errors > 0 {
		mark = "FAIL"
	}
	return fmt.Sprintf("%s  %-34s %4d of %-4d %6.1f s%s", mark, suite.Name, suite.Tests-suite.Failures-suite.Errors, suite.Tests, took.Seconds(), flakes)
}

// printable replaces the characters that XML has no way to write.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF {
			return '\uFFFD'
		}
		return r
	}, text)
}
