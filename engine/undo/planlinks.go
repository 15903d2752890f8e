package undo

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

const vethPeer = 1 // VETH_INFO_PEER

// links deletes the links that should not be there and makes those that are
// missing, each with the index that it had.
func (p *plan) links() []op {
	var gone, aside, made []op
	clash := false // a name is to go to another link than the one that has it
	for i := range p.have.nodes {
		have := &p.have.nodes[i]
		want := p.want.node(have.name)
		if want == nil {
			continue
		}
		for k := range have.links {
			l := &have.links[k]
			if w := want.link(l.index); w == nil || !w.same(l) {
				gone = append(gone, op{node: have.name, what: "link " + l.name, link: &Message{unix.RTM_DELLINK, 0, ifinfo(l.index, 0, 0)}})
			} else if w.name != l.name {
				clash = clash || have.linkNamed(w.name) != nil
				aside = append(aside, rename(have.name, l, fmt.Sprintf("undo%d", l.index))...)
			}
		}
	}
	for i := range p.want.nodes {
		want := &p.want.nodes[i]
		have := p.have.node(want.name)
		if have == nil {
			continue
		}
		for k := range want.links {
			l := &want.links[k]
			if h := have.link(l.index); h == nil || !h.same(l) {
				made = append(made, p.create(want, l)...)
			}
		}
	}
	if len(gone)+len(made) == 0 && !clash {
		return nil // what is left of names is put right with the attributes
	}
	return append(append(gone, aside...), made...)
}

// ifinfo is the fixed part of a link's request.
func ifinfo(index int, flags, change uint32) []byte {
	b := make([]byte, 4, unix.SizeofIfInfomsg)
	b = append(b, nl.PutHost32(uint32(index))...)
	b = append(b, nl.PutHost32(flags)...)
	return append(b, nl.PutHost32(change)...)
}

// rename gives a link another name. Older kernels do that only while it is down.
func rename(node string, l *link, name string) []op {
	what := "link " + l.name
	return []op{
		{node: node, what: what, link: &Message{unix.RTM_NEWLINK, 0, ifinfo(l.index, 0, unix.IFF_UP)}},
		{node: node, what: what, link: &Message{unix.RTM_NEWLINK, 0, nl.Attrs{nl.NewText(unix.IFLA_IFNAME, name)}.AppendTo(ifinfo(l.index, 0, 0))}},
	}
}

// create makes a link. The two ends of a veth are made by one request.
func (p *plan) create(n *node, l *link) []op {
	o := op{node: n.name, what: "link " + l.name}
	body := ifinfo(l.index, 0, 0)
	as := l.birth(l.name)
	var data nl.Attrs
	switch l.kind {
	case "veth":
		peerNode := p.want.node(l.peerNode)
		if peerNode == nil || peerNode.link(l.peer) == nil {
			return nil // its other end lay outside the lab
		}
		if l.peerNode < n.name || l.peerNode == n.name && l.peer < l.index {
			return nil // made with its other end
		}
		peer := append(peerNode.link(l.peer).birth(peerNode.link(l.peer).name), nl.NewHost32(unix.IFLA_NET_NS_FD, uint32(p.ns[l.peerNode])))
		data = nl.Attrs{nl.NewAttr(vethPeer, peer.AppendTo(ifinfo(l.peer, 0, 0)))}
	case "bridge": // what it was told comes after, as it does for one that is there
	case "":
		return nil // a device that no request makes, such as lo
	default:
		data = l.data
		elsewhere := l.parentNode != "" && l.parentNode != n.name
		if elsewhere { // kernels such as 6.1 demand that its name is free there, too
			as = l.birth(fmt.Sprintf("undo%d", l.index))
		}
		if l.parent != 0 {
			as = append(as, nl.NewHost32(unix.IFLA_LINK, uint32(l.parent)))
		}
		if elsewhere { // made where its parent is, and renamed with what comes next
			o.node = l.parentNode
			as = append(as, nl.NewHost32(unix.IFLA_NET_NS_FD, uint32(p.ns[n.name])))
		}
	}
	info := nl.Attrs{nl.NewAttr(unix.IFLA_INFO_KIND, []byte(l.kind))}
	if len(data) > 0 {
		info = append(info, nl.NewNested(unix.IFLA_INFO_DATA, data...))
	}
	as = append(as, nl.NewNested(unix.IFLA_LINKINFO, info...))
	o.link = &Message{unix.RTM_NEWLINK, unix.NLM_F_CREATE | unix.NLM_F_EXCL, as.AppendTo(body)}
	return []op{o}
}

// birth are the attributes that any link is made with, and what it is called at first.
func (l *link) birth(name string) nl.Attrs {
	out := nl.Attrs{nl.NewText(unix.IFLA_IFNAME, name), nl.NewHost32(unix.IFLA_MTU, l.mtu)}
	if len(l.mac) > 0 {
		out = append(out, nl.NewAttr(unix.IFLA_ADDRESS, l.mac))
	}
	return out
}

// attributes makes links that are there what they should be.
func attributes(have, want *node) []op {
	var now, later []op
	for i := range want.links {
		w := &want.links[i]
		h := have.link(w.index)
		if h == nil || !h.same(w) {
			continue
		}
		a, b := change(want.name, h, w)
		now, later = append(now, a...), append(later, b...)
	}
	if len(now) > 0 {
		return now
	}
	return later
}

// change says how to make one link the other. What is done later would else be
// undone: a bridge's address and MTU follow those of its ports, and a port's
// options are set anew when it joins.
func change(node string, h, w *link) (now, later []op) {
	what := "link " + w.name
	request := func(as nl.Attrs) []op {
		if len(as) == 0 {
			return nil
		}
		return []op{{node: node, what: what, link: &Message{unix.RTM_NEWLINK, 0, as.AppendTo(ifinfo(w.index, 0, 0))}}}
	}
	var follows, as nl.Attrs
	if !bytes.Equal(h.mac, w.mac) {
		follows = append(follows, nl.NewAttr(unix.IFLA_ADDRESS, w.mac))
	}
	if h.mtu != w.mtu {
		follows = append(follows, nl.NewHost32(unix.IFLA_MTU, w.mtu))
	}
	if w.kind == "bridge" {
		later = append(later, request(follows)...)
	} else {
		as = append(as, follows...)
	}
	if h.queue != w.queue {
		as = append(as, nl.NewHost32(unix.IFLA_TXQLEN, w.queue))
	}
	if h.group != w.group {
		as = append(as, nl.NewHost32(unix.IFLA_GROUP, w.group))
	}
	if h.alias != w.alias {
		as = append(as, nl.NewAttr(unix.IFLA_IFALIAS, []byte(w.alias)))
	}
	if h.master != w.master {
		as = append(as, nl.NewHost32(unix.IFLA_MASTER, uint32(w.master)))
	}
	now = append(now, request(as)...)
	if w.kind == "bridge" {
		now = append(now, request(linkInfo(unix.IFLA_INFO_KIND, w.kind, unix.IFLA_INFO_DATA, differing(h.data, w.data)))...)
	}
	if h.master == w.master && w.slaveKind == "bridge" {
		now = append(now, request(linkInfo(unix.IFLA_INFO_SLAVE_KIND, w.slaveKind, unix.IFLA_INFO_SLAVE_DATA, differing(h.port, w.port)))...)
	}
	if h.name != w.name {
		now = append(now, rename(node, h, w.name)...)
	}
	if d := h.flags ^ w.flags; d != 0 || h.name != w.name && w.up() {
		now = append(now, op{node: node, what: what, link: &Message{unix.RTM_NEWLINK, 0, ifinfo(w.index, w.flags, settable)}})
	}
	return now, later
}

// linkInfo wraps options of a kind of link; there is none where none differs.
func linkInfo(kindID uint16, kind string, dataID uint16, options nl.Attrs) nl.Attrs {
	if len(options) == 0 {
		return nil
	}
	return nl.Attrs{nl.NewNested(unix.IFLA_LINKINFO, nl.NewAttr(kindID, []byte(kind)), nl.NewNested(dataID, options...))}
}

// differing returns the attributes of want that have is lacking or different.
func differing(have, want nl.Attrs) nl.Attrs {
	var out nl.Attrs
	for _, w := range want {
		if !have.Has(w.ID()) || !bytes.Equal(have.Get(w.ID()), w.Data) {
			out = append(out, w)
		}
	}
	return out
}
