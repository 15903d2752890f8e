package lesson

import (
	"errors"
	"io/fs"
	"maps"
	"reflect"
	"testing"

	"underlay/lessons"
)

// FuzzLoad makes sure that no file can make the loader panic, that what it
// refuses is refused with a position, and that what it takes can be used.
func FuzzLoad(f *testing.F) {
	err := fs.WalkDir(lessons.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(lessons.Files, path)
		f.Add(goodModule, string(data))
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(goodModule, wholeLesson)
	f.Add(goodModule, goodLesson+"```quiz\nquestion: &a [*a]\n```\n```run\n```\n~~~figure\n")
	f.Add(goodModule, renamed)
	f.Add("id: [m", goodLesson)
	f.Add("? {a: b}\n: - c", "---\n- a\n---\n\x00")
	f.Fuzz(func(t *testing.T, module, lesson string) {
		book, err := Load(lessonFS(module, lesson))
		if err != nil {
			var at *Error
			if !errors.As(err, &at) || at.Line < 1 || at.Col < 1 {
				t.Fatalf("no position in %v", err)
			}
			return
		}
		l, err := book.Lesson("x")
		if err != nil {
			t.Fatal(err)
		}
		if info, ok := readHead(lessonFS(module, lesson), "m/1-x.md"); ok && !reflect.DeepEqual(info, &l.Info) {
			t.Fatalf("from its head it is %+v, read it is %+v", info, l.Info)
		}
		if m, ok := readModuleHead(lessonFS(module, lesson), "m"); ok {
			m.Lessons = book.modules[0].Lessons
			if !reflect.DeepEqual(m, book.modules[0]) {
				t.Fatalf("from its head the module is %+v, read it is %+v", m, book.modules[0])
			}
		}
		if got := book.Renames("x").Quizzes; !maps.Equal(got, quizRenames(l)) {
			t.Fatalf("quizzes had the names %v, read they are %v", got, quizRenames(l))
		}
		for _, h := range l.Outline() {
			if l.Blocks[h.Block].Kind != KindText {
				t.Fatalf("heading %v is in a block without text", h)
			}
		}
		for _, q := range l.Quizzes() {
			if q.Mark(Answer{}) {
				t.Fatalf("quiz %s takes no answer for a right one", q.ID)
			}
		}
	})
}
