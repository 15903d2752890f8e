package check

import (
	"context"
	"maps"
	"slices"
	"sync"

	"underlay/engine/observe"
)

// facts is what has been read of the nodes in one evaluation: each facet of
// each node at most once.
type facts struct {
	w World

	mu     sync.Mutex
	states map[string]observe.State
	read   map[string]observe.Facet
	names  map[string]bool // sysctls that were read
}

func newFacts(w World) *facts {
	return &facts{
		w:      w,
		states: map[string]observe.State{},
		read:   map[string]observe.Facet{},
		names:  map[string]bool{},
	}
}

// load reads what n needs of these facets and has not been read yet. Nodes that
// need the same facets are read in one snapshot.
func (f *facts) load(ctx context.Context, n *needs, mask observe.Facet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sysctls := n.sysctlNames()
	fresh := false
	for _, s := range sysctls {
		if !f.names[s] {
			fresh = true
			f.names[s] = true
		}
	}
	groups := map[observe.Facet][]string{}
	for node, want := range n.reads {
		missing := want & mask &^ f.read[node]
		if fresh && want&mask&observe.Sysctls != 0 {
			missing |= observe.Sysctls
		}
		if missing != 0 {
			groups[missing] = append(groups[missing], node)
		}
	}
	f.readGroups(ctx, groups, sysctls)
}

func (f *facts) readGroups(ctx context.Context, groups map[observe.Facet][]string, sysctls []string) {
	type answer struct {
		states map[string]observe.State
		err    error
	}
	answers := make(map[observe.Facet]*answer, len(groups))
	var wg sync.WaitGroup
	for what, nodes := range groups {
		slices.Sort(nodes)
		a := &answer{}
		answers[what] = a
		var names []string
		if what&observe.Sysctls != 0 {
			names = sysctls
		}
		wg.Go(func() { a.states, a.err = f.w.Snapshot(ctx, nodes, what, names) })
	}
	wg.Wait()
	for what, nodes := range groups {
		for _, node := range nodes {
			f.read[node] |= what
			f.keep(node, what, answers[what].states, answers[what].err)
		}
	}
}

// keep merges what one snapshot says of a node into what is known.
func (f *facts) keep(node string, what observe.Facet, states map[string]observe.State, err error) {
	got, there := states[node]
	if !there && err == nil {
		return
	}
	have, known := f.states[node]
	if !known {
		have = observe.State{Node: node}
	}
	have.Errs = maps.Clone(have.Errs)
	if have.Errs == nil {
		have.Errs = map[observe.Facet]error{}
	}
	for facet := observe.Links; facet <= observe.Firewall; facet <<= 1 {
		if what&facet == 0 {
			continue
		}
		delete(have.Errs, facet)
		if err != nil {
			have.Errs[facet] = err
			continue
		}
		if e := got.Errs[facet]; e != nil {
			have.Errs[facet] = e
		}
		copyFacet(&have, &got, facet)
	}
	if there {
		have.Inode = got.Inode
	}
	f.states[node] = have
}

func copyFacet(to, from *observe.State, facet observe.Facet) {
	switch facet {
	case observe.Links:
		to.Links = from.Links
	case observe.Addrs:
		to.Addrs = from.Addrs
	case observe.Routes:
		to.Routes = from.Routes
	case observe.Rules:
		to.Rules = from.Rules
	case observe.Neighs:
		to.Neighs = from.Neighs
	case observe.FDB:
		to.FDB = from.FDB
	case observe.Sysctls:
		all := maps.Clone(to.Sysctls)
		if all == nil {
			all = map[string]string{}
		}
		maps.Copy(all, from.Sysctls)
		to.Sysctls = all
	case observe.Sockets:
		to.Sockets = from.Sockets
	case observe.Conntrack:
		to.Conntrack = from.Conntrack
	case observe.Firewall:
		to.Firewall = from.Firewall
	}
}

// after returns facts in which the volatile facets that n needs were read anew,
// for a task that has sent traffic of its own.
func (f *facts) after(ctx context.Context, n *needs) *facts {
	f.mu.Lock()
	out := &facts{w: f.w, states: maps.Clone(f.states), read: maps.Clone(f.read), names: maps.Clone(f.names)}
	f.mu.Unlock()
	for node := range n.reads {
		out.read[node] &^= volatile
	}
	out.load(ctx, n, volatile)
	return out
}

// node returns a node's state if these facets of it are known; otherwise the
// verdict of a check that needs them.
func (f *facts) node(name string, what observe.Facet) (observe.State, *verdict) {
	f.mu.Lock()
	st, ok := f.states[name]
	f.mu.Unlock()
	if !ok {
		v := noNode(name)
		return st, &v
	}
	for facet := observe.Links; facet <= observe.Firewall; facet <<= 1 {
		if what&facet == 0 {
			continue
		}
		if err := st.Errs[facet]; err != nil {
			v := broken("unreadable", args{Name: facetWords(facet), Node: name, Detail: err.Error()})
			return st, &v
		}
	}
	return st, nil
}

func facetWords(f observe.Facet) string {
	switch f {
	case observe.Links:
		return "interfaces"
	case observe.Addrs:
		return "addresses"
	case observe.Routes:
		return "routes"
	case observe.Rules:
		return "policy-routing rules"
	case observe.Neighs:
		return "neighbour table"
	case observe.FDB:
		return "forwarding database"
	case observe.Sysctls:
		return "kernel settings"
	case observe.Sockets:
		return "sockets"
	case observe.Conntrack:
		return "connection tracking table"
	case observe.Firewall:
		return "firewall rules"
	}
	return "state"
}
