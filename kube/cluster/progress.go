package cluster

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"underlay/engine/companion"
)

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
func (p *Progress) Ready(step string) { p.write(companion.Report{Step: step, State: companion.Ready}) }

// Failed says that something does not work, and why. It may come after Ready.
func (p *Progress) Failed(step string, err error) {
	p.write(companion.Report{Step: step, State: companion.Failed, Text: err.Error()})
}

// Restarted says that something had ended and runs again.
func (p *Progress) Restarted(step, text string) {
	p.write(companion.Report{Step: step, State: companion.Restarted, Text: text})
}

// Pod tells of a pod, whose state is Running or Gone.
func (p *Progress) Pod(state string, pod companion.PodReport) {
	p.write(companion.Report{Step: companion.StepPod, State: state, Pod: &pod})
}

func (p *Progress) write(r companion.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Nobody may be reading; the cluster runs all the same.
	r.MS = time.Since(p.start).Milliseconds()
	_ = json.NewEncoder(p.out).Encode(r)
}
