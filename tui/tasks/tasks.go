// Package tasks is the panel of a lab: its tasks, how each stands and what was found,
// or the lesson beside it. It draws an attempt.Attempt, and knows of the screen only
// its own place in it.
package tasks

import (
	"underlay/attempt"
	"underlay/tui/paint"
	"underlay/tui/theme"
)

// pad is the blank column at either side of the panel.
const pad = 1

// View names what the panel shows.
type View int

// The views of the panel.
const (
	List View = iota
	Lesson
)

// Frame is where the panel is.
type Frame struct {
	Width, Height int  // in cells; without any it is hidden
	Apart         bool // it keeps off what is above it by itself
	Alone         bool // it has the keyboard, because it hides the shell
}

// Pane is the panel of one lab. The zero value is of no use; see New.
type Pane struct {
	visit  *attempt.Attempt
	styles *theme.Styles
	lesson func(st *theme.Styles, w int) []string // nil if there is none
	place  Frame

	view     View
	selected int // task the learner looks at, -1 for the current one
	offset   [2]int
	follow   bool // it scrolls to the task that is looked at
	flash    map[string]bool
	problem  error

	lines  []string
	owner  []int    // task of each line, or -1
	pinned []string // below them, and always in view
}

// New makes the panel of an attempt. lesson draws the lesson that goes with the lab;
// it is nil if there is none.
func New(visit *attempt.Attempt, lesson func(st *theme.Styles, w int) []string, st *theme.Styles) *Pane {
	return &Pane{visit: visit, styles: st, lesson: lesson, selected: -1, follow: true, flash: map[string]bool{}}
}

// Resize gives the panel its place.
func (p *Pane) Resize(place Frame) {
	if p.place != place {
		p.place = place
		p.Refresh()
	}
}

// Restyle changes the theme.
func (p *Pane) Restyle(st *theme.Styles) {
	p.styles = st
	p.Refresh()
}

// SetLesson shows another lesson beside the tasks; nil shows none.
func (p *Pane) SetLesson(draw func(st *theme.Styles, w int) []string) {
	p.lesson = draw
	if draw == nil {
		p.view = List
	}
	p.Refresh()
}

// Resume shows what the panel of an older build of the same lab showed.
func (p *Pane) Resume(old *Pane) {
	p.offset = old.offset
	if p.lesson != nil {
		p.view = old.view
	}
}

// View is what shows.
func (p *Pane) View() View { return p.view }

// HasLesson reports whether a lesson goes with the lab.
func (p *Pane) HasLesson() bool { return p.lesson != nil }

// Show shows one of the views.
func (p *Pane) Show(v View) {
	p.view = v
	p.Refresh()
}

// Looked is the task whose details show, or -1.
func (p *Pane) Looked() int {
	if p.selected >= 0 && p.selected < len(p.visit.Lab().Tasks) {
		return p.selected
	}
	return p.visit.Current()
}

// Look looks at a task; -1 is the current one, whichever that is. A lesson that shows
// stays.
func (p *Pane) Look(task int) {
	p.selected, p.follow = task, true
	p.Refresh()
}

// Next is the task after the one that is looked at.
func (p *Pane) Next() int { return (p.Looked() + 1) % len(p.visit.Lab().Tasks) }

// Track shows the tasks, and scrolls to the one that is looked at.
func (p *Pane) Track() {
	p.view, p.follow = List, true
	p.Refresh()
}

// Done has a task that has turned green stand out until Calm is called.
func (p *Pane) Done(task string, i int) {
	p.flash[task], p.follow = true, true
	if p.selected == i {
		p.selected = -1
	}
}

// Calm has nothing stand out any more.
func (p *Pane) Calm() {
	clear(p.flash)
	p.Refresh()
}

// Fail says why the lab could not be built anew; nil says that it could.
func (p *Pane) Fail(err error) {
	p.problem = err
	p.Refresh()
}

// Problem is why the lab could not be built anew, or nil.
func (p *Pane) Problem() error { return p.problem }

// Scroll scrolls by some lines, downwards if they are positive.
func (p *Pane) Scroll(n int) {
	p.follow = false
	p.offset[p.view] = paint.Clamp(p.offset[p.view]+n, 0, max(0, len(p.lines)-p.room()))
}

// Page is how many lines a page is.
func (p *Pane) Page() int { return max(1, p.room()-2) }

// At is the task in a row of the panel, or -1.
func (p *Pane) At(row int) int {
	line := row + p.offset[p.view]
	if p.view != List || line < 0 || line >= len(p.owner) {
		return -1
	}
	return p.owner[line]
}

// Refresh draws the panel's lines anew. It is called when something that they
// show has changed, not for each frame of the shell.
func (p *Pane) Refresh() {
	width := p.place.Width - 2*pad
	if width < 10 {
		p.lines, p.owner, p.pinned = nil, nil, nil
		return
	}
	p.pinned = p.captureLines(width)
	if p.view == Lesson && p.lesson != nil {
		p.lines = append(p.gap(), p.lesson(p.styles, width)...)
		p.owner = nil
		p.offset[Lesson] = paint.Clamp(p.offset[Lesson], 0, max(0, len(p.lines)-p.room()))
		return
	}
	p.drawAll(width, true)
	if len(p.lines) > p.room() {
		p.drawAll(width, false)
	}
	if p.follow {
		p.showTask(p.Looked())
	}
	p.offset[List] = paint.Clamp(p.offset[List], 0, max(0, len(p.lines)-p.room()))
}

// room is how many lines of the panel there are for what scrolls.
func (p *Pane) room() int { return p.place.Height - len(p.pinned) }

// gap keeps the panel's text off the tabs where no rule lies between them.
func (p *Pane) gap() []string {
	if p.place.Apart {
		return []string{""}
	}
	return nil
}

// drawAll draws the tasks, airy or, where that would not fit, close together.
func (p *Pane) drawAll(width int, airy bool) {
	p.lines, p.owner = nil, nil
	for range p.gap() {
		p.add(-1, "")
	}
	p.drawFault(width)
	p.drawHealth(width)
	p.drawTasks(width, airy)
	p.drawCollateral(width)
	p.drawTests(width)
}

// add appends lines that belong to a task, or to none (-1).
func (p *Pane) add(task int, lines ...string) {
	for _, l := range lines {
		p.lines = append(p.lines, l)
		p.owner = append(p.owner, task)
	}
}

// showTask scrolls so that a task's lines are visible, its first one above all.
func (p *Pane) showTask(task int) {
	first, last := -1, -1
	for i, o := range p.owner {
		if o == task {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return
	}
	h := p.room()
	at := p.offset[List]
	if last >= at+h {
		at = last - h + 1
	}
	p.offset[List] = min(at, first)
}
