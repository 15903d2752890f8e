package check

import (
	"maps"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

// volatile are the facets that traffic itself changes, a check's own included.
const volatile = observe.Neighs | observe.FDB | observe.Conntrack

// steering are the facets that decide how traffic ends.
const steering = observe.Links | observe.Addrs | observe.Routes | observe.Rules |
	observe.Sysctls | observe.Sockets | observe.Firewall

// routing are the facets that decide which way a packet leaves a node.
const routing = observe.Links | observe.Addrs | observe.Routes | observe.Rules

// needs is what some checks look at.
type needs struct {
	reads      map[string]observe.Facet // by node: what a snapshot must hold
	watches    map[string]observe.Facet // by node: what can change the outcome
	everywhere observe.Facet            // what can change the outcome in any node
	sysctls    map[string]bool
	traffic    bool // packets are sent
}

func needsOf(checks ...engine.Check) *needs {
	n := &needs{
		reads:   map[string]observe.Facet{},
		watches: map[string]observe.Facet{},
		sysctls: map[string]bool{},
	}
	for c := range engine.Walk(checks) {
		n.add(*c)
	}
	return n
}

// watching returns the facets of a node that can change the outcome.
func (n *needs) watching(node string) observe.Facet { return n.watches[node] | n.everywhere }

func (n *needs) merge(o *needs) {
	for node, f := range o.reads {
		n.reads[node] |= f
	}
	for node, f := range o.watches {
		n.watches[node] |= f
	}
	maps.Copy(n.sysctls, o.sysctls)
	n.everywhere |= o.everywhere
	n.traffic = n.traffic || o.traffic
}

func (n *needs) read(node string, f observe.Facet) {
	n.reads[node] |= f
	n.watches[node] |= f
}

func (n *needs) send() {
	n.everywhere |= steering
	n.traffic = true
}

// add adds what a check looks at by itself.
func (n *needs) add(c engine.Check) {
	switch {
	case c.Traffic != nil, c.DNS != nil:
		n.send()
	case c.Capture != nil:
		n.read(c.Capture.Node, observe.Links)
		n.send()
	case c.Route != nil:
		n.watches[c.Route.Node] |= routing
		if isDefault(c.Route.To) {
			n.reads[c.Route.Node] |= observe.Routes
		}
	case c.Sysctl != nil:
		n.read(c.Sysctl.Node, observe.Sysctls)
		n.sysctls[c.Sysctl.Name] = true
	case c.Netns != nil:
		n.read(c.Netns.Node, observe.Links)
		if c.Netns.SameAs != "" {
			n.read(c.Netns.SameAs, observe.Links)
		}
	case c.Answer != nil:
		if kind, node, _, ok := splitAnswer(c.Answer.Of); ok {
			n.read(node, answerFacet(kind))
		}
	default:
		n.addState(c)
	}
}

// addState adds the kinds that read one node's state and nothing else.
func (n *needs) addState(c engine.Check) {
	switch {
	case c.Link != nil:
		n.read(c.Link.Node, observe.Links)
		if c.Link.Peer != "" {
			n.read(c.Link.Peer, observe.Links)
		}
	case c.Addr != nil:
		n.read(c.Addr.Node, observe.Addrs|observe.Links)
	case c.Rule != nil:
		n.read(c.Rule.Node, observe.Rules)
	case c.Neigh != nil:
		n.read(c.Neigh.Node, observe.Neighs)
		n.addMAC(c.Neigh.MAC)
	case c.FDB != nil:
		n.read(c.FDB.Node, observe.FDB)
		n.addMAC(c.FDB.MAC)
	case c.Socket != nil:
		n.read(c.Socket.Node, observe.Sockets)
	case c.NAT != nil:
		n.read(c.NAT.Node, observe.Firewall)
	case c.Filter != nil:
		n.read(c.Filter.Node, observe.Firewall)
	case c.Conntrack != nil:
		n.read(c.Conntrack.Node, observe.Conntrack)
	}
}

// addMAC adds what "NODE/IFACE" in place of a MAC refers to.
func (n *needs) addMAC(mac string) {
	if node, _, ok := strings.Cut(mac, "/"); ok {
		n.read(node, observe.Links)
	}
}

// sysctlNames returns the settings in a stable order.
func (n *needs) sysctlNames() []string { return slices.Sorted(maps.Keys(n.sysctls)) }

func isDefault(to string) bool { return to == "default" || to == "0.0.0.0/0" || to == "::/0" }
