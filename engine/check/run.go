package check

import (
	"context"
	"sync"
	"time"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// memo computes a value once for each key, whoever asks first; others wait.
type memo[K comparable, V any] struct {
	mu sync.Mutex
	m  map[K]func() V
}

func (m *memo[K, V]) do(key K, compute func() V) V {
	m.mu.Lock()
	get, ok := m.m[key]
	if !ok {
		if m.m == nil {
			m.m = map[K]func() V{}
		}
		get = sync.OnceValue(compute)
		m.m[key] = get
	}
	m.mu.Unlock()
	return get()
}

type probeKey struct {
	from, to          string
	port              int
	proto, path, host string
	wait              time.Duration
}

type attempt struct {
	out probe.Outcome
	err error
}

type routeKey struct{ node, to, from string }

type routeAnswer struct {
	RouteDecision
	err error
}

// run is one evaluation: what was asked of the World in it.
type run struct {
	w       World
	lab     *engine.Lab
	facts   *facts
	answers map[string]string

	// wire is held for reading by each attempt and for writing by a capture,
	// which so sees no packets but those of its own traffic.
	wire sync.RWMutex

	probes   memo[probeKey, attempt]
	traffics memo[trafficKey, verdict]
	captures memo[engine.CaptureCheck, verdict]
	lookups  memo[dnsKey, dnsReply]
	routes   memo[routeKey, routeAnswer]
	objects  memo[objectKey, objectList]
	scene    func() scene // all nodes, for explanations
}

func newRun(ctx context.Context, w World, lab *engine.Lab, answers map[string]string) *run {
	r := &run{w: w, lab: lab, facts: newFacts(w), answers: answers}
	r.scene = sync.OnceValue(func() scene { return r.survey(ctx) })
	return r
}

// scope is what a check is evaluated in: the task it belongs to, for answers,
// and the facts that it may look at.
type scope struct {
	task  string
	facts *facts
}

// list evaluates checks side by side and returns their verdicts in order.
func (r *run) list(ctx context.Context, s scope, checks []engine.Check) []verdict {
	out := make([]verdict, len(checks))
	var wg sync.WaitGroup
	for i, c := range checks {
		if !needsOf(c).traffic {
			out[i] = r.check(ctx, s, c)
			continue
		}
		wg.Go(func() { out[i] = r.check(ctx, s, c) })
	}
	wg.Wait()
	return out
}

// all evaluates the checks of a task or of a misconception. Checks that send
// traffic go first, so that the volatile facets are read after it.
func (r *run) all(ctx context.Context, task string, checks []engine.Check) verdict {
	n := needsOf(checks...)
	r.facts.load(ctx, n, observe.All)
	s := scope{task: task, facts: r.facts}
	reads := observe.Facet(0)
	for _, f := range n.reads {
		reads |= f
	}
	if n.traffic && reads&volatile != 0 {
		r.list(ctx, s, senders(checks))
		s.facts = r.facts.after(ctx, n)
	}
	return allOf(r.list(ctx, s, checks))
}

// senders returns the checks in these, at any depth, that send traffic. What
// they find is remembered, so that evaluating them twice sends nothing twice.
func senders(checks []engine.Check) []engine.Check {
	var out []engine.Check
	for c := range engine.Walk(checks) {
		if c.Traffic != nil || c.DNS != nil || c.Capture != nil {
			out = append(out, *c)
		}
	}
	return out
}

// check evaluates one check.
func (r *run) check(ctx context.Context, s scope, c engine.Check) verdict {
	v := r.kind(ctx, s, c)
	v.sent = v.sent || c.Traffic != nil || c.DNS != nil || c.Capture != nil
	if v.Want == "" {
		v.Want = Describe(c)
	}
	if c.Because != "" && v.State == engine.Fail && !v.authored {
		why := c.Because
		if v.adds {
			why = join(why, " ", v.Why)
		}
		v.Why, v.authored = why, true
	}
	return v
}

func (r *run) kind(ctx context.Context, s scope, c engine.Check) verdict {
	switch {
	case c.Traffic != nil:
		return r.traffic(ctx, *c.Traffic)
	case c.Route != nil:
		return r.route(ctx, s.facts, *c.Route)
	case c.Capture != nil:
		return r.capture(ctx, s.facts, *c.Capture)
	case c.DNS != nil:
		return r.dns(ctx, *c.DNS)
	case c.Answer != nil:
		return r.answer(s, *c.Answer)
	case c.Choice != nil:
		return r.choice(ctx, s, *c.Choice)
	case c.Object != nil:
		return r.object(ctx, *c.Object)
	case len(c.All) > 0:
		return allOf(r.list(ctx, s, c.All))
	case len(c.Any) > 0:
		return anyOf(r.list(ctx, s, c.Any))
	case c.Not != nil:
		v := negate(r.check(ctx, s, *c.Not))
		v.Want = Describe(c)
		return v
	}
	return stateKind(s.facts, c)
}

// stateKind evaluates the kinds that look at facts and nothing else.
func stateKind(f *facts, c engine.Check) verdict {
	switch {
	case c.Link != nil:
		return checkLink(f, *c.Link)
	case c.Addr != nil:
		return checkAddr(f, *c.Addr)
	case c.Rule != nil:
		return checkRule(f, *c.Rule)
	case c.Neigh != nil:
		return checkNeigh(f, *c.Neigh)
	case c.FDB != nil:
		return checkFDB(f, *c.FDB)
	case c.Sysctl != nil:
		return checkSysctl(f, *c.Sysctl)
	case c.Socket != nil:
		return checkSocket(f, *c.Socket)
	case c.NAT != nil:
		return checkNAT(f, *c.NAT)
	case c.Filter != nil:
		return checkFilter(f, *c.Filter)
	case c.Conntrack != nil:
		return checkConntrack(f, *c.Conntrack)
	case c.Netns != nil:
		return checkNetns(f, *c.Netns)
	}
	return brokenf("This check asks for nothing.")
}
