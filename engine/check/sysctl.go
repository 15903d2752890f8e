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
		return failed(fmt.Sprintf("%s has no setting %s", c.Node, c.Name), "")
	}
	got := fmt.Sprintf("%s is %s in %s", c.Name, strings.Join(strings.Fields(value), " "), c.Node)
	if !slices.Equal(strings.Fields(value), strings.Fields(c.Is)) {
		return failed(got, "")
	}
	return passed(got)
}
