package observe

import (
	"cmp"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

const (
	rtmGetNSID = 90
	netnsaNSID = 1
	netnsaFD   = 3
	nsidUnset  = -1
	genmsgLen  = 4 // struct rtgenmsg, padded
	kindVeth   = "veth"
	noNode     = -1
)

// Peers. A veth says its peer's ifindex (IFLA_LINK) and, if the peer is in
// another namespace, that namespace's id (IFLA_LINK_NETNSID). Ids are numbers
// private to the namespace that uses them. RTM_GETNSID with a namespace's
// descriptor tells its id, so that an id is matched to a node exactly and equal
// ifindexes never matter. An id stays with its namespace for as long as that
// exists, and the nodes' descriptors keep theirs existing: what was found is kept.

// resolver matches the ids seen in one snapshot to nodes.
type resolver struct {
	nodes []*node
	views []view
	// inferred holds what one end of a pair gives away about the other's ids,
	// for this snapshot only: view → id → inode.
	inferred []map[int32]uint64
	byInode  map[uint64]int // → index in views, for those in this snapshot
}

// resolvePeers fills PeerIndex, PeerNode and PeerName, or Parent and ParentNode,
// in all views. nodes are all known nodes, views those that were read.
func resolvePeers(nodes []*node, views []view) {
	r := &resolver{nodes: nodes, views: views, inferred: make([]map[int32]uint64, len(views)), byInode: map[uint64]int{}}
	type load struct{ view, ids int }
	order := make([]load, len(views))
	for i := range views {
		order[i] = load{i, len(distinctIDs(views[i].links))}
		r.inferred[i] = map[int32]uint64{}
		if _, ok := r.byInode[views[i].Inode]; !ok {
			r.byInode[views[i].Inode] = i
		}
	}
	// The hub of a star first: its answers give away those of its leaves.
	slices.SortStableFunc(order, func(a, b load) int { return cmp.Compare(b.ids, a.ids) })
	for _, o := range order {
		r.resolve(o.view)
	}
	for i := range views {
		r.name(i)
	}
}

func distinctIDs(links []linkInfo) map[int32]bool {
	ids := map[int32]bool{}
	for i := range links {
		if links[i].hasNSID && links[i].below != 0 {
			ids[links[i].nsid] = true
		}
	}
	return ids
}

// inodeOf returns the namespace that an id stands for in a view, 0 if not known.
func (r *resolver) inodeOf(v int, id int32) uint64 {
	if ino := r.inferred[v][id]; ino != 0 {
		return ino
	}
	return r.views[v].node.peer(id)
}

// resolve finds the nodes behind the ids of one view, and tells the other ends.
func (r *resolver) resolve(i int) {
	v := &r.views[i]
	missing := distinctIDs(v.links)
	for id := range missing {
		if r.inodeOf(i, id) != 0 {
			delete(missing, id)
		}
	}
	asked := map[uint64]bool{v.Inode: true}
	for _, other := range r.nodes {
		if len(missing) == 0 {
			break
		}
		if asked[other.inode] {
			continue
		}
		asked[other.inode] = true
		id, err := v.node.idOf(other)
		if err != nil {
			v.fail(Links, fmt.Errorf("find namespace id of node %s: %w", other.Name, err))
			return
		}
		if id != nsidUnset {
			v.node.remember(id, other.inode)
			delete(missing, id)
		}
	}
	r.infer(i)
}

// infer looks at the far ends of a view's veths: when a far end points back,
// its id must stand for this view's namespace.
func (r *resolver) infer(i int) {
	v := &r.views[i]
	for k := range v.links {
		l := &v.links[k]
		if l.Kind != kindVeth || !l.hasNSID {
			continue
		}
		far, ok := r.byInode[r.inodeOf(i, l.nsid)]
		if !ok {
			continue
		}
		if back := findLink(r.views[far].links, l.below); back != nil && back.hasNSID && back.below == l.Index {
			r.inferred[far][back.nsid] = v.Inode
		}
	}
}

// name fills in the names in one view.
func (r *resolver) name(i int) {
	v := &r.views[i]
	for k := range v.links {
		l := &v.links[k]
		if l.below == 0 {
			continue
		}
		owner, name, err := r.locate(i, l)
		if err != nil {
			v.fail(Links, fmt.Errorf("find what %s is connected to: %w", l.Name, err))
		}
		if l.Kind == kindVeth {
			l.PeerIndex, l.PeerNode, l.PeerName = l.below, owner, name
		} else {
			l.ParentNode, l.Parent = owner, name
		}
	}
}

// locate returns the node and the name of the device that a link's IFLA_LINK means.
func (r *resolver) locate(i int, l *linkInfo) (owner, name string, err error) {
	v := &r.views[i]
	if !l.hasNSID {
		if far := findLink(v.links, l.below); far != nil {
			return v.Node, far.Name, nil
		}
		return "", "", nil
	}
	ino := r.inodeOf(i, l.nsid)
	k := slices.IndexFunc(r.nodes, func(n *node) bool { return n.inode == ino })
	if k == noNode {
		return "", "", nil
	}
	other := r.nodes[k]
	if far, ok := r.byInode[ino]; ok {
		if f := findLink(r.views[far].links, l.below); f != nil {
			return other.Name, f.Name, nil
		}
	}
	name, err = other.linkName(l.below)
	return other.Name, name, err
}

func findLink(links []linkInfo, index int) *linkInfo {
	for i := range links {
		if links[i].Index == index {
			return &links[i]
		}
	}
	return nil
}

// linkName asks for one interface's name; "" if there is none of that index.
func (n *node) linkName(index int) (string, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return "", err
	}
	return nl.LinkName(c, index)
}

// idOf asks which id node n has for the namespace of other: nsidUnset if none.
func (n *node) idOf(other *node) (int32, error) {
	c, err := n.conn(unix.NETLINK_ROUTE)
	if err != nil {
		return nsidUnset, err
	}
	id := int32(nsidUnset)
	req := nl.Append(make([]byte, genmsgLen), netnsaFD, nl.PutHost32(uint32(other.NS)))
	err = c.Ask(rtmGetNSID, req, func(b []byte) {
		for typ, v := range nl.Each(nl.After(b, genmsgLen)) {
			if typ == netnsaNSID {
				id = int32(nl.Host32(v))
			}
		}
	})
	return id, err
}

func (n *node) peer(id int32) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.peers[id]
}

func (n *node) remember(id int32, ino uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.peers[id] = ino
}

func (n *node) forget(ino uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, i := range n.peers {
		if i == ino {
			delete(n.peers, id)
		}
	}
}
