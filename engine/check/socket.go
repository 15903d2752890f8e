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
	var at []string
	loopback := true
	for _, s := range st.Sockets {
		if s.Proto != c.Proto || s.Port != c.Port {
			continue
		}
		if c.Addr == "" || boundAs(c.Addr, s.Addr) {
			return passed(socketWords(c.Proto) + " " + endpoint(s.Addr.String(), s.Port) + " in " + c.Node)
		}
		at = append(at, endpoint(s.Addr.String(), s.Port))
		loopback = loopback && s.Addr.Unmap().IsLoopback()
	}
	if len(at) == 0 {
		return failed(fmt.Sprintf("nothing %s port %d in %s", socketWords(c.Proto), c.Port, c.Node), "")
	}
	why := ""
	if loopback {
		why = "A server on a loopback address cannot be reached from another node."
	}
	return failed(fmt.Sprintf("%s %s in %s", socketWords(c.Proto), list(at), c.Node), why)
}

func socketWords(proto string) string {
	if proto == "udp" {
		return "is bound to UDP"
	}
	return "listens on TCP"
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
