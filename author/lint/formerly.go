package lint

import (
	"fmt"

	"underlay/author/draft"
	"underlay/course/format"
	"underlay/course/ids"
)

// reused looks for ids that are, or were, those of the course that the program brings
// along: the draft could not be opened beside it. A draft that has some of its labs or
// lessons is that course itself, as it is written now.
func (c *checker) reused(sheets []*format.Sheet, texts []*draft.Lesson) {
	beyond := c.draft.Beyond
	if beyond == nil {
		return
	}
	var labs, lessons ids.Used
	for _, info := range beyond.Labs.Infos() {
		if c.draft.Labs.Has(info.ID) {
			return
		}
		labs.Add(fmt.Sprintf("the built-in lab %q", info.ID), info.ID, info.Formerly)
	}
	for _, info := range beyond.Book.Lessons() {
		if c.draft.Lesson(info.ID) != nil {
			return
		}
		lessons.Add(fmt.Sprintf("the built-in lesson %q", info.ID), info.ID, info.Formerly)
	}
	for _, s := range sheets {
		say := func(pointer *string, what string) {
			if what != "" {
				line, col := s.At(pointer)
				c.errorf("formerly", s.File, line, col, "%s", what)
			}
		}
		wrong, wrongs := labs.Add(s.File, s.Lab.ID, s.Lab.Formerly)
		say(&s.Lab.ID, wrong)
		for i, what := range wrongs {
			say(&s.Lab.Formerly[i], what)
		}
	}
	for _, l := range texts {
		say := func(field, what string) {
			if what != "" {
				c.errorf("formerly", l.Shown, frontMatterLine(l.Text, field), 1, "%s", what)
			}
		}
		wrong, wrongs := lessons.Add(l.Shown, l.ID, l.Formerly)
		say("id", wrong)
		for _, what := range wrongs {
			say("formerly", what)
		}
	}
}
