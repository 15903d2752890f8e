package undo

import (
	"maps"
	"slices"
	"strings"

	"underlay/engine"
)

// Compare says what has changed from one state to the other, node by node, each
// time in the same order. What changes by itself (counters, neighbours and
// forwarding entries that were learned, tracked connections) is no part of a
// state. What only follows from another change of the same device, as the
// route that comes with an address, is left out. No changes mean that the
// states are the same.
func Compare(before, after *State) []engine.Change {
	var out []engine.Change
	for i := range before.nodes {
		b := &before.nodes[i]
		a := after.node(b.name)
		if a == nil || a.gone != b.gone {
			out = append(out, nodeChange(b, a))
			continue
		}
		c := comparison{before: b, after: a, touched: map[string]bool{}}
		c.links()
		c.things()
		c.settings()
		c.firewall()
		out = append(out, c.changes...)
	}
	return append(out, compareServers(before, after)...)
}

func nodeChange(b, a *node) engine.Change {
	c := engine.Change{Node: b.name, What: kindNode}
	there, deleted := "there", "deleted"
	switch {
	case a == nil || a.gone:
		c.Before, c.After = there, deleted
	default:
		c.Before, c.After = deleted, there
	}
	return c
}

func compareServers(before, after *State) []engine.Change {
	var out []engine.Change
	for i, name := range before.servers {
		was, is := slices.Contains(before.stopped, i), slices.Contains(after.stopped, i)
		if was == is {
			continue
		}
		c := engine.Change{What: kindServer, Before: name + " runs", After: name + " has ended"}
		if was {
			c.Before, c.After = c.After, c.Before
		}
		out = append(out, c)
	}
	return out
}

// comparison compares one node.
type comparison struct {
	before, after *node
	changes       []engine.Change
	touched       map[string]bool // devices, by name, that have changed or whose addresses have
}

func (c *comparison) add(what, before, after string) {
	c.changes = append(c.changes, engine.Change{Node: c.before.name, What: what, Before: before, After: after})
}

func (c *comparison) links() {
	for i := range c.before.links {
		b := &c.before.links[i]
		a := c.after.link(b.index)
		if a == nil || !b.same(a) {
			c.touched[b.name] = true
			c.add(kindLink, b.text(), "")
			continue
		}
		if x, y := compareLinks(b, a); x != "" || y != "" {
			c.touched[b.name], c.touched[a.name] = true, true
			c.add(kindLink, x, y)
		}
	}
	for i := range c.after.links {
		a := &c.after.links[i]
		if b := c.before.link(a.index); b == nil || !b.same(a) {
			c.touched[a.name] = true
			c.add(kindLink, "", a.text())
		}
	}
}

// things compares what is made of equal parts: first what somebody makes, then
// what the kernel adds to it.
func (c *comparison) things() {
	for _, own := range []bool{false, true} {
		for _, kind := range []string{kindAddress, kindRoute, kindRule, kindNeighbour, kindFDB} {
			b, a := both(c.before, c.after, kind)
			c.pairs(kind, own, lacking(b, a), lacking(a, b))
		}
	}
}

// both returns the things of one kind of a node in two states. Routes that come
// by themselves once an address is no longer tentative are left out where in one
// of the states it still is: that is a second of waiting, not a change.
func both(a, b *node, kind string) (ofA, ofB []thing) {
	waits := map[string]bool{}
	for _, n := range []*node{a, b} {
		for i := range n.things {
			if n.things[i].tentative {
				waits[n.things[i].dev] = true
			}
		}
	}
	coming := func(t thing) bool { return t.follows && waits[t.dev] }
	return slices.DeleteFunc(a.of(kind), coming), slices.DeleteFunc(b.of(kind), coming)
}

// lacking returns the things of a that b has not, counting equal ones.
func lacking(a, b []thing) []thing {
	left := map[string]int{}
	for i := range b {
		left[string(b[i].body)]++
	}
	var out []thing
	for i := range a {
		if k := string(a[i].body); left[k] > 0 {
			left[k]--
			continue
		}
		out = append(out, a[i])
	}
	return out
}

func (c *comparison) pairs(kind string, own bool, gone, come []thing) {
	shown := func(t *thing) bool { return t.own == own && (!own || !c.touched[t.dev]) }
	var touched []string
	for i := range gone {
		g := &gone[i]
		j := slices.IndexFunc(come, func(t thing) bool { return t.key == g.key })
		after := ""
		if j >= 0 {
			after = come[j].text
		}
		if shown(g) {
			if after == g.text {
				after += " (with other options)"
			}
			c.add(kind, g.text, after)
			touched = append(touched, g.dev)
		}
		if j >= 0 {
			come = slices.Delete(slices.Clone(come), j, j+1)
		}
	}
	for i := range come {
		if shown(&come[i]) {
			c.add(kind, "", come[i].text)
			touched = append(touched, come[i].dev)
		}
	}
	if kind == kindAddress && !own {
		for _, dev := range touched {
			c.touched[dev] = true
		}
	}
}

// differentSettings are the paths of settings that differ, apart from those of
// devices that are not the same ones: these come and go with their device.
func differentSettings(before, after *node) []string {
	var out []string
	all := maps.Clone(before.settings)
	maps.Copy(all, after.settings)
	for path := range all {
		was, had := before.settings[path]
		is, has := after.settings[path]
		if had == has && was == is {
			continue
		}
		if dev := settingDevice(path); dev != "" {
			b, a := before.linkNamed(dev), after.linkNamed(dev)
			if b == nil || a == nil || !b.same(a) {
				continue
			}
		}
		out = append(out, path)
	}
	sortSettings(out)
	return out
}

func (c *comparison) settings() {
	different := differentSettings(c.before, c.after)
	for _, path := range different {
		if cause := causeOf(path); cause != "" && slices.Contains(different, cause) {
			continue
		}
		if strings.HasPrefix(path, "net/ipv6/conf/") && strings.HasSuffix(path, "/mtu") && c.touched[settingDevice(path)] {
			continue
		}
		say := func(n *node) string {
			if v, ok := n.settings[path]; ok {
				return settingName(path) + " = " + strings.Join(strings.Fields(v), " ")
			}
			return ""
		}
		c.add(kindSetting, say(c.before), say(c.after))
	}
}

// causeOf is the setting with which the kernel changes this one, if there is one.
func causeOf(path string) string {
	f := strings.Split(path, "/")
	if len(f) != 5 || f[2] != "conf" {
		return ""
	}
	switch {
	case f[1] == "ipv4" && f[4] == "forwarding", path == "net/ipv4/conf/all/accept_redirects":
		return "net/ipv4/ip_forward"
	case f[1] == "ipv6" && f[3] != "all" && (f[4] == "forwarding" || f[4] == "disable_ipv6"):
		return "net/ipv6/conf/all/" + f[4]
	}
	return ""
}

// firewall compares rules line by line.
func (c *comparison) firewall() {
	b, a := c.before.firewallLines(), c.after.firewallLines()
	names := maps.Clone(b)
	maps.Copy(names, a)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		gone, come := missing(b[name], a[name]), missing(a[name], b[name])
		for _, line := range gone {
			c.add(kindFirewall, name+": "+line, "")
		}
		for _, line := range come {
			c.add(kindFirewall, "", name+": "+line)
		}
		if len(gone)+len(come) == 0 && !c.sameTable(name) {
			c.add(kindFirewall, name+": as it was", name+": the same lines, in another order or with other details")
		}
	}
}

// missing returns the lines of a that b has not, counting equal ones.
func missing(a, b []string) []string {
	left := map[string]int{}
	for _, l := range b {
		left[l]++
	}
	var out []string
	for _, l := range a {
		if left[l] > 0 {
			left[l]--
			continue
		}
		out = append(out, l)
	}
	return out
}

// sameTable reports whether a table is in every detail the same in both.
func (c *comparison) sameTable(name string) bool {
	find := func(n *node) (*table, *legacyTable, *ipset) {
		for i := range n.tables {
			if n.tables[i].title(n) == name {
				return &n.tables[i], nil, nil
			}
		}
		for i := range n.legacy {
			if n.legacy[i].title() == name {
				return nil, &n.legacy[i], nil
			}
		}
		for i := range n.ipsets {
			if n.ipsets[i].title() == name {
				return nil, nil, &n.ipsets[i]
			}
		}
		return nil, nil, nil
	}
	t1, l1, s1 := find(c.before)
	t2, l2, s2 := find(c.after)
	switch {
	case t1 != nil && t2 != nil:
		return t1.equal(t2)
	case l1 != nil && l2 != nil:
		return l1.equal(l2)
	case s1 != nil && s2 != nil:
		return s1.equal(s2)
	}
	return false
}

// Same reports whether two states are the same.
func Same(a, b *State) bool { return len(Compare(a, b)) == 0 }
