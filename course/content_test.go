package course

import (
	"slices"
	"testing"
)

// What we ask of our own content beyond that it can be read: a lab and its lesson
// belong together, and stand at the same place.
func TestLabsAndLessonsBelongTogether(t *testing.T) {
	c, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	var labs, lessons []string
	for _, lab := range c.Labs.Infos() {
		l := c.Book.ForLab(lab.ID)
		if l == nil {
			t.Errorf("lab %s has no lesson", lab.ID)
			continue
		}
		if l.Module != lab.Module {
			t.Errorf("lab %s is of module %s, its lesson %s of %s", lab.ID, lab.Module, l.ID, l.Module)
		}
		labs = append(labs, lab.ID)
	}
	for _, l := range c.Book.Lessons() {
		if l.Lab == "" {
			continue
		}
		if !c.HasLab(l.Lab) {
			t.Errorf("there is no lab %s of lesson %s", l.Lab, l.ID)
		}
		if !slices.Contains(lessons, l.Lab) { // several may go with one lab
			lessons = append(lessons, l.Lab)
		}
	}
	if len(labs) == 0 || !slices.Equal(labs, lessons) {
		t.Errorf("labs come in the order %v, their lessons in %v", labs, lessons)
	}
}
