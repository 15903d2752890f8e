package format

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"underlay/engine"
)

// checkInterfaces demands that a node's interfaces differ, that the bridges that they
// are ports of are there, and that their rates need what the lab requires.
func (v *validator) checkInterfaces() {
	taken, bridges := map[string]bool{}, map[string][]string{}
	for i := range v.lab.Topology.Nodes {
		for _, b := range v.lab.Topology.Nodes[i].Bridges {
			bridges[v.lab.Topology.Nodes[i].Name] = append(bridges[v.lab.Topology.Nodes[i].Name], b.Name)
		}
	}
	for _, i := range v.lab.Topology.Interfaces() {
		key := i.Node + "/" + *i.Name
		switch {
		case i.Node == "" || *i.Name == "":
		case slices.Contains([]string{"lo", "all", "default", "none"}, *i.Name):
			v.errorf(v.at(i.Name), "interface name %q is reserved; choose another", *i.Name)
		case taken[key]:
			v.errorf(v.at(i.Name), "node %q has interface %q twice; each name names one interface of a node", i.Node, *i.Name)
		}
		taken[key] = true
		if i.Bridge != nil && *i.Bridge != "" && !slices.Contains(bridges[i.Node], *i.Bridge) {
			v.errorf(v.at(i.Bridge), "node %q has no bridge %q; its bridges: %s%s",
				i.Node, *i.Bridge, listed(bridges[i.Node]), meant(*i.Bridge, bridges[i.Node]))
		}
	}
	for i := range v.lab.Topology.Links {
		for _, e := range []*engine.End{&v.lab.Topology.Links[i].A, &v.lab.Topology.Links[i].B} {
			if e.Rate != "" {
				v.requires(&e.Rate, "a rate", "tbf")
			}
		}
	}
}

// requires demands that the lab requires what something of it takes.
func (v *validator) requires(at any, what, word string) {
	if !slices.Contains(v.lab.Requires, word) {
		v.errorf(v.at(at), "%s needs %q among what the lab requires", what, word)
	}
}

// deviceKinds says of each kind of device what it may and must have.
var deviceKinds = map[string]struct {
	word      string   // by which a lab requires it
	parent    need     // what it is made on
	id        int      // the highest it may have, 0 if it has none
	idIs      string   // what the id is
	modes     []string // none if it has none
	port, mac bool     // whether it can be a bridge's port, have a MAC of its own
}{
	"vxlan":   {word: "vxlan", parent: optional, id: 1<<24 - 1, idIs: "VNI", port: true, mac: true},
	"macvlan": {word: "macvlan", parent: needed, modes: []string{"bridge", "private", "vepa", "passthru"}, mac: true},
	"ipvlan":  {word: "ipvlan", parent: needed, modes: []string{"l2", "l3", "l3s"}},
	"vlan":    {word: "vlan", parent: needed, id: 4094, idIs: "VLAN id", port: true, mac: true},
	"dummy":   {word: "dummy", port: true, mac: true},
	"tun":     {word: "tun"},
	"tap":     {word: "tun", port: true, mac: true},
}

// need says whether something has to be given.
type need int

const (
	refused need = iota
	optional
	needed
)

// checkDevices demands of each device what the kernel will.
func (v *validator) checkDevices() {
	for i := range v.lab.Topology.Nodes {
		n := &v.lab.Topology.Nodes[i]
		for j := range n.Devices {
			if d := &n.Devices[j]; deviceKinds[d.Kind].word != "" {
				v.requires(&d.Kind, "a device of kind "+d.Kind, deviceKinds[d.Kind].word)
				v.checkDevice(d)
				v.checkVXLAN(d)
				v.checkParent(n.Name, d)
			}
		}
	}
	v.checkSharedParents()
}

func (v *validator) checkDevice(d *engine.NodeDevice) {
	kind := deviceKinds[d.Kind]
	has := func(given bool, at any, may bool, what string) {
		if given && !may {
			v.errorf(v.at(at), "a device of kind %s has no %s", d.Kind, what)
		}
	}
	has(d.Parent != "", &d.Parent, kind.parent != refused, "parent")
	has(d.MAC != "", &d.MAC, kind.mac, "MAC of its own")
	has(d.Bridge != "", &d.Bridge, kind.port, "bridge; it cannot be a port")
	has(d.ID != 0, &d.ID, kind.id != 0, "id")
	has(d.Mode != "", &d.Mode, kind.modes != nil, "mode")
	switch {
	case d.Parent == "" && kind.parent == needed:
		v.errorf(v.at(&d.Kind), "a device of kind %s needs a parent, the interface that it is made on", d.Kind)
	case d.Mode != "" && kind.modes != nil && !slices.Contains(kind.modes, d.Mode):
		v.errorf(v.at(&d.Mode), "mode of a device of kind %s must be one of %s, this is %q", d.Kind, strings.Join(kind.modes, ", "), d.Mode)
	}
	switch {
	case kind.id != 0 && d.ID == 0:
		v.errorf(v.at(&d.Kind), "a device of kind %s needs an id, its %s", d.Kind, kind.idIs)
	case kind.id != 0 && d.ID > kind.id && d.Kind == "vlan": // that of a vxlan has been looked at
		v.errorf(v.at(&d.ID), "id must be a %s from 1 to %d, this is %d", kind.idIs, kind.id, d.ID)
	}
}

func (v *validator) checkVXLAN(d *engine.NodeDevice) {
	if d.Kind != "vxlan" {
		for what, at := range map[string]any{"local": &d.Local, "remote": &d.Remote, "port": &d.Port} {
			if v.at(at) != nil {
				v.errorf(v.at(at), "%s is for a device of kind vxlan, this is of kind %s", what, d.Kind)
			}
		}
		return
	}
	local, noLocal := netip.ParseAddr(d.Local)
	remote, noRemote := netip.ParseAddr(d.Remote)
	if noLocal == nil && noRemote == nil && local.Is4() != remote.Is4() {
		v.errorf(v.at(&d.Remote), "remote %s and local %s are of different address families", remote, local)
	}
	if noRemote == nil && remote.IsMulticast() && d.Parent == "" {
		v.errorf(v.at(&d.Remote), "remote %s is a multicast group; give parent, the interface that joins it", remote)
	}
}

// checkParent demands that what a device is made on is there and is not made on it.
func (v *validator) checkParent(node string, d *engine.NodeDevice) {
	parentNode, name := d.On(node)
	if name == "" || v.lab.Topology.Node(parentNode) == nil {
		return // told already
	}
	var there []string
	on := map[string]string{} // NODE/IFACE → what it is made on
	for _, i := range v.lab.Topology.Interfaces() {
		if i.Node == parentNode && *i.Name != "" {
			there = append(there, *i.Name)
		}
		if i.Device != nil && i.Device.Parent != "" {
			other, name := i.Device.On(i.Node)
			on[i.Node+"/"+*i.Name] = other + "/" + name
		}
	}
	if !slices.Contains(there, name) {
		v.errorf(v.at(&d.Parent), "node %q has no interface %q; its interfaces: %s%s", parentNode, name, listed(there), meant(name, there))
		return
	}
	self := node + "/" + d.Name
	at := on[self]
	for range len(on) {
		if at == self {
			v.errorf(v.at(&d.Parent), "%s is made on itself", self)
			return
		}
		at = on[at]
	}
}

// checkSharedParents demands of each interface that one thing only takes the frames
// that come to it: its bridge, macvlans or ipvlans, these of one mode.
func (v *validator) checkSharedParents() {
	takes := map[string]string{}
	for _, i := range v.lab.Topology.Interfaces() {
		if i.Bridge != nil && *i.Bridge != "" {
			takes[i.Node+"/"+*i.Name] = "bridge " + *i.Bridge
		}
	}
	for _, i := range v.lab.Topology.Interfaces() {
		d := i.Device
		if d == nil || d.Kind != "macvlan" && d.Kind != "ipvlan" || d.Parent == "" {
			continue
		}
		node, name := d.On(i.Node)
		parent, what, article := node+"/"+name, d.Kind, "a"
		if what == "ipvlan" {
			what, article = "ipvlan of mode "+cmp.Or(d.Mode, "l2"), "an"
		}
		if other := takes[parent]; other != "" && other != what {
			v.errorf(v.at(&d.Parent), "%s gives its frames to its %s already, and cannot give them to %s %s", parent, other, article, what)
		}
		takes[parent] = what
	}
}

// checkAddresses demands that no address is given twice on one node or in one layer 2
// network, that is among interfaces joined by links, bridges and devices, and no MAC
// in one network, unless the lab means it.
func (v *validator) checkAddresses() {
	segment := v.segments()
	seen := map[string]engine.Interface{} // where, and what
	known := map[string]bool{}            // interfaces that have something that another has
	give := func(i engine.Interface, at any, where, what, text string) {
		key := where + " " + text
		other, again := seen[key]
		if !again {
			seen[key] = i
			return
		}
		here, there := i.Node+"/"+*i.Name, other.Node+"/"+*other.Name
		known[here], known[there] = true, true
		if *i.Duplicate || *other.Duplicate {
			return
		}
		v.errorf(v.at(at), "%s is on %s already%s; if the lab means it, give one of the two duplicate: true", text, there, what)
	}
	for _, i := range v.lab.Topology.Interfaces() {
		network := segment(i.Node + "/" + *i.Name)
		for k := range i.Address {
			p, err := netip.ParsePrefix(i.Address[k])
			if err != nil {
				continue // told already
			}
			text := "address " + p.Addr().String()
			before := len(v.problems)
			if give(i, &i.Address[k], "node "+i.Node, "", text); len(v.problems) == before {
				give(i, &i.Address[k], network, ", in the same layer 2 network", text)
			}
		}
		if *i.MAC != "" && (i.Device == nil || i.Device.Kind != "ipvlan") {
			give(i, i.MAC, network, ", in the same layer 2 network", "MAC "+strings.ToLower(*i.MAC))
		}
	}
	for _, i := range v.lab.Topology.Interfaces() {
		if *i.Duplicate && !known[i.Node+"/"+*i.Name] {
			v.errorf(v.at(i.Duplicate), "duplicate: true, and no other interface of its node or network has its address or MAC")
		}
	}
}

// segments joins interfaces into layer 2 networks, and returns a function from
// NODE/IFACE to a name for its network. A macvlan and an ipvlan are in their parent's,
// a vlan in that of its id on it, and vxlans of one VNI and port are in one.
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
	for _, i := range v.lab.Topology.Interfaces() {
		self := i.Node + "/" + *i.Name
		if i.Bridge != nil && *i.Bridge != "" {
			join(self, i.Node+"/"+*i.Bridge)
		}
		if d := i.Device; d != nil && (d.Kind == "macvlan" || d.Kind == "ipvlan") && d.Parent != "" {
			node, name := d.On(i.Node)
			join(self, node+"/"+name)
		}
	}
	for _, i := range v.lab.Topology.Interfaces() { // once it is known which parents are in one
		self := i.Node + "/" + *i.Name
		switch d := i.Device; {
		case d == nil:
		case d.Kind == "vlan" && d.Parent != "":
			node, name := d.On(i.Node)
			join(self, fmt.Sprintf("vlan %d of %s", d.ID, find(node+"/"+name)))
		case d.Kind == "vxlan":
			join(self, fmt.Sprintf("vxlan %d at %d", d.ID, cmp.Or(d.Port, engine.DefaultVXLANPort)))
		}
	}
	return find
}

// checkRoutes demands of each route what the kernel will.
func (v *validator) checkRoutes() {
	devices, networks := map[string][]string{}, map[string][]netip.Prefix{}
	for _, i := range v.lab.Topology.Interfaces() {
		devices[i.Node] = append(devices[i.Node], *i.Name)
		for _, a := range i.Address {
			if p, err := netip.ParsePrefix(a); err == nil {
				networks[i.Node] = append(networks[i.Node], p)
			}
		}
	}
	for i := range v.lab.Topology.Nodes {
		n := &v.lab.Topology.Nodes[i]
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
