package check

import (
	"fmt"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

var sysctlKind = spec[engine.SysctlCheck]{
	of: func(c *engine.Check) *engine.SysctlCheck { return c.Sysctl },
	needs: func(n *needs, c engine.SysctlCheck) {
		n.read(c.Node, observe.Sysctls)
		n.sysctls[c.Name] = true
	},
	judge: byFacts(judgeSysctl),
	describe: func(c engine.SysctlCheck) string {
		return fmt.Sprintf("%s is %s in %s", c.Name, c.Is, c.Node)
	},
}.kind()

func judgeSysctl(f *facts, c engine.SysctlCheck) verdict {
	st, bad := f.node(c.Node, observe.Sysctls)
	if bad != nil {
		return *bad
	}
	value, ok := st.Sysctls[c.Name]
	if !ok {
		return fail("sysctl.none", args{Node: c.Node, Name: c.Name})
	}
	is := strings.Fields(value)
	return passIf(slices.Equal(is, strings.Fields(c.Is)), "sysctl", args{Node: c.Node, Name: c.Name, Value: strings.Join(is, " ")})
}
