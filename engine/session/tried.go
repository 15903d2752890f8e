package session

import (
	"slices"

	"underlay/engine"
	"underlay/engine/probe"
)

// Why traffic fails is told once the learner has tried something, or asks by following a
// packet: a lab would otherwise open with its answer. A command alone does not count, since
// many only look. After the first one these do:
//
//   - a change in the lab, which the kernel announced or a look at polled state found;
//   - a connection, datagram or echo request that a program in a node has begun, by the
//     kernel's counters of those, without what the program itself has sent.
//
// In a cluster both go on without the learner, so there any command counts.

// trying is what is known of that since the lab was opened or reset. The session's mu
// guards it.
type trying struct {
	typed bool // a line was sent to a shell
	tried bool
	// begun is how much programs other than ours had begun to send when it was last counted,
	// by node.
	begun map[string]int64
}

// typed says that a line is about to be sent to a shell.
func (s *Session) typed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trying.typed = true
	s.trying.tried = s.trying.tried || s.lab.Cluster != nil
}

// tried says that the learner has tried something, or asks.
func (s *Session) tried() {
	s.mu.Lock()
	first := !s.trying.tried
	s.trying.tried = true
	s.mu.Unlock()
	if first {
		s.signal()
	}
}

// countTraffic looks whether the learner has sent something, unless packets of ours are under
// way, which cannot be told from others then.
func (s *Session) countTraffic() {
	if s.evalMu.TryLock() {
		defer s.evalMu.Unlock()
		s.countTrafficNow()
	}
}

// countTrafficNow is countTraffic for who holds evalMu.
func (s *Session) countTrafficNow() {
	p, err := s.live()
	if err != nil {
		return
	}
	s.mu.Lock()
	known := s.trying
	s.mu.Unlock()
	if known.tried {
		return
	}
	begun, ok := s.othersBegun(p)
	if !ok {
		return
	}
	s.mu.Lock()
	s.trying.begun = begun
	typed := s.trying.typed
	s.mu.Unlock()
	if !typed {
		return
	}
	for node, n := range begun {
		if before, counted := known.begun[node]; counted && n > before {
			s.tried()
		}
	}
}

// othersBegun is how often programs other than ours have begun to send something, by node. A
// node with servers that send of their own accord, or over UDP, counts for its echo requests
// alone. A datagram that nobody in the same node takes is none: such is the query for a name
// where there is no name server, which commands that only look make. The caller holds evalMu.
func (s *Session) othersBegun(p *instance) (begun map[string]int64, ok bool) {
	all, err := p.reader.Begun()
	if err != nil || len(p.nodes) == 0 {
		return nil, false
	}
	ours, err := probe.Sent(p.nodes[0].NS)
	if err != nil {
		return nil, false
	}
	begun = map[string]int64{}
	for node, b := range all {
		begun[node] = int64(b.Echoes) - int64(ours[node].ICMP)
		if !s.answersUnasked(node) {
			begun[node] += int64(b.Connections+b.Datagrams) - int64(b.Unwanted+ours[node].TCP+ours[node].UDP)
		}
	}
	return begun, true
}

// answersUnasked reports whether a node has a server that sends more than answers over
// connections that others made.
func (s *Session) answersUnasked(node string) bool {
	return slices.ContainsFunc(s.lab.Topology.Workloads, func(w engine.Workload) bool {
		return w.Node == node && w.Kind != "http" && w.Kind != "tcp"
	})
}
