package check

import (
	"reflect"
	"slices"
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
func resolve(c engine.ResolveCheck) engine.Check     { return engine.Check{Resolve: &c} }
func netns(c engine.NetnsCheck) engine.Check         { return engine.Check{Netns: &c} }
func traffic(c engine.TrafficCheck) engine.Check     { return engine.Check{Traffic: &c} }

func unreadable(node string, f observe.Facet) func(*fake) {
	return func(w *fake) {
		w.edit(node, func(st *observe.State) { st.Errs = map[observe.Facet]error{f: errWorld} })
	}
}

// of makes all rules of h1 those of a family.
func of(family string) func(*fake) {
	return func(w *fake) {
		w.edit("h1", func(st *observe.State) {
			st.Firewall = slices.Clone(st.Firewall)
			for i := range st.Firewall {
				st.Firewall[i].Family = family
			}
		})
	}
}

// holds gives a node an address more, before its own.
func holds(node, dev, p string) func(*fake) {
	return func(w *fake) {
		w.edit(node, func(st *observe.State) {
			st.Addrs = append([]observe.Addr{{Dev: dev, Prefix: prefix(p)}}, st.Addrs...)
		})
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
			"docker0 in h1 is up", "docker0 is up, but NO-CARRIER: none of its ports is forwarding", ""},
		{"link admin-up without carrier", link(engine.LinkCheck{Node: "h1", Name: "docker0", State: "admin-up"}),
			func(w *fake) { w.editLink("h1", "docker0", func(l *observe.Link) { l.Carrier = false }) }, engine.Pass,
			"docker0 in h1 is admin-up", "docker0 in h1 is a bridge, up, NO-CARRIER", ""},
		{"link wanted down", link(engine.LinkCheck{Node: "c1", Name: "eth0", State: "down"}), nil, engine.Fail,
			"eth0 in c1 is down", "eth0 is up", ""},
		{"link master", link(engine.LinkCheck{Node: "h1", Name: "eth0", Master: "docker0"}), nil, engine.Fail,
			"eth0 in h1 is a port of docker0", "eth0 is not a port of a bridge", ""},
		{"link no master", link(engine.LinkCheck{Node: "h1", Name: "veth1", Master: "none"}), nil, engine.Fail,
			"veth1 in h1 is not a port of a bridge", "veth1 is a port of docker0", ""},
		{"link peer", link(engine.LinkCheck{Node: "h1", Name: "veth1", Peer: "c2"}), nil, engine.Fail,
			"veth1 in h1 has its other end in c2", "the other end of veth1 is in c1", ""},
		{"link without peer", link(engine.LinkCheck{Node: "h1", Name: "docker0", Peer: "c2"}), nil, engine.Fail,
			"docker0 in h1 has its other end in c2", "docker0 has no other end", ""},
		{"link peer master", link(engine.LinkCheck{Node: "c1", Name: "eth0", Peer: "h1", PeerMaster: "docker0"}), nil, engine.Pass,
			"eth0 in c1 has its other end in h1, where it is a port of docker0", "eth0 in c1 is a veth, up", ""},
		{"link peer not a port", link(engine.LinkCheck{Node: "c1", Name: "eth0", Peer: "h1", PeerMaster: "docker0"}),
			func(w *fake) { w.editLink("h1", "veth1", func(l *observe.Link) { l.Master = "" }) }, engine.Fail,
			"eth0 in c1 has its other end in h1, where it is a port of docker0", "the other end of eth0, veth1 in h1, is not a port of a bridge", ""},
		{"link peer no master", link(engine.LinkCheck{Node: "c1", Name: "eth0", Peer: "h1", PeerMaster: "none"}), nil, engine.Fail,
			"eth0 in c1 has its other end in h1, where it is not a port of a bridge", "the other end of eth0, veth1 in h1, is a port of docker0", ""},
		{"link mtu", link(engine.LinkCheck{Node: "c1", Name: "eth0", MTU: 1450}), nil, engine.Fail,
			"eth0 in c1 has MTU 1450", "eth0 has MTU 1500", ""},
		{"any link", link(engine.LinkCheck{Node: "h1", Kind: "veth", Peer: "c2", Master: "docker0"}), nil, engine.Pass,
			"h1 has an interface that is a veth, a port of docker0 and has its other end in c2", "veth2 in h1 is a veth, up, a port of docker0", ""},
		{"no such link", link(engine.LinkCheck{Node: "c1", Kind: "vxlan"}), nil, engine.Fail,
			"c1 has an interface that is a vxlan", "c1 has no such interface", "c1 has lo and eth0."},
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
		{"addr at the end of a cable", addrc(engine.AddrCheck{Node: "c1", Peer: "h1", Addr: "172.17.0.2/16"}), nil, engine.Pass,
			"c1's end of the cable to h1 has the address 172.17.0.2/16", "eth0 has 172.17.0.2/16", ""},
		{"addr not on the cable", addrc(engine.AddrCheck{Node: "h1", Peer: "c1", Addr: "172.17.0.1/16"}), nil, engine.Fail,
			"h1's end of the cable to c1 has the address 172.17.0.1/16", "h1's end of the cable to c1 has no IPv4 address", "172.17.0.1/16 is on docker0."},
		{"addr on lo", addrc(engine.AddrCheck{Node: "h1", Addr: "10.9.9.9/24"}), holds("h1", "lo", "10.9.9.9/24"), engine.Fail,
			"h1 has the address 10.9.9.9/24", "h1 has 172.17.0.1/16 and 192.168.1.100/24", "10.9.9.9/24 is on lo."},
		{"addr on lo besides", addrc(engine.AddrCheck{Node: "c1", Addr: "172.17.0.2/24"}), holds("c1", "lo", "172.17.0.2/24"), engine.Fail,
			"c1 has the address 172.17.0.2/24", "c1 has 172.17.0.2/16", "The address is right, but the prefix length is /16 instead of /24."},
		{"addr without device", addrc(engine.AddrCheck{Node: "c1", Dev: "eth9"}), nil, engine.Fail,
			"eth9 in c1 has an IPv4 address", "c1 has no interface eth9", "c1 has lo and eth0."},
		{"addr unreadable", addrc(engine.AddrCheck{Node: "c1", Dev: "eth0"}), unreadable("c1", observe.Addrs), engine.Broken,
			"eth0 in c1 has an IPv4 address", "", "Could not read the addresses of c1: the world is gone."},
		{"addr malformed", addrc(engine.AddrCheck{Node: "c1", Addr: "x"}), nil, engine.Broken,
			"c1 has the address x", "", `"x" is not an address.`},

		{"netns", netns(engine.NetnsCheck{Node: "c1"}), nil, engine.Pass, "the network namespace c1 exists", "the network namespace c1 exists", ""},
		{"netns missing", netns(engine.NetnsCheck{Node: "red"}), nil, engine.Fail,
			"the network namespace red exists", "there is no network namespace red", ""},
		{"netns same", netns(engine.NetnsCheck{Node: "c1", SameAs: "alias"}), nil, engine.Pass,
			"c1 and alias share one network namespace", "the network namespace c1 exists", ""},
		{"netns different", netns(engine.NetnsCheck{Node: "c1", SameAs: "h1"}), nil, engine.Fail,
			"c1 and h1 share one network namespace", "c1 and h1 are in different network namespaces", ""},
		{"netns links", netns(engine.NetnsCheck{Node: "c1", Links: []string{"eth0"}}), nil, engine.Pass,
			"c1 has no interfaces but eth0", "the network namespace c1 exists", ""},
		{"netns too many links", netns(engine.NetnsCheck{Node: "c1", Links: []string{"lo", "eth1"}}), nil, engine.Fail,
			"c1 has no interfaces but lo and eth1", "c1 lacks eth1 and also has eth0", ""},
		{"netns with the kernel's own devices", netns(engine.NetnsCheck{Node: "c1", Links: []string{"eth0"}}), func(w *fake) {
			w.edit("c1", func(st *observe.State) { st.Links = append(slices.Clone(st.Links), observe.Link{Name: "tunl0"}) })
		}, engine.Pass, "c1 has no interfaces but eth0", "the network namespace c1 exists", ""},
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
			"c2 sends to 8.8.8.8", "c2 has no route to 8.8.8.8", "c2 has no default route and no route to a subnet that holds 8.8.8.8."},
		{"route unwanted", route(engine.RouteCheck{Node: "c1", To: "8.8.8.8", Expect: engine.Unreachable}), nil, engine.Fail,
			"c1 has no route to 8.8.8.8", "c1 sends to 8.8.8.8 via 172.17.0.1 by eth0", ""},
		{"route rightly missing", route(engine.RouteCheck{Node: "c2", To: "8.8.8.8", Expect: engine.Unreachable}), nil, engine.Pass,
			"c2 has no route to 8.8.8.8", "c2 has no route to 8.8.8.8", ""},
		{"default route", route(engine.RouteCheck{Node: "c1", To: "default", Via: "172.17.0.1"}), nil, engine.Pass,
			"c1 has a default route via 172.17.0.1", "the default route of c1 goes via 172.17.0.1 by eth0", ""},
		{"default route elsewhere", route(engine.RouteCheck{Node: "c1", To: "default", Via: "172.17.0.9"}), nil, engine.Fail,
			"c1 has a default route via 172.17.0.9", "the default route of c1 goes via 172.17.0.1 by eth0", ""},
		{"IPv6 default route", route(engine.RouteCheck{Node: "c1", To: "default", Via: "fe80::1"}), nil, engine.Fail,
			"c1 has a default route via fe80::1", "c1 has no default route", ""},
		{"default route of higher metric", route(engine.RouteCheck{Node: "c1", To: "default", Via: "172.17.0.1"}), func(w *fake) {
			w.edit("c1", func(st *observe.State) {
				st.Routes = append(slices.Clone(st.Routes), observe.Route{To: prefix("0.0.0.0/0"), Via: addr("172.17.0.9"), Dev: "eth0", Table: 254, Metric: 100},
					observe.Route{To: prefix("0.0.0.0/0"), Via: addr("172.17.0.8"), Dev: "eth0", Table: 100})
			})
		}, engine.Pass, "c1 has a default route via 172.17.0.1", "the default route of c1 goes via 172.17.0.1 by eth0", ""},
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
		{"rule from all", rule(engine.RuleCheck{Node: "h1", From: "all", Table: 254}), nil, engine.Pass,
			"h1 has a policy-routing rule: from all, table 254", "h1 has the rule (table 254, priority 32766)", ""},
		{"rule missing", rule(engine.RuleCheck{Node: "c1", Priority: 5}), nil, engine.Fail,
			"c1 has a policy-routing rule: priority 5", "c1 has only the default rules", ""},
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
			"something listens on TCP 0.0.0.0:80 in c1", "something listens on TCP [::]:80 in c1", ""},
		{"socket udp", socket(engine.SocketCheck{Node: "c1", Proto: "udp", Port: 53}), nil, engine.Pass,
			"a UDP socket is bound to port 53 in c1", "a UDP socket is bound to 0.0.0.0:53 in c1", ""},
		{"socket on loopback", socket(engine.SocketCheck{Node: "c1", Proto: "tcp", Addr: "0.0.0.0", Port: 5432}), nil, engine.Fail,
			"something listens on TCP 0.0.0.0:5432 in c1", "something listens on TCP 127.0.0.1:5432 in c1",
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
			"h1 has a dnat rule at output", "h1 has a dnat rule to 172.17.0.2:80 at prerouting", "Packets at output do not pass there."},
		{"nat unreached", nat(engine.NATCheck{Node: "h1", Does: "dnat"}),
			func(w *fake) { w.states["h1"].Firewall[0].Hook = "" }, engine.Fail,
			"h1 has a dnat rule", "h1 has a dnat rule to 172.17.0.2:80 in chain DOCKER", "Nothing jumps to chain DOCKER, so its rules are never reached."},
		{"nat at no hook", nat(engine.NATCheck{Node: "h1", Hook: "none", Does: "dnat"}),
			func(w *fake) { w.states["h1"].Firewall[0].Hook = "" }, engine.Pass,
			"h1 has a dnat rule in a chain that nothing jumps to", "h1 has a dnat rule to 172.17.0.2:80 in chain DOCKER", ""},
		{"nat at no hook, but it is at one", nat(engine.NATCheck{Node: "h1", Hook: "none", Does: "dnat"}), nil, engine.Fail,
			"h1 has a dnat rule in a chain that nothing jumps to", "h1 has a dnat rule to 172.17.0.2:80 at prerouting", ""},
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
			"h1 has an accept rule at input", "h1 has an accept rule at forward", "Packets at input do not pass there."},
		{"filter rule at no hook", filter(engine.FilterCheck{Node: "h1", Hook: "none", Does: "accept"}),
			func(w *fake) { w.states["h1"].Firewall[3].Hook = "" }, engine.Pass,
			"h1 has an accept rule in a chain that nothing jumps to", "h1 has an accept rule in chain FORWARD", ""},
		{"filter policy of no hook", filter(engine.FilterCheck{Node: "h1", Hook: "none", Does: "drop", Policy: true}), nil, engine.Broken,
			"the none policy of h1 is drop", "", "A chain that nothing jumps to has no policy."},
		{"filter policy", filter(engine.FilterCheck{Node: "h1", Hook: "forward", Does: "drop", Policy: true}), nil, engine.Pass,
			"the forward policy of h1 is drop", "the forward policy of h1 is drop", ""},
		{"filter policy of IP", filter(engine.FilterCheck{Node: "h1", Hook: "forward", Does: "drop", Policy: true, Family: "ip"}), of("inet"), engine.Pass,
			"the forward policy of h1 for family ip is drop", "the forward policy of h1 is drop", ""},
		{"filter policy of another family", filter(engine.FilterCheck{Node: "h1", Hook: "forward", Does: "drop", Policy: true, Family: "ip"}), of("bridge"), engine.Fail,
			"the forward policy of h1 for family ip is drop", "h1 has no forward chain with a policy, so it accepts", ""},
		{"filter rule of another family", filter(engine.FilterCheck{Node: "h1", Hook: "forward", Does: "accept", Family: "ip"}), of("bridge"), engine.Fail,
			"h1 has an accept rule for family ip at forward", "h1 has no accept rule", ""},
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
			"h1 tracks a UDP flow", "h1 tracks no such flow", ""},
		{"conntrack none", conntrack(engine.ConntrackCheck{Node: "c1", Proto: "udp"}), nil, engine.Fail,
			"c1 tracks a UDP flow", "c1 tracks no flows", ""},
		{"conntrack unreadable", conntrack(engine.ConntrackCheck{Node: "h1"}), unreadable("h1", observe.Conntrack), engine.Broken,
			"h1 tracks a flow", "", "Could not read the connection tracking table of h1: the world is gone."},
	}
}

func rows() []row {
	var out []row
	for _, rs := range [][]row{linkRows(), tableRows(), ruleRows(), askedRows(), trafficRows(), objectRows()} {
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
			if want := (engine.Result{State: r.state, Got: r.got, Want: r.want, Why: r.why}); !sameWords(got, want) {
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
	seen := map[string]map[engine.State]bool{"Answer": answerOutcomes(t), "Choice": choiceOutcomes(t)}
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
