package prove

import (
	"hash/fnv"
	"math/rand/v2"
)

// shares is the part of the labs of which a sample makes every mistake: one in so many.
const shares = 4

// Sample is what is enough of labs that have been proven before: that nothing is done
// untouched, the solution, one alternative, and of a part of the labs every mistake. Another seed chooses others, so that in the end all have their turn.
type Sample struct {
	Seed uint64
	// Of reports of which subjects a sample is enough; nil is of none.
	Of func(Subject) bool
}

// cases returns those of a kind that are in the sample.
func (s Sample) cases(lab, kind string, all []Case) []Case {
	r := s.draw(lab)
	alternative, mistakes := r.Uint64(), r.Uint64()%shares == 0
	switch {
	case kind == "untouched", kind == "solution", kind == "mistake" && mistakes:
		return all
	case kind == "alternative" && len(all) > 0:
		i := alternative % uint64(len(all))
		return all[i : i+1]
	}
	return nil
}

// draw returns a lab's own numbers for this sample.
func (s Sample) draw(lab string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(lab))
	return rand.New(rand.NewPCG(s.Seed, h.Sum64()))
}

// Shard is one part of a plan that several machines share: the I-th of N, from 1. The
// zero value is all of it.
type Shard struct{ I, N int }

// of returns the shard's part of a plan. Neighbours go to different shards, so that each
// has a part of every lab and takes about as long.
func (s Shard) of(plan []Planned) []Planned {
	if s.N <= 1 {
		return plan
	}
	var out []Planned
	for i := s.I - 1; i < len(plan); i += s.N {
		out = append(out, plan[i])
	}
	return out
}
