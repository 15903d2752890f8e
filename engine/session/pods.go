package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/netns"
	"underlay/engine/observe"
)

// adopt gives each node that stands for a pod the namespace that the pod has
// now, or none. The caller holds evalMu, or is the only one that knows the instance.
func (s *Session) adopt(ctx context.Context, p *instance) (err error) {
	if p.cluster == nil {
		return nil
	}
	want := map[string]string{} // netns → node
	for i := range s.lab.Topology.Nodes {
		if n := &s.lab.Topology.Nodes[i]; n.Pod != nil {
			if netns, ok := p.cluster.PodNetns(n.Pod); ok {
				want[netns] = n.Name
			}
		}
	}
	fds, err := p.world.Adopt(ctx, slices.Collect(maps.Keys(want)))
	if err != nil {
		return err
	}
	now := map[string]int{}
	for netns, fd := range fds {
		now[want[netns]] = fd
		p.pods[want[netns]] = netns
	}
	changed := false
	for i := range s.lab.Topology.Nodes {
		n := &s.lab.Topology.Nodes[i]
		if n.Pod == nil {
			continue
		}
		fd, there := now[n.Name]
		old, was := p.ns[n.Name]
		switch {
		case there && was && sameNamespace(fd, old):
			err = errors.Join(err, unix.Close(fd))
			continue
		case was:
			err = errors.Join(err, p.forget(n.Name))
		}
		if there {
			err = errors.Join(err, p.remember(observe.Node{Name: n.Name, NS: fd}))
		}
		changed = changed || there || was
	}
	if !changed || p.stop == nil {
		return err
	}
	p.stop()
	return errors.Join(err, s.watch(p))
}

func sameNamespace(a, b int) bool {
	x, err1 := netns.Identify(a)
	y, err2 := netns.Identify(b)
	return err1 == nil && err2 == nil && x == y
}

// forget lets go of a node's namespace.
func (p *instance) forget(node string) error {
	var err error
	if p.reader != nil {
		err = p.reader.RemoveNode(node)
	}
	p.nodes = slices.DeleteFunc(p.nodes, func(n observe.Node) bool { return n.Name == node })
	fd := p.ns[node]
	delete(p.ns, node)
	delete(p.pods, node)
	return errors.Join(err, unix.Close(fd))
}

func (p *instance) remember(n observe.Node) error {
	p.ns[n.Name] = n.NS
	p.nodes = append(p.nodes, n)
	if p.reader == nil {
		return nil
	}
	return p.reader.AddNode(n)
}

// inWorld returns the name by which the world knows a node: that of its namespace.
func (p *instance) inWorld(n *engine.Node) (string, error) {
	if n.Pod == nil {
		return n.Name, nil
	}
	netns, ok := p.pods[n.Name]
	if !ok {
		return "", fmt.Errorf("%s: its pod is not running", n.Name)
	}
	return netns, nil
}

// Declared are the objects that the lab's cluster has been told (see cluster.Declared); none
// if the lab has no cluster.
func (s *Session) Declared(ctx context.Context) ([]string, error) {
	p, err := s.live()
	if err != nil || s.lab.Cluster == nil {
		return nil, err
	}
	return p.cluster.Declared(ctx)
}
