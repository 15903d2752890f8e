// Package home is the first screen: the lessons and their labs, how far each is
// done, and what to do next.
package home

import (
	tea "charm.land/bubbletea/v2"

	"underlay/course/lesson"
	"underlay/engine"
	"underlay/tui/edit"
	"underlay/tui/layout"
	"underlay/tui/marks"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

// Availability says whether a lab can run here.
type Availability struct{ Reason, Remedy string }

// Config is what the home screen shows.
type Config struct {
	Styles  *theme.Styles
	Modules []lesson.Module
	Labs    []*engine.LabInfo
	Version string
}

// kind says what a row of the list is.
type kind int

const (
	rowGap kind = iota
	rowModule
	rowLesson
	rowLab // a lab that no lesson leads to
	rowResume
)

type row struct {
	kind   kind
	title  string
	lesson *lesson.Info
	lab    *engine.LabInfo
	match  []int // runes of the title that the search found
}

func (r row) selectable() bool { return r.kind >= rowLesson }

// Home is the list of lessons on the screen.
type Home struct {
	cfg       Config
	rects     layout.Rects
	marks     marks.Marks
	available map[string]Availability
	all       []row
	rows      []row // all, or what the search found
	at        int   // chosen row
	offset    int
	finding   bool
	find      edit.Line
	visited   bool // the learner has moved; the choice stays where it is
}

// New makes the home screen.
func New(cfg Config) *Home {
	h := &Home{cfg: cfg, marks: marks.New(), available: map[string]Availability{}}
	h.rebuild()
	return h
}

// Restyle changes the theme.
func (h *Home) Restyle(st *theme.Styles) { h.cfg.Styles = st }

// SetMarks shows what has been done.
func (h *Home) SetMarks(m marks.Marks) {
	h.marks = m
	h.rebuild()
}

// SetContent shows other lessons and labs.
func (h *Home) SetContent(modules []lesson.Module, labs []*engine.LabInfo) {
	h.cfg.Modules, h.cfg.Labs = modules, labs
	h.rebuild()
}

// SetAvailable shows which labs can run here, by id.
func (h *Home) SetAvailable(a map[string]Availability) { h.available = a }

// Layout gives the list its place.
func (h *Home) Layout(r layout.Rects) tea.Cmd {
	h.rects = r
	h.reveal()
	return nil
}

// State is what the layout depends on.
func (h *Home) State() layout.State { return layout.State{Screen: layout.Home} }

// Typing reports whether letters go to the search field.
func (h *Home) Typing() bool { return h.finding }

// rebuild makes the rows anew and keeps the choice where it was.
func (h *Home) rebuild() {
	old := h.chosen()
	h.all = nil
	if r, ok := h.resume(); ok {
		h.all = append(h.all, r, row{kind: rowGap})
	}
	led := map[string]bool{}
	for _, m := range h.cfg.Modules {
		h.all = append(h.all, row{kind: rowModule, title: m.Title})
		for _, l := range m.Lessons {
			led[l.Lab] = true
			h.all = append(h.all, row{kind: rowLesson, title: l.Title, lesson: l, lab: h.lab(l.Lab)})
		}
		for _, lab := range h.cfg.Labs {
			if lab.Module == m.ID && h.alone(lab) {
				led[lab.ID] = true
				h.all = append(h.all, row{kind: rowLab, title: lab.Title, lab: lab})
			}
		}
		h.all = append(h.all, row{kind: rowGap})
	}
	h.addRest(led)
	h.filter()
	h.restore(old)
}

// addRest lists labs that belong to no known module.
func (h *Home) addRest(led map[string]bool) {
	first := true
	for _, lab := range h.cfg.Labs {
		if led[lab.ID] {
			continue
		}
		if first {
			h.all = append(h.all, row{kind: rowModule, title: "More labs"})
			first = false
		}
		h.all = append(h.all, row{kind: rowLab, title: lab.Title, lab: lab})
	}
}

// alone reports whether no lesson leads to the lab.
func (h *Home) alone(lab *engine.LabInfo) bool {
	for _, m := range h.cfg.Modules {
		for _, l := range m.Lessons {
			if l.Lab == lab.ID {
				return false
			}
		}
	}
	return true
}

func (h *Home) lab(id string) *engine.LabInfo {
	for _, l := range h.cfg.Labs {
		if l.ID == id && id != "" {
			return l
		}
	}
	return nil
}

// restore puts the choice on the same thing as before, or on the first row.
func (h *Home) restore(old row) {
	h.at = 0
	if h.visited {
		for i, r := range h.rows {
			if r.selectable() && r.kind == old.kind && r.lesson == old.lesson && r.lab == old.lab {
				h.at = i
				break
			}
		}
	}
	if h.at < len(h.rows) && !h.rows[h.at].selectable() {
		h.move(1)
	}
	h.reveal()
}

// Show puts the choice on a lesson, so that coming back from it continues there.
func (h *Home) Show(lesson, lab string) {
	for i, r := range h.rows {
		if (r.kind == rowLesson && lesson != "" && r.lesson.ID == lesson) ||
			(r.kind != rowResume && lab != "" && r.lab != nil && r.lab.ID == lab) {
			h.at, h.visited = i, true
			h.reveal()
			return
		}
	}
}

func (h *Home) chosen() row {
	if h.at >= 0 && h.at < len(h.rows) {
		return h.rows[h.at]
	}
	return row{}
}

// move goes n rows on, over rows that cannot be chosen.
func (h *Home) move(n int) {
	step := 1
	if n < 0 {
		step = -1
	}
	last := h.at
	for i := h.at + step; i >= 0 && i < len(h.rows) && n != 0; i += step {
		if h.rows[i].selectable() {
			last = i
			n -= step
		}
	}
	h.at = last
	h.reveal()
}

// reveal scrolls so that the choice shows, with the title of its module where
// that is near.
func (h *Home) reveal() {
	n := h.rects.Body.H
	if n <= 0 {
		return
	}
	top := h.at
	for top > 0 && h.at-top < 3 && !h.rows[top-1].selectable() {
		top--
	}
	h.offset = min(h.offset, top)
	if h.at >= h.offset+n-1 {
		h.offset = h.at - n + 2
	}
	h.offset = paint.Clamp(h.offset, 0, max(0, len(h.rows)-n))
}

// resume is the row that leads on: what was begun last, or what comes next.
func (h *Home) resume() (row, bool) {
	last := h.marks.Last
	if lab := h.lab(last.Lab); lab != nil {
		if m := h.marks.Labs[lab.ID]; !m.Solved {
			return row{kind: rowResume, title: lab.Title, lab: lab}, true
		}
		return h.after(func(l *lesson.Info) bool { return l.Lab == lab.ID })
	}
	for _, m := range h.cfg.Modules {
		for _, l := range m.Lessons {
			if l.ID != last.Lesson {
				continue
			}
			lab := h.lab(l.Lab)
			switch {
			case !h.marks.Lessons[l.ID].Read:
				return row{kind: rowResume, title: l.Title, lesson: l, lab: lab}, true
			case lab != nil && !h.marks.Labs[lab.ID].Solved:
				return row{kind: rowResume, title: lab.Title, lab: lab}, true
			}
			return h.after(func(o *lesson.Info) bool { return o == l })
		}
	}
	return h.after(nil)
}

// after is the first unread lesson behind the one that is; with nil, of all.
func (h *Home) after(is func(*lesson.Info) bool) (row, bool) {
	seen := is == nil
	for _, m := range h.cfg.Modules {
		for _, l := range m.Lessons {
			if seen && !h.marks.Lessons[l.ID].Read {
				return row{kind: rowResume, title: l.Title, lesson: l, lab: h.lab(l.Lab)}, true
			}
			seen = seen || is(l)
		}
	}
	return row{}, false
}
