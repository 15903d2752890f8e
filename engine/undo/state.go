// Package undo keeps what a lab's nodes hold, says what differs between two such
// states, and leads the nodes back from one to another. It reads through
// engine/observe and writes through what it is given; what a lab is about, and
// when states are taken, it does not know.
package undo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
	"underlay/engine/observe"
)

// State is what all nodes of a lab hold at one time. It is never changed.
type State struct {
	nodes []node
	// stopped are the servers of the lab that did not run, by their place in it.
	stopped []int
	servers []string // what each server is called
}

// node is one node of a State.
type node struct {
	name     string
	inode    uint64 // of its network namespace
	gone     bool   // it has no name any more: deleted and not made anew
	links    []link
	things   []thing
	settings map[string]string
	tables   []table
	legacy   []legacyTable
	ipsets   []ipset
	rules    []observe.FirewallRule // the same as words
	learned  []observe.Message      // neighbours that were found out; no part of the state
}

// Lab is a lab that runs, as far as a state needs it.
type Lab struct {
	Reader *observe.Reader
	Tools  Tools
	Legacy bool     // iptables-legacy has been used
	Gone   []string // nodes that have been deleted and not made anew

	Servers []string // what each of the lab's servers is called
	Stopped []int    // which of them do not run
}

// errNodes says that a node came or went, as pods do, between two readings.
var errNodes = errors.New("the nodes changed while they were read")

// Take reads the state of a lab. It changes nothing there, and sends nothing.
func Take(ctx context.Context, lab Lab) (*State, error) {
	const facets = observe.Links | observe.Firewall
	seen, err := lab.Reader.Snapshot(nil, facets, nil)
	if err != nil {
		return nil, err
	}
	dumps, err := lab.Reader.Dump()
	if err != nil {
		return nil, err
	}
	if len(seen) != len(dumps) {
		return nil, errNodes
	}
	s := &State{servers: lab.Servers, stopped: slices.Clone(lab.Stopped)}
	for i := range dumps {
		n, err := lab.node(ctx, &dumps[i], &seen[i])
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", dumps[i].Node, err)
		}
		s.nodes = append(s.nodes, n)
	}
	slices.SortFunc(s.nodes, func(a, b node) int { return cmp.Compare(a.name, b.name) })
	return s, nil
}

// readings is how often a lab that somebody is changing is read before that is
// held to be its state.
const readings = 10

// TakeStill reads the state of a lab until two readings in a row agree: while a
// command is at work, one reading can hold some of what it does and not the
// rest, and nothing could ever be brought to such a state.
func TakeStill(ctx context.Context, lab func() (Lab, error)) (*State, error) {
	var before *State
	for range readings {
		l, err := lab()
		if err != nil {
			return nil, err
		}
		now, err := Take(ctx, l)
		switch {
		case errors.Is(err, errNodes):
			continue
		case err != nil:
			return nil, err
		case before != nil && Same(before, now):
			return now, nil
		}
		before = now
	}
	if before == nil {
		return nil, errNodes
	}
	return before, nil
}

func (lab *Lab) node(ctx context.Context, d *observe.Dump, seen *observe.State) (node, error) {
	if err := seen.Errs[observe.Links]; err != nil {
		return node{}, err
	}
	names := map[int]string{}
	for _, m := range d.Links {
		if len(m.Body) >= unix.SizeofIfInfomsg {
			names[int(nl.Host32(m.Body[4:]))] = nl.ParseAfter(m.Body, unix.SizeofIfInfomsg).Text(unix.IFLA_IFNAME)
		}
	}
	n := node{
		name: d.Node, inode: d.Inode, gone: slices.Contains(lab.Gone, d.Node),
		links: links(d.Links, seen.Links, names), things: things(d, names), settings: settings(d.Settings),
		tables: tables(d), rules: seen.Firewall, learned: learned(d.Neighs),
	}
	var err error
	if lab.Legacy {
		if n.legacy, err = readLegacy(ctx, lab.Tools, d.Node); err != nil {
			return n, err
		}
	}
	if len(d.IPSets) > 0 {
		n.ipsets, err = readIPSets(ctx, lab.Tools, d.Node, d.IPSets)
	}
	return n, err
}

// learned are the neighbours that the kernel has found out by asking.
func learned(msgs []observe.Message) []observe.Message {
	const set = unix.NUD_PERMANENT | unix.NUD_NOARP
	return slices.DeleteFunc(slices.Clone(msgs), func(m observe.Message) bool {
		return len(m.Body) < unix.SizeofNdMsg || !isIP(m.Body[0]) || nl.Host32(m.Body[8:10])&set != 0
	})
}

// node returns a node by its name, nil if there is none.
func (s *State) node(name string) *node {
	for i := range s.nodes {
		if s.nodes[i].name == name {
			return &s.nodes[i]
		}
	}
	return nil
}

func (n *node) link(index int) *link {
	for i := range n.links {
		if n.links[i].index == index {
			return &n.links[i]
		}
	}
	return nil
}

func (n *node) linkNamed(name string) *link {
	for i := range n.links {
		if n.links[i].name == name {
			return &n.links[i]
		}
	}
	return nil
}

func (n *node) of(kind string) []thing {
	return slices.DeleteFunc(slices.Clone(n.things), func(t thing) bool { return t.kind != kind })
}

// Ran reports whether a server of the lab ran, by its place in the lab.
func (s *State) Ran(server int) bool { return !slices.Contains(s.stopped, server) }
