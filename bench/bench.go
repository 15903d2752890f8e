// Package bench measures the program's budgets on the machine it runs on: the
// engine directly, and the whole program on a pty as a learner meets it.
package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"underlay/engine"
	"underlay/engine/sandbox"
)

// Figure is one measurement against its budget.
type Figure struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"` // ms, ratio, percent, MiB
	Runs   int     `json:"runs"`
	P50    float64 `json:"p50"`
	P99    float64 `json:"p99"`
	Budget string  `json:"budget"`
	Within bool    `json:"within"`
}

// Report is what `underlay bench --json` prints.
type Report struct {
	Figures []Figure `json:"figures"`
}

// Config says what to measure and with what.
type Config struct {
	Binary  string // the program, run on a pty
	Sandbox *sandbox.Sandbox
	Opener  engine.Opener
	Fresh   engine.Opener // has nothing ready in advance
	Lab     *engine.Lab   // netns-veth: its tasks are judged by state and by ping
	State   string        // an empty directory for the program's progress
	Parts   []string      // names of what to measure; nil for all
	Say     func(string)
}

// part is some figures that are measured together.
type part struct {
	name    string
	measure func(context.Context, Config) ([]Figure, error)
}

func parts() []part {
	return []part{
		{"start", startUp},
		{"build and reset", builds},
		{"command to green", greens},
		{"autopsy", autopsies},
		{"map", maps},
		{"screen", screens},
		{"cluster", clusters},
	}
}

// Parts are the names of what can be measured by itself.
func Parts() (names []string) {
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// Run measures everything, or what was asked for. All of it takes about a minute
// and a half.
func Run(ctx context.Context, c Config) (Report, error) {
	var r Report
	for _, part := range parts() {
		if c.Parts != nil && !slices.Contains(c.Parts, part.name) {
			continue
		}
		c.Say(part.name)
		f, err := part.measure(ctx, c)
		if err != nil {
			return r, fmt.Errorf("%s: %w", part.name, err)
		}
		r.Figures = append(r.Figures, f...)
	}
	return r, nil
}

// limit is a budget: what p50 and p99 may be at most; 0 is no limit.
type limit struct{ p50, p99 float64 }

func (l limit) String() string {
	switch {
	case l.p50 > 0 && l.p99 > 0:
		return fmt.Sprintf("p50 ≤ %g, p99 ≤ %g", l.p50, l.p99)
	case l.p99 > 0:
		return fmt.Sprintf("p99 ≤ %g", l.p99)
	case l.p50 > 0:
		return fmt.Sprintf("p50 ≤ %g", l.p50)
	}
	return ""
}

func figure(name, unit string, samples []float64, l limit) Figure {
	f := Figure{
		Name: name, Unit: unit, Runs: len(samples), Budget: l.String(),
		P50: round(quantile(samples, 0.5)), P99: round(quantile(samples, 0.99)),
	}
	f.Within = (l.p50 == 0 || f.P50 <= l.p50) && (l.p99 == 0 || f.P99 <= l.p99)
	return f
}

// quantile is the nearest-rank quantile of the samples.
func quantile(samples []float64, q float64) float64 {
	if len(samples) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(samples))
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[max(0, min(i, len(sorted)-1))]
}

func round(x float64) float64 { return math.Round(x*100) / 100 }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
