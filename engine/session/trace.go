package session

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"underlay/engine"
	"underlay/engine/autopsy"
	"underlay/engine/internal/netns"
	"underlay/engine/probe"
	"underlay/engine/tracesock"
)

// errMoved ends the traces of a lab that is being built anew or led back.
var errMoved = errors.New("the lab was reset, or went back, meanwhile")

// traces is what a session has to know of those under way.
type traces struct {
	mu    sync.Mutex
	moved context.Context // ends when the lab is about to become another
	move  context.CancelCauseFunc
	cut   bool // an evaluation had to give way since the last whole one
}

func newTraces() *traces {
	t := &traces{}
	t.moved, t.move = context.WithCancelCause(context.Background())
	return t
}

// end ends those under way, and those that wait for their turn.
func (t *traces) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.move(errMoved)
	t.moved, t.move = context.WithCancelCause(context.Background())
}

// begin returns a context that end ends, too.
func (t *traces) begin(ctx context.Context) (_ context.Context, stop func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	moved := t.moved
	unhook := context.AfterFunc(moved, func() { cancel(context.Cause(moved)) })
	return ctx, func() { unhook(); cancel(nil) }
}

// cutShort cuts short the evaluation under way, unless one was since the last that was
// whole: so tasks are judged however much is traced. It says whether it did.
func (t *traces) cutShort(cancel func() bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut {
		return false
	}
	t.cut = cancel()
	return t.cut
}

// evaluated says that the lab has been judged.
func (t *traces) evaluated() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut = false
}

// Trace follows a flow. It takes the place of an evaluation, so that neither
// sees the other's packets; the one under way is cut short and made again.
func (s *Session) Trace(ctx context.Context, flow engine.Flow) (*engine.Autopsy, error) {
	return s.trace(ctx, func(*instance) (engine.Flow, error) { return flow, nil })
}

// trace is Trace of a flow that is only known once the lab holds still.
func (s *Session) trace(ctx context.Context, flowIn func(*instance) (engine.Flow, error)) (*engine.Autopsy, error) {
	ctx, stop := s.traces.begin(ctx)
	defer stop()
	s.tried()
	cut := s.traces.cutShort(s.cancelEvaluation)
	s.claim()
	defer s.evalMu.Unlock()
	// What the packets teach, a task may be waiting for; see judge.Send.
	defer func() { s.trigger(trigger{anew: cut, taught: s.judge.AwaitsTraffic()}) }()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p, err := s.live()
	if err != nil {
		return nil, err
	}
	s.freshen(ctx, p) // a node may just have been made anew
	flow, err := flowIn(p)
	if err != nil {
		return nil, err
	}
	var a *engine.Autopsy
	s.judge.Send(func() {
		defer s.send()()
		a, err = s.follow(ctx, p, flow, autopsy.TraceAsked)
	})
	if err != nil && errors.Is(context.Cause(ctx), errMoved) {
		err = errMoved
	}
	return a, err
}

// tracer is autopsy.Trace, or autopsy.TraceAsked for what somebody asks.
type tracer func(context.Context, autopsy.Instance, engine.Flow) (*engine.Autopsy, error)

// follow makes an autopsy in an instance that is fresh. The caller holds evalMu.
func (s *Session) follow(ctx context.Context, p *instance, flow engine.Flow, trace tracer) (*engine.Autopsy, error) {
	if s.lab.Topology.Node(flow.From) == nil {
		return nil, engine.Hintf(fmt.Errorf("this lab has no node %q: %w", flow.From, engine.ErrNotFound), "%s", s.nodesHint())
	}
	var names probe.Names
	if _, err := netip.ParseAddr(flow.To); err != nil {
		if names, err = s.names(ctx, p, flow.From); err != nil {
			return nil, err
		}
	}
	names.Musl = flow.Resolver == engine.Musl
	return trace(ctx, autopsy.Instance{
		Nodes: p.nodes, Reader: p.reader, Names: names, Watching: s.tables.watching,
	}, flow)
}

func (s *Session) nodesHint() string {
	return "its nodes are " + strings.Join(s.lab.Topology.NodeNames(), ", ")
}

// asked is the flow that somebody in an instance asks about, which begins where they
// are if they do not say. The caller holds evalMu, so now is what the instance is, and
// has made it fresh.
func (s *Session) asked(a tracesock.Asked, theirs, now *instance) (engine.Flow, error) {
	if theirs != now {
		return a.Flow, errMoved
	}
	if a.Flow.From != "" {
		return a.Flow, nil
	}
	for _, n := range now.nodes {
		if ns, err := netns.Identify(n.NS); err == nil && a.Known && ns == a.Client {
			a.Flow.From = n.Name
			return a.Flow, nil
		}
	}
	return a.Flow, engine.Hintf(tracesock.Usage(errors.New("your network namespace is not a node of this lab")),
		"name the node that sends the packet: `underlay trace NODE %s`; %s", a.Flow.Target(), s.nodesHint())
}
