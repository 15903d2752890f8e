package check

import (
	"maps"
	"slices"

	"underlay/engine"
	"underlay/engine/observe"
)

// volatile are the facets that traffic itself changes, a check's own included.
const volatile = observe.Neighs | observe.FDB | observe.Conntrack

// steering are the facets that decide how traffic ends.
const steering = observe.Links | observe.Addrs | observe.Routes | observe.Rules |
	observe.Sysctls | observe.Sockets | observe.Firewall

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
		n.add(c)
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

// add adds what a check looks at by itself.
func (n *needs) add(c *engine.Check) {
	k := kindOf(c)
	if k == nil {
		return
	}
	k.needs(n, c)
	if k.sends {
		n.everywhere |= steering
		n.traffic = true
	}
}

// sysctlNames returns the settings in a stable order.
func (n *needs) sysctlNames() []string { return slices.Sorted(maps.Keys(n.sysctls)) }

// steers are the settings of a node that decide how traffic ends.
var steers = []string{
	"net.bridge.bridge-nf-call-iptables", "net.ipv4.conf.all.arp_ignore", "net.ipv4.conf.all.rp_filter",
	"net.ipv4.icmp_echo_ignore_all", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
}

// Sysctls returns the names of all kernel settings that any check of the lab
// reads or that decide how its traffic ends, sorted. They change without a kernel
// event, so a caller that wants to know of changes has to look.
func (e *Evaluator) Sysctls() []string {
	all := needsOf()
	for c := range e.lab.Checks() {
		all.add(c)
	}
	if all.traffic {
		for _, name := range steers {
			all.sysctls[name] = true
		}
	}
	return all.sysctlNames()
}
