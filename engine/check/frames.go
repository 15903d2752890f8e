package check

import (
	"fmt"
	"net/netip"
	"slices"

	"underlay/engine/observe"
)

// crossing is a bridge that frames go through. in and out are the ports by
// which they enter and leave; nil stands for the bridge's own node.
type crossing struct {
	node, bridge string
	in, out      *observe.Link
}

// crossing finds the bridge between two devices, if there is just one.
func (s scene) crossing(from, to holder) (crossing, bool) {
	near, nearNode := s.port(from)
	far, farNode := s.port(to)
	switch {
	case far != nil && far.Master == from.dev && farNode == from.node:
		return crossing{from.node, from.dev, nil, far}, true
	case near == nil || near.Master == "":
	case near.Master == to.dev && nearNode == to.node:
		return crossing{to.node, to.dev, near, nil}, true
	case far != nil && near.Master == far.Master && nearNode == farNode && near.Name != far.Name:
		return crossing{nearNode, near.Master, near, far}, true
	}
	return crossing{}, false
}

// isolated says that the bridge between two devices keeps them apart.
func (s scene) isolated(from, to holder) string {
	x, ok := s.crossing(from, to)
	if !ok || x.in == nil || x.out == nil || !x.in.Isolated || !x.out.Isolated {
		return ""
	}
	return fmt.Sprintf("%s and %s are isolated ports of %s, which passes nothing from one to the other.",
		x.in.Name, x.out.Name, on(x.bridge, x.node))
}

// stopsFrames says how filters for frames may drop or reject those between two
// devices, or their answers, "" if none is known to.
func (s scene) stopsFrames(from, to holder, does string) string {
	x, ok := s.crossing(from, to)
	if !ok {
		return ""
	}
	st, ok := s.known(x.node, observe.Firewall)
	if !ok {
		return ""
	}
	at := []string{"prerouting", "forward", "postrouting"}
	if x.in == nil || x.out == nil {
		at = []string{"prerouting", "input", "output", "postrouting"}
	}
	rule := ""
	for _, r := range st.Firewall {
		i := slices.IndexFunc(at, func(hook string) bool { return atHooks(r, hook) })
		if r.Family != "bridge" || r.Does != does || i < 0 {
			continue
		}
		if r.Policy {
			return fmt.Sprintf("The %s policy of %s for frames on its bridges is %s.", at[i], x.node, does)
		}
		rule = fmt.Sprintf("%s has %s rule at %s for frames on its bridges.", x.node, article(does), at[i])
	}
	return rule
}

// stopsBridged says how the IPv4 filter may drop or reject what a bridge passes
// between two devices, "" if it is not known to see that.
func (s scene) stopsBridged(from, to holder, does string, a netip.Addr) string {
	x, ok := s.crossing(from, to)
	if !ok || x.in == nil || x.out == nil || !a.Is4() {
		return ""
	}
	st, ok := s.known(x.node, observe.Sysctls)
	if !ok || st.Sysctls[callIP] != "1" {
		return ""
	}
	return s.stops(x.node, "forward", does, a)
}
