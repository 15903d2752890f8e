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
	// Pod is what the report is about, if its step is StepPod.
	Pod *PodReport `json:"pod,omitempty"`
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
func (p *Progress) Ready(step string) { p.write(Report{Step: step, State: Ready}) }

// Failed says that something does not work, and why. It may come after Ready.
func (p *Progress) Failed(step string, err error) {
	p.write(Report{Step: step, State: Failed, Text: err.Error()})
}

// Restarted says that something had ended and runs again.
func (p *Progress) Restarted(step, text string) {
	p.write(Report{Step: step, State: Restarted, Text: text})
}

// Pod tells of a pod, whose state is Running or Gone.
func (p *Progress) Pod(state string, pod PodReport) {
	p.write(Report{Step: StepPod, State: state, Pod: &pod})
}

func (p *Progress) write(r Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Nobody may be reading; the cluster runs all the same.
	r.MS = time.Since(p.start).Milliseconds()
	_ = json.NewEncoder(p.out).Encode(r)
}
