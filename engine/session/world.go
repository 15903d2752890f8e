package session

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"underlay/engine"
	"underlay/engine/check"
	"underlay/engine/observe"
	"underlay/engine/probe"
)

// world is an instance as checks see it.
type world struct {
	session  *Session
	instance *instance
	names    namesOnce
}

var _ check.World = (*world)(nil)

func (w *world) node(name string) (probe.Node, error) {
	fd, ok := w.instance.ns[name]
	if !ok {
		return probe.Node{}, fmt.Errorf("node %q: %w", name, engine.ErrNotFound)
	}
	return probe.Node{Name: name, NS: fd}, nil
}

// Snapshot reads the kernel's state of these nodes.
func (w *world) Snapshot(_ context.Context, nodes []string, what observe.Facet, sysctls []string) (map[string]observe.State, error) {
	var known []string
	for _, n := range nodes {
		if _, ok := w.instance.ns[n]; ok {
			known = append(known, n)
		}
	}
	if nodes != nil && len(known) == 0 {
		return map[string]observe.State{}, nil
	}
	states, err := w.instance.reader.Snapshot(known, what, sysctls)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]observe.State, len(states))
	for _, st := range states {
		byName[st.Node] = st
	}
	return byName, nil
}

// Probe sends one attempt from a node.
func (w *world) Probe(ctx context.Context, r probe.Request) (probe.Outcome, error) {
	r, err := w.from(ctx, r)
	if err != nil {
		return probe.Outcome{}, err
	}
	if r.TLS != nil {
		if r.TLS, err = w.trusting(ctx, r); err != nil {
			return probe.Outcome{}, err
		}
	}
	return probe.Do(ctx, r)
}

// trusting returns how an attempt is made over TLS, with the certificates that its node
// trusts now.
func (w *world) trusting(ctx context.Context, r probe.Request) (*probe.TLS, error) {
	roots, err := w.instance.trusted(ctx, w.session.lab.Topology.Node(r.From.Name))
	return &probe.TLS{Name: r.TLS.Name, Roots: roots}, err
}

// Resolve looks up a name as programs of a node do.
func (w *world) Resolve(ctx context.Context, r probe.Request) (probe.Lookup, error) {
	r, err := w.from(ctx, r)
	if err != nil {
		return probe.Lookup{}, err
	}
	return probe.Resolve(ctx, r)
}

// from completes a request that names its node alone.
func (w *world) from(ctx context.Context, r probe.Request) (probe.Request, error) {
	n, err := w.node(r.From.Name)
	if err != nil {
		return r, err
	}
	r.From = n
	musl := r.Names.Musl
	r.Names, err = w.namesOf(ctx, r.To, n.Name)
	r.Names.Musl = musl
	return r, err
}

// namesOf is how a node resolves names, where what it is after is one.
func (w *world) namesOf(ctx context.Context, to, node string) (probe.Names, error) {
	if _, err := netip.ParseAddr(to); err == nil {
		return probe.Names{}, nil
	}
	return w.names.of(node, func() (probe.Names, error) { return w.session.names(ctx, w.instance, node) })
}

// DNS asks a name server from a node.
func (w *world) DNS(ctx context.Context, from, server, name, typ string) (check.DNSAnswer, error) {
	n, err := w.node(from)
	if err != nil {
		return check.DNSAnswer{}, err
	}
	if server == "" {
		names, err := w.namesOf(ctx, name, from)
		if err != nil {
			return check.DNSAnswer{}, err
		}
		servers := names.Servers()
		if len(servers) == 0 {
			return check.DNSAnswer{Detail: from + " has no name server"}, nil
		}
		server = servers[0]
	}
	out, err := probe.DNS(ctx, probe.DNSRequest{From: n, Server: server, Name: name, Type: typ})
	if err != nil {
		return check.DNSAnswer{}, err
	}
	a := check.DNSAnswer{Server: server, Rcode: out.Rcode, Values: out.Answers}
	if out.Ended != engine.OK {
		a.Rcode, a.Ended, a.Detail = "", out.Ended, out.Detail
	}
	return a, nil
}

// Capture watches an interface while during runs.
func (w *world) Capture(ctx context.Context, node, dev, filter string, during func(context.Context) error) ([]string, error) {
	n, err := w.node(node)
	if err != nil {
		return nil, err
	}
	match, err := probe.ParseFilter(filter)
	if err != nil {
		return nil, err
	}
	c, err := probe.Capture(ctx, n, dev, match)
	if err != nil {
		return nil, err
	}
	duringErr := during(ctx)
	var seen []string
	for _, p := range c.Stop() {
		seen = append(seen, p.String())
	}
	if n := c.Lost(); n > 0 && len(seen) == 0 { // it may have been among those
		duringErr = errors.Join(duringErr, fmt.Errorf("the capture on %s/%s lost %d packets", node, dev, n))
	}
	return seen, duringErr
}

// Flows hears of the flows that begin in a node while during runs.
func (w *world) Flows(ctx context.Context, node string, during func(context.Context) error) ([]observe.Flow, error) {
	n, err := w.node(node)
	if err != nil {
		return nil, err
	}
	return observe.Began(observe.Node{Name: n.Name, NS: n.NS}, func() error { return during(ctx) })
}

// RouteGet asks for the kernel's routing decision.
func (w *world) RouteGet(_ context.Context, node, to, from string) (check.RouteDecision, error) {
	n, err := w.node(node)
	if err != nil {
		return check.RouteDecision{}, err
	}
	if strings.Contains(to, "/") || to == "" {
		return check.RouteDecision{}, errors.New("a routing decision needs an address")
	}
	d, err := observe.RouteGet(observe.Node{Name: n.Name, NS: n.NS}, to, from)
	if err != nil {
		return check.RouteDecision{}, err
	}
	return check.RouteDecision{Unreachable: d.Unreachable, Reason: d.Reason, Via: d.Via, Dev: d.Dev, Src: d.Src}, nil
}

// Objects lists the objects of a kind in the lab's cluster.
func (w *world) Objects(ctx context.Context, kind, namespace string) ([]check.Object, error) {
	return w.instance.cluster.Objects(ctx, kind, namespace)
}
