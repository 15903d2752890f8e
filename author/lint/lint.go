// Package lint says what is wrong with how labs and lessons are written: what
// the loaders refuse, and what loads but teaches badly. It reads them only;
// whether a lab does what it says is for the proofs.
package lint

import (
	"cmp"
	"fmt"
	"slices"

	"underlay/author/draft"
	"underlay/course/format"
)

// Rules are the names of all rules.
var Rules = []string{"format", "formerly", "scripts", "untried", "collateral", "wide", "absent", "unused", "vague", "reading", "alone", "link", "run", "quiz", "covers", "verdict"}

// Finding is one thing that an author should change. Line and Col count from 1;
// both are 0 when it is with the file as a whole.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Rule    string `json:"rule"`    // its name, as in docs/AUTHORING.md
	Warning bool   `json:"warning"` // worth a look, and no error
	Message string `json:"message"`
}

// String returns "file:line:col: message", with the rule's name at the end.
func (f Finding) String() string {
	what := f.Message + " [" + f.Rule + "]"
	if f.Warning {
		what = "warning: " + what
	}
	if f.Line == 0 {
		return f.File + ": " + what
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Col, what)
}

// Report is everything that was found.
type Report struct {
	Findings []Finding `json:"findings"` // by file and place
	Labs     int       `json:"labs"`     // how many were looked at
	Lessons  int       `json:"lessons"`
	Items    Items     `json:"items"`
}

// Items is how much of the course's source the lessons cover.
type Items struct {
	All     int   `json:"all"`
	Covered int   `json:"covered"`
	Missing []int `json:"missing"` // those that no lesson covers; empty unless lessons cover some
}

// Errors counts the findings that are no warnings.
func (r *Report) Errors() int {
	n := 0
	for _, f := range r.Findings {
		if !f.Warning {
			n++
		}
	}
	return n
}

// Options say what to look at, and how strictly.
type Options struct {
	IDs    []string // of labs and lessons; none means all
	Strict bool     // source items that no lesson covers are an error
}

// checker collects findings.
type checker struct {
	draft    *draft.Draft
	findings []Finding
}

func (c *checker) errorf(rule, file string, line, col int, format string, args ...any) {
	c.findings = append(c.findings, Finding{File: file, Line: line, Col: col, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) warnf(rule, file string, line, col int, format string, args ...any) {
	c.errorf(rule, file, line, col, format, args...)
	c.findings[len(c.findings)-1].Warning = true
}

// Run looks at a draft. It fails if a lab can no longer be read. IDs that are
// not in the draft are not looked for.
func Run(c *draft.Draft, o Options) (*Report, error) {
	k := &checker{draft: c}
	for _, p := range c.Problems {
		k.errorf("format", p.File, p.Line, p.Col, "%s", p.What)
	}
	wanted := func(id string) bool { return len(o.IDs) == 0 || slices.Contains(o.IDs, id) }
	r := &Report{}
	var sheets []*format.Sheet
	for _, lab := range c.Labs.Infos() {
		if !wanted(lab.ID) {
			continue
		}
		sheet, err := c.Labs.Sheet(lab.ID)
		if err != nil {
			return nil, err
		}
		r.Labs++
		k.lab(sheet)
		sheets = append(sheets, sheet)
	}
	var lessons []*draft.Lesson
	for i := range c.Lessons {
		if l := &c.Lessons[i]; wanted(l.ID) {
			r.Lessons++
			k.lesson(l)
			lessons = append(lessons, l)
		}
	}
	k.reused(sheets, lessons)
	r.Items = covered(c.Lessons)
	if n := len(r.Items.Missing); n > 0 && len(o.IDs) == 0 {
		k.warnf("covers", "lessons", 0, 0, "%d of %d source items are not covered by any lesson yet: %s", n, r.Items.All, ranges(r.Items.Missing))
		k.findings[len(k.findings)-1].Warning = !o.Strict
	}
	slices.SortStableFunc(k.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	r.Findings = append([]Finding{}, k.findings...)
	return r, nil
}
