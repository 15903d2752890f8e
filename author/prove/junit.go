package prove

import (
	"encoding/xml"
	"io"
	"strings"
)

// What JUnit's format holds, as far as its readers agree on it.
type (
	junitRun struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Seconds  float64      `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Seconds  float64     `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		Seconds float64    `xml:"time,attr"`
		Failure *junitText `xml:"failure"`
		Flake   *junitText `xml:"flakyFailure"` // as Maven's Surefire has it
		Skipped *junitText `xml:"skipped"`
	}
	junitText struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes a report as JUnit XML: a suite for each lab, in it a case
// for each proof.
func WriteJUnit(w io.Writer, r Report) error {
	run := junitRun{Name: "underlay author test", Tests: len(r.Proofs), Failures: r.Failed, Skipped: r.Skipped, Seconds: r.Seconds}
	for i := range r.Proofs {
		p := &r.Proofs[i]
		if n := len(run.Suites); n == 0 || run.Suites[n-1].Name != p.Lab {
			run.Suites = append(run.Suites, junitSuite{Name: p.Lab})
		}
		suite := &run.Suites[len(run.Suites)-1]
		c := junitCase{Class: p.Lab, Name: strings.TrimPrefix(p.ID(), p.Lab+"/"), Seconds: p.Seconds}
		switch p.Verdict {
		case Failed:
			suite.Failures++
			c.Failure = &junitText{Message: printable(strings.Join(p.Wrong, "\n")), Text: printable(details(&p.Finding))}
		case Skipped:
			suite.Skipped++
			c.Skipped = &junitText{Message: strings.Join(p.Notes, "\n")}
		}
		if p.Flake != nil {
			c.Flake = &junitText{Message: printable(strings.Join(p.Flake.Wrong, "\n")), Text: printable(details(p.Flake))}
		}
		suite.Tests++
		suite.Seconds += p.Seconds
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(run); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// printable takes away the control characters that XML cannot hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}
