package lesson

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"underlay/lessons"
)

// renamed has quizzes and predictions that had other names, written in several ways.
const renamed = `---
id: x
title: X
minutes: 5
objectives: [see]
lab: lab-x
formerly: [w]
---
text, formerly: [none]

` + "```quiz\nid: layer\nformerly: [q1, level] # of old\nquestion: |\n  Why?\n\n  formerly: [none]\nanswers: [because]\nmodel: because\nexplanation: it is so\n```\n" +
	"```text\nformerly: [none]\n```\n" +
	"~~~~quiz\nquestion: Why?\nformerly:\n  - named\nanswers: [because]\nmodel: because\nexplanation: it is so\n~~~~\n" +
	"```quiz\nquestion: Which?\nanswers: [this]\nmodel: this\nexplanation: it is so\n```\n" +
	"```predict c1 solved\nid: reach\nformerly: [ping, q1]\nquestion: Who?\n```\n" +
	"```predict c1 start\n\"formerly\": one\nid: first\n```\n"

func quizRenames(l *Lesson) map[string]string {
	out := map[string]string{}
	for _, q := range l.Quizzes() {
		for _, old := range q.Formerly {
			out[old] = strings.TrimPrefix(q.ID, l.ID+"/")
		}
	}
	return out
}

func TestRenames(t *testing.T) {
	want := Renames{
		Quizzes:     map[string]string{"q1": "layer", "level": "layer", "named": "q2"},
		Predictions: map[string]string{"ping": "reach", "q1": "reach", "one": "first"},
	}
	for name, text := range map[string]string{"unix": renamed, "dos": strings.ReplaceAll(renamed, "\n", "\r\n")} {
		for kind, open := range map[string]func(fstest.MapFS) (*Book, error){
			"loaded":  func(f fstest.MapFS) (*Book, error) { return Load(f) },
			"skimmed": func(f fstest.MapFS) (*Book, error) { return Skim(f) },
		} {
			book, err := open(lessonFS(goodModule, text))
			if err != nil {
				t.Fatal(err)
			}
			if got := book.Renames("x"); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: %+v", name, kind, got)
			}
			if got := book.Renames("w"); !reflect.DeepEqual(got, Renames{}) {
				t.Errorf("of no lesson: %+v", got)
			}
			l, err := book.Lesson("x")
			if err != nil || !maps.Equal(quizRenames(l), want.Quizzes) || !slices.Equal(l.Formerly, []string{"w"}) {
				t.Errorf("%s, %s: read it is %+v, %v", name, kind, l, err)
			}
		}
	}
}

// What blocks of the built-in lessons say of their names is found without reading them.
func TestBuiltinRenames(t *testing.T) {
	book, err := Load(lessons.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range book.Lessons() {
		l, err := book.Lesson(info.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := book.Renames(l.ID).Quizzes; !maps.Equal(got, quizRenames(l)) {
			t.Errorf("%s: %v, read they are %v", l.ID, got, quizRenames(l))
		}
	}
}

// Lessons must not take each other's ids, nor those that others had.
func TestLessonsDoNotUseIDsAgain(t *testing.T) {
	load := func(id, formerly string) *Book {
		t.Helper()
		text := strings.Replace(goodLesson, "id: x\n", "id: "+id+"\nformerly: ["+formerly+"]\n", 1)
		b, err := Load(fstest.MapFS{"m/module.yaml": {Data: []byte(goodModule)}, "m/1-" + id + ".md": {Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	const never = "; an id is never reused, because progress is kept by it"
	first := load("x", "v, w")
	for _, test := range []struct{ id, formerly, want string }{
		{"y", "z", ""},
		{"v", "z", `m/1-v.md:1:1: lesson id "v" belonged to m/1-x.md` + never},
		{"y", "x", `m/1-y.md:1:1: formerly has "x", which is the id of m/1-x.md` + never},
		{"y", "w", `m/1-y.md:1:1: formerly has "w", and so has m/1-x.md; progress can follow to one place only`},
	} {
		_, err := Merge(first, load(test.id, test.formerly))
		if got := ""; err != nil {
			got = err.Error()
			if got != test.want {
				t.Errorf("%s: %s", test.id, got)
			}
		} else if test.want != "" {
			t.Errorf("%s, formerly %s, is taken", test.id, test.formerly)
		}
	}
}
