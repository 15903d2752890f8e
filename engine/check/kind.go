package check

import (
	"context"

	"underlay/engine"
)

// kind is a kind of check. To add one, give it a field in engine.Check, a value of
// this type in a file of its own, and a place in kinds.
type kind struct {
	sends    bool // it sends packets: what it asks for is an engine.Sender
	is       func(c *engine.Check) bool
	needs    func(n *needs, c *engine.Check)
	judge    func(ctx context.Context, r *run, s scope, c *engine.Check) verdict
	describe func(c *engine.Check) string
}

// kinds are all kinds of checks. They are listed when the program starts, because those
// that are made of others are judged by means of this list.
var kinds []kind

func init() {
	kinds = []kind{
		trafficKind,
		captureKind,
		dnsKind,
		resolveKind,
		linkKind,
		addrKind,
		routeKind,
		ruleKind,
		neighKind,
		fdbKind,
		sysctlKind,
		socketKind,
		natKind,
		filterKind,
		conntrackKind,
		netnsKind,
		answerKind,
		choiceKind,
		objectKind,
		allKind,
		anyKind,
		notKind,
	}
}

// spec is a kind in terms of T, what its checks ask for.
type spec[T any] struct {
	// of returns what a check of this kind asks for, nil for one of another kind.
	of func(c *engine.Check) *T
	// needs says what is looked at in nodes; nil if nothing is. That a kind sends
	// packets need not be said.
	needs func(n *needs, c T)
	// judge finds out whether it is so. Want is filled in by describe unless given.
	judge func(ctx context.Context, r *run, s scope, c T) verdict
	// describe says what is asked for: "eth0 in c1 has the address 172.17.0.2/16".
	describe func(c T) string
}

func (s spec[T]) kind() kind {
	_, sends := any((*T)(nil)).(engine.Sender)
	return kind{
		sends: sends,
		is:    func(c *engine.Check) bool { return s.of(c) != nil },
		needs: func(n *needs, c *engine.Check) {
			if s.needs != nil {
				s.needs(n, *s.of(c))
			}
		},
		judge: func(ctx context.Context, r *run, sc scope, c *engine.Check) verdict {
			return s.judge(ctx, r, sc, *s.of(c))
		},
		describe: func(c *engine.Check) string { return s.describe(*s.of(c)) },
	}
}

// byFacts judges by what was read of the nodes, and by nothing else.
func byFacts[T any](judge func(f *facts, c T) verdict) func(context.Context, *run, scope, T) verdict {
	return func(_ context.Context, _ *run, s scope, c T) verdict { return judge(s.facts, c) }
}

// kindOf returns a check's kind, nil if it asks for nothing.
func kindOf(c *engine.Check) *kind {
	for i := range kinds {
		if kinds[i].is(c) {
			return &kinds[i]
		}
	}
	return nil
}

// Describe says in words what a check asks for: "eth0 in c1 has the address
// 172.17.0.2/16". A result's Want is in the same words.
func Describe(c engine.Check) string {
	if k := kindOf(&c); k != nil {
		return k.describe(&c)
	}
	return ""
}
