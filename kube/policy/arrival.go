package policy

import "k8s.io/apimachinery/pkg/types"

// An arrival is a pod of the node that has just got its address. Its containers
// wait until it has been judged, so that none of their packets passes before.
type arrival struct {
	pod     types.NamespacedName
	uid     types.UID
	address string
}

// expect returns a channel that is closed when the arrival has been judged.
func (e *enforcer) expect(a arrival) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	judged := make(chan struct{})
	e.arrivals[a] = judged
	e.wake() // the news of it may have come before
	return judged
}

// dismiss forgets an arrival that nobody waits for any more.
func (e *enforcer) dismiss(a arrival) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.arrivals, a)
}

// known returns those arrivals of which the judge has heard by now.
func (e *enforcer) known() (known []arrival) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for a := range e.arrivals {
		if e.judge.knows(a) {
			known = append(known, a)
		}
	}
	return known
}

// let tells those who wait for these arrivals.
func (e *enforcer) let(judged []arrival) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range judged {
		if waiting, there := e.arrivals[a]; there {
			close(waiting)
			delete(e.arrivals, a)
		}
	}
}
