package cluster

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// The states of a step.
const (
	Ready     = "ready"
	Failed    = "failed"
	Restarted = "restarted"
)

// A Report says how a step stands. Reports are written as JSON, one a line.
type Report struct {
	Step  string `json:"step"`
	State string `json:"state"`
	// MS is when, in milliseconds after the start.
	MS   int64  `json:"ms"`
	Text string `json:"text,omitempty"`
}

// Progress writes reports. It may be used by several goroutines.
type Progress struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
}

// NewProgress begins to count time at start.
func NewProgress(out io.Writer, start time.Time) *Progress {
	return &Progress{out: out, start: start}
}

// Ready says that a step is done.
func (p *Progress) Ready(step string) { p.write(step, Ready, "") }

// Failed says that something does not work, and why. It may come after Ready.
func (p *Progress) Failed(step string, err error) { p.write(step, Failed, err.Error()) }

// Restarted says that something had ended and runs again.
func (p *Progress) Restarted(step, text string) { p.write(step, Restarted, text) }

func (p *Progress) write(step, state, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Nobody may be reading; the cluster runs all the same.
	_ = json.NewEncoder(p.out).Encode(Report{step, state, time.Since(p.start).Milliseconds(), text})
}
