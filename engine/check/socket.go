package check

import (
	"fmt"
	"net/netip"

	"underlay/engine"
	"underlay/engine/observe"
)

var socketKind = spec[engine.SocketCheck]{
	of:       func(c *engine.Check) *engine.SocketCheck { return c.Socket },
	needs:    func(n *needs, c engine.SocketCheck) { n.read(c.Node, observe.Sockets) },
	judge:    byFacts(judgeSocket),
	describe: describeSocket,
}.kind()

func describeSocket(c engine.SocketCheck) string {
	where := fmt.Sprintf("port %d", c.Port)
	if c.Addr != "" {
		where = endpoint(c.Addr, c.Port)
	}
	if c.Proto == "udp" {
		return fmt.Sprintf("a UDP socket is bound to %s in %s", where, c.Node)
	}
	return fmt.Sprintf("something listens on TCP %s in %s", where, c.Node)
}

func judgeSocket(f *facts, c engine.SocketCheck) verdict {
	st, bad := f.node(c.Node, observe.Sockets)
	if bad != nil {
		return *bad
	}
	c.Proto = orElse(c.Proto, "tcp")
	found, none, onLoopback := "socket.tcp", "socket.tcp.none", "socket.tcp.loopback"
	if c.Proto == "udp" {
		found, none, onLoopback = "socket.udp", "socket.udp.none", "socket.udp.loopback"
	}
	a := args{Node: c.Node, Port: c.Port}
	loopback := true
	for _, s := range st.Sockets {
		if s.Proto != c.Proto || s.Port != c.Port {
			continue
		}
		if c.Addr == "" || boundAs(c.Addr, s.Addr) {
			a.Found = []string{endpoint(s.Addr.String(), s.Port)}
			return pass(found, a)
		}
		a.Found = append(a.Found, endpoint(s.Addr.String(), s.Port))
		loopback = loopback && s.Addr.Unmap().IsLoopback()
	}
	switch {
	case len(a.Found) == 0:
		return fail(none, a)
	case loopback:
		return fail(onLoopback, a)
	}
	return fail(found, a)
}

// boundAs compares a socket's address with the one asked for. The IPv6 wildcard
// takes IPv4 as well, so it stands for 0.0.0.0 too.
func boundAs(want string, got netip.Addr) bool {
	w, err := netip.ParseAddr(want)
	if err != nil {
		return false
	}
	return w == got.Unmap() || w == netip.IPv4Unspecified() && got == netip.IPv6Unspecified()
}
