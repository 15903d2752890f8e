package engine

import "slices"

// LabInfo is what a list says of a lab. The lab itself is read when it is opened.
type LabInfo struct {
	ID, Title, Module, Summary string
	Order, Minutes             int
	Requires                   []string
	Tasks                      int      // how many there are
	Faults                     []string // their ids, in the lab's order

	// What had other ids. OldTasks and OldFaults give, by each id that a task or fault had,
	// the one that it has; they are nil if none had another.
	Formerly            []string // of the lab itself
	OldTasks, OldFaults map[string]string
}

// Info returns what a list says of the lab.
func (l *Lab) Info() *LabInfo {
	info := &LabInfo{
		ID: l.ID, Title: l.Title, Module: l.Module, Summary: l.Summary,
		Order: l.Order, Minutes: l.Minutes, Requires: slices.Clone(l.Requires), Tasks: len(l.Tasks),
	}
	info.Formerly = slices.Clone(l.Formerly)
	for i := range l.Tasks {
		info.OldTasks = Renamed(info.OldTasks, l.Tasks[i].ID, l.Tasks[i].Formerly)
	}
	for i := range l.Faults {
		info.Faults = append(info.Faults, l.Faults[i].ID)
		info.OldFaults = Renamed(info.OldFaults, l.Faults[i].ID, l.Faults[i].Formerly)
	}
	return info
}

// Renamed adds what has id now and had these ids to a map from the old to the new, which
// may be nil, and returns it.
func Renamed(olds map[string]string, id string, formerly []string) map[string]string {
	for _, old := range formerly {
		if olds == nil {
			olds = map[string]string{}
		}
		olds[old] = id
	}
	return olds
}
