package check

import (
	"fmt"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

var neighKind = spec[engine.NeighCheck]{
	of: func(c *engine.Check) *engine.NeighCheck { return c.Neigh },
	needs: func(n *needs, c engine.NeighCheck) {
		n.read(c.Node, observe.Neighs)
		n.readMAC(c.MAC)
	},
	judge:    byFacts(judgeNeigh),
	describe: describeNeigh,
}.kind()

func describeNeigh(c engine.NeighCheck) string {
	s := on(c.Dev, c.Node) + " has a neighbour entry"
	if c.Addr != "" {
		s += " for " + c.Addr
	}
	if c.MAC != "" {
		s += " with MAC " + c.MAC
	}
	if c.State != "" {
		s += ", " + c.State
	}
	return s
}

func judgeNeigh(f *facts, c engine.NeighCheck) verdict {
	st, bad := f.node(c.Node, observe.Neighs)
	if bad != nil {
		return *bad
	}
	mac, bad := f.mac(c.MAC)
	if bad != nil {
		return *bad
	}
	var near []string
	for _, n := range st.Neighs {
		if c.Dev != "" && n.Dev != c.Dev || c.Addr != "" && !sameAddr(n.Addr.String(), c.Addr) {
			continue
		}
		words := strings.TrimSpace(fmt.Sprintf("%s on %s is %s %s", n.Addr, n.Dev, n.State, n.MAC))
		if neighState(c.State, n.State) && (mac == "" || sameMAC(mac, n.MAC)) {
			return pass("neigh", args{Found: []string{words}})
		}
		near = append(near, words)
	}
	if len(near) == 0 {
		return fail("neigh.none", args{Node: c.Node, Device: c.Dev, Address: c.Addr})
	}
	return fail("neigh", args{Found: near})
}

// neighState compares states; "reachable" is any that can be sent to.
func neighState(want, got string) bool {
	switch want {
	case "", got:
		return true
	case "reachable":
		return got == "stale" || got == "delay" || got == "probe" || got == "permanent" || got == "noarp"
	case "failed":
		return got == "incomplete"
	}
	return false
}
