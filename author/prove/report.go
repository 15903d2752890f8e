package prove

import (
	"math"
	"time"
)

// Verdict is how a proof ended.
type Verdict string

// The verdicts. Skipped means that this machine cannot run the lab.
const (
	Proven  Verdict = "proven"
	Failed  Verdict = "failed"
	Skipped Verdict = "skipped"
)

// Proof is a proof that was made. In JSON what it found stands beside the rest.
type Proof struct {
	Lab     string  `json:"lab"`
	Kind    string  `json:"kind"`
	Name    string  `json:"name"` // among those of its kind; "" where a lab has only one
	Verdict Verdict `json:"verdict"`
	Seconds float64 `json:"seconds"`
	Finding
	Flake *Finding `json:"flake,omitempty"` // what it found wrong at first, and not when it was made again
}

// orAgain is a proof that failed once it has been made again.
func (p Proof) orAgain(again Proof) Proof {
	again.Seconds += p.Seconds
	if again.Verdict == Proven {
		again.Flake = &p.Finding
	}
	return again
}

// ID is the name by which a proof is chosen and told: "docker0/mistake/no-address".
func (p *Proof) ID() string { return id(p.Lab, p.Kind, p.Name) }

// Report is what all proofs of a run found.
type Report struct {
	Proven  int     `json:"proven"`  // how many proofs were
	Failed  int     `json:"failed"`  // how many were not
	Skipped int     `json:"skipped"` // how many could not be made here
	Flakes  int     `json:"flakes"`  // how many of those proven failed at first
	Seconds float64 `json:"seconds"` // of wall-clock
	Proofs  []Proof `json:"proofs"`  // lab by lab

	// Sampled are the labs of which only a sample was made, and Sample is the number that
	// chooses the same one again.
	Sampled []string `json:"sampled,omitempty"`
	Sample  uint64   `json:"sample,omitempty"`
}

func newReport(proofs []Proof, took time.Duration) Report {
	r := Report{Seconds: seconds(took), Proofs: proofs}
	for i := range proofs {
		if proofs[i].Flake != nil {
			r.Flakes++
		}
		switch proofs[i].Verdict {
		case Proven:
			r.Proven++
		case Failed:
			r.Failed++
		case Skipped:
			r.Skipped++
		}
	}
	return r
}

// seconds is a duration in seconds, to the millisecond.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }
