package check

// Sysctls returns the names of all kernel settings that any check of the lab
// reads, sorted. They change without a kernel event, so a caller that wants to
// know of changes has to look.
func (e *Evaluator) Sysctls() []string {
	all := needsOf()
	for _, t := range e.lab.Tasks {
		all.merge(needsOf(t.Checks...))
		for _, m := range t.Misconceptions {
			all.merge(needsOf(m.When...))
		}
	}
	for _, c := range e.lab.Collateral {
		all.merge(needsOf(c.Check))
	}
	return all.sysctlNames()
}
