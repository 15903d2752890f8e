package observe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/netns"
	"underlay/engine/internal/nl"
)

// Event says that facets of a node may have changed. It does not say how: read
// them. An event is either about Conntrack alone or not about Conntrack, so that
// a caller whose own probes make flows can tell them apart. The one exception
// is All, which means that the kernel dropped events and anything may have changed.
type Event struct {
	Node   string
	Facets Facet
}

// Watch subscribes to the kernel's events in each node and returns; every
// change after that gives an Event. notify is called from one goroutine, must
// not block for long, and is called no more soon after ctx has ended. Watch
// keeps no use of the nodes' descriptors. While nothing happens it costs nothing.
//
// What only looks like a change is no Event: a device that becomes promiscuous, a
// counter, a neighbour of which the kernel makes sure, a forwarding entry that
// nobody has renewed, a flow that begins at one of the ports that tests are sent from.
//
// Delivery may coalesce: changes that are there to be read together come as one
// Event a node. None is lost: when the kernel's buffer overran, an Event with
// All says so (only Conntrack, if it was that buffer, which traffic alone can fill).
//
// What the kernel does not announce: packet counters; sockets; sysctls other
// than forwarding, rp_filter, proxy_neigh, bc_forwarding, mc_forwarding and
// ignore_routes_with_linkdown; changes made by iptables-legacy; flows that were
// being tracked before the first watcher came (with nf_conntrack_events = 2, the
// kernel's default, only flows that begin under watch are announced). Callers
// look at those when a command has ended, or from time to time.
func Watch(ctx context.Context, nodes []Node, notify func(Event)) (*Watcher, error) {
	return WatchFacets(ctx, nodes, All, notify)
}

// WatchFacets is Watch for some facets only. Without Conntrack, traffic wakes
// nobody. Other facets may be announced as well.
func WatchFacets(ctx context.Context, nodes []Node, what Facet, notify func(Event)) (*Watcher, error) {
	w, err := newWatcher(what)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if err := w.add(n); err != nil {
			return nil, errors.Join(fmt.Errorf("watch node %s: %w", n.Name, err), w.close())
		}
	}
	if err := w.listen(nodes); err != nil {
		return nil, errors.Join(err, w.close())
	}
	go w.run(ctx, notify)
	return w, nil
}

// Flush returns once notify has been told of all that the kernel has announced by now, or
// the watching has ended. Whoever reads a node after that reads no older state than the
// events told so far speak of. It must not be called by notify.
func (w *Watcher) Flush() {
	told := make(chan struct{})
	w.mu.Lock()
	if w.ended {
		w.mu.Unlock()
		return
	}
	w.flushes = append(w.flushes, told)
	w.ring()
	w.mu.Unlock()
	<-told
}

// ring wakes run. Writing cannot fail: the counter of an eventfd has room for one more, and
// whoever calls knows that it is open.
func (w *Watcher) ring() { _, _ = unix.Write(w.wake, binary.NativeEndian.AppendUint64(nil, 1)) }

// subscription is a set of multicast groups that share a socket. Conntrack has one
// of its own so that a flood of flows cannot push out other events.
type subscription struct {
	protocol int
	groups   []int
	facets   Facet // what its messages can be about
	overrun  Facet
}

func subscriptions() []subscription {
	return []subscription{{
		protocol: unix.NETLINK_ROUTE,
		groups: []int{unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH, unix.RTNLGRP_NSID,
			unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV4_NETCONF,
			unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV6_RULE, unix.RTNLGRP_IPV6_NETCONF},
		facets:  Links | Addrs | Routes | Rules | Neighs | FDB | Sysctls,
		overrun: All,
	}, {
		protocol: unix.NETLINK_NETFILTER,
		groups:   []int{unix.NFNLGRP_NFTABLES},
		facets:   Firewall,
		overrun:  All,
	}, {
		protocol: unix.NETLINK_NETFILTER,
		groups:   []int{unix.NFNLGRP_CONNTRACK_NEW, unix.NFNLGRP_CONNTRACK_UPDATE, unix.NFNLGRP_CONNTRACK_DESTROY},
		facets:   Conntrack,
		overrun:  Conntrack,
	}}
}

// burst is how many bytes of events a socket holds that nobody has read yet.
const burst = 1 << 20

// source is one subscribed socket.
type source struct {
	node    string
	overrun Facet
	heard   *heard // of a socket for rtnetlink
}

// Watcher waits for the events of all nodes in one place.
type Watcher struct {
	what    Facet
	epoll   int
	wake    int // eventfd that has run look at ended and flushes
	sources map[int]source
	order   []string // nodes as given, for the order of events
	buf     []byte

	mu      sync.Mutex
	ended   bool            // what is open is closed, or about to be
	flushes []chan struct{} // closed when what was announced before has been told
}

func newWatcher(what Facet) (*Watcher, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create eventfd: %w", err), unix.Close(epoll))
	}
	w := &Watcher{what: what, epoll: epoll, wake: wake, sources: map[int]source{}, buf: make([]byte, nl.ReceiveBuffer)}
	if err := w.poll(wake); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *Watcher) poll(fd int) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("add to epoll: %w", err)
	}
	return nil
}

// add subscribes to a node's events.
func (w *Watcher) add(n Node) error {
	w.order = append(w.order, n.Name)
	return netns.Do(n.NS, func() error {
		for _, ch := range subscriptions() {
			if ch.facets&w.what == 0 {
				continue
			}
			// Overruns are handled, so less room than this does no harm.
			fd, err := nl.Subscribe(ch.protocol, burst, ch.groups...)
			if err != nil {
				return err
			}
			s := source{node: n.Name, overrun: ch.overrun}
			if ch.protocol == unix.NETLINK_ROUTE {
				s.heard = newHeard()
			}
			w.sources[fd] = s
			if err := w.poll(fd); err != nil {
				return err
			}
		}
		return nil
	})
}

// listen takes in what there is in all nodes, after the sockets have subscribed: what
// happens from now on is compared with that.
func (w *Watcher) listen(nodes []Node) error {
	for _, s := range w.sources {
		if s.heard == nil {
			continue
		}
		i := slices.IndexFunc(nodes, func(n Node) bool { return n.Name == s.node })
		if err := s.heard.listen(nodes[i].NS); err != nil {
			return fmt.Errorf("watch node %s: %w", s.node, err)
		}
	}
	return nil
}

func (w *Watcher) close() error {
	errs := []error{unix.Close(w.epoll), unix.Close(w.wake)}
	for fd := range w.sources {
		errs = append(errs, unix.Close(fd))
	}
	return errors.Join(errs...)
}

// run delivers events until ctx ends.
func (w *Watcher) run(ctx context.Context, notify func(Event)) {
	defer w.end()
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.ended {
			w.ring()
		}
	})
	defer stop()
	events := make([]unix.EpollEvent, 64)
	for ctx.Err() == nil {
		n, err := unix.EpollWait(w.epoll, events, -1)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || ctx.Err() != nil {
			return
		}
		if w.rung(events[:n]) {
			w.flush(notify)
		} else {
			w.deliver(w.gather(events[:n]), notify)
		}
	}
}

// end closes what is open and lets go whoever waits in Flush.
func (w *Watcher) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for _, told := range w.flushes {
		close(told)
	}
	w.flushes = nil
	// Nobody is left to tell, and closing these descriptors frees them whatever it says.
	_ = w.close()
}

// rung reports whether somebody has rung, and has it be so no longer.
func (w *Watcher) rung(events []unix.EpollEvent) bool {
	if !slices.ContainsFunc(events, func(e unix.EpollEvent) bool { return int(e.Fd) == w.wake }) {
		return false
	}
	var count [8]byte
	_, _ = unix.Read(w.wake, count[:]) // there is something to be read
	return true
}

// flush delivers what all sockets hold and lets go who waited for that.
func (w *Watcher) flush(notify func(Event)) {
	w.mu.Lock()
	flushes := w.flushes
	w.flushes = nil
	w.mu.Unlock()
	changed := map[string]Facet{}
	for fd, s := range w.sources {
		changed[s.node] |= w.drain(fd, s)
	}
	w.deliver(changed, notify)
	for _, told := range flushes {
		close(told)
	}
}

// gather empties the sockets that are ready. Of each node it keeps what
// changed apart from Conntrack, and Conntrack.
func (w *Watcher) gather(events []unix.EpollEvent) map[string]Facet {
	changed := map[string]Facet{}
	for _, ev := range events {
		fd := int(ev.Fd)
		if s, ok := w.sources[fd]; ok {
			changed[s.node] |= w.drain(fd, s)
		}
	}
	return changed
}

func (w *Watcher) deliver(changed map[string]Facet, notify func(Event)) {
	for _, node := range w.order {
		facets := changed[node]
		switch facets {
		case 0:
			continue
		case All:
			notify(Event{node, All})
			continue
		}
		if other := facets &^ Conntrack; other != 0 {
			notify(Event{node, other})
		}
		if facets&Conntrack != 0 {
			notify(Event{node, Conntrack})
		}
	}
}

// drain reads what a socket holds and returns which facets it speaks of.
func (w *Watcher) drain(fd int, s source) (facets Facet) {
	for {
		n, _, err := unix.Recvfrom(fd, w.buf, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return facets
		case errors.Is(err, unix.ENOBUFS):
			facets |= s.overrun
			if s.heard != nil {
				s.heard.forget()
			}
			continue
		case err != nil || n == 0:
			// Not known to happen. The socket is of no more use: say that
			// anything may have changed, and do not spin on it.
			_ = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, fd, nil)
			return All
		}
		for m := range nl.Messages(w.buf[:n]) {
			if s.heard == nil || s.heard.news(m) {
				facets |= facetsOf(m)
			}
		}
	}
}

// facetsOf says what a message's change can show in.
func facetsOf(m nl.Message) Facet {
	switch m.Type >> 8 {
	case unix.NFNL_SUBSYS_NFTABLES:
		return nftFacets(m)
	case unix.NFNL_SUBSYS_CTNETLINK:
		if !ownFlow(m) {
			return Conntrack
		}
	case 0:
		return rtnetlinkFacets(m)
	}
	return 0
}

// nftFacets leaves out an autopsy's own tables. A new generation is announced
// after the objects that make it up, and says nothing that they do not.
func nftFacets(m nl.Message) Facet {
	if m.Type == nl.Tables(unix.NFT_MSG_NEWGEN) {
		return 0
	}
	// In the messages of all objects the first attribute is the table's name.
	table := nl.ParseAfter(m.Body, nl.NetfilterLen).Text(unix.NFTA_TABLE_NAME)
	if strings.HasPrefix(table, AutopsyTable) {
		return 0
	}
	return Firewall
}

func rtnetlinkFacets(m nl.Message) Facet {
	switch m.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		// A device that goes down or away takes routes, neighbours and its
		// sysctls with it, and IPv4 routes go without a word.
		return Links | Addrs | Routes | Neighs | FDB | Sysctls
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		return Addrs | Routes
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		return Routes
	case unix.RTM_NEWRULE, unix.RTM_DELRULE:
		return Rules
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		if len(m.Body) > 0 && m.Body[0] == unix.AF_BRIDGE {
			return FDB
		}
		return Neighs
	case unix.RTM_NEWNETCONF, unix.RTM_DELNETCONF:
		return Sysctls
	case unix.RTM_NEWNSID, unix.RTM_DELNSID:
		return Links
	}
	return 0
}
