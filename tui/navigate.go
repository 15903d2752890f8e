package tui

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"underlay/attempt"
	"underlay/course/lesson"
	"underlay/engine"
	"underlay/engine/predict"
	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/keys"
	"underlay/tui/reader"
	"underlay/tui/theme"
	"underlay/tui/workspace"
)

// onIntent acts on what a screen or a dialog has asked for.
func (m *model) onIntent(msg any) (tea.Cmd, bool) {
	switch i := msg.(type) {
	case intent.OpenLesson:
		return m.openLesson(i.ID), true
	case intent.OpenLab:
		return m.openLab(i.ID), true
	case intent.OpenFault:
		return m.openFault(i), true
	case intent.ChooseFault:
		m.chooseFault(i.Lab)
	case intent.GoHome:
		return m.goHome(), true
	case intent.Leave:
		return m.leaveLab(i.Next), true
	case intent.Quit:
		return m.quit(), true
	case intent.Note:
		m.note = i.Text
	case intent.Open:
		m.dialogs.Push(i.Dialog)
	case intent.Help:
		m.dialogs.Push(m.help())
	case intent.Celebrate:
		m.celebrate(i.Asked)
	case intent.Happened:
		return m.happened(i.Events), true
	default:
		return nil, false
	}
	return nil, true
}

// leaveLesson ends what an open lesson has started, and stores how far it was read.
func (m *model) leaveLesson() tea.Cmd {
	if r, ok := m.screen.(*reader.Reader); ok {
		r.Leave()
	}
	m.keepPosition()
	return m.storeNext()
}

func (m *model) goHome() tea.Cmd {
	save := m.leaveLesson()
	switch s := m.screen.(type) {
	case *reader.Reader:
		m.home.Show(s.Lesson().ID, "")
	case *opening:
		m.home.Show("", labID(s.lab))
	}
	m.screen = m.home
	return save
}

func (m *model) openLesson(id string) tea.Cmd {
	l, err := m.deps.Book.Lesson(id)
	if l == nil && err == nil {
		m.note = fmt.Sprintf("There is no lesson called %s.", id)
		return nil
	}
	var predictions []*engine.Prediction
	if err == nil {
		predictions, err = m.deps.Predictions(l)
	}
	if err != nil {
		m.note = fmt.Sprintf("The lesson %s cannot be shown: %v", id, err)
		return nil
	}
	save := m.leaveLesson()
	all := m.deps.Book.Lessons()
	cfg := reader.Config{
		Context: m.ctx, Styles: m.styles, Lesson: l, Lab: m.labOf(l), Predictions: predictions, Foretell: m.askKernel(l.Lab),
		Answered: m.marks.Quizzes, Block: m.marks.Lessons[id].Block,
	}
	for i, o := range all {
		if o.ID != id {
			continue
		}
		if i > 0 {
			cfg.Previous = all[i-1]
		}
		if i+1 < len(all) {
			cfg.Next = all[i+1]
		}
	}
	for _, mod := range m.deps.Book.Modules() {
		if mod.ID == l.Module {
			cfg.Module = mod.Title
		}
	}
	m.screen = reader.New(cfg)
	return tea.Batch(save, m.record(attempt.ReadTo{Lesson: id, Block: cfg.Block}))
}

// askKernel has the kernel asked in this lab.
func (m *model) askKernel(lab string) reader.AskKernel {
	return func(ctx context.Context, p *engine.Prediction, say func(string)) (predict.Finding, error) {
		in, err := m.deps.Lab(lab)
		if err != nil {
			return predict.Finding{}, err
		}
		if m.deps.Available != nil {
			if reason, remedy := m.deps.Available(p.Needing(in).Requires); reason != "" {
				return predict.Finding{}, engine.Hintf(errors.New("the lab cannot run here: "+reason), "%s", remedy)
			}
		}
		return predict.Ask(ctx, m.deps.Opener, in, p, say)
	}
}

// labOf describes the lab of a lesson for the reader.
func (m *model) labOf(l *lesson.Lesson) *reader.Lab {
	lab := m.lab(l.Lab)
	if lab == nil {
		return nil
	}
	a := m.available[lab.ID]
	return &reader.Lab{ID: lab.ID, Title: lab.Title, Minutes: lab.Minutes, Tasks: lab.Tasks,
		Reason: a.Reason, Remedy: a.Remedy, Solved: m.marks.Labs[lab.ID].Solved}
}

// lab is what lists say of a lab, or nil.
func (m *model) lab(id string) *engine.LabInfo {
	for _, l := range m.deps.Labs {
		if l.ID == id && id != "" {
			return l
		}
	}
	return nil
}

// read reads a lab; nil if there is none of that id.
func (m *model) read(id string) (*engine.Lab, error) {
	if m.lab(id) == nil {
		return nil, nil
	}
	return m.deps.Lab(id)
}

func (m *model) openLab(id string) tea.Cmd {
	lab, err := m.read(id)
	switch {
	case err != nil:
		m.note = fmt.Sprintf("The lab %s cannot be opened: %v", id, err)
		return nil
	case lab == nil:
		m.note = fmt.Sprintf("There is no lab called %s.", id)
		return nil
	}
	return m.build(lab)
}

// build opens a lab, with or without a fault in it.
func (m *model) build(lab *engine.Lab) tea.Cmd {
	save := m.leaveLesson()
	o := newOpening(m.ctx, lab, m.styles)
	m.screen = o
	return tea.Batch(save, o.start(m.deps.Opener))
}

// enterLab shows a lab that has been opened.
func (m *model) enterLab(o *opening, s engine.Session) tea.Cmd {
	visit, events := attempt.Begin(s, m.now)
	m.showLab(o, s, visit)
	return m.record(events...)
}

// showLab shows a lab that has been built.
func (m *model) showLab(o *opening, s engine.Session, visit *attempt.Attempt) {
	m.work = workspace.New(workspace.Config{
		Context: o.ctx, Session: s, Attempt: visit, Styles: m.styles, Now: m.now, NewPane: m.newPane, FirstID: m.nextID,
		Lesson: m.lessonOf(labID(o.lab)),
	})
	m.leave = o.cancel
	m.screen = m.work
}

// leaveLab closes the lab in the background and goes on to next, or home.
func (m *model) leaveLab(next tea.Msg) tea.Cmd {
	if m.work == nil {
		return nil
	}
	m.nextID = m.work.NextID()
	lab := m.work.Lab()
	end := tea.Batch(m.work.Close(m.leave), m.record(m.work.Attempt().Leave()...))
	m.work, m.leave, m.screen = nil, nil, m.home
	m.home.Show("", labID(lab))
	if next == nil {
		return end
	}
	return tea.Batch(end, intent.Do(next))
}

// shutdown closes a lab that is still open when the program ends, and stores what is
// not stored yet.
func (m *model) shutdown() error {
	m.keepPosition()
	if m.work != nil {
		m.keep(m.work.Attempt().Leave()...)
	}
	// Nobody is there any more to be told that this has failed.
	_ = storeEvents(context.WithoutCancel(m.ctx), m.store, m.unstored)
	m.unstored = nil
	if m.work == nil {
		return nil
	}
	err := m.work.Session().Close()
	m.leave()
	m.work = nil
	return err
}

// quit ends the program; it asks first when a lab is open and not solved.
func (m *model) quit() tea.Cmd {
	if m.work != nil && !m.work.Attempt().Solved() {
		m.dialogs.Push(dialog.Confirm("Quit?", "quit", quitNow{}, "A lab is open. "+m.work.Lost()))
		return nil
	}
	return m.end()
}

// end stores what is not stored yet and ends the program.
func (m *model) end() tea.Cmd {
	var last tea.Cmd
	if m.work != nil {
		last = m.leaveLab(nil)
	}
	m.keepPosition()
	return tea.Sequence(last, m.storeAll(), tea.Quit)
}

func (m *model) help() dialog.Dialog {
	sections := m.screen.HelpKeys()
	return &dialog.Text{Title: "Keys", Typing: m.typing(), Body: func(st *theme.Styles, w int) []string { return keys.Table(st, sections, w) }}
}

// celebrate says how the lab went and what comes next.
func (m *model) celebrate(asked bool) {
	if m.work == nil {
		return
	}
	lab := m.work.Lab()
	text := []string{fmt.Sprintf("%s, %s.", lab.Title, m.work.Attempt().Account()), ""}
	title, next, option := "Solved", "That was the last one. Well done.", (*dialog.Option)(nil)
	if lab.Fault != nil {
		title, next, option = "Repaired", lab.Fault.Explain, m.anotherFault(labID(lab))
	} else if l := m.deps.Book.AfterLab(lab.ID); l != nil {
		next = "Next: " + l.Title
		option = &dialog.Option{Keys: []string{"enter"}, Show: "enter", Label: "next lesson",
			Action: intent.Leave{Next: intent.OpenLesson{ID: l.ID}}}
	}
	options := []dialog.Option{}
	if option != nil {
		options = append(options, *option)
	}
	options = append(options,
		dialog.Option{Keys: []string{"q"}, Show: "q", Label: "home", Action: intent.Leave{}},
		dialog.Option{Keys: []string{"s", "esc"}, Show: "s", Label: "stay and look around", Action: dialog.Close{}})
	m.dialogs.Clear()
	m.dialogs.Push(&dialog.Choice{Title: m.styles.Sym.Done + " " + title, Text: append(text, next), Options: options, Good: true})
	m.guard = !asked
}
