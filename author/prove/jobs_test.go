package prove

import (
	"context"
	"sync/atomic"
	"testing"

	"underlay/engine"
)

// TestClustersAreProvenFewerAtATime: a proof of a lab with a cluster takes the
// places of several, and where there are fewer it is made all the same, alone.
func TestClustersAreProvenFewerAtATime(t *testing.T) {
	lab, cluster := &engine.Lab{ID: "lab"}, &engine.Lab{ID: "cluster", Cluster: &engine.Cluster{}}
	for jobs, most := range map[int]int32{jobsPerCPU - 1: 1, jobsPerCPU: 1, 2 * jobsPerCPU: 2} {
		var now, peak, made atomic.Int32
		prove := func(context.Context) (Finding, error) {
			n := now.Add(1)
			for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
			}
			made.Add(1)
			now.Add(-1)
			return Finding{}, nil
		}
		kind := Kind{"k", func(_ *Prover, s Subject) []Case {
			var out []Case
			for range 50 {
				out = append(out, Case{Name: s.Lab.ID, Prove: prove})
			}
			return out
		}}
		p := &Prover{Jobs: jobs, Kinds: []Kind{kind}, Available: func([]string) (string, string) { return "", "" }}
		report, err := p.Run(t.Context(), p.Plan([]Subject{{Lab: cluster}}), nil)
		if err != nil || report.Proven != 50 || made.Load() != 50 {
			t.Errorf("%d jobs: %d proven, %d made, %v", jobs, report.Proven, made.Load(), err)
		}
		if got := peak.Load(); got > most {
			t.Errorf("%d jobs: %d clusters at a time, want at most %d", jobs, got, most)
		}
		if got := weight(lab); got != 1 {
			t.Errorf("an ordinary lab counts as %d", got)
		}
	}
}

// TestWhatKeepsALabIsToldWithItsRemedy, so that whoever reads a report knows what to do.
func TestWhatKeepsALabIsToldWithItsRemedy(t *testing.T) {
	p := &Prover{Kinds: []Kind{{"untouched", untouched}}, Available: func([]string) (string, string) {
		return "this machine lacks underlay-kube", "run `make kube`"
	}}
	report, err := p.Run(t.Context(), p.Plan([]Subject{{Lab: &engine.Lab{ID: "x"}}}), nil)
	if err != nil || report.Skipped != 1 || len(report.Proofs) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	if got, want := report.Proofs[0].Notes[0], "not proven here: this machine lacks underlay-kube; run `make kube`"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
