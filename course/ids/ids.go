// Package ids keeps ids apart, those that things have and those that they had: what a
// learner has done is kept by them, so one that was given up is not used again.
package ids

import (
	"fmt"
	"slices"
)

// Repeated says of each id that a thing had what is wrong with it in view of the others,
// or "".
func Repeated(id string, formerly []string) []string {
	out := make([]string, len(formerly))
	for i, old := range formerly {
		switch {
		case old == "": // told already
		case old == id:
			out[i] = fmt.Sprintf("formerly has %q, which is its present id; give only earlier ones", old)
		case slices.Contains(formerly[:i], old):
			out[i] = fmt.Sprintf("formerly has %q twice; give each id once", old)
		}
	}
	return out
}

// Used are the ids of things of one kind. The zero value has none.
type Used struct{ now, before map[string]string } // whose they are

// Add adds a thing, which messages call whose, with its id and those that it had. It says
// what is wrong with the id and with each of those that it had, in view of the things that
// were added before, or "". Two things that have the same id now are for the caller to tell.
func (u *Used) Add(whose, id string, formerly []string) (wrong string, wrongs []string) {
	if u.now == nil {
		u.now, u.before = map[string]string{}, map[string]string{}
	}
	const never = "an id is never reused, because progress is kept by it"
	if other, used := u.before[id]; used && id != "" {
		wrong = fmt.Sprintf("id %q belonged to %s; %s", id, other, never)
	}
	wrongs = make([]string, len(formerly))
	for i, old := range formerly {
		if other, used := u.now[old]; used && old != "" {
			wrongs[i] = fmt.Sprintf("formerly has %q, which is the id of %s; %s", old, other, never)
		} else if other, used := u.before[old]; used && old != "" {
			wrongs[i] = fmt.Sprintf("formerly has %q, and so has %s; progress can follow to one place only", old, other)
		}
	}
	take(u.now, id, whose)
	for _, old := range formerly {
		take(u.before, old, whose)
	}
	return wrong, wrongs
}

func take(ids map[string]string, id, whose string) {
	if _, taken := ids[id]; !taken {
		ids[id] = whose
	}
}
