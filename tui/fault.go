package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"underlay/engine"
	"underlay/tui/dialog"
	"underlay/tui/intent"
	"underlay/tui/paint"
)

// faulted reports that a lab is ready to be built: one with a fault in it, which
// had to be drawn first, or one that is tried again.
type faulted struct {
	lab *engine.Lab
	err error
}

// labID is the id of a lab as its author wrote it, whatever is broken in it.
func labID(lab *engine.Lab) string {
	id, _ := engine.SplitID(lab.ID)
	return id
}

func (m *model) openFault(i intent.OpenFault) tea.Cmd {
	draw, available := m.deps.Faulted, m.deps.Available
	if draw == nil {
		return nil
	}
	return func() tea.Msg {
		lab, err := draw(i.Lab, i.Fault)
		if err == nil && available != nil {
			if reason, remedy := available(lab.Requires); reason != "" {
				err = fmt.Errorf("this cannot run here: %s; %s", reason, remedy)
			}
		}
		return faulted{lab, err}
	}
}

// chooseFault lists what can be wrong with a lab, by what a user would say of it:
// the causes are for the learner to find.
func (m *model) chooseFault(id string) {
	lab, err := m.read(id)
	switch {
	case err != nil:
		m.note = paint.Sentence(err.Error())
		return
	case lab == nil || len(lab.Faults) == 0:
		m.note = "This lab has no faults to repair."
		return
	}
	items := []dialog.Item{{Text: "Surprise me", Action: intent.OpenFault{Lab: id, Fault: engine.RandomFault}}}
	for i := range lab.Faults {
		f := &lab.Faults[i]
		items = append(items, dialog.Item{
			Text: "“" + f.Symptom + "”", Done: m.marks.Labs[engine.FaultedID(id, f.ID)].Solved,
			Action: intent.OpenFault{Lab: id, Fault: f.ID},
		})
	}
	m.dialogs.Push(&dialog.Pick{Title: lab.Title + ", broken", Items: items, Enter: "look for it",
		Text: "The lab is already solved, and then something breaks. Which complaint do you look into?"})
}

// anotherFault offers a fault of the lab that was not repaired yet.
func (m *model) anotherFault(id string) *dialog.Option {
	lab := m.lab(id)
	if lab == nil {
		return nil
	}
	left := len(lab.Faults) - m.marks.Repaired(lab)
	if left == 0 {
		return nil
	}
	return &dialog.Option{Keys: []string{"enter"}, Show: "enter", Label: fmt.Sprintf("another (%d left)", left),
		Action: intent.Leave{Next: intent.ChooseFault{Lab: id}}}
}
