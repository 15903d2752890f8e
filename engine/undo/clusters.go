package undo

import (
	"net/netip"
	"slices"
	"strings"

	"underlay/engine"
	"underlay/engine/observe"
)

// clusterTables are those of nf_tables that a cluster writes from its objects.
var clusterTables = []string{"kube-proxy", "kube-network-policies"}

// underCluster is the state without what follows from the objects of the lab's
// cluster and comes out otherwise each time: pods, with the cables and routes that
// lead to them, and the rules that are made for them. Where a pod goes, and which
// address it gets, the scheduler and the CNI plugin choose.
func (s *State) underCluster(lab *engine.Lab) *State {
	c := lab.Cluster
	if c == nil {
		return s
	}
	out := *s
	out.nodes = nil
	workers := map[string]bool{}
	var pods []netip.Prefix
	for _, w := range c.Workers() {
		workers[w.Name] = true
		if p, err := netip.ParsePrefix(w.Pods); err == nil {
			pods = append(pods, p)
		}
	}
	for _, n := range s.nodes {
		if is := lab.Topology.Node(n.name); is != nil && is.Pod != nil {
			continue
		}
		if workers[n.name] {
			n = n.underCluster(&lab.Topology, pods, c.Proxy == "iptables")
		}
		out.nodes = append(out.nodes, n)
	}
	return &out
}

// underCluster is a worker without its pods.
func (n node) underCluster(t *engine.Topology, pods []netip.Prefix, iptables bool) node {
	cables := map[string]bool{} // to pods
	for i := range n.links {
		l := &n.links[i]
		cables[l.name] = l.kind == "veth" && !cabled(t, n.name, l.name)
	}
	n.links = slices.DeleteFunc(slices.Clone(n.links), func(l link) bool { return cables[l.name] })
	n.things = slices.DeleteFunc(slices.Clone(n.things), func(th thing) bool {
		return cables[th.dev] || th.kind == kindRoute && leadsTo(th.text, pods)
	})
	settings := map[string]string{}
	for path, value := range n.settings {
		if !cables[settingDevice(path)] {
			settings[path] = value
		}
	}
	n.settings = settings
	all := n
	n.tables = slices.DeleteFunc(slices.Clone(n.tables), func(t table) bool {
		return slices.Contains(clusterTables, t.name) || iptables && t.tool(&all) == observe.BackendIptablesNft
	})
	return n
}

// cabled reports whether an interface is an end of one of the lab's own links.
func cabled(t *engine.Topology, node, name string) bool {
	return slices.ContainsFunc(t.Links, func(l engine.Link) bool {
		return l.A.Node == node && l.A.Name == name || l.B.Node == node && l.B.Name == name
	})
}

// leadsTo reports whether a route, as ip(8) prints it, is one into these networks.
func leadsTo(route string, networks []netip.Prefix) bool {
	for word := range strings.FieldsSeq(route) {
		p, err := netip.ParsePrefix(word)
		if a, err2 := netip.ParseAddr(word); err2 == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err == nil { // the first address is the destination
			return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Overlaps(p) && n.Bits() <= p.Bits() })
		}
	}
	return false
}
