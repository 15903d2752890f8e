package engine

import "slices"

// LabInfo is what a list says of a lab. The lab itself is read when it is opened.
type LabInfo struct {
	ID, Title, Module, Summary string
	Order, Minutes             int
	Requires                   []string
	Tasks                      int      // how many there are
	Faults                     []string // their ids, in the lab's order
}

// Info returns what a list says of the lab.
func (l *Lab) Info() *LabInfo {
	info := &LabInfo{
		ID: l.ID, Title: l.Title, Module: l.Module, Summary: l.Summary,
		Order: l.Order, Minutes: l.Minutes, Requires: slices.Clone(l.Requires), Tasks: len(l.Tasks),
	}
	for i := range l.Faults {
		info.Faults = append(info.Faults, l.Faults[i].ID)
	}
	return info
}
