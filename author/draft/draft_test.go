package draft

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"underlay/author/scaffold"
)

func written(t *testing.T, ids ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, id := range ids {
		if _, err := scaffold.New(scaffold.Options{Dir: dir, ID: id, Module: "own"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, dirs ...string) *Draft {
	t.Helper()
	d, err := Read(dirs)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestReadFolders(t *testing.T) {
	first, second := written(t, "one"), written(t, "two", "three")
	if err := os.Remove(filepath.Join(second, "lessons/own/1-two.md")); err != nil {
		t.Fatal(err)
	}
	d := read(t, first, second)
	if len(d.Problems) > 0 || d.Unread || len(d.Lessons) != 2 || len(d.Labs.Infos()) != 3 {
		t.Fatalf("%+v", d)
	}
	l := d.Lesson("three")
	if l == nil || l.Path != filepath.Join(second, "lessons/own/2-three.md") || l.Shown != l.Path || !strings.HasPrefix(l.Text, "---\nid: three\n") {
		t.Errorf("lesson %+v", l)
	}
	if d.Lesson("two") != nil || d.HasLesson("two") || !d.HasLab("two") || !d.HasModule("own") || d.HasModule("other") {
		t.Error("what is in the folders is not what is found")
	}
	// What is built in is beyond the folders: found by its id, and not judged.
	if !d.HasLab("docker0") || !d.HasLesson("docker0") || !d.HasModule("bridge") || d.Lesson("docker0") != nil {
		t.Error("what is built in is not found")
	}
	if got := len(d.Infos()); got != 3+len(d.Beyond.Labs.Infos()) {
		t.Errorf("%d labs in all", got)
	}
	if d.HasLab("no-such") || d.HasLesson("no-such") {
		t.Error("an unknown id is found")
	}
}

func TestReadBuiltin(t *testing.T) {
	d := read(t)
	if d.Beyond != nil || len(d.Problems) > 0 || len(d.Infos()) != len(d.Labs.Infos()) {
		t.Errorf("%+v", d)
	}
	l := d.Lesson("docker0")
	if l == nil || l.Path != "" || l.Shown != "lessons/bridge/2-docker0.md" || l.Text == "" {
		t.Errorf("lesson %+v", l)
	}
	for _, l := range d.Lessons {
		if _, err := d.Predictions(l.Lesson); err != nil {
			t.Error(err)
		}
	}
}

// TestTheBuiltinCourseAsAFolder reads the course from its sources, whose ids are
// those of what is built in.
func TestTheBuiltinCourseAsAFolder(t *testing.T) {
	d := read(t, "../..")
	if len(d.Problems) > 0 || len(d.Lessons) != len(read(t).Lessons) || len(d.Infos()) != len(d.Labs.Infos()) {
		t.Errorf("%d lessons, %d labs; %v", len(d.Lessons), len(d.Infos()), d.Problems)
	}
}

func TestReadTellsEveryProblem(t *testing.T) {
	dir := written(t, "one", "two")
	for file, text := range map[string]string{
		"labs/own/one/lab.yaml":   "id: one\n",
		"lessons/own/1-one.md":    "no front matter\n",
		"lessons/own/2-two.md":    "---\nid: two\n---\n",
		"lessons/own/module.yaml": "id: own\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := read(t, dir)
	told := map[string]int{}
	for _, p := range d.Problems {
		if filepath.Ext(p.File) != ".sh" && p.Line < 1 || !strings.HasPrefix(p.String(), p.File+":") {
			t.Errorf("no place: %s", p)
		}
		told[strings.TrimPrefix(p.File, dir+"/")]++
	}
	for _, file := range []string{"labs/own/one/lab.yaml", "lessons/own/1-one.md", "lessons/own/2-two.md", "lessons/own/module.yaml"} {
		if told[file] == 0 {
			t.Errorf("nothing is told of %s: %v", file, d.Problems)
		}
	}
	if !d.Unread || len(d.Lessons) > 0 || d.HasLab("one") || !d.HasLab("two") {
		t.Errorf("%+v", d)
	}
	if _, err := Read([]string{filepath.Join(dir, "nowhere")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
