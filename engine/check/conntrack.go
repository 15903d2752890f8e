package check

import (
	"net/netip"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

var conntrackKind = spec[engine.ConntrackCheck]{
	of:       func(c *engine.Check) *engine.ConntrackCheck { return c.Conntrack },
	needs:    func(n *needs, c engine.ConntrackCheck) { n.read(c.Node, observe.Conntrack) },
	judge:    byFacts(judgeConntrack),
	describe: func(c engine.ConntrackCheck) string { return c.Node + " tracks " + conntrackWords(c) },
}.kind()

func conntrackWords(c engine.ConntrackCheck) string {
	s := article(strings.TrimSpace(strings.ToUpper(c.Proto) + " flow"))
	if c.OrigSrc != "" {
		s += " from " + c.OrigSrc
	}
	if c.OrigDst != "" || c.OrigDPort != 0 {
		s += " to " + endpoint(c.OrigDst, c.OrigDPort)
	}
	if c.ReplySrc != "" || c.ReplySPort != 0 {
		s += ", answered from " + endpoint(c.ReplySrc, c.ReplySPort)
	}
	if c.ReplyDst != "" {
		s += ", answered to " + c.ReplyDst
	}
	return s
}

func judgeConntrack(f *facts, c engine.ConntrackCheck) verdict {
	st, bad := f.node(c.Node, observe.Conntrack)
	if bad != nil {
		return *bad
	}
	var near []string
	for _, fl := range st.Conntrack {
		if flowMatches(c, fl) {
			return pass("conntrack", args{Node: c.Node, Value: flowWords(fl)})
		}
		if (c.Proto == "" || fl.Proto == c.Proto) && addrFits(c.OrigSrc, fl.Orig.Src) && addrFits(c.OrigDst, fl.Orig.Dst) {
			near = append(near, flowWords(fl))
		}
	}
	switch {
	case len(st.Conntrack) == 0:
		return fail("conntrack.empty", args{Node: c.Node})
	case len(near) == 0:
		return fail("conntrack.none", args{Node: c.Node})
	}
	return fail("conntrack", args{Node: c.Node, Value: near[0]})
}

func flowMatches(c engine.ConntrackCheck, f observe.Flow) bool {
	return (c.Proto == "" || f.Proto == c.Proto) &&
		addrFits(c.OrigSrc, f.Orig.Src) && addrFits(c.OrigDst, f.Orig.Dst) &&
		(c.OrigDPort == 0 || f.Orig.DPort == c.OrigDPort) &&
		addrFits(c.ReplySrc, f.Reply.Src) && addrFits(c.ReplyDst, f.Reply.Dst) &&
		(c.ReplySPort == 0 || f.Reply.SPort == c.ReplySPort)
}

func addrFits(want string, got netip.Addr) bool {
	return want == "" || got.IsValid() && sameAddr(want, got.String())
}

func flowWords(f observe.Flow) string {
	return conntrackWords(engine.ConntrackCheck{
		Proto: f.Proto, OrigSrc: f.Orig.Src.String(), OrigDst: f.Orig.Dst.String(), OrigDPort: f.Orig.DPort,
		ReplySrc: f.Reply.Src.String(), ReplySPort: f.Reply.SPort, ReplyDst: f.Reply.Dst.String(),
	})
}
