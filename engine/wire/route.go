package wire

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"underlay/engine"
)

func (b *builder) routes() error {
	for _, n := range b.t.Nodes {
		for _, r := range n.Routes {
			if err := b.route(n.Name, r); err != nil {
				return fmt.Errorf("%s: route to %s: %w", n.Name, r.To, err)
			}
		}
	}
	return nil
}

func (b *builder) route(node string, r engine.Route) error {
	route := &netlink.Route{}
	if r.To == "default" {
		_, route.Dst, _ = net.ParseCIDR("0.0.0.0/0")
	} else {
		_, dst, err := net.ParseCIDR(r.To)
		if err != nil {
			return err
		}
		route.Dst = dst
	}
	if r.Via != "" {
		if route.Gw = net.ParseIP(r.Via); route.Gw == nil {
			return fmt.Errorf("%q is not an address", r.Via)
		}
		if route.Gw.To4() == nil && r.To == "default" {
			_, route.Dst, _ = net.ParseCIDR("::/0")
		}
	}
	if r.Dev != "" {
		index, ok := b.index[port{node, r.Dev}]
		if !ok {
			return fmt.Errorf("%s has no interface %s", node, r.Dev)
		}
		route.LinkIndex = index
	}
	if r.Via == "" {
		route.Scope = netlink.SCOPE_LINK
	}
	return b.handles[node].RouteAdd(route)
}
