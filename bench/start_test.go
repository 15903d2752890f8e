package bench

import (
	"os"
	"path/filepath"
	"testing"

	"underlay/course"
)

// The many labs that the start is measured with are labs: each can be opened, and has its
// lesson.
func TestManyLabsAreLabs(t *testing.T) {
	dir := t.TempDir()
	if err := multiply(dir, course.Builtin(), manyLabs); err != nil {
		t.Fatal(err)
	}
	from := course.Content{Labs: os.DirFS(filepath.Join(dir, "labs")), Lessons: os.DirFS(filepath.Join(dir, "lessons"))}
	c, err := from.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	labs, err := c.Labs.All()
	if err != nil || len(labs) != manyLabs {
		t.Fatalf("%d labs, %v", len(labs), err)
	}
	lessons, err := c.Book.All()
	if err != nil || len(lessons) != manyLabs {
		t.Fatalf("%d lessons, %v", len(lessons), err)
	}
	for _, l := range lessons {
		if l.Lab != l.ID {
			t.Errorf("lesson %s is of lab %q", l.ID, l.Lab)
		}
		if _, err := c.Predictions(l); err != nil {
			t.Error(err)
		}
	}
}
