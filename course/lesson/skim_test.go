package lesson

import (
	"reflect"
	"strings"
	"testing"

	"underlay/lessons"
)

// What lists say of the built-in lessons is read from their heads, and is what reading them says.
func TestBuiltinAtAGlance(t *testing.T) {
	whole, err := Load(lessons.Files)
	if err != nil {
		t.Fatal(err)
	}
	if skimmed := builtinBook(t); !reflect.DeepEqual(skimmed.modules, whole.modules) {
		t.Errorf("from their heads %+v, read %+v", skimmed.modules, whole.modules)
	}
	for _, m := range whole.modules {
		if _, ok := readModuleHead(lessons.Files, m.ID); !ok {
			t.Errorf("the module.yaml of %s cannot be read from its head; write each field on one line", m.ID)
		}
		for _, l := range m.Lessons {
			if _, ok := readHead(lessons.Files, l.File); !ok {
				t.Errorf("the front matter of %s cannot be read from its head, so the start waits until it is parsed. "+
					"Write id, title, minutes, lab and each objective on one line", l.File)
			}
		}
	}
}

// A lesson that is not written plainly is read whole, so that lists say the same of it.
func TestSkimSaysWhatReadingSays(t *testing.T) {
	for name, test := range map[string]struct {
		old, new string
		head     bool
	}{
		"as it is":                  {"", "", true},
		"quotes":                    {"title: X", `title: "X: what it is"`, true},
		"a text that goes on":       {"title: X", "title: X\n  and Y", false},
		"a folded text":             {"title: X", "title: >\n  X\n  and Y", false},
		"several objectives":        {"  - see", "  - see\n  - 'say: why'\n  - tell [a] from {b}, #c", true},
		"an objective that goes on": {"  - see", "  - see\n    far", false},
		"objectives in brackets":    {"objectives:\n  - see", "objectives: [see, hear]", false},
		"objectives at the margin":  {"objectives:\n  - see", "objectives:\n- see", false},
		"a comment":                 {"  - see", "  # first\n  - see", false},
		"formerly":                  {"title: X", "formerly: [w, lesson-w] # of old\ntitle: X", true},
		"formerly in lines":         {"title: X", "formerly:\n  - w\ntitle: X", false},
		"no lab":                    {"lab: lab-x\n", "", true},
		"lines of another system":   {"\n", "\r\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := wholeLesson
			if name == "no lab" {
				text = strings.Replace(text, "```predict c1 solved\nid: p\n\n  - ${x}\n```\n", "", 1)
			}
			n := 1
			if test.old == "\n" {
				n = -1
			}
			fsys := lessonFS(goodModule, strings.Replace(text, test.old, test.new, n))
			whole, err := Load(fsys)
			if err != nil {
				t.Fatal(err)
			}
			skimmed, err := Skim(fsys)
			if err != nil || !reflect.DeepEqual(skimmed.modules, whole.modules) {
				t.Errorf("%+v, %v; want %+v", skimmed.Lessons()[0], err, whole.Lessons()[0])
			}
			if _, ok := readHead(fsys, "m/1-x.md"); ok != test.head {
				t.Errorf("read from its head: %v", ok)
			}
		})
	}
}

// A built-in lesson that is wrong says so when it is opened; a wrong head at once.
func TestWrongLessonsOfTheBuiltInOnes(t *testing.T) {
	book, err := Skim(lessonFS(goodModule, wholeLesson+"\n```rune c1\n$ true\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	if l, err := book.Lesson("x"); err == nil || l != nil || !strings.Contains(err.Error(), `unknown block "rune"`) {
		t.Errorf("%v, %v", l, err)
	}
	if _, err := book.All(); err == nil {
		t.Error("all lessons can be read")
	}
	for what, fsys := range map[string]map[string]string{
		"a lesson without a title": {goodModule: strings.Replace(wholeLesson, "title: X\n", "", 1)},
		"a module without a title": {strings.Replace(goodModule, "title: M\n", "", 1): wholeLesson},
	} {
		for module, lesson := range fsys {
			if _, err := Skim(lessonFS(module, lesson)); err == nil {
				t.Errorf("%s is listed", what)
			}
		}
	}
}
