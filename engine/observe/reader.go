package observe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/internal/netns"
	"underlay/engine/internal/nl"
)

// Snapshot reads the facets of each node once. sysctls are names like
// net.ipv4.ip_forward and matter only with Sysctls. For repeated snapshots a
// Reader is much cheaper.
//
// What could not be read of one node is in its State's Errs; the error is for
// what makes the whole impossible.
func Snapshot(nodes []Node, what Facet, sysctls []string) (states []State, err error) {
	r, err := NewReader(nodes)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Snapshot(nil, what, sysctls)
}

// Reader takes snapshots of a set of nodes and keeps its netlink sockets open
// in between. It costs nothing while it is not asked. The descriptors of the
// nodes stay the caller's and must be open for as long as the Reader is.
// All methods may be called from any goroutine.
type Reader struct {
	mu     sync.RWMutex
	nodes  []*node
	closed bool
}

// node is a network namespace with the sockets that were opened in it.
type node struct {
	Node
	inode uint64

	mu     sync.Mutex
	conns  map[int]*nl.Conn // by netlink protocol
	peers  map[int32]uint64 // namespace id here → inode, once found
	legacy legacyTables
	closed bool

	packets *os.File // the list of packet sockets, once it was asked for
	snmp    *os.File // counters, likewise
	snmp6   *os.File
}

// NewReader makes a Reader of nodes, whose names must differ. Two nodes may
// hold the same namespace.
func NewReader(nodes []Node) (*Reader, error) {
	r := &Reader{}
	for _, n := range nodes {
		if err := r.AddNode(n); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// AddNode adds a node to those that are read.
func (r *Reader) AddNode(n Node) error {
	id, err := netns.Identify(n.NS)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, old := range r.nodes {
		if old.Name == n.Name {
			return fmt.Errorf("node %s is there twice", n.Name)
		}
	}
	r.nodes = append(r.nodes, &node{Node: n, inode: id.Ino, conns: map[int]*nl.Conn{}, peers: map[int32]uint64{}})
	return nil
}

// RemoveNode closes what is open in a node and forgets it.
func (r *Reader) RemoveNode(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.nodes, func(n *node) bool { return n.Name == name })
	if i < 0 {
		return fmt.Errorf("node %s: %w", name, engine.ErrNotFound)
	}
	n := r.nodes[i]
	r.nodes = slices.Delete(r.nodes, i, i+1)
	for _, other := range r.nodes {
		other.forget(n.inode) // its ids may be given to another namespace once it is gone
	}
	return n.close()
}

// Close closes all sockets.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, n := range r.nodes {
		errs = append(errs, n.close())
	}
	r.nodes, r.closed = nil, true
	return errors.Join(errs...)
}

func (r *Reader) node(name string) (*node, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, n := range r.nodes {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("node %s: %w", name, engine.ErrNotFound)
}

// Snapshot reads facets of the named nodes, nil meaning all, and returns their
// states in the order asked for. See the function Snapshot for sysctls and
// errors; an unknown node is an error that wraps engine.ErrNotFound.
func (r *Reader) Snapshot(names []string, what Facet, sysctls []string) ([]State, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, errors.New("the reader is closed")
	}
	chosen := r.nodes
	if names != nil {
		chosen = make([]*node, 0, len(names))
		for _, name := range names {
			i := slices.IndexFunc(r.nodes, func(n *node) bool { return n.Name == name })
			if i < 0 {
				return nil, fmt.Errorf("node %s: %w", name, engine.ErrNotFound)
			}
			chosen = append(chosen, r.nodes[i])
		}
	}
	views := make([]view, len(chosen))
	parallel(len(chosen), func(i int) { views[i] = chosen[i].read(what, sysctls) })
	if what&Links != 0 {
		resolvePeers(r.nodes, views)
	}
	states := make([]State, len(views))
	for i := range views {
		states[i] = views[i].state()
	}
	return states, nil
}

// parallel calls fn for 0 … n-1, on as many goroutines as there are processors.
func parallel(n int, fn func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			fn(i)
		}
		return
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				fn(i)
			}
		})
	}
	wg.Wait()
}

// view is what was read of one node, before peers are known.
type view struct {
	node  *node
	links []linkInfo
	State
}

// read reads facets; what fails goes to Errs.
func (n *node) read(what Facet, sysctls []string) view {
	v := view{node: n, State: State{Node: n.Name, Inode: n.inode}}
	v.readDevices(what)
	read(&v, what, Rules, func() (err error) { v.Rules, err = n.readRules(); return })
	read(&v, what, Sysctls, func() (err error) { v.Sysctls, err = n.readSysctls(sysctls); return })
	read(&v, what, Sockets, func() (err error) { v.Sockets, err = n.readSockets(); return })
	read(&v, what, Conntrack, func() (err error) { v.Conntrack, err = n.readConntrack(); return })
	read(&v, what, Firewall, func() (err error) { v.Firewall, err = n.readFirewall(); return })
	return v
}

// readDevices reads the facets that speak of devices, by name.
func (v *view) readDevices(what Facet) {
	named := what & (Addrs | Routes | Neighs | FDB | VLANs | Groups | Counters)
	if what&Links == 0 && named == 0 {
		return
	}
	var err error
	if v.links, err = v.node.readLinks(what&Links != 0); err != nil {
		for f := Links; f <= Counters; f <<= 1 {
			read(v, what&(Links|named), f, func() error { return fmt.Errorf("list links: %w", err) })
		}
		return
	}
	n, names := v.node, namesOf(v.links)
	read(v, what, Addrs, func() (err error) { v.Addrs, err = n.readAddrs(names); return })
	read(v, what, Routes, func() (err error) { v.Routes, err = n.readRoutes(names); return })
	read(v, what, Neighs, func() (err error) { v.Neighs, err = n.readNeighs(names); return })
	read(v, what, FDB, func() (err error) { v.FDB, err = n.readFDB(names); return })
	read(v, what, VLANs, func() (err error) { v.VLANs, err = n.readVLANs(names); return })
	read(v, what, Groups, func() (err error) { v.Groups, err = n.readGroups(); return })
	read(v, what, Counters, func() (err error) { v.Qdiscs, v.Counters, err = n.readCounters(names); return })
	if what&Links == 0 {
		v.links = nil
	}
}

// read runs fn if its facet was asked for and keeps its error.
func read(v *view, what, facet Facet, fn func() error) {
	if what&facet == 0 {
		return
	}
	if err := fn(); err != nil {
		v.fail(facet, err)
	}
}

func (v *view) fail(facet Facet, err error) {
	if v.Errs == nil {
		v.Errs = map[Facet]error{}
	}
	v.Errs[facet] = errors.Join(v.Errs[facet], fmt.Errorf("node %s: %w", v.Node, err))
}

// state is the finished State.
func (v *view) state() State {
	if len(v.links) > 0 {
		v.Links = make([]Link, len(v.links))
		for i := range v.links {
			v.Links[i] = v.links[i].Link
		}
	}
	return v.State
}

// conn returns the node's socket of a netlink protocol and opens it if need be.
func (n *node) conn(protocol int) (*nl.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, errors.New("the reader is closed")
	}
	if c := n.conns[protocol]; c != nil {
		return c, nil
	}
	c, err := nl.Dial(n.NS, protocol)
	if err != nil {
		return nil, err
	}
	n.conns[protocol] = c
	return c, nil
}

func (n *node) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	var errs []error
	for _, p := range []int{unix.NETLINK_ROUTE, unix.NETLINK_SOCK_DIAG, unix.NETLINK_NETFILTER} {
		errs = append(errs, n.conns[p].Close())
	}
	for _, f := range []*os.File{n.packets, n.snmp, n.snmp6} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}
