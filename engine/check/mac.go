package check

import (
	"strings"

	"underlay/engine/observe"
)

// readMAC reads what "NODE/IFACE" in place of a MAC refers to.
func (n *needs) readMAC(mac string) {
	if node, _, ok := strings.Cut(mac, "/"); ok {
		n.read(node, observe.Links)
	}
}

// mac returns the MAC that a check means: literal, or of "NODE/IFACE".
func (f *facts) mac(want string) (string, *verdict) {
	node, iface, ok := strings.Cut(want, "/")
	if !ok {
		return want, nil
	}
	st, bad := f.node(node, observe.Links)
	if bad != nil {
		return "", bad
	}
	l := findLink(st, iface)
	if l == nil {
		v := noInterface(st, iface)
		return "", &v
	}
	return l.MAC, nil
}

func sameMAC(a, b string) bool {
	fold := func(s string) string { return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "-", ":")) }
	return fold(a) == fold(b)
}
