package attempt

import (
	"fmt"
	"time"

	"underlay/engine"
)

// Account says how the lab was solved last: "in 5 minutes, with 2 hints". Until it
// was, it says how it would have been solved now.
func (a *Attempt) Account() string {
	s := a.now().Sub(a.began)
	hints, peeked := a.given, a.peeked
	if a.solved != nil {
		s, hints, peeked = a.solved.Took, a.solved.Hints, a.solved.Peeked
	}
	return fmt.Sprintf("in %s, %s", Span(s), help(hints, peeked))
}

// help says what help was taken.
func help(hints int, peeked bool) string {
	switch {
	case peeked:
		return "with the solution in view"
	case hints == 0:
		return "without a hint"
	}
	return "with " + Count(hints, "hint")
}

// Span is a duration as people say it: "90 seconds", "2 minutes".
func Span(d time.Duration) string {
	if s := int(d.Round(time.Second) / time.Second); s < 100 {
		return Count(s, "second")
	}
	return Count(int(d.Round(time.Minute)/time.Minute), "minute")
}

// Count is a number of things in words: "1 hint", "2 hints".
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// TasksDone is how many of a lab's tasks have ever been done, of so many that are
// recorded: some of those it may not have any longer.
func TasksDone(lab *engine.LabInfo, recorded int) int { return min(recorded, lab.Tasks) }

// Repaired is how many of a lab's faults have ever been repaired, where solved says
// it of the id of a lab with a fault in it.
func Repaired(lab *engine.LabInfo, solved func(lab string) bool) int {
	n := 0
	for _, fault := range lab.Faults {
		if solved(engine.FaultedID(lab.ID, fault)) {
			n++
		}
	}
	return n
}
