package check

import (
	"context"
	"reflect"
	"testing"

	"underlay/engine"
	"underlay/engine/observe"
)

// row is one check in the fake world, changed by with, and what must be said.
type row struct {
	name  string
	check engine.Check
	with  func(*fake)
	state engine.State
	want  string
	got   string
	why   string
}

func link(c engine.LinkCheck) engine.Check   { return engine.Check{Link: &c} }
func addrc(c engine.AddrCheck) engine.Check  { return engine.Check{Addr: &c} }
func route(c engine.RouteCheck) engine.Check { return engine.Check{Route: &c} }
func nat(c engine.NATCheck) engine.Check     { return engine.Check{NAT: &c} }
func filter(c engine.FilterCheck) engine.Check {
	return engine.Check{Filter: &c}
}
func socket(c engine.SocketCheck) engine.Check       { return engine.Check{Socket: &c} }
func conntrack(c engine.ConntrackCheck) engine.Check { return engine.Check{Conntrack: &c} }
func dns(c engine.DNSCheck) engine.Check             { return engine.Check{DNS: &c} }
func netns(c engine.NetnsCheck) engine.Check         { return engine.Check{Netns: &c} }
func traffic(c engine.TrafficCheck) engine.Check     { return engine.Check{Traffic: &c} }

func unreadable(node string, f observe.Facet) func(*fake) {
	return func(w *fake) {
		w.edit(node, func(st *observe.State) { st.Errs = map[observe.Facet]error{f: errWorld} })
	}
}

func gone(w *fake) { w.err = errWorld }

func linkRows() []row {
	return []row{
		{"link", link(engine.LinkCheck{Node: "h1", Name: "docker0", Kind: "bridge", State: "up"}), nil, engine.Pass,
			"docker0 in h1 is a bridge, up", "docker0 in h1 is a bridge, up", ""},
		{"link missing", link(engine.LinkCheck{Node: "c1", Name: "eth1"}), nil, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "c1 has lo and eth0."},
		{"link kind", link(engine.LinkCheck{Node: "h1", Name: "veth1", Kind: "bridge"}), nil, engine.Fail,
			"veth1 in h1 is a bridge", "veth1 is a veth", ""},
		{"link down", link(engine.LinkCheck{Node: "c1", Name: "eth0", State: "up"}),
			func(w *fake) { w.editLink("c1", "eth0", func(l *observe.Link) { l.AdminUp = false }) }, engine.Fail,
			"eth0 in c1 is up", "eth0 is down", ""},
		{"link without carrier", link(engine.LinkCheck{Node: "c1", Name: "eth0", State: "up", Peer: "h1"}),
			func(w *fake) {
				w.editLink("c1", "eth0", func(l *observe.Link) { l.Carrier = false })
				w.editLink("h1", "veth1", func(l *observe.Link) { l.AdminUp = false })
			}, engine.Fail, "eth0 in c1 is up and has its other end in h1",
			"eth0 is up, but NO-CARRIER: the other end is down", "The other end is veth1 in h1."},
		{"bridge without carrier", link(engine.LinkCheck{Node: "h1", Name: "docker0", State: "up"}),
			func(w *fake) { w.editLink("h1", "docker0", func(l *observe.Link) { l.Carrier = false }) }, engine.Fail,
			"docker0 in h1 is up", "docker0 is up, but NO-CARRIER: none of its ports is up", ""},
		{"link admin-up without carrier", link(engine.LinkCheck{Node: "h1", Name: "docker0", State: "admin-up"}),
			func(w *fake) { w.editLink("h1", "docker0", func(l *observe.Link) { l.Carrier = false }) }, engine.Pass,
			"docker0 in h1 is admin-up", "docker0 in h1 is a bridge, up, NO-CARRIER", ""},
		{"link wanted down", link(engine.LinkCheck{Node: "c1", Name: "eth0", State: "down"}), nil, engine.Fail,
			"eth0 in c1 is down", "eth0 is up", ""},
		{"link master", link(engine.LinkCheck{Node: "h1", Name: "eth0", Master: "docker0"}), nil, engine.Fail,
			"eth0 in h1 is a port of docker0", "eth0 is a port of no bridge", ""},
		{"link no master", link(engine.LinkCheck{Node: "h1", Name: "veth1", Master: "none"}), nil, engine.Fail,
			"veth1 in h1 is a port of no bridge", "veth1 is a port of docker0", ""},
		{"link peer", link(engine.LinkCheck{Node: "h1", Name: "veth1", Peer: "c2"}), nil, engine.Fail,
			"veth1 in h1 has its other end in c2", "the other end of veth1 is in c1", ""},
		{"link without peer", link(engine.LinkCheck{Node: "h1", Name: "docker0", Peer: "c2"}), nil, engine.Fail,
			"docker0 in h1 has its other end in c2", "docker0 has no other end", ""},
		{"link mtu", link(engine.LinkCheck{Node: "c1", Name: "eth0", MTU: 1450}), nil, engine.Fail,
			"eth0 in c1 has MTU 1450", "eth0 has MTU 1500", ""},
		{"any link", link(engine.LinkCheck{Node: "h1", Kind: "veth", Peer: "c2", Master: "docker0"}), nil, engine.Pass,
			"h1 has an interface that is a veth, a port of docker0 and has its other end in c2", "veth2 in h1 is a veth, up, a port of docker0", ""},
		{"no such link", link(engine.LinkCheck{Node: "c1", Kind: "vxlan"}), nil, engine.Fail,
			"c1 has an interface that is a vxlan", "no interface of c1 is like that", "c1 has lo and eth0."},
		{"link in no node", link(engine.LinkCheck{Node: "red", Name: "eth0"}), nil, engine.Fail,
			"red has the interface eth0", "there is no network namespace red", ""},
		{"link unreadable", link(engine.LinkCheck{Node: "c1", Name: "eth0"}), unreadable("c1", observe.Links), engine.Broken,
			"c1 has the interface eth0", "", "Could not read the interfaces of c1: the world is gone."},
		{"link, something else unreadable", link(engine.LinkCheck{Node: "c1", Name: "eth0"}), unreadable("c1", observe.Firewall), engine.Pass,
			"c1 has the interface eth0", "eth0 in c1 is a veth, up", ""},

		{"addr", addrc(engine.AddrCheck{Node: "c1", Dev: "eth0", Addr: "172.17.0.2/16"}), nil, engine.Pass,
			"eth0 in c1 has the address 172.17.0.2/16", "eth0 has 172.17.0.2/16", ""},
		{"addr any", addrc(engine.AddrCheck{Node: "c1"}), nil, engine.Pass, "c1 has an IPv4 address", "eth0 has 172.17.0.2/16", ""},
		{"addr bare", addrc(engine.AddrCheck{Node: "c1", Addr: "172.17.0.2"}), nil, engine.Pass,
			"c1 has the address 172.17.0.2", "eth0 has 172.17.0.2/16", ""},
		{"addr length", addrc(engine.AddrCheck{Node: "c1", Dev: "eth0", Addr: "172.17.0.2/24"}), nil, engine.Fail,
			"eth0 in c1 has the address 172.17.0.2/24", "eth0 in c1 has 172.17.0.2/16",
			"The address is right, but the prefix length is /16 instead of /24."},
		{"addr on another device", addrc(engine.AddrCheck{Node: "h1", Dev: "veth1", Addr: "172.17.0.1/16"}), nil, engine.Fail,
			"veth1 in h1 has the address 172.17.0.1/16", "veth1 in h1 has no IPv4 address", "172.17.0.1/16 is on docker0."},
		{"addr without device", addrc(engine.AddrCheck{Node: "c1", Dev: "eth9"}), nil, engine.Fail,
			"eth9 in c1 has an IPv4 address", "c1 has no interface eth9", "c1 has lo and eth0."},
		{"addr unreadable", addrc(engine.AddrCheck{Node: "c1", Dev: "eth0"}), unreadable("c1", observe.Addrs), engine.Broken,
			"eth0 in c1 has an IPv4 address", "", "Could not read the addresses of c1: the world is gone."},
		{"addr malformed", addrc(engine.AddrCheck{Node: "c1", Addr: "x"}), nil, engine.Broken,
			"c1 has the address x", "", `"x" is no address.`},

		{"netns", netns(engine.NetnsCheck{Node: "c1"}), nil, engine.Pass, "the network namespace c1 exists", "the network namespace c1 exists", ""},
		{"netns missing", netns(engine.NetnsCheck{Node: "red"}), nil, engine.Fail,
			"the network namespace red exists", "there is no network namespace red", ""},
		{"netns same", netns(engine.NetnsCheck{Node: "c1", SameAs: "alias"}), nil, engine.Pass,
			"c1 and alias share one network namespace", "the network namespace c1 exists", ""},
		{"netns different", netns(engine.NetnsCheck{Node: "c1", SameAs: "h1"}), nil, engine.Fail,
			"c1 and h1 share one network namespace", "c1 and h1 are in different network namespaces", ""},
		{"netns links", netns(engine.NetnsCheck{Node: "c1", Links: []string{"eth0"}}), nil, engine.Pass,
			"c1 holds no interfaces but eth0", "the network namespace c1 exists", ""},
		{"netns too many links", netns(engine.NetnsCheck{Node: "c1", Links: []string{"lo", "eth1"}}), nil, engine.Fail,
			"c1 holds no interfaces but lo and eth1", "c1 lacks eth1 and also holds eth0", ""},
		{"netns unknown", netns(engine.NetnsCheck{Node: "c1"}), func(w *fake) { w.snapErr = errWorld }, engine.Broken,
			"the network namespace c1 exists", "", "Could not read the interfaces of c1: the world is gone."},
	}
}

func tableRows() []row {
	rule := func(c engine.RuleCheck) engine.Check { return engine.Check{Rule: &c} }
	neigh := func(c engine.NeighCheck) engine.Check { return engine.Check{Neigh: &c} }
	fdb := func(c engine.FDBCheck) engine.Check { return engine.Check{FDB: &c} }
	return []row{
		{"route", route(engine.RouteCheck{Node: "c1", To: "8.8.8.8", Via: "172.17.0.1", Dev: "eth0"}), nil, engine.Pass,
			"c1 sends to 8.8.8.8 via 172.17.0.1 by eth0", "c1 sends to 8.8.8.8 via 172.17.0.1 by eth0", ""},
		{"route to a subnet", route(engine.RouteCheck{Node: "c1", To: "172.17.0.0/16", Via: "none"}), nil, engine.Pass,
			"c1 sends to 172.17.0.0/16 directly", "c1 sends to 172.17.0.1 directly by eth0", ""},
		{"route elsewhere", route(engine.RouteCheck{Node: "c1", To: "8.8.8.8", Via: "none"}), nil, engine.Fail,
			"c1 sends to 8.8.8.8 directly", "c1 sends to 8.8.8.8 via 172.17.0.1 by eth0", ""},
		{"route by another device", route(engine.RouteCheck{Node: "c1", To: "8.8.8.8", Dev: "eth1"}), nil, engine.Fail,
			"c1 sends to 8.8.8.8 by eth1", "c1 sends to 8.8.8.8 via 172.17.0.1 by eth0", ""},
		{"route missing", route(engine.RouteCheck{Node: "c2", To: "8.8.8.8"}), nil, engine.Fail,
			"c2 sends to 8.8.8.8", "c2 has no route to 8.8.8.8", "c2 has no default route, and no route to a subnet with 8.8.8.8 in it."},
		{"route unwanted", route(engine.RouteCheck{Node: "c1", To: "8.8.8.8", Expect: engine.Unreachable}), nil, engine.Fail,
			"c1 has no route to 8.8.8.8", "c1 sends to 8.8.8.8 via 172.17.0.1 by eth0", ""},
		{"route rightly missing", route(engine.RouteCheck{Node: "c2", To: "8.8.8.8", Expect: engine.Unreachable}), nil, engine.Pass,
			"c2 has no route to 8.8.8.8", "c2 has no route to 8.8.8.8", ""},
		{"default route", route(engine.RouteCheck{Node: "c1", To: "default", Via: "172.17.0.1"}), nil, engine.Pass,
			"c1 has a default route via 172.17.0.1", "the default route of c1 leads via 172.17.0.1 by eth0", ""},
		{"default route elsewhere", route(engine.RouteCheck{Node: "c1", To: "default", Via: "172.17.0.9"}), nil, engine.Fail,
			"c1 has a default route via 172.17.0.9", "the default route of c1 leads via 172.17.0.1 by eth0", ""},
		{"default route missing", route(engine.RouteCheck{Node: "c2", To: "default"}), nil, engine.Fail,
			"c2 has a default route", "c2 has no default route", ""},
		{"default route unreadable", route(engine.RouteCheck{Node: "c1", To: "default"}), unreadable("c1", observe.Routes), engine.Broken,
			"c1 has a default route", "", "Could not read the routes of c1: the world is gone."},
		{"route unknown", route(engine.RouteCheck{Node: "c1", To: "8.8.8.8"}), gone, engine.Broken,
			"c1 sends to 8.8.8.8", "", "Could not ask c1 for its route to 8.8.8.8: the world is gone."},

		{"rule", rule(engine.RuleCheck{Node: "h1", From: "10.0.0.0/24", Table: 100, Mark: 1}), nil, engine.Pass,
			"h1 has a policy-routing rule: from 10.0.0.0/24, mark 0x1, table 100",
			"h1 has the rule (from 10.0.0.0/24, mark 0x1, table 100, priority 100)", ""},
		{"rule wrong", rule(engine.RuleCheck{Node: "h1", From: "10.0.0.7", Table: 100}), nil, engine.Fail,
			"h1 has a policy-routing rule: from 10.0.0.7, table 100", "h1 has (from 10.0.0.0/24, mark 0x1, table 100, priority 100)", ""},
		{"rule missing", rule(engine.RuleCheck{Node: "c1", Priority: 5}), nil, engine.Fail,
			"c1 has a policy-routing rule: priority 5", "c1 has only the rules that every namespace starts with", ""},
		{"rule unreadable", rule(engine.RuleCheck{Node: "h1", Table: 100}), unreadable("h1", observe.Rules), engine.Broken,
			"h1 has a policy-routing rule: table 100", "", "Could not read the policy-routing rules of h1: the world is gone."},

		{"neigh", neigh(engine.NeighCheck{Node: "c1", Dev: "eth0", Addr: "172.17.0.1", MAC: "h1/docker0", State: "reachable"}), nil, engine.Pass,
			"eth0 in c1 has a neighbour entry for 172.17.0.1 with MAC h1/docker0, reachable",
			"172.17.0.1 on eth0 is stale 02:42:00:00:00:01", ""},
		{"neigh failed", neigh(engine.NeighCheck{Node: "c1", Addr: "172.17.0.1", State: "permanent"}), nil, engine.Fail,
			"c1 has a neighbour entry for 172.17.0.1, permanent", "172.17.0.1 on eth0 is stale 02:42:00:00:00:01", ""},
		{"neigh missing", neigh(engine.NeighCheck{Node: "c1", Addr: "172.17.0.9"}), nil, engine.Fail,
			"c1 has a neighbour entry for 172.17.0.9", "c1 has no neighbour entry for 172.17.0.9", ""},
		{"neigh unreadable", neigh(engine.NeighCheck{Node: "c1"}), unreadable("c1", observe.Neighs), engine.Broken,
			"c1 has a neighbour entry", "", "Could not read the neighbour table of c1: the world is gone."},

		{"fdb", fdb(engine.FDBCheck{Node: "h1", Dev: "docker0", MAC: "c1/eth0"}), nil, engine.Pass,
			"docker0 in h1 has a forwarding entry for MAC c1/eth0", "docker0 in h1 forwards MAC 02:42:ac:11:00:02 on veth1", ""},
		{"fdb vtep", fdb(engine.FDBCheck{Node: "h1", Dev: "vxlan0", MAC: "02:00:00:00:00:09", Dst: "10.1.0.3"}), nil, engine.Fail,
			"vxlan0 in h1 has a forwarding entry for MAC 02:00:00:00:00:09 to 10.1.0.3",
			"vxlan0 in h1 forwards MAC 02:00:00:00:00:09 on vxlan0 to 10.1.0.2", ""},
		{"fdb missing", fdb(engine.FDBCheck{Node: "h1", Dev: "docker0", MAC: "c2/eth1"}), nil, engine.Fail,
			"docker0 in h1 has a forwarding entry for MAC c2/eth1", "c2 has no interface eth1", "c2 has lo and eth0."},
		{"fdb unreadable", fdb(engine.FDBCheck{Node: "h1", Dev: "docker0"}), unreadable("h1", observe.FDB), engine.Broken,
			"docker0 in h1 has a forwarding entry", "", "Could not read the forwarding database of h1: the world is gone."},
	}
}

func ruleRows() []row {
	sysctl := func(node, name, is string) engine.Check {
		return engine.Check{Sysctl: &engine.SysctlCheck{Node: node, Name: name, Is: is}}
	}
	return []row{
		{"sysctl", sysctl("h1", forward4, "1"), nil, engine.Pass, "net.ipv4.ip_forward is 1 in h1", "net.ipv4.ip_forward is 1 in h1", ""},
		{"sysctl spaces", sysctl("h1", "net.ipv4.ip_local_port_range", "32768 60999"), nil, engine.Pass,
			"net.ipv4.ip_local_port_range is 32768 60999 in h1", "net.ipv4.ip_local_port_range is 32768 60999 in h1", ""},
		{"sysctl other", sysctl("h1", forward4, "0"), nil, engine.Fail, "net.ipv4.ip_forward is 0 in h1", "net.ipv4.ip_forward is 1 in h1", ""},
		{"sysctl missing", sysctl("h1", "net.x", "0"), nil, engine.Fail, "net.x is 0 in h1", "h1 has no setting net.x", ""},
		{"sysctl unreadable", sysctl("h1", forward4, "0"), unreadable("h1", observe.Sysctls), engine.Broken,
			"net.ipv4.ip_forward is 0 in h1", "", "Could not read the kernel settings of h1: the world is gone."},

		{"socket", socket(engine.SocketCheck{Node: "c1", Addr: "0.0.0.0", Port: 80}), nil, engine.Pass,
			"something listens on TCP 0.0.0.0:80 in c1", "listens on TCP [::]:80 in c1", ""},
		{"socket udp", socket(engine.SocketCheck{Node: "c1", Proto: "udp", Port: 53}), nil, engine.Pass,
			"a UDP socket is bound to port 53 in c1", "is bound to UDP 0.0.0.0:53 in c1", ""},
		{"socket on loopback", socket(engine.SocketCheck{Node: "c1", Proto: "tcp", Addr: "0.0.0.0", Port: 5432}), nil, engine.Fail,
			"something listens on TCP 0.0.0.0:5432 in c1", "listens on TCP 127.0.0.1:5432 in c1",
			"A server on a loopback address cannot be reached from another node."},
		{"socket missing", socket(engine.SocketCheck{Node: "c1", Port: 81}), nil, engine.Fail,
			"something listens on TCP port 81 in c1", "nothing listens on TCP port 81 in c1", ""},
		{"socket unreadable", socket(engine.SocketCheck{Node: "c1", Port: 81}), unreadable("c1", observe.Sockets), engine.Broken,
			"something listens on TCP port 81 in c1", "", "Could not read the sockets of c1: the world is gone."},

		{"nat", nat(engine.NATCheck{Node: "h1", Hook: "prerouting", Does: "dnat", To: "172.17.0.2"}), nil, engine.Pass,
			"h1 has a dnat rule to 172.17.0.2 at prerouting", "h1 has a dnat rule to 172.17.0.2:80 at prerouting", ""},
		{"nat target", nat(engine.NATCheck{Node: "h1", Does: "dnat", To: "172.17.0.3:80"}), nil, engine.Fail,
			"h1 has a dnat rule to 172.17.0.3:80", "h1 has a dnat rule to 172.17.0.2:80 at prerouting", ""},
		{"nat hook", nat(engine.NATCheck{Node: "h1", Hook: "output", Does: "dnat"}), nil, engine.Fail,
			"h1 has a dnat rule at output", "h1 has a dnat rule to 172.17.0.2:80 at prerouting", "Packets at output do not come by there."},
		{"nat unreached", nat(engine.NATCheck{Node: "h1", Does: "dnat"}),
			func(w *fake) { w.states["h1"].Firewall[0].Hook = "" }, engine.Fail,
			"h1 has a dnat rule", "h1 has a dnat rule to 172.17.0.2:80 in chain DOCKER", "Nothing jumps to chain DOCKER, so its rules are never reached."},
		{"nat missing", nat(engine.NATCheck{Node: "c1", Does: "masquerade"}), nil, engine.Fail,
			"c1 has a masquerade rule", "c1 has no masquerade rule", ""},
		{"nat text", nat(engine.NATCheck{Node: "h1", Match: "saddr 10"}), nil, engine.Fail,
			`h1 has a NAT rule matching "saddr 10"`, "h1 has a dnat rule to 172.17.0.2:80 at prerouting and a masquerade rule at postrouting", ""},
		{"nat pattern", nat(engine.NATCheck{Node: "h1", Match: "("}), nil, engine.Broken,
			`h1 has a NAT rule matching "("`, "", "The pattern of this check is not valid: error parsing regexp: missing closing ): `(`."},
		{"nat unreadable", nat(engine.NATCheck{Node: "h1"}), unreadable("h1", observe.Firewall), engine.Broken,
			"h1 has a NAT rule", "", "Could not read the firewall rules of h1: the world is gone."},

		{"filter rule", filter(engine.FilterCheck{Node: "h1", Hook: "forward", Does: "accept", Match: "docker0"}), nil, engine.Pass,
			`h1 has an accept rule at forward matching "docker0"`, "h1 has an accept rule at forward", ""},
		{"filter rule missing", filter(engine.FilterCheck{Node: "h1", Hook: "forward", Does: "drop"}), nil, engine.Fail,
			"h1 has a drop rule at forward", "h1 has no drop rule", ""},
		{"filter rule at another hook", filter(engine.FilterCheck{Node: "h1", Hook: "input", Does: "accept"}), nil, engine.Fail,
			"h1 has an accept rule at input", "h1 has an accept rule at forward", "Packets at input do not come by there."},
		{"filter policy", filter(engine.FilterCheck{Node: "h1", Hook: "forward", Does: "drop", Policy: true}), nil, engine.Pass,
			"the forward policy of h1 is drop", "the forward policy of h1 is drop", ""},
		{"filter policy other", filter(engine.FilterCheck{Node: "h1", Hook: "forward", Does: "accept", Policy: true}), nil, engine.Fail,
			"the forward policy of h1 is accept", "the forward policy of h1 is drop", ""},
		{"filter policy without chain", filter(engine.FilterCheck{Node: "h1", Hook: "input", Does: "drop", Policy: true}), nil, engine.Fail,
			"the input policy of h1 is drop", "h1 has no input chain with a policy, so it accepts", ""},
		{"filter unreadable", filter(engine.FilterCheck{Node: "h1"}), unreadable("h1", observe.Firewall), engine.Broken,
			"h1 has a filter rule", "", "Could not read the firewall rules of h1: the world is gone."},

		{"conntrack", conntrack(engine.ConntrackCheck{Node: "h1", Proto: "tcp", OrigDst: "192.168.1.100", OrigDPort: 8080, ReplySrc: "172.17.0.2", ReplySPort: 80}), nil, engine.Pass,
			"h1 tracks a TCP flow to 192.168.1.100:8080, answered from 172.17.0.2:80",
			"h1 tracks a TCP flow from 192.168.1.7 to 192.168.1.100:8080, answered from 172.17.0.2:80, answered to 192.168.1.7", ""},
		{"conntrack other", conntrack(engine.ConntrackCheck{Node: "h1", OrigDst: "192.168.1.100", ReplyDst: "172.17.0.1"}), nil, engine.Fail,
			"h1 tracks a flow to 192.168.1.100, answered to 172.17.0.1",
			"h1 tracks a TCP flow from 192.168.1.7 to 192.168.1.100:8080, answered from 172.17.0.2:80, answered to 192.168.1.7", ""},
		{"conntrack none like it", conntrack(engine.ConntrackCheck{Node: "h1", Proto: "udp"}), nil, engine.Fail,
			"h1 tracks a UDP flow", "h1 tracks 1 flow, none of them like that", ""},
		{"conntrack none", conntrack(engine.ConntrackCheck{Node: "c1", Proto: "udp"}), nil, engine.Fail,
			"c1 tracks a UDP flow", "c1 tracks no flows", ""},
		{"conntrack unreadable", conntrack(engine.ConntrackCheck{Node: "h1"}), unreadable("h1", observe.Conntrack), engine.Broken,
			"h1 tracks a flow", "", "Could not read the connection tracking table of h1: the world is gone."},
	}
}

func askedRows() []row {
	ping := engine.TrafficCheck{From: "c1", To: "172.17.0.1"}
	capture := func(sees bool, filter string, during *engine.TrafficCheck) engine.Check {
		return engine.Check{Capture: &engine.CaptureCheck{Node: "h1", Dev: "docker0", Filter: filter, Sees: sees, During: during}}
	}
	sees := func(w *fake) { w.seen["h1/docker0 icmp"] = []string{"172.17.0.2 > 172.17.0.1 icmp echo"} }
	ok := link(engine.LinkCheck{Node: "c1", Name: "eth0"})
	bad := link(engine.LinkCheck{Node: "c1", Name: "eth1"})
	lost := link(engine.LinkCheck{Node: "c2", Name: "eth0"})
	noC2 := unreadable("c2", observe.Links)
	const broken = "Could not read the interfaces of c2: the world is gone."
	const sends = " while c1 → 172.17.0.1 is tried"
	return []row{
		{"capture", capture(true, "icmp", &ping), sees, engine.Pass,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "1 packet seen: 172.17.0.2 > 172.17.0.1 icmp echo", ""},
		{"capture in vain", capture(true, "icmp", &ping), nil, engine.Fail,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "no such packet was seen", ""},
		{"capture unwanted", capture(false, "icmp", &ping), sees, engine.Fail,
			`no packets matching "icmp" are seen on docker0 in h1` + sends, "1 packet seen: 172.17.0.2 > 172.17.0.1 icmp echo", ""},
		{"capture of traffic that fails", capture(true, "icmp", &engine.TrafficCheck{From: "c1", To: "172.17.0.3", Port: 81, Expect: engine.OK}), sees, engine.Fail,
			"c1 → 172.17.0.3:81 accepts a TCP connection", "connection refused (RST from 172.17.0.3)", "Nothing in c2 listens on TCP port 81."},
		{"capture of nothing", capture(true, "icmp", nil), nil, engine.Broken,
			`packets matching "icmp" are seen on docker0 in h1`, "", "This check says of no traffic that it is to be watched."},
		{"capture without traffic", capture(true, "icmp", &ping), func(w *fake) { w.silent = true }, engine.Broken,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "", "No traffic was sent while docker0 in h1 was watched."},
		{"capture broken", capture(true, "icmp", &ping), gone, engine.Broken,
			`packets matching "icmp" are seen on docker0 in h1` + sends, "", "Could not watch docker0 in h1: the world is gone."},

		{"dns", dns(engine.DNSCheck{From: "c1", Name: "web", Answer: []string{"172.18.0.3"}, MaxQueries: 2}), nil, engine.Pass,
			"c1 asks for the A record of web: 172.18.0.3, at most 2 queries", "NOERROR, 172.18.0.3, after 2 queries", ""},
		{"dns answer", dns(engine.DNSCheck{From: "c1", Name: "web", Answer: []string{"172.18.0.4"}}), nil, engine.Fail,
			"c1 asks for the A record of web: 172.18.0.4", "NOERROR, 172.18.0.3, after 2 queries", ""},
		{"dns cost", dns(engine.DNSCheck{From: "c1", Name: "web", MaxQueries: 1}), nil, engine.Fail,
			"c1 asks for the A record of web: at most 1 query", "NOERROR, 172.18.0.3, after 2 queries", ""},
		{"dns nxdomain", dns(engine.DNSCheck{From: "c1", Name: "nope", Rcode: "NXDOMAIN"}), nil, engine.Pass,
			"c1 asks for the A record of nope: NXDOMAIN", "NXDOMAIN, after 4 queries", ""},
		{"dns unexpected nxdomain", dns(engine.DNSCheck{From: "c1", Name: "nope", Server: "10.0.0.2"}), nil, engine.Fail,
			"c1 asks 10.0.0.2 for the A record of nope: an answer", "NXDOMAIN, after 4 queries", ""},
		{"dns silent", dns(engine.DNSCheck{From: "c1", Name: "lost"}), nil, engine.Fail,
			"c1 asks for the A record of lost: an answer", "no answer from 10.0.0.2 in 600 ms", ""},
		{"dns broken", dns(engine.DNSCheck{From: "c1", Name: "web"}), gone, engine.Broken,
			"c1 asks for the A record of web: an answer", "", "Could not ask for web: the world is gone."},

		{"all", engine.Check{All: []engine.Check{ok, ok}}, nil, engine.Pass,
			"c1 has the interface eth0; c1 has the interface eth0", "eth0 in c1 is a veth, up; eth0 in c1 is a veth, up", ""},
		{"all, one fails", engine.Check{All: []engine.Check{ok, lost, bad}}, noC2, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "c1 has lo and eth0."},
		{"all, one broken", engine.Check{All: []engine.Check{ok, lost}}, noC2, engine.Broken, "c2 has the interface eth0", "", broken},
		{"any", engine.Check{Any: []engine.Check{bad, lost, ok}}, noC2, engine.Pass, "c1 has the interface eth0", "eth0 in c1 is a veth, up", ""},
		{"any, none", engine.Check{Any: []engine.Check{bad, bad}}, nil, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "c1 has lo and eth0."},
		{"any, one broken", engine.Check{Any: []engine.Check{lost, bad}}, noC2, engine.Broken, "c2 has the interface eth0", "", broken},
		{"not", engine.Check{Not: &bad}, nil, engine.Pass, "not: c1 has the interface eth1", "c1 has no interface eth1", ""},
		{"not, but it is", engine.Check{Not: &ok}, nil, engine.Fail, "not: c1 has the interface eth0", "eth0 in c1 is a veth, up", ""},
		{"not broken", engine.Check{Not: &lost}, noC2, engine.Broken, "not: c2 has the interface eth0", "", broken},
		{"because", engine.Check{Link: bad.Link, Because: "The cable is missing."}, nil, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "The cable is missing."},
		{"because of the whole", engine.Check{All: []engine.Check{bad}, Because: "Nothing is plugged in."}, nil, engine.Fail,
			"c1 has the interface eth1", "c1 has no interface eth1", "Nothing is plugged in."},
		{"because does not hide breakage", engine.Check{Link: lost.Link, Because: "The cable is missing."}, noC2, engine.Broken,
			"c2 has the interface eth0", "", broken},
		{"nothing asked", engine.Check{}, nil, engine.Broken, "", "", "This check asks for nothing."},
	}
}

func rows() []row {
	var out []row
	for _, rs := range [][]row{linkRows(), tableRows(), ruleRows(), askedRows(), trafficRows()} {
		out = append(out, rs...)
	}
	return out
}

func TestKinds(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			w := newFake()
			if r.with != nil {
				r.with(w)
			}
			got := one(t, w, r.check).Result
			if want := (engine.Result{State: r.state, Got: r.got, Want: r.want, Why: r.why}); got != want {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
			if d := Describe(r.check); r.state == engine.Pass && r.check.Any == nil && d != r.want {
				t.Errorf("Describe says %q, the result wants %q", d, r.want)
			}
		})
	}
}

// TestEveryKindHasEveryOutcome holds the tables to what they are for: no kind
// of check may be unable to pass, to fail or to break.
func TestEveryKindHasEveryOutcome(t *testing.T) {
	seen := map[string]map[engine.State]bool{"Answer": answerOutcomes(t)}
	for _, r := range rows() {
		v := reflect.ValueOf(r.check)
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; !v.Field(i).IsZero() {
				if seen[name] == nil {
					seen[name] = map[engine.State]bool{}
				}
				seen[name][r.state] = true
			}
		}
	}
	typ := reflect.TypeFor[engine.Check]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		if name == "Because" {
			continue
		}
		for _, s := range []engine.State{engine.Pass, engine.Fail, engine.Broken} {
			if !seen[name][s] {
				t.Errorf("no row in which %s is %s", name, s)
			}
		}
	}
}

func answerOutcomes(t *testing.T) map[engine.State]bool {
	out := map[engine.State]bool{}
	for _, r := range answerRows {
		out[answered(t, r.of, r.text).State] = true
	}
	return out
}

var answerRows = []struct {
	of, text string
	state    engine.State
	got, why string
}{
	{"mac:c1/eth0", "02-42-AC-11-00-02", engine.Pass, `you answered "02-42-AC-11-00-02"`, ""},
	{"mac:c1/eth0", "02:42:00:00:00:01", engine.Fail, `you answered "02:42:00:00:00:01"`, ""},
	{"mac:c1/eth0", "2", engine.Fail, `you answered "2"`, "A MAC address is six pairs of hexadecimal digits, such as 02:42:ac:11:00:02."},
	{"mac:c1/eth0", " ", engine.Fail, "no answer yet", ""},
	{"addr:c1/eth0", "172.17.0.2", engine.Pass, `you answered "172.17.0.2"`, ""},
	{"addr:c1/eth0", "172.17.0.2/24", engine.Fail, `you answered "172.17.0.2/24"`, ""},
	{"addr:c1/eth0", "eth0", engine.Fail, `you answered "eth0"`, "An address looks like 172.17.0.2 or 172.17.0.2/16."},
	{"ifindex:c1/eth0", " 2 ", engine.Pass, `you answered "2"`, ""},
	{"ifindex:c1/eth0", "two", engine.Fail, `you answered "two"`, "The answer is a number."},
	{"mtu:c1/eth0", "1450", engine.Fail, `you answered "1450"`, ""},
	{"mtu:c1/eth0", "1500", engine.Pass, `you answered "1500"`, ""},
	{"peer:c1/eth0", "veth1@if2", engine.Pass, `you answered "veth1@if2"`, ""},
	{"peer:c1/eth0", "h1/veth1", engine.Pass, `you answered "h1/veth1"`, ""},
	{"peer:c1/eth0", "veth2", engine.Fail, `you answered "veth2"`, ""},
	{"peer:h1/docker0", "veth2", engine.Broken, "", "The other end of docker0 in h1 could not be found."},
	{"mac:c1/eth7", "2", engine.Fail, "c1 has no interface eth7", "c1 has lo and eth0."},
	{"colour:c1/eth0", "2", engine.Broken, "", `"colour:c1/eth0" is nothing that an answer can be compared with.`},
}

func answered(t *testing.T, of, text string) engine.TaskResult {
	t.Helper()
	e := New(&engine.Lab{Tasks: []engine.Task{{ID: "t", Checks: []engine.Check{
		{Answer: &engine.AnswerCheck{Prompt: "Which?", Of: of}},
	}}}})
	e.Answer("t", text)
	return e.Evaluate(context.Background(), newFake()).Tasks[0]
}

func TestAnswers(t *testing.T) {
	for _, r := range answerRows {
		got := answered(t, r.of, r.text).Result
		want := engine.Result{State: r.state, Got: r.got, Want: "the right answer to: Which?", Why: r.why}
		if got != want {
			t.Errorf("%s %q:\n got %+v\nwant %+v", r.of, r.text, got, want)
		}
	}
}
