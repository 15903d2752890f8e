package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"underlay/engine"
)

// fakeLab is a lab whose tasks are done by typing "do ID" in its shell.
func fakeLab() *engine.Lab {
	hints := engine.Hints{Symptom: "Nothing is there.", Layer: "Look at layer 2.", Command: "Use `do`.", Solution: "Type `do bridge`."}
	return &engine.Lab{
		ID: "wires", Title: "Wires", Module: "start", Summary: "Plug in a wire.", Minutes: 5, Seed: 7,
		Topology: engine.Topology{Nodes: []engine.Node{{Name: "host", Shell: true}, {Name: "c1", Shell: true}}},
		Tasks: []engine.Task{
			{ID: "bridge", Goal: "There is a bridge.", Hints: hints},
			{ID: "mac", Goal: "You know its address.", Hints: hints,
				Checks: []engine.Check{{Answer: &engine.AnswerCheck{Prompt: "Which address has it?"}}}},
		},
		Collateral: []engine.Collateral{{Goal: "host talks to itself."}},
		Solution:   engine.Script{Text: "do bridge\n"},
	}
}

// fakeSession is a lab without a kernel. It implements engine.Opener, too.
type fakeSession struct {
	lab     *engine.Lab
	changed chan struct{}

	mu          sync.Mutex
	done        map[string]bool
	evaluations int // but the first
	spoiled     bool
	capture     []string
	health      []string
	resets      int
	closed      bool
	typed       []string // "NODE: line" of everything that the shells got

	past     []engine.Checkpoint
	changes  []engine.Change
	way      engine.Restored
	restored []int

	flow    engine.Flow // that the first task fails for
	traced  []string
	tracing chan struct{} // closed when a trace without end has begun
}

func newFakeSession() *fakeSession {
	return &fakeSession{lab: fakeLab(), changed: make(chan struct{}, 1), done: map[string]bool{}, tracing: make(chan struct{})}
}

func (s *fakeSession) Open(context.Context, *engine.Lab, func(string)) (engine.Session, error) {
	return s, nil
}

func (s *fakeSession) Lab() *engine.Lab         { return s.lab }
func (s *fakeSession) Changed() <-chan struct{} { return s.changed }
func (s *fakeSession) Poke()                    {}

func (s *fakeSession) Status() engine.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := engine.Status{Solved: !s.spoiled, Health: s.health, Captures: s.capture, Evaluation: 1 + s.evaluations}
	for _, t := range s.lab.Tasks {
		r := engine.TaskResult{ID: t.ID, Goal: t.Goal}
		r.State = engine.Pass
		if !s.done[t.ID] {
			r.Result = engine.Result{State: engine.Fail, Want: "want " + t.ID, Got: "got nothing", Why: "because of " + t.ID}
			st.Solved = false
			if t.ID == s.lab.Tasks[0].ID {
				r.Flow = s.flow
			}
		}
		st.Tasks = append(st.Tasks, r)
	}
	c := engine.TaskResult{Goal: s.lab.Collateral[0].Goal, Result: engine.Result{State: engine.Pass}}
	if s.spoiled {
		c.Result = engine.Result{State: engine.Fail, Got: "silence"}
	}
	st.Collateral = []engine.TaskResult{c}
	return st
}

func (s *fakeSession) Settle(context.Context) (engine.Status, error) { return s.Status(), nil }

// Rest implements engine.Session.
func (s *fakeSession) Rest(context.Context) (engine.Status, error) { return s.Status(), nil }

func (s *fakeSession) Answer(task, text string) { s.set(task, text == "right") }

func (s *fakeSession) set(task string, done bool) {
	s.mu.Lock()
	s.done[task] = done
	s.evaluations++
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *fakeSession) History() engine.History { return fakeHistory{s} }

type fakeHistory struct{ s *fakeSession }

func (h fakeHistory) Checkpoints() []engine.Checkpoint { return h.s.past }

func (h fakeHistory) Diff(context.Context, int) ([]engine.Change, error) { return h.s.changes, nil }

func (h fakeHistory) Restore(_ context.Context, id int) (engine.Restored, error) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.s.restored = append(h.s.restored, id)
	h.s.done = map[string]bool{}
	return h.s.way, nil
}

// Trace delivers all but what goes to port 666, and never ends for 10.0.0.99.
func (s *fakeSession) Trace(ctx context.Context, flow engine.Flow) (*engine.Autopsy, error) {
	s.mu.Lock()
	s.traced = append(s.traced, flow.String())
	s.mu.Unlock()
	if flow.To == "10.0.0.99" {
		close(s.tracing)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	a := &engine.Autopsy{
		Flow: flow, Outcome: engine.EndingDelivered, Verdict: engine.Verdict{Text: "delivered: c1 answered"}, Detail: "connected",
		Hops: []engine.Hop{
			{Node: flow.From, Out: "eth0", Direction: engine.DirectionRequest, Packet: "tcp SYN", Header: engine.Header{Src: "10.0.0.1", Dst: flow.To, SPort: 4000, DPort: flow.Port}},
			{Node: "c1", In: "eth0", Direction: engine.DirectionRequest, Packet: "tcp SYN"},
		},
	}
	if flow.Port == 666 {
		a.Outcome, a.Hops[1].Died = engine.EndingDropped, true
		a.Verdict = engine.Verdict{Node: "c1", Object: "iptables filter INPUT", Reason: "rule-drop", Direction: engine.DirectionRequest, Text: "dropped in c1, iptables filter INPUT: the packet coming in on eth0 matched the rule -A INPUT -j DROP"}
	}
	return a, nil
}

func (s *fakeSession) Picture(context.Context) (engine.Picture, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := engine.Picture{Nodes: []engine.PictureNode{{Name: "host", Kind: engine.KindHost}, {Name: "c1", Kind: engine.KindContainer, Title: "a client"}}}
	if s.closed {
		return p, errors.New("the lab is closed")
	}
	if s.done["bridge"] {
		p.Nodes[0].Devices = []engine.Device{{Name: "br0", Kind: "bridge", State: engine.DeviceNoCarrier}}
	}
	return p, nil
}

func (s *fakeSession) Reset(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = map[string]bool{}
	s.resets++
	return nil
}

func (s *fakeSession) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *fakeSession) Shell(_ context.Context, node string, _ engine.Size) (engine.Terminal, error) {
	t := &fakeTerminal{node: node, session: s, keys: make(chan string, 64), ended: make(chan struct{})}
	t.out, t.say = io.Pipe()
	go t.run()
	return t, nil
}

// run is what a typed line does, and what it prints.
func (s *fakeSession) run(node, line string) string {
	s.mu.Lock()
	s.typed = append(s.typed, node+": "+line)
	s.mu.Unlock()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "do":
		s.set(rest, true)
	case "undo":
		s.set(rest, false)
	case "spoil":
		s.mu.Lock()
		s.spoiled = rest == "yes"
		s.mu.Unlock()
	case "capture":
		s.mu.Lock()
		s.capture = strings.Fields(rest)
		s.mu.Unlock()
	case "crash":
		s.mu.Lock()
		s.health = append(s.health, "Its memory is full.")
		s.mu.Unlock()
	case "say":
		return "\x1b[31m" + rest + "\x1b[0m\r\n"
	case "count":
		return "10%\r50%\r100%\r\n"
	}
	return ""
}

// fakeTerminal behaves like bash with line editing on a terminal.
type fakeTerminal struct {
	node    string
	session *fakeSession
	out     *io.PipeReader
	say     *io.PipeWriter
	keys    chan string
	ended   chan struct{}
	once    sync.Once
}

func (t *fakeTerminal) run() {
	defer func() { _ = t.say.Close() }() // its reader may have gone
	ready := fmt.Sprintf("\x1b[?2004h\x1b[1;36m%s\x1b[0m:\x1b[34m~\x1b[0m# ", t.node)
	_, _ = io.WriteString(t.say, ready)
	for {
		select {
		case <-t.ended:
			return
		case k := <-t.keys:
			line := strings.TrimSuffix(strings.NewReplacer("\x1b[200~", "", "\x1b[201~", "").Replace(k), "\r")
			_, _ = io.WriteString(t.say, line+"\r\n\x1b[?2004l\r")
			switch line {
			case "exit":
				return
			case "forever":
				_, _ = io.WriteString(t.say, "working\r\n")
				if !t.interrupted() {
					return
				}
			default:
				_, _ = io.WriteString(t.say, t.session.run(t.node, line))
			}
			_, _ = io.WriteString(t.say, ready)
		}
	}
}

// interrupted waits for Ctrl-C, or for the terminal's end.
func (t *fakeTerminal) interrupted() bool {
	for {
		select {
		case <-t.ended:
			return false
		case k := <-t.keys:
			if k == ctrlC {
				_, _ = io.WriteString(t.say, "^C\r\n")
				return true
			}
			_, _ = io.WriteString(t.say, strings.ReplaceAll(k, "\r", "\r\n")+"heard "+strings.TrimSpace(k)+"\r\n")
		}
	}
}

func (t *fakeTerminal) Read(p []byte) (int, error) { return t.out.Read(p) }
func (t *fakeTerminal) Write(p []byte) (int, error) {
	select {
	case t.keys <- string(p):
		return len(p), nil
	case <-t.ended:
		return 0, io.ErrClosedPipe
	}
}
func (t *fakeTerminal) Close() error {
	t.once.Do(func() { close(t.ended); _ = t.out.Close() })
	return nil
}
func (t *fakeTerminal) Resize(engine.Size) error { return nil }
func (t *fakeTerminal) Node() string             { return t.node }
