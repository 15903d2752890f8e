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
		is = append(is, "a port of no bridge")
	default:
		is = append(is, "a port of "+c.Master)
	}
	switch {
	case c.Peer == "":
	case c.PeerMaster == "":
		has = append(has, "its other end in "+c.Peer)
	case c.PeerMaster == "none":
		has = append(has, "its other end in "+c.Peer+", where it is a port of no bridge")
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
		return failed(fmt.Sprintf("%s has no interface %s", c.Node, c.Name), haveLinks(st))
	}
	if got, why := linkDiffers(f, c, *l); got != "" {
		return failed(got, why)
	}
	return passed(linkWords(st.Node, *l))
}

// anyLink looks for an interface of whatever name.
func anyLink(f *facts, st observe.State, c engine.LinkCheck) verdict {
	for _, l := range st.Links {
		if got, _ := linkDiffers(f, c, l); got == "" {
			return passed(linkWords(c.Node, l))
		}
	}
	return failed("no interface of "+c.Node+" is like that", haveLinks(st))
}

func linkWords(node string, l observe.Link) string {
	state := "down"
	if l.AdminUp {
		state = "up"
		if !l.Carrier {
			state = "up, NO-CARRIER"
		}
	}
	s := fmt.Sprintf("%s in %s is a %s, %s", l.Name, node, orElse(l.Kind, "device"), state)
	if l.Master != "" {
		s += ", a port of " + l.Master
	}
	return s
}

// linkDiffers says in what a link is not as asked for; got is "" if in nothing.
func linkDiffers(f *facts, c engine.LinkCheck, l observe.Link) (got, why string) {
	if c.Kind != "" && l.Kind != c.Kind {
		return fmt.Sprintf("%s is a %s", l.Name, orElse(l.Kind, "device of no kind")), ""
	}
	if got, why := stateDiffers(f.link, c.State, l); got != "" {
		return got, why
	}
	switch {
	case c.Master == "none" && l.Master != "":
		return fmt.Sprintf("%s is a port of %s", l.Name, l.Master), ""
	case c.Master != "" && c.Master != "none" && l.Master == "":
		return l.Name + " is a port of no bridge", ""
	case c.Master != "" && c.Master != "none" && l.Master != c.Master:
		return fmt.Sprintf("%s is a port of %s", l.Name, l.Master), ""
	case c.Peer != "" && l.PeerIndex == 0 && l.PeerNode == "":
		return l.Name + " has no other end", ""
	case c.Peer != "" && l.PeerNode == "":
		return "the other end of " + l.Name + " is in no node of this lab", ""
	case c.Peer != "" && l.PeerNode != c.Peer:
		return fmt.Sprintf("the other end of %s is in %s", l.Name, l.PeerNode), ""
	case c.MTU != 0 && l.MTU != c.MTU:
		return fmt.Sprintf("%s has MTU %d", l.Name, l.MTU), ""
	}
	return peerMasterDiffers(f.link, c.PeerMaster, l)
}

// peerMasterDiffers says of which bridge a veth's other end is a port, if that
// is not as asked for.
func peerMasterDiffers(find finder, want string, l observe.Link) (got, why string) {
	if want == "" {
		return "", ""
	}
	peer := find(l.PeerNode, l.PeerName)
	if peer == nil {
		return "the other end of " + l.Name + " was not found", ""
	}
	master := orElse(peer.Master, "none")
	if master == want {
		return "", ""
	}
	got = fmt.Sprintf("the other end of %s, %s in %s, is a port of ", l.Name, l.PeerName, l.PeerNode)
	return got + orElse(peer.Master, "no bridge"), ""
}

func stateDiffers(find finder, want string, l observe.Link) (got, why string) {
	switch want {
	case "up":
		if !l.AdminUp {
			return l.Name + " is down", ""
		}
		if !l.Carrier {
			return noCarrier(find, l)
		}
	case "admin-up":
		if !l.AdminUp {
			return l.Name + " is down", ""
		}
	case "down":
		if l.AdminUp {
			return l.Name + " is up", ""
		}
	}
	return "", ""
}

// noCarrier words a link that is up without carrier. The carrier of a veth is
// its other end being up, that of a bridge is a port that forwards: STP
// may keep one that is up from it.
func noCarrier(find finder, l observe.Link) (got, why string) {
	got = l.Name + " is up, but NO-CARRIER"
	switch l.Kind {
	case "veth":
		got += ": the other end is down"
		if l.PeerNode == "" || l.PeerName == "" {
			return got, ""
		}
		if p := find(l.PeerNode, l.PeerName); p != nil && p.AdminUp {
			return l.Name + " is up, but NO-CARRIER", ""
		}
		return got, fmt.Sprintf("The other end is %s in %s.", l.PeerName, l.PeerNode)
	case "bridge":
		return got + ": none of its ports is forwarding", ""
	}
	return got, ""
}

func haveLinks(st observe.State) string {
	if len(st.Links) == 0 {
		return ""
	}
	names := make([]string, len(st.Links))
	for i, l := range st.Links {
		names[i] = l.Name
	}
	return fmt.Sprintf("%s has %s.", st.Node, list(names))
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
