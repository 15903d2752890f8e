package session

import (
	"maps"
	"slices"

	"underlay/engine/observe"
)

// While a capture of the learner's is open, what it shows is to be what the lab does.
// So only what has changed is judged, and nothing is tried again or followed in the
// background until the capture has ended. An autopsy that is asked for is made.

// lookForCaptures looks for packet sockets that are not our own in all nodes, notes
// what it finds for Status, and reports whether there are any. Where it cannot be
// found out there are none.
func (s *Session) lookForCaptures(p *instance) bool {
	var nodes []string
	if open, err := p.reader.PacketSockets(); err == nil && len(open) > 0 {
		nodes = othersAmong(open)
	}
	s.mu.Lock()
	news := !slices.Equal(s.captures, nodes)
	s.captures = nodes
	s.mu.Unlock()
	if news {
		s.signal()
	}
	return len(nodes) > 0
}

// othersAmong are the nodes with a packet socket that is not our own, as those of
// checks and autopsies are.
func othersAmong(open map[string][]uint64) (nodes []string) {
	own, err := observe.OwnSockets()
	if err != nil {
		return nil
	}
	for _, node := range slices.Sorted(maps.Keys(open)) {
		if slices.ContainsFunc(open[node], func(inode uint64) bool { return !own[inode] }) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

// capturing is lookForCaptures in the instance as it is now.
func (s *Session) capturing() bool {
	p, err := s.live()
	return err == nil && s.lookForCaptures(p)
}
