package session

import (
	"context"
	"fmt"

	"underlay/engine"
	"underlay/engine/probe"
)

// Explains reports whether an autopsy is under way in the background.
func Explains(s engine.Session) bool {
	own := s.(*Session)
	own.mu.Lock()
	defer own.mu.Unlock()
	return own.explaining != nil && !own.status.Checking
}

// Run runs a script in a node and returns what it prints.
func Run(ctx context.Context, s engine.Session, node, script string) (string, error) {
	out, code, err := s.(*Session).instance.world.Run(ctx, node, script, "/bin/sh")
	if err == nil && code != 0 {
		err = fmt.Errorf("it ended with %d: %s", code, out)
	}
	return out, err
}

// Nodes are the lab's nodes as they are now.
func Nodes(s engine.Session) []probe.Node {
	own := s.(*Session)
	own.evalMu.Lock() // which guards the namespaces
	defer own.evalMu.Unlock()
	var out []probe.Node
	for _, n := range own.instance.nodes {
		if n.NS >= 0 {
			out = append(out, probe.Node{Name: n.Name, NS: n.NS})
		}
	}
	return out
}

// Try has a session take it that the learner has tried something.
func Try(s engine.Session) { s.(*Session).tried() }

// Knows reports whether an autopsy has found out why something fails.
func Knows(s engine.Session) bool {
	own := s.(*Session)
	own.mu.Lock()
	defer own.mu.Unlock()
	for _, f := range own.found.known {
		if f.verdict.Text != "" {
			return true
		}
	}
	return false
}
