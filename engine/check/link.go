package check

import (
	"fmt"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

var linkKind = spec[engine.LinkCheck]{
	of: func(c *engine.Check) *engine.LinkCheck { return c.Link },
	needs: func(n *needs, c engine.LinkCheck) {
		n.read(c.Node, observe.Links)
		if c.Peer != "" {
			n.read(c.Peer, observe.Links)
		}
	},
	judge:    byFacts(judgeLink),
	describe: describeLink,
}.kind()

func describeLink(c engine.LinkCheck) string {
	var is, has []string
	if c.Kind != "" {
		is = append(is, article(c.Kind))
	}
	if c.State != "" {
		is = append(is, c.State)
	}
	switch c.Master {
	case "":
	case "none":
		is = append(is, "not a port of a bridge")
	default:
		is = append(is, "a port of "+c.Master)
	}
	switch {
	case c.Peer == "":
	case c.PeerMaster == "":
		has = append(has, "its other end in "+c.Peer)
	case c.PeerMaster == "none":
		has = append(has, "its other end in "+c.Peer+", where it is not a port of a bridge")
	default:
		has = append(has, "its other end in "+c.Peer+", where it is a port of "+c.PeerMaster)
	}
	if c.MTU != 0 {
		has = append(has, fmt.Sprintf("MTU %d", c.MTU))
	}
	what := join(prefixIf("is ", strings.Join(is, ", ")), " and ", prefixIf("has ", list(has)))
	switch {
	case c.Name == "":
		return c.Node + " has an interface" + prefixIf(" that ", what)
	case what == "":
		return fmt.Sprintf("%s has the interface %s", c.Node, c.Name)
	}
	return fmt.Sprintf("%s in %s %s", c.Name, c.Node, what)
}

func judgeLink(f *facts, c engine.LinkCheck) verdict {
	st, bad := f.node(c.Node, observe.Links)
	if bad != nil {
		return *bad
	}
	if c.Name == "" {
		return anyLink(f, st, c)
	}
	l := findLink(st, c.Name)
	if l == nil {
		return noInterface(st, c.Name)
	}
	if v := linkDiffers(f, c, *l); v != nil {
		return *v
	}
	return linkAsWanted(st.Node, *l)
}

// anyLink looks for an interface of whatever name.
func anyLink(f *facts, st observe.State, c engine.LinkCheck) verdict {
	for _, l := range st.Links {
		if linkDiffers(f, c, l) == nil {
			return linkAsWanted(c.Node, l)
		}
	}
	return fail("link.none", args{Node: c.Node, Found: linkNames(st)})
}

func linkAsWanted(node string, l observe.Link) verdict {
	state := "down"
	if l.AdminUp {
		state = "up"
		if !l.Carrier {
			state = "up, NO-CARRIER"
		}
	}
	return pass("link", args{Device: l.Name, Node: node, Kind: orElse(l.Kind, "device"), Value: state, Bridge: l.Master})
}

// wrongLink fails for what a link is like.
func wrongLink(code string, l observe.Link, more args) *verdict {
	more.Device = l.Name
	v := fail(code, more)
	return &v
}

// linkDiffers fails for what a link is like that was not asked for; nil if it is as asked.
func linkDiffers(f *facts, c engine.LinkCheck, l observe.Link) *verdict {
	if c.Kind != "" && l.Kind != c.Kind {
		return wrongLink("link.kind", l, args{Kind: orElse(l.Kind, "device of no kind")})
	}
	if v := stateDiffers(f.link, c.State, l); v != nil {
		return v
	}
	switch {
	case c.Master == "none" && l.Master != "":
		return wrongLink("link.bridge", l, args{Bridge: l.Master})
	case c.Master != "" && c.Master != "none" && l.Master == "":
		return wrongLink("link.no-bridge", l, args{})
	case c.Master != "" && c.Master != "none" && l.Master != c.Master:
		return wrongLink("link.bridge", l, args{Bridge: l.Master})
	case c.Peer != "" && l.PeerIndex == 0 && l.PeerNode == "":
		return wrongLink("link.no-peer", l, args{})
	case c.Peer != "" && l.PeerNode == "":
		return wrongLink("link.peer-outside", l, args{})
	case c.Peer != "" && l.PeerNode != c.Peer:
		return wrongLink("link.peer", l, args{Other: l.PeerNode})
	case c.MTU != 0 && l.MTU != c.MTU:
		return wrongLink("link.mtu", l, args{Count: l.MTU})
	}
	return peerMasterDiffers(f.link, c.PeerMaster, l)
}

// peerMasterDiffers fails for the bridge that a veth's other end is a port of, if that is
// not as asked for.
func peerMasterDiffers(find finder, want string, l observe.Link) *verdict {
	if want == "" {
		return nil
	}
	peer := find(l.PeerNode, l.PeerName)
	switch a := (args{Peer: l.PeerName, Other: l.PeerNode}); {
	case peer == nil:
		return wrongLink("link.peer-unknown", l, a)
	case orElse(peer.Master, "none") == want:
		return nil
	case peer.Master == "":
		return wrongLink("link.peer-no-bridge", l, a)
	default:
		a.Bridge = peer.Master
		return wrongLink("link.peer-bridge", l, a)
	}
}

func stateDiffers(find finder, want string, l observe.Link) *verdict {
	switch {
	case (want == "up" || want == "admin-up") && !l.AdminUp:
		return wrongLink("link.down", l, args{})
	case want == "up" && !l.Carrier:
		return noCarrier(find, l)
	case want == "down" && l.AdminUp:
		return wrongLink("link.up", l, args{})
	}
	return nil
}

// noCarrier fails for a link that is up without carrier. The carrier of a veth is
// its other end being up, that of a bridge is a port that forwards: STP
// may keep one that is up from it.
func noCarrier(find finder, l observe.Link) *verdict {
	switch l.Kind {
	case "veth":
		if l.PeerNode == "" || l.PeerName == "" {
			return wrongLink("link.peer-down", l, args{})
		}
		if p := find(l.PeerNode, l.PeerName); p == nil || !p.AdminUp {
			return wrongLink("link.peer-down", l, args{Peer: l.PeerName, Other: l.PeerNode})
		}
	case "bridge":
		return wrongLink("link.none-forwarding", l, args{})
	}
	return wrongLink("link.no-carrier", l, args{})
}

func linkNames(st observe.State) []string {
	var names []string
	for _, l := range st.Links {
		names = append(names, l.Name)
	}
	return names
}

func findLink(st observe.State, name string) *observe.Link {
	for i := range st.Links {
		if st.Links[i].Name == name {
			return &st.Links[i]
		}
	}
	return nil
}

// finder finds a link of a node, or nil.
type finder func(node, name string) *observe.Link

// link finds a link among the facts, or nil if it is not known.
func (f *facts) link(node, name string) *observe.Link {
	st, bad := f.node(node, observe.Links)
	if bad != nil {
		return nil
	}
	return findLink(st, name)
}
