package format

import (
	"errors"
	"os"
	"testing"

	"underlay/engine"
)

func TestSheetKnowsPlaces(t *testing.T) {
	c, err := OpenDirs(0, "testdata/good")
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Sheet("sample")
	if err != nil {
		t.Fatal(err)
	}
	if s.File != "testdata/good/sample/lab.yaml" || s.Beside("solve.sh") != "testdata/good/sample/solve.sh" {
		t.Errorf("files %s and %s", s.File, s.Beside("solve.sh"))
	}
	task := &s.Lab.Tasks[0]
	for what, place := range map[string]struct {
		pointer   any
		line, col int
	}{
		"the id of the task":      {&task.ID, 14, 9},
		"the goal":                {&task.Goal, 15, 11},
		"a hint":                  {&task.Hints.Layer, 18, 41},
		"what is not in the file": {&task.After, 0, 0},
		"what is not of the lab":  {new(string), 0, 0},
	} {
		if line, col := s.At(place.pointer); line != place.line || col != place.col {
			t.Errorf("%s is at %d:%d, want %d:%d", what, line, col, place.line, place.col)
		}
	}
	if _, err := c.Sheet("no-such"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("an unknown lab: %v", err)
	}
	if _, err := OpenDirs(0, "testdata/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such folder: %v", err)
	}
}
