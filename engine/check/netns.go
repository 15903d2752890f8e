package check

import (
	"fmt"
	"slices"

	"underlay/engine"
	"underlay/engine/observe"
)

var netnsKind = spec[engine.NetnsCheck]{
	of: func(c *engine.Check) *engine.NetnsCheck { return c.Netns },
	needs: func(n *needs, c engine.NetnsCheck) {
		n.read(c.Node, observe.Links)
		if c.SameAs != "" {
			n.read(c.SameAs, observe.Links)
		}
	},
	judge:    byFacts(judgeNetns),
	describe: describeNetns,
}.kind()

func describeNetns(c engine.NetnsCheck) string {
	switch {
	case c.SameAs != "":
		return fmt.Sprintf("%s and %s share one network namespace", c.Node, c.SameAs)
	case len(c.Links) > 0:
		return fmt.Sprintf("%s has no interfaces but %s", c.Node, list(c.Links))
	}
	return "the network namespace " + c.Node + " exists"
}

func judgeNetns(f *facts, c engine.NetnsCheck) verdict {
	st, bad := f.namespace(c.Node)
	if bad != nil {
		return *bad
	}
	if c.SameAs != "" {
		other, bad := f.namespace(c.SameAs)
		if bad != nil {
			return *bad
		}
		if st.Inode != other.Inode {
			return fail("netns.different", args{Node: c.Node, Other: c.SameAs})
		}
	}
	if len(c.Links) > 0 {
		if st, bad = f.node(c.Node, observe.Links); bad != nil {
			return *bad
		}
		if v := linksDiffer(st, c.Links); v != nil {
			return *v
		}
	}
	return pass("netns", args{Node: c.Node})
}

// namespace returns a node whose namespace is known to be there, whatever else
// of it could not be read.
func (f *facts) namespace(name string) (observe.State, *verdict) {
	st, bad := f.node(name, 0)
	if bad != nil || st.Inode != 0 {
		return st, bad
	}
	if _, bad = f.node(name, observe.Links); bad == nil {
		v := broken("netns.unknown", args{Node: name})
		bad = &v
	}
	return st, bad
}

// fallback are the devices that the kernel puts into every network namespace
// once the tunnel's module is loaded. Nobody made them.
var fallback = []string{"lo", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"}

func linksDiffer(st observe.State, want []string) *verdict {
	var missing, extra []string
	for _, name := range want {
		if name != "lo" && findLink(st, name) == nil {
			missing = append(missing, name)
		}
	}
	for _, l := range st.Links {
		if !slices.Contains(want, l.Name) && !slices.Contains(fallback, l.Name) {
			extra = append(extra, l.Name)
		}
	}
	var v verdict
	switch a := (args{Node: st.Node, Missing: missing, Found: extra}); {
	case len(missing) > 0:
		v = fail("netns.missing", a)
	case len(extra) > 0:
		v = fail("netns.extra", a)
	default:
		return nil
	}
	return &v
}
