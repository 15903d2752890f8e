// Package fake is a lab that needs no namespaces, so that the screens can be
// tested and looked at on any machine. Only tests and the demo import it.
package fake

import (
	"context"
	"sync"
	"time"

	"underlay/engine"
)

// Session is a lab whose status a test sets. It implements engine.Session.
type Session struct {
	TheLab *engine.Lab

	// Evaluate, if set, is asked for the status after each Poke.
	Evaluate func() engine.Status

	// Past are the checkpoints, Changes what has changed since any of them, and
	// Way how the lab is led back.
	Past    []engine.Checkpoint
	Changes []engine.Change
	Way     engine.Restored

	// Open opens a shell; nil gives a Terminal that says nothing.
	Open func(node string, size engine.Size) (engine.Terminal, error)

	// Look gives the picture; nil gives the lab's nodes without devices.
	Look func() (engine.Picture, error)

	// Follow gives an autopsy; nil says that the flow was delivered.
	Follow func(engine.Flow) (*engine.Autopsy, error)

	mu      sync.Mutex
	looks   int
	status  engine.Status
	changed chan struct{}
	poked   int
	resets  int
	closed  bool
	answers map[string]string
	shells  []string
	sizes   []engine.Size

	compared, restored []int // checkpoints
}

// NewSession starts a lab in which no task is done.
func NewSession(lab *engine.Lab) *Session {
	s := &Session{TheLab: lab, changed: make(chan struct{}, 1), answers: map[string]string{}}
	s.status = Status(lab, 0)
	return s
}

// Status is a status in which the first done tasks pass and the rest fail or wait.
func Status(lab *engine.Lab, done int) engine.Status {
	st := engine.Status{Evaluation: 1 + done, Solved: done >= len(lab.Tasks)}
	for i, t := range lab.Tasks {
		r := engine.TaskResult{ID: t.ID, Goal: t.Goal}
		switch {
		case i < done:
			r.State = engine.Pass
		case i == done:
			r.Result = engine.Result{State: engine.Fail, Want: "docker0 has the address 172.17.0.1/16", Got: "docker0 has no IPv4 address",
				Why: "Nobody has given it one yet."}
		default:
			r.State, r.Waiting = engine.Fail, true
		}
		st.Tasks = append(st.Tasks, r)
	}
	return st
}

// Set makes this the newest status.
func (s *Session) Set(st engine.Status) {
	s.mu.Lock()
	s.status = st
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Lab implements engine.Session.
func (s *Session) Lab() *engine.Lab { return s.TheLab }

// Status implements engine.Session.
func (s *Session) Status() engine.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Changed implements engine.Session.
func (s *Session) Changed() <-chan struct{} { return s.changed }

// Poke implements engine.Session.
func (s *Session) Poke() {
	s.mu.Lock()
	s.poked++
	old, eval := s.status, s.Evaluate
	s.mu.Unlock()
	if eval == nil {
		return
	}
	if st := eval(); st.Done() != old.Done() {
		s.Set(st)
	}
}

// Settle implements engine.Session.
func (s *Session) Settle(context.Context) (engine.Status, error) { return s.Status(), nil }

// Rest implements engine.Session.
func (s *Session) Rest(context.Context) (engine.Status, error) { return s.Status(), nil }

// Answer implements engine.Session.
func (s *Session) Answer(task, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[task] = text
}

// Shell implements engine.Session.
func (s *Session) Shell(_ context.Context, node string, size engine.Size) (engine.Terminal, error) {
	s.mu.Lock()
	s.shells, s.sizes = append(s.shells, node), append(s.sizes, size)
	s.mu.Unlock()
	if s.Open != nil {
		return s.Open(node, size)
	}
	return NewTerminal(node), nil
}

// History implements engine.Session.
func (s *Session) History() engine.History { return history{s} }

// history is a Session's past, as its fields say it is.
type history struct{ s *Session }

func (h history) Checkpoints() []engine.Checkpoint { return h.s.Past }

func (h history) Diff(_ context.Context, id int) ([]engine.Change, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.s.compared = append(h.s.compared, id)
	return h.s.Changes, nil
}

func (h history) Restore(_ context.Context, id int) (engine.Restored, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.s.restored = append(h.s.restored, id)
	return h.s.Way, nil
}

// Trace implements engine.Session.
func (s *Session) Trace(_ context.Context, flow engine.Flow) (*engine.Autopsy, error) {
	s.mu.Lock()
	follow := s.Follow
	s.mu.Unlock()
	if follow != nil {
		return follow(flow)
	}
	return &engine.Autopsy{Flow: flow, Outcome: engine.EndingDelivered}, nil
}

// Picture implements engine.Session.
func (s *Session) Picture(context.Context) (engine.Picture, error) {
	s.mu.Lock()
	s.looks++
	s.mu.Unlock()
	if s.Look != nil {
		return s.Look()
	}
	var p engine.Picture
	for _, n := range s.TheLab.Topology.Nodes {
		p.Nodes = append(p.Nodes, engine.PictureNode{Name: n.Name, Kind: n.Kind, Title: n.Title})
	}
	return p, nil
}

// Looks is how many pictures were asked for.
func (s *Session) Looks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

// Reset implements engine.Session.
func (s *Session) Reset(context.Context) error {
	s.mu.Lock()
	s.resets++
	s.status = Status(s.TheLab, 0)
	s.mu.Unlock()
	return nil
}

// Close implements engine.Session.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Seen is what was asked of a session.
type Seen struct {
	Pokes, Resets int
	Closed        bool
	Answers       map[string]string
	Shells        []string
	Sizes         []engine.Size

	Compared, Restored []int // checkpoints
}

// Seen returns what was asked of the session so far.
func (s *Session) Seen() Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := map[string]string{}
	for k, v := range s.answers {
		a[k] = v
	}
	return Seen{s.poked, s.resets, s.closed, a, append([]string(nil), s.shells...), append([]engine.Size(nil), s.sizes...),
		append([]int(nil), s.compared...), append([]int(nil), s.restored...)}
}

// Opener opens Sessions. It implements engine.Opener.
type Opener struct {
	Session *Session // what is opened; nil makes a new one
	Err     error    // why nothing can be opened
	Steps   []string
	Delay   time.Duration // between steps
}

// Open implements engine.Opener.
func (o *Opener) Open(ctx context.Context, lab *engine.Lab, progress func(string)) (engine.Session, error) {
	for _, s := range o.Steps {
		progress(s)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(o.Delay):
		}
	}
	if o.Err != nil {
		return nil, o.Err
	}
	if o.Session == nil {
		return NewSession(lab), nil
	}
	return o.Session, nil
}
