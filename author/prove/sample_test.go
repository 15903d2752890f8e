package prove

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"underlay/engine"
)

// plannedOf returns the names of the proofs that a prover plans for labs, of kinds that
// have several cases each.
func plannedOf(prover *Prover, labs ...string) []string {
	prover.Available = func([]string) (string, string) { return "", "" }
	prover.Kinds = nil
	for _, k := range []struct {
		name string
		n    int
	}{{"untouched", 1}, {"solution", 1}, {"alternative", 3}, {"mistake", 4}, {"fault", 2}, {"seed", 20}} {
		cases := make([]Case, k.n)
		for i := range cases {
			cases[i].Name = strconv.Itoa(i)
		}
		prover.Kinds = append(prover.Kinds, Kind{k.name, func(*Prover, Subject) []Case { return cases }})
	}
	var subjects []Subject
	for _, id := range labs {
		subjects = append(subjects, Subject{Lab: &engine.Lab{ID: id}})
	}
	var out []string
	for _, p := range prover.Plan(subjects) {
		out = append(out, p.ID())
	}
	return out
}

// TestSample: of what has been proven the start, the solution and one alternative are
// left, of some labs every mistake; other seeds choose others until all had their turn.
func TestSample(t *testing.T) {
	all := func(s Subject) bool { return s.Lab.ID != "new" }
	turns := map[string]bool{}
	for seed := range uint64(100) {
		plan := plannedOf(&Prover{Sample: Sample{Seed: seed, Of: all}}, "a", "new", "b")
		if again := plannedOf(&Prover{Sample: Sample{Seed: seed, Of: all}}, "a", "new", "b"); !slices.Equal(plan, again) {
			t.Fatalf("seed %d: first %v, then %v", seed, plan, again)
		}
		kinds := map[string]int{}
		for _, id := range plan {
			lab, rest, _ := strings.Cut(id, "/")
			kind, _, _ := strings.Cut(rest, "/")
			kinds[lab+" "+kind]++
			if lab != "new" {
				turns[id] = true
			}
		}
		for _, lab := range []string{"a", "b"} {
			if n := kinds[lab+" mistake"]; n != 0 && n != 4 {
				t.Errorf("seed %d: %d of 4 mistakes of %s", seed, n, lab)
			}
			for kind, want := range map[string]int{"untouched": 1, "solution": 1, "alternative": 1, "fault": 0, "seed": 0} {
				if got := kinds[lab+" "+kind]; got != want {
					t.Errorf("seed %d: %d proofs %s of %s, not %d", seed, got, kind, lab, want)
				}
			}
		}
		if kinds["new seed"] != 20 || kinds["new mistake"] != 4 || kinds["new fault"] != 2 {
			t.Errorf("seed %d: a lab that has not been proven has %v", seed, kinds)
		}
	}
	if len(turns) != 2*(1+1+3+4) {
		t.Errorf("only %d proofs ever had their turn: %v", len(turns), turns)
	}
}

// TestShards: together they make every proof once, and each has its part of every lab.
func TestShards(t *testing.T) {
	whole := plannedOf(&Prover{}, "a", "b")
	var together []string
	for i := 1; i <= 3; i++ {
		part := plannedOf(&Prover{Shard: Shard{i, 3}}, "a", "b")
		if n := len(whole) / 3; len(part) < n || len(part) > n+1 {
			t.Errorf("part %d has %d of %d", i, len(part), len(whole))
		}
		together = append(together, part...)
	}
	slices.Sort(whole)
	slices.Sort(together)
	if !slices.Equal(whole, together) {
		t.Errorf("together %v, not %v", together, whole)
	}
}
