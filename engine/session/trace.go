package session

import (
	"context"
	"fmt"

	"underlay/engine"
	"underlay/engine/autopsy"
	"underlay/engine/wire"
)

// Trace follows a flow. It takes the place of an evaluation, so that neither
// sees the other's packets; the one under way is cut short and made again.
func (s *Session) Trace(ctx context.Context, flow engine.Flow) (*engine.Autopsy, error) {
	s.cancelEvaluation()
	s.claim()
	defer s.evalMu.Unlock()
	defer s.trigger(trigger{anew: true})
	p, err := s.here()
	if err != nil {
		return nil, err
	}
	return s.follow(ctx, p, flow)
}

// follow makes an autopsy. The caller holds evalMu.
func (s *Session) follow(ctx context.Context, p *place, flow engine.Flow) (*engine.Autopsy, error) {
	if s.lab.Topology.Node(flow.From) == nil {
		return nil, fmt.Errorf("this lab has no node %q: %w", flow.From, engine.ErrNotFound)
	}
	_ = s.refresh(ctx, p) // as in evaluate
	for _, n := range p.nodes {
		_ = wire.ForgetUnresolved(n.NS) // as in evaluate
	}
	hosts, dns := s.hosts(flow.From)
	return autopsy.Trace(ctx, autopsy.Place{Nodes: p.nodes, Reader: p.reader, Hosts: hosts, DNS: dns}, flow)
}
