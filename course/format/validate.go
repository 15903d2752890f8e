package format

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/token"

	"underlay/course/ids"
	"underlay/engine"
	"underlay/engine/workload/zone"
)

// maxNodes is the largest lab that may be described.
const maxNodes = 256

// validator checks what a decoded lab says as a whole.
type validator struct {
	*decoder
	lab *engine.Lab
}

// at returns the place of a decoded value, given a pointer to it.
func (v *validator) at(pointer any) *token.Position { return v.where[pointer] }

// check runs every rule, the topology's first.
func (v *validator) check() {
	v.checkFormerly(v.lab.ID, v.lab.Formerly)
	v.checkNodes()
	v.checkReferences()
	v.checkInterfaces()
	v.checkAddresses()
	v.checkRoutes()
	v.checkWorkloads()
	v.checkTasks()
	v.checkFaults()
	v.checkChecks()
}

// checkFormerly demands that the ids which something had differ, and are not the one that
// it has.
func (v *validator) checkFormerly(id string, formerly []string) {
	for i, what := range ids.Repeated(id, formerly) {
		if what != "" {
			v.errorf(v.at(&formerly[i]), "%s", what)
		}
	}
}

// checkUsed demands that ids are not used again within the lab: that of a task or fault,
// and those that it had.
func (v *validator) checkUsed(used *ids.Used, kind string, id *string, formerly []string) {
	v.checkFormerly(*id, formerly)
	wrong, wrongs := used.Add(fmt.Sprintf("%s %q", kind, *id), *id, formerly)
	if wrong != "" {
		v.errorf(v.at(id), "%s %s", kind, wrong)
	}
	for i, what := range wrongs {
		if what != "" {
			v.errorf(v.at(&formerly[i]), "%s", what)
		}
	}
}

func (v *validator) nodeNames() []string {
	out := make([]string, 0, len(v.lab.Topology.Nodes))
	for i := range v.lab.Topology.Nodes {
		out = append(out, v.lab.Topology.Nodes[i].Name)
	}
	return out
}

func (v *validator) checkNodes() {
	nodes := v.lab.Topology.Nodes
	if len(nodes) > maxNodes {
		v.errorf(v.at(&v.lab.Topology.Nodes), "%d nodes; a lab has at most %d", len(nodes), maxNodes)
	}
	seen, shells := map[string]bool{}, 0
	for i := range nodes {
		n := &nodes[i]
		if n.Name != "" && seen[n.Name] {
			v.errorf(v.at(&n.Name), "node %q is there twice; each name names one node", n.Name)
		}
		seen[n.Name] = true
		if n.Shell {
			shells++
		}
	}
	if len(nodes) > 0 && shells == 0 {
		v.errorf(v.at(&v.lab.Topology.Nodes), "no node has shell: true; the learner needs at least one shell")
	}
}

// checkReferences looks up every node that was mentioned anywhere.
func (v *validator) checkReferences() {
	known := v.nodeNames()
	for _, r := range v.nodes {
		if !slices.Contains(known, r.node) {
			v.errorf(r.at, "unknown node %q; nodes here: %s%s", r.node, listed(known), meant(r.node, known))
		}
	}
}

// checkInterfaces demands that a node's interfaces differ, and that the
// bridges that links name are there.
func (v *validator) checkInterfaces() {
	taken, bridges := map[string]bool{}, map[string][]string{}
	claim := func(node string, name *string) {
		key := node + "/" + *name
		switch {
		case node == "" || *name == "":
		case slices.Contains([]string{"lo", "all", "default", "none"}, *name):
			v.errorf(v.at(name), "interface name %q is reserved; choose another", *name)
		case taken[key]:
			v.errorf(v.at(name), "node %q has interface %q twice; each name names one interface of a node", node, *name)
		}
		taken[key] = true
	}
	for i := range v.lab.Topology.Nodes {
		n := &v.lab.Topology.Nodes[i]
		for j := range n.Bridges {
			claim(n.Name, &n.Bridges[j].Name)
			bridges[n.Name] = append(bridges[n.Name], n.Bridges[j].Name)
		}
	}
	for _, e := range v.ends() {
		claim(e.Node, &e.Name)
		if e.Bridge != "" && !slices.Contains(bridges[e.Node], e.Bridge) {
			v.errorf(v.at(&e.Bridge), "node %q has no bridge %q; its bridges: %s%s",
				e.Node, e.Bridge, listed(bridges[e.Node]), meant(e.Bridge, bridges[e.Node]))
		}
	}
}

// ends returns both ends of every link.
func (v *validator) ends() []*engine.End {
	out := make([]*engine.End, 0, 2*len(v.lab.Topology.Links))
	for i := range v.lab.Topology.Links {
		l := &v.lab.Topology.Links[i]
		out = append(out, &l.A, &l.B)
	}
	return out
}

// checkAddresses demands that no address is given twice on one node or in one
// layer 2 network, that is among interfaces joined by links and bridges.
func (v *validator) checkAddresses() {
	segment := v.segments()
	onNode, onSegment := map[string]string{}, map[string]string{}
	give := func(node, name string, addresses []string) {
		for i := range addresses {
			p, err := netip.ParsePrefix(addresses[i])
			if err != nil {
				continue // told already
			}
			device := node + "/" + name
			byNode, bySegment := node+" "+p.Addr().String(), segment(device)+" "+p.Addr().String()
			if other, ok := onNode[byNode]; ok {
				v.errorf(v.at(&addresses[i]), "address %s is on %s already; a node has it once", p.Addr(), other)
			} else if other, ok := onSegment[bySegment]; ok {
				v.errorf(v.at(&addresses[i]), "address %s is on %s already, in the same layer 2 network", p.Addr(), other)
			}
			onNode[byNode], onSegment[bySegment] = device, device
		}
	}
	for i := range v.lab.Topology.Nodes {
		n := &v.lab.Topology.Nodes[i]
		for j := range n.Bridges {
			give(n.Name, n.Bridges[j].Name, n.Bridges[j].Address)
		}
	}
	for _, e := range v.ends() {
		give(e.Node, e.Name, e.Address)
	}
}

// segments joins interfaces into layer 2 networks, and returns a function from
// NODE/IFACE to a name for its network.
func (v *validator) segments() func(string) string {
	parent := map[string]string{}
	var find func(string) string
	find = func(x string) string {
		if p, ok := parent[x]; ok && p != x {
			parent[x] = find(p)
			return parent[x]
		}
		return x
	}
	join := func(a, b string) { parent[find(a)] = find(b) }
	for i := range v.lab.Topology.Links {
		l := &v.lab.Topology.Links[i]
		join(l.A.Node+"/"+l.A.Name, l.B.Node+"/"+l.B.Name)
	}
	for _, e := range v.ends() {
		if e.Bridge != "" {
			join(e.Node+"/"+e.Name, e.Node+"/"+e.Bridge)
		}
	}
	return find
}

// checkRoutes demands of each route what the kernel will.
func (v *validator) checkRoutes() {
	devices, networks := map[string][]string{}, map[string][]netip.Prefix{}
	add := func(node, name string, addresses []string) {
		devices[node] = append(devices[node], name)
		for _, a := range addresses {
			if p, err := netip.ParsePrefix(a); err == nil {
				networks[node] = append(networks[node], p)
			}
		}
	}
	for _, e := range v.ends() {
		add(e.Node, e.Name, e.Address)
	}
	for i := range v.lab.Topology.Nodes {
		n := &v.lab.Topology.Nodes[i]
		for _, b := range n.Bridges {
			add(n.Name, b.Name, b.Address)
		}
		for j := range n.Routes {
			v.checkRoute(n.Name, &n.Routes[j], devices[n.Name], networks[n.Name])
		}
	}
}

func (v *validator) checkRoute(node string, r *engine.Route, devices []string, networks []netip.Prefix) {
	if r.Via == "" && r.Dev == "" {
		v.errorf(v.at(r), "a route needs via, dev or both")
	}
	if r.Dev != "" && r.Dev != "lo" && !slices.Contains(devices, r.Dev) {
		v.errorf(v.at(&r.Dev), "node %q has no interface %q; its interfaces: %s%s", node, r.Dev, listed(devices), meant(r.Dev, devices))
	}
	via, err := netip.ParseAddr(r.Via)
	if err != nil {
		return
	}
	if to, err := netip.ParsePrefix(r.To); err == nil && to.Addr().Is4() != via.Is4() {
		v.errorf(v.at(&r.Via), "via %s and to %s are of different address families", via, to)
		return
	}
	onLink := func(p netip.Prefix) bool { return p.Masked().Contains(via) }
	if r.Dev == "" && !slices.ContainsFunc(networks, onLink) {
		v.errorf(v.at(&r.Via), "via %s is in no network of node %q; it has %s", via, node, networksOf(networks))
	}
}

func networksOf(networks []netip.Prefix) string {
	var out []string
	for _, p := range networks {
		out = append(out, p.Masked().String())
	}
	return listed(out)
}

// checkWorkloads fills in names, and demands that no two servers want one port.
func (v *validator) checkWorkloads() {
	taken := map[string]string{}
	for i := range v.lab.Topology.Workloads {
		w := &v.lab.Topology.Workloads[i]
		if w.Name == "" {
			w.Name = w.Node
		}
		if w.Kind != "dns" && len(w.Records) > 0 {
			v.errorf(v.at(&w.Records), "records are for a workload of kind dns, this is of kind %s", w.Kind)
		}
		if w.Kind != "dns" && w.Delay != 0 {
			v.errorf(v.at(&w.Delay), "delay is for a workload of kind dns, this is of kind %s", w.Kind)
		}
		for _, name := range slices.Sorted(maps.Keys(w.Records)) {
			if _, err := zone.Parse(name, w.Records[name]); err != nil {
				v.errorf(v.at(&w.Records), "records of %s: %v", name, err)
			}
		}
		port := w.Listen[strings.LastIndexByte(w.Listen, ':')+1:]
		for _, transport := range transports(w.Kind) {
			key := fmt.Sprintf("%s %s %s", w.Node, transport, port)
			if other, ok := taken[key]; ok && w.Listen != "" {
				v.errorf(v.at(&w.Listen), "port %s/%s of node %q is taken by workload %q", port, transport, w.Node, other)
			}
			taken[key] = w.Name
		}
	}
}

// transports returns the protocols whose port a kind of workload occupies.
func transports(kind string) []string {
	switch kind {
	case "udp":
		return []string{"udp"}
	case "dns":
		return []string{"tcp", "udp"}
	case "":
		return nil
	}
	return []string{"tcp"}
}

// workloadNames returns what the lab's servers call themselves.
func (v *validator) workloadNames() []string {
	out := map[string]bool{}
	for i := range v.lab.Topology.Workloads {
		out[v.lab.Topology.Workloads[i].Name] = true
	}
	return slices.Collect(maps.Keys(out))
}
