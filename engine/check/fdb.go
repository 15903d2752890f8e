package check

import (
	"underlay/engine"
	"underlay/engine/observe"
)

var fdbKind = spec[engine.FDBCheck]{
	of: func(c *engine.Check) *engine.FDBCheck { return c.FDB },
	needs: func(n *needs, c engine.FDBCheck) {
		n.read(c.Node, observe.FDB)
		n.readMAC(c.MAC)
	},
	judge:    byFacts(judgeFDB),
	describe: describeFDB,
}.kind()

func describeFDB(c engine.FDBCheck) string {
	s := on(c.Dev, c.Node) + " has a forwarding entry"
	if c.MAC != "" {
		s += " for MAC " + c.MAC
	}
	if c.Dst != "" {
		s += " to " + c.Dst
	}
	return s
}

func judgeFDB(f *facts, c engine.FDBCheck) verdict {
	st, bad := f.node(c.Node, observe.FDB)
	if bad != nil {
		return *bad
	}
	mac, bad := f.mac(c.MAC)
	if bad != nil {
		return *bad
	}
	var near []string
	for _, e := range st.FDB {
		if c.Dev != "" && e.Dev != c.Dev && e.Bridge != c.Dev || mac != "" && !sameMAC(mac, e.MAC) {
			continue
		}
		words := "MAC " + e.MAC + " on " + e.Dev
		if e.Dst.IsValid() {
			words += " to " + e.Dst.String()
		}
		if c.Dst == "" || e.Dst.IsValid() && sameAddr(e.Dst.String(), c.Dst) {
			return pass("fdb", args{Node: c.Node, Device: c.Dev, Found: []string{words}})
		}
		near = append(near, words)
	}
	if len(near) == 0 {
		return fail("fdb.none", args{Node: c.Node, Device: c.Dev, Value: mac})
	}
	return fail("fdb", args{Node: c.Node, Device: c.Dev, Found: near})
}
