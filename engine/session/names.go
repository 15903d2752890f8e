package session

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"

	"underlay/engine"
	"underlay/engine/probe"
)

// names is how programs of a node resolve names now.
func (s *Session) names(ctx context.Context, p *instance, node string) (out probe.Names, err error) {
	n := s.lab.Topology.Node(node)
	if n == nil {
		return out, nil
	}
	inWorld, err := p.inWorld(n)
	if err != nil {
		return out, nil //nolint:nilerr // a pod that does not run resolves nothing, and sends nothing
	}
	files, hostname, err := p.world.ResolverFiles(ctx, inWorld)
	out.Etc = probe.Etc{Hosts: files["hosts"], Resolv: files["resolv.conf"], Switch: files["nsswitch.conf"], Hostname: hostname}
	return out, err
}

// namesOnce reads each node's files once, so that one evaluation sees them as they were
// at one moment.
type namesOnce struct {
	mu    sync.Mutex
	known map[string]func() (probe.Names, error)
}

func (o *namesOnce) of(node string, read func() (probe.Names, error)) (probe.Names, error) {
	o.mu.Lock()
	get := o.known[node]
	if get == nil {
		if o.known == nil {
			o.known = map[string]func() (probe.Names, error){}
		}
		get = sync.OnceValues(read)
		o.known[node] = get
	}
	o.mu.Unlock()
	return get()
}

// resolvers are the nodes that resolve names for the lab's checks. Their files decide how
// checks end, and change without a kernel event.
func resolvers(lab *engine.Lab) (nodes []string) {
	add := func(t *engine.TrafficCheck) {
		if _, err := netip.ParseAddr(t.To); err != nil && !slices.Contains(nodes, t.From) {
			nodes = append(nodes, t.From)
		}
	}
	for c := range lab.Checks() {
		switch {
		case c.Traffic != nil:
			add(c.Traffic)
		case c.Capture != nil && c.Capture.During != nil:
			add(c.Capture.During)
		case c.DNS != nil && c.DNS.Server == "" && !slices.Contains(nodes, c.DNS.From):
			nodes = append(nodes, c.DNS.From)
		case c.Resolve != nil && !slices.Contains(nodes, c.Resolve.From):
			nodes = append(nodes, c.Resolve.From)
		}
	}
	return nodes
}

// trusting are the nodes in which the lab's checks verify certificates.
func trusting(lab *engine.Lab) (nodes []string) {
	for c := range lab.Checks() {
		if t := c.Traffic; t != nil && t.TLS != nil && !slices.Contains(nodes, t.From) {
			nodes = append(nodes, t.From)
		}
	}
	return nodes
}

// trusted are the certificates that a node's programs trust now, in PEM.
func (p *instance) trusted(ctx context.Context, node *engine.Node) ([]byte, error) {
	inWorld, err := p.inWorld(node)
	if err != nil {
		return nil, err
	}
	return p.world.Trusted(ctx, inWorld)
}

// addNames adds the files by which the lab's checks resolve names and verify certificates.
func (s *Session) addNames(ctx context.Context, p *instance, h *maphash.Hash) {
	for _, node := range s.resolvers {
		if n, err := s.names(ctx, p, node); err == nil {
			fmt.Fprintln(h, node, n)
		}
	}
	for _, node := range s.trusting {
		if trusted, err := p.trusted(ctx, s.lab.Topology.Node(node)); err == nil {
			fmt.Fprintln(h, node, string(trusted))
		}
	}
}
