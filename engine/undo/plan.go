package undo

import (
	"slices"

	"golang.org/x/sys/unix"

	"underlay/engine/internal/nl"
)

// Message is a netlink request: its type, its flags beyond REQUEST and ACK, and
// its body.
type Message struct {
	Type, Flags uint16
	Body        []byte
}

// op is one step of the way back, in one node. Just one of its parts is set.
type op struct {
	node    string
	what    string    // what it is about, for a sentence
	link    *Message  // a request of rtnetlink
	batch   []Message // a transaction of nf_tables
	setting string    // path below /proc/sys
	value   string
	argv    []string // a program
	stdin   string
}

// layer is one part of what nodes hold. A layer's operations are known once
// those before it are as they should be, because the kernel changes what lies
// above when something below changes: an address takes its routes with it.
type layer int

const (
	layerLinks layer = iota
	layerAttributes
	layerSettings
	layerAddresses
	layerRoutes
	layerFirewall
	layers
)

// plan is the way from one state to another.
type plan struct {
	have, want *State
	// ns is a descriptor of each node's network namespace, for what is made in
	// one of them and reaches into another.
	ns map[string]int
}

// ops are the operations of one layer, in the order in which they are to be
// done; none when the layer is as it should be.
func (p *plan) ops(l layer) []op {
	if l == layerLinks {
		return p.links()
	}
	var out []op
	for i := range p.want.nodes {
		want := &p.want.nodes[i]
		have := p.have.node(want.name)
		if have == nil {
			continue
		}
		switch l {
		case layerAttributes:
			out = append(out, attributes(have, want)...)
		case layerSettings:
			out = append(out, settingOps(have, want)...)
		case layerAddresses:
			out = append(out, addressOps(have, want)...)
		case layerRoutes:
			out = append(out, routeOps(have, want)...)
		case layerFirewall:
			out = append(out, firewallOps(have, want)...)
		}
	}
	return out
}

func settingOps(have, want *node) []op {
	var out []op
	for _, path := range differentSettings(have, want) {
		if value, ok := want.settings[path]; ok {
			out = append(out, op{node: want.name, what: "setting " + settingName(path), setting: path, value: value})
		}
	}
	return out
}

func (n *node) request(t *thing, typ, flags uint16) op {
	return op{node: n.name, what: t.kind + " " + t.text, link: &Message{typ, flags, t.body}}
}

// addressOps makes the addresses of each device the same, in the same order:
// the first IPv4 address of a network is the one that packets are sent from.
func addressOps(have, want *node) []op {
	var out []op
	for i := range want.links {
		dev := want.links[i].name
		for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
			h, w := addresses(have, dev, family), addresses(want, dev, family)
			gone, come := lacking(h, w), lacking(w, h)
			if family == unix.AF_INET {
				n := commonStart(h, w)
				gone, come = h[n:], w[n:]
			}
			for _, t := range slices.Backward(gone) { // the first takes the others with it
				out = append(out, have.request(&t, unix.RTM_DELADDR, 0))
			}
			for _, t := range come {
				out = append(out, want.request(&t, unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL))
			}
		}
	}
	return out
}

func addresses(n *node, dev string, family byte) []thing {
	return slices.DeleteFunc(n.of(kindAddress), func(t thing) bool { return t.dev != dev || t.body[0] != family })
}

func commonStart(a, b []thing) int {
	i := 0
	for i < len(a) && i < len(b) && a[i].same(&b[i]) {
		i++
	}
	return i
}

// routeOps are the routes, rules, neighbours and forwarding entries: those that
// are too many go first, because they can be in the way.
func routeOps(have, want *node) []op {
	var out []op
	add := map[string]func(t *thing) (typ, flags uint16){
		kindRoute: func(t *thing) (uint16, uint16) {
			if t.body[0] == unix.AF_INET6 { // appending would make one route of two
				return unix.RTM_NEWROUTE, unix.NLM_F_CREATE | unix.NLM_F_EXCL
			}
			return unix.RTM_NEWROUTE, unix.NLM_F_CREATE | unix.NLM_F_APPEND
		},
		kindRule:      func(*thing) (uint16, uint16) { return unix.RTM_NEWRULE, unix.NLM_F_CREATE | unix.NLM_F_EXCL },
		kindNeighbour: func(*thing) (uint16, uint16) { return unix.RTM_NEWNEIGH, unix.NLM_F_CREATE | unix.NLM_F_REPLACE },
		kindFDB: func(t *thing) (uint16, uint16) {
			if nl.ParseAfter(t.body, unix.SizeofNdMsg).Has(unix.NDA_DST) { // a VXLAN can have several
				return unix.RTM_NEWNEIGH, unix.NLM_F_CREATE | unix.NLM_F_APPEND
			}
			return unix.RTM_NEWNEIGH, unix.NLM_F_CREATE
		},
	}
	remove := map[string]uint16{kindRoute: unix.RTM_DELROUTE, kindRule: unix.RTM_DELRULE, kindNeighbour: unix.RTM_DELNEIGH, kindFDB: unix.RTM_DELNEIGH}
	for _, kind := range []string{kindRoute, kindRule, kindNeighbour, kindFDB} {
		h, w := both(have, want, kind)
		for _, t := range lacking(h, w) {
			out = append(out, have.request(&t, remove[kind], 0))
		}
		come := lacking(w, h)
		slices.SortStableFunc(come, func(a, b thing) int { return depth(&a) - depth(&b) })
		astray := kind == kindRoute && looksUpElsewhere(have) && slices.ContainsFunc(come, func(t thing) bool { return depth(&t) > 0 })
		if astray {
			out = append(out, mainFirst(want, unix.RTM_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_EXCL))
		}
		for _, t := range come {
			typ, flags := add[kind](&t)
			out = append(out, want.request(&t, typ, flags))
		}
		if astray {
			out = append(out, mainFirst(want, unix.RTM_DELRULE, 0))
		}
	}
	return out
}

// looksUpElsewhere reports whether a node's IPv4 rules are not those that the
// kernel makes. Then it may not find in the main table what is there, and refuses
// a route whose gateway it does not find: it looks for that by the rules
// (fib_check_nh_v4_gw in net/ipv4/fib_semantics.c).
func looksUpElsewhere(n *node) bool {
	rules := slices.DeleteFunc(n.of(kindRule), func(t thing) bool { return t.body[0] != unix.AF_INET })
	return !slices.EqualFunc(rules, kernelsRules, func(t thing, text string) bool { return t.text == text })
}

var kernelsRules = []string{"0: from all lookup local", "32766: from all lookup main", "32767: from all lookup default"}

// mainFirst makes or removes a rule by which the main table comes before all
// others, with a protocol of its own, so that it is not taken for anybody's.
func mainFirst(n *node, typ, flags uint16) op {
	const ours = 85
	head := [unix.SizeofRtMsg]byte{0: unix.AF_INET, 4: unix.RT_TABLE_MAIN, 7: unix.FR_ACT_TO_TBL}
	body := nl.Attrs{nl.NewHost32(unix.FRA_PRIORITY, 0), nl.NewAttr(unix.FRA_PROTOCOL, []byte{ours})}.AppendTo(head[:])
	return op{node: n.name, what: "rule 0: from all lookup main", link: &Message{typ, flags, body}}
}

// depth is how many other routes a route needs: its gateway must be reachable.
func depth(t *thing) int {
	if t.kind != kindRoute {
		return 0
	}
	as := nl.ParseAfter(t.body, unix.SizeofRtMsg)
	if as.Has(unix.RTA_GATEWAY) || as.Has(unix.RTA_VIA) || as.Has(unix.RTA_MULTIPATH) {
		return 1
	}
	return 0
}

// forget are the operations that make a node forget whom it has found where:
// after a change of its links that may no longer be so.
func forget(n *node) []op {
	var out []op
	for _, m := range n.learned {
		out = append(out, op{node: n.name, what: "learned neighbour", link: &Message{unix.RTM_DELNEIGH, 0, m.Body}})
	}
	return out
}
