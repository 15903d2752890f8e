package lesson

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gotest.tools/v3/golden"
)

const goodModule = "id: m\ntitle: M\norder: 1\nsummary: All of M.\n"

// lessonFS returns a module m with one lesson x.
func lessonFS(module, lesson string) fstest.MapFS {
	return fstest.MapFS{
		"m/module.yaml": {Data: []byte(module)},
		"m/1-x.md":      {Data: []byte(lesson)},
	}
}

func loadErr(t *testing.T, fsys fstest.MapFS) string {
	t.Helper()
	book, err := Load(fsys)
	if err == nil {
		t.Fatal("loaded, want an error")
	}
	if book != nil {
		t.Error("a Book came with the error")
	}
	var at *Error
	if !errors.As(err, &at) {
		t.Errorf("no *Error in %v", err)
	}
	return err.Error() + "\n"
}

// Each testdata/broken/NAME.md is a lesson with mistakes; NAME.err is what Load says.
func TestBrokenLessons(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no broken lessons: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := loadErr(t, lessonFS(goodModule, string(data)))
			golden.Assert(t, got, strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".md")+".err")
		})
	}
}

const goodLesson = "---\nid: x\ntitle: X\nminutes: 5\nobjectives: [see]\n---\n# X\n\ntext\n"

func TestBrokenFolders(t *testing.T) {
	tests := []struct {
		name string
		fs   fstest.MapFS
		want string
	}{
		{"no module file", fstest.MapFS{"m/1-x.md": {Data: []byte(goodLesson)}},
			"m/module.yaml:1:1: there is no such file; each module folder needs a module.yaml with id, title, order and summary\n"},
		{"module of another name", lessonFS("id: n\ntitle: M\norder: 0\nsummary: S\n", goodLesson),
			"m/module.yaml:1:5: id is \"n\"; allowed: the folder's name, \"m\"\n" +
				"m/module.yaml:3:8: order is 0; allowed: a whole number from 1\n"},
		{"empty module file", lessonFS("", goodLesson),
			"m/module.yaml:1:1: a module needs id (the folder's name, \"m\")\n" +
				"m/module.yaml:1:1: a module needs title (a few words)\n" +
				"m/module.yaml:1:1: a module needs order (a whole number from 1)\n" +
				"m/module.yaml:1:1: a module needs summary (a sentence)\n"},
		{"file name", fstest.MapFS{"m/module.yaml": {Data: []byte(goodModule)}, "m/x.md": {Data: []byte(goodLesson)}},
			"m/x.md:1:1: the file name must be NUMBER-ID.md, such as 1-docker0.md\n"},
		{"number twice", fstest.MapFS{"m/module.yaml": {Data: []byte(goodModule)}, "m/1-x.md": {Data: []byte(goodLesson)},
			"m/1-y.md": {Data: []byte(strings.Replace(goodLesson, "id: x", "id: y", 1))}},
			"m/1-y.md:1:1: number 1 is taken by m/1-x.md; number the lessons of a module 1, 2, 3 …\n"},
		{"id twice", fstest.MapFS{"m/module.yaml": {Data: []byte(goodModule)}, "m/1-x.md": {Data: []byte(goodLesson)}, "m/2-x.md": {Data: []byte(goodLesson)}},
			"m/2-x.md:1:1: lesson id \"x\" is taken by m/1-x.md; give each lesson its own\n"},
		{"not UTF-8", lessonFS(goodModule, goodLesson+"\xff\n"),
			"m/1-x.md:10:1: this is not UTF-8 text; save the file as UTF-8\n"},
		{"empty lesson", lessonFS(goodModule, ""),
			"m/1-x.md:1:1: the file must start with \"---\" and front matter\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := loadErr(t, test.fs); got != test.want {
				t.Errorf("got:\n%swant:\n%s", got, test.want)
			}
		})
	}
}

const wholeLesson = `---
id: x
title: X
minutes: 5
objectives:
  - see
lab: lab-x
covers: [2, 7]
---

# X

first

` + "```sh\n# no heading\n```\n\n```quiz\nquestion: Why?\nanswers: [because, /no reason/]\nmodel: because\nexplanation: it is so\n```\n" +
	"```predict c1 solved\nid: p\n\n  - ${x}\n```\n" +
	"## Then #\n\n```run c1 solved\n$ true\n$ ip route\ndefault via 10.0.0.1 dev eth0\n…\n\n```\n" +
	"```figure A box\n┌─┐\n└─┘\n\n```\n" +
	"```wrong\nitems: [7]\nverdict: wrong\nclaim: It is\n  flat\ntruth: It is round.\n```\n\nlast\n"

func TestLoadBlocks(t *testing.T) {
	for name, text := range map[string]string{
		"unix": wholeLesson, "dos": strings.ReplaceAll(wholeLesson, "\n", "\r\n"), "bom": "\ufeff" + wholeLesson,
	} {
		t.Run(name, func(t *testing.T) {
			book, err := Load(lessonFS(goodModule, text))
			if err != nil {
				t.Fatal(err)
			}
			checkWhole(t, book)
		})
	}
}

func checkWhole(t *testing.T, book *Book) {
	t.Helper()
	l, err := book.Lesson("x")
	if err != nil || l == nil || book.ForLab("lab-x") != &l.Info || l.Module != "m" || l.Number != 1 || l.Minutes != 5 ||
		!slices.Equal(l.Objectives, []string{"see"}) || !slices.Equal(l.Covers, []int{2, 7}) {
		t.Fatalf("lesson: %+v", l)
	}
	var kinds []Kind
	for _, b := range l.Blocks {
		kinds = append(kinds, b.Kind)
	}
	if want := []Kind{KindText, KindQuiz, KindPredict, KindText, KindRun, KindFigure, KindText}; !slices.Equal(kinds, want) {
		t.Fatalf("kinds: %v, want %v", kinds, want)
	}
	if got := l.Blocks[0].Text; got != "# X\n\nfirst\n\n```sh\n# no heading\n```" || l.Blocks[0].Line != 11 {
		t.Errorf("text at line %d: %q", l.Blocks[0].Line, got)
	}
	if p := l.Blocks[2].Predict; *p != (Predict{Node: "c1", Solved: true, Text: "id: p\n\n  - ${x}"}) || l.Blocks[2].Line != 25 {
		t.Errorf("predict at line %d: %+v", l.Blocks[2].Line, p)
	}
	run := l.Blocks[4].Run
	if run.Node != "c1" || run.State != "solved" || len(run.Steps) != 2 || run.Steps[0] != (Step{Command: "true"}) ||
		run.Steps[1] != (Step{"ip route", "default via 10.0.0.1 dev eth0\n…"}) {
		t.Errorf("run: %+v", run)
	}
	if f := l.Blocks[5].Figure; f.Caption != "A box" || f.Text != "┌─┐\n└─┘" || f.ASCII() != "+-+\n+-+" {
		t.Errorf("figure: %+v", f)
	}
	if got, want := l.Blocks[6].Text, "**“It is flat”** *Wrong.* It is round.\n\n\nlast"; got != want {
		t.Errorf("wrong is shown as %q, want %q", got, want)
	}
	if len(l.Wrongs) != 1 || l.Wrongs[0].Claim != "It is flat" || l.Wrongs[0].Verdict != "wrong" {
		t.Errorf("wrongs: %+v", l.Wrongs)
	}
	if got, want := l.Outline(), []Heading{{1, "X", 0, 0}, {2, "Then", 3, 0}}; !slices.Equal(got, want) {
		t.Errorf("outline: %v, want %v", got, want)
	}
}

func TestMerge(t *testing.T) {
	load := func(module, id, lesson string) *Book {
		t.Helper()
		b, err := Load(fstest.MapFS{
			id + "/module.yaml":         {Data: []byte(module)},
			id + "/1-" + lesson + ".md": {Data: []byte(strings.Replace(goodLesson, "id: x", "id: "+lesson, 1))},
		})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first := load(goodModule, "m", "x")
	more := load(strings.Replace(goodModule, "title: M", "title: other", 1), "m", "y")
	before := load(strings.Replace(strings.Replace(goodModule, "id: m", "id: a", 1), "order: 1", "order: 3", 1), "a", "z")
	book, err := Merge(before, first, more)
	if err != nil {
		t.Fatal(err)
	}
	modules := book.Modules()
	if len(modules) != 2 || modules[0].Title != "M" || len(modules[0].Lessons) != 2 || book.Info("z") == nil || book.Info("y") == nil {
		t.Errorf("merged: %+v", modules)
	}
	if len(first.Modules()[0].Lessons) != 1 {
		t.Error("Merge changed a book that it was given")
	}
	if _, err := Merge(first, first); err == nil || !strings.Contains(err.Error(), `lesson id "x" is taken`) {
		t.Errorf("a lesson twice: %v", err)
	}
}
