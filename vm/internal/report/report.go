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
	parsed, err := gotest.NewParser(gotest.PackageName(s.Name)).Parse(strings.NewReader(r.Output))
	if err != nil {
		return single(s, "the output cannot be read: "+err.Error(), r.Output)
	}
	var suite junit.Testsuite
	for _, part := range junit.CreateFromReport(parsed, "").Suites {
		for _, c := range part.Testcases {
			c.Classname, c.SystemOut = s.Name, nil
			if c.Skipped != nil {
				c.Failure, c.Skipped = &junit.Result{Message: "skipped", Data: c.Skipped.Data}, nil
			}
			suite.AddTestcase(c)
		}
	}
	return believed(s, r, suite)
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
func Line(suite junit.Testsuite, took time.Duration) string {
	mark := "ok  "
	if suite.Failures+suite.Errors > 0 {
		mark = "FAIL"
	}
	return fmt.Sprintf("%s  %-34s %4d of %-4d %6.1f s", mark, suite.Name, suite.Tests-suite.Failures-suite.Errors, suite.Tests, took.Seconds())
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
