package tui

import (
	"fmt"
	"reflect"
	"strings"

	tea "charm.land/bubbletea/v2"

	"underlay/course/lesson"
	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/paint"
	"underlay/tui/prose"
	"underlay/tui/reader"
	"underlay/tui/theme"
)

// Reload is content that was read anew while it is on the screen, or why it
// could not be: then Wrong says so, line by line, and what was there stays.
type Reload struct {
	Book        *lesson.Book
	Labs        []*engine.LabInfo
	Lab         func(id string) (*engine.Lab, error)
	Predictions func(*lesson.Lesson) ([]*engine.Prediction, error)
	Wrong       []string
}

// waitReload waits for the next content.
func (m *model) waitReload() tea.Cmd {
	ctx, reloads := m.ctx, m.deps.Reloads
	if reloads == nil {
		return nil
	}
	return func() tea.Msg {
		select {
		case <-ctx.Done():
			return nil
		case r, ok := <-reloads:
			if !ok {
				return nil
			}
			return r
		}
	}
}

// onReload puts new content in the place of the old. The screen stays: a lesson
// is shown from where it was, a lab that has changed is built anew behind the
// one that shows.
func (m *model) onReload(r Reload) tea.Cmd {
	if m.trouble != nil && m.dialogs.Top() == m.trouble {
		m.dialogs.Clear()
		m.guard = false
	}
	m.trouble = nil
	if len(r.Wrong) > 0 {
		m.showTrouble("It cannot be read", r.Wrong)
		return m.waitReload()
	}
	m.deps.Book, m.deps.Labs, m.deps.Lab, m.deps.Predictions = r.Book, r.Labs, r.Lab, r.Predictions
	m.home.SetContent(r.Book.Modules(), r.Labs)
	cmds := []tea.Cmd{m.waitReload(), m.checkLabs()}
	m.note = "Reloaded."
	if s, ok := m.screen.(*reader.Reader); ok {
		cmds = append(cmds, m.openLesson(s.Lesson().ID))
	}
	if m.work != nil {
		cmds = append(cmds, m.renewLab())
	}
	return tea.Batch(cmds...)
}

// showTrouble says what is wrong with what was saved, until it is saved again.
func (m *model) showTrouble(title string, what []string) {
	body := func(st *theme.Styles, w int) []string {
		var lines []string
		for _, l := range what {
			lines = append(lines, paint.Wrap(st.Sym.Plain(l), w)...)
		}
		lines = append(lines, "", st.Muted.Render("The old version stays open. Fix it and save it again."))
		return lines
	}
	m.dialogs.Clear()
	m.trouble, m.guard = &dialog.Text{Title: title, Body: body, Wide: true, Typing: m.typing()}, true
	m.dialogs.Push(m.trouble)
}

// renewLab builds the open lab anew if it has changed; else only its lesson may
// have.
func (m *model) renewLab() tea.Cmd {
	old := m.work.Lab()
	lab, err := m.read(old.ID)
	switch {
	case lab == nil && err == nil:
		m.note = "There is no lab called " + old.ID + " any more; the old one stays open."
	case err != nil:
		m.showTrouble("It cannot be read", strings.Split(err.Error(), "\n"))
	case reflect.DeepEqual(lab, old):
		m.work.SetLesson(m.lessonOf(lab.ID))
	default:
		m.note = "Rebuilding the lab" + m.styles.Sym.Ellipsis
		m.renewing = newOpening(m.ctx, lab, m.styles)
		return m.renewing.start(m.deps.Opener)
	}
	return nil
}

// renewed takes the lab that was built in the place of the one that shows.
func (m *model) renewed(msg opened) tea.Cmd {
	m.renewing = nil
	if m.work == nil || m.work.Lab().ID != msg.opening.lab.ID {
		msg.opening.cancel()
		return closeLate(msg.session)
	}
	if msg.err != nil {
		msg.opening.cancel()
		m.showTrouble("It cannot be built", strings.Split(msg.err.Error(), "\n"))
		return nil
	}
	old := m.work
	m.nextID = old.NextID()
	end := old.Close(m.leave)
	goOn := m.record(old.Attempt().Rejoin(msg.session)...)
	m.showLab(msg.opening, msg.session, old.Attempt())
	m.work.Resume(old)
	m.note = "Rebuilt."
	return tea.Batch(end, goOn)
}

// lessonOf draws the lesson of a lab; nil if it has none.
func (m *model) lessonOf(lab string) func(st *theme.Styles, w int) []string {
	info := m.deps.Book.ForLab(lab)
	if info == nil {
		return nil
	}
	l, err := m.deps.Book.Lesson(info.ID)
	if err != nil {
		m.note = fmt.Sprintf("The lesson %s cannot be shown: %v", info.ID, err)
		return nil
	}
	draw := prose.NewRenderer(l)
	return func(st *theme.Styles, w int) []string { return draw.Draw(st, w, nil).Lines }
}

// isLate says whether a lab that has been built is not waited for any more.
func (m *model) isLate(o *opening) bool {
	return m.screen != screen(o) && m.renewing != o
}
