package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/sandbox"
	"underlay/engine/wire"
)

// star is a host with n-1 containers on a bridge.
func star(n int) *engine.Topology {
	t := &engine.Topology{Nodes: []engine.Node{{
		Name: "host", Bridges: []engine.Bridge{{Name: "br0", Address: []string{"10.0.0.1/16"}}},
	}}}
	for i := 1; i < n; i++ {
		name := fmt.Sprintf("c%d", i)
		t.Nodes = append(t.Nodes, engine.Node{Name: name})
		t.Links = append(t.Links, engine.Link{
			A: engine.End{Node: "host", Name: fmt.Sprintf("v%d", i), Bridge: "br0"},
			B: engine.End{Node: name, Name: "eth0", Address: []string{fmt.Sprintf("10.0.%d.%d/16", i/250+1, i%250+1)}},
		})
	}
	return t
}

// builds measures building a star of n nodes against the same netlink calls
// made bare, in turns, in worlds of the same kind; and resetting a lab.
func builds(ctx context.Context, c Config) ([]Figure, error) {
	var figures []Figure
	for _, size := range []struct{ nodes, runs int }{{2, 15}, {10, 9}, {50, 5}, {200, 3}} {
		var ours, bare, ratios []float64
		for range size.runs {
			a, err := inWorld(ctx, c, size.nodes, wire.Build)
			if err != nil {
				return nil, err
			}
			b, err := inWorld(ctx, c, size.nodes, bareStar)
			if err != nil {
				return nil, err
			}
			ours, bare, ratios = append(ours, a), append(bare, b), append(ratios, a/b)
		}
		figures = append(figures,
			figure(fmt.Sprintf("build %d nodes", size.nodes), "ms", ours, limit{}),
			figure(fmt.Sprintf("bare netlink, %d nodes", size.nodes), "ms", bare, limit{}),
			figure(fmt.Sprintf("build %d nodes against bare", size.nodes), "ratio", ratios, limit{p50: 1.5}))
	}
	resets, err := resets(ctx, c)
	return append(figures, resets...), err
}

// inWorld makes the nodes in a new world and times that and the wiring together.
func inWorld(ctx context.Context, c Config, n int, build func(*engine.Topology, map[string]int) error) (took float64, err error) {
	w, err := c.Sandbox.NewWorld(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	t := star(n)
	specs := make([]sandbox.NodeSpec, 0, n)
	for _, node := range t.Nodes {
		specs = append(specs, sandbox.NodeSpec{Name: node.Name})
	}
	begin := time.Now()
	fds, err := w.AddNodes(ctx, specs)
	if err != nil {
		return 0, err
	}
	ns := map[string]int{}
	for i, node := range t.Nodes {
		ns[node.Name] = fds[i]
	}
	err = build(t, ns)
	took = ms(time.Since(begin))
	for _, fd := range fds {
		err = errors.Join(err, unix.Close(fd))
	}
	return took, err
}

// bareStar makes the same links with nothing around the netlink calls.
func bareStar(t *engine.Topology, ns map[string]int) error {
	host, err := netlink.NewHandleAt(netns.NsHandle(ns["host"]), unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer host.Close()
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0", TxQLen: -1, Flags: net.FlagUp}}
	if err := host.LinkAdd(br); err != nil {
		return err
	}
	addr, err := netlink.ParseAddr("10.0.0.1/16")
	if err != nil {
		return err
	}
	if err := host.AddrAdd(br, addr); err != nil {
		return err
	}
	for _, l := range t.Links {
		if err := bareLeaf(host, l, br.Index, ns[l.B.Node]); err != nil {
			return err
		}
	}
	return nil
}

func bareLeaf(host *netlink.Handle, l engine.Link, master, ns int) error {
	h, err := netlink.NewHandleAt(netns.NsHandle(ns), unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	attrs := netlink.LinkAttrs{Name: l.A.Name, TxQLen: -1, MasterIndex: master, Flags: net.FlagUp}
	if err := host.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: l.B.Name, PeerNamespace: netlink.NsFd(ns)}); err != nil {
		return err
	}
	peer, err := h.LinkByName(l.B.Name)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(l.B.Address[0])
	if err != nil {
		return err
	}
	return errors.Join(h.LinkSetUp(&netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: 1}}), h.LinkSetUp(peer), h.AddrAdd(peer, addr))
}

// resets times opening the lab and resetting it, in turns.
func resets(ctx context.Context, c Config) (figures []Figure, err error) {
	var opens, resets, extra []float64
	for range 7 {
		begin := time.Now()
		s, err := c.Opener.Open(ctx, c.Lab, nil)
		if err != nil {
			return nil, err
		}
		open := ms(time.Since(begin))
		begin = time.Now()
		err = s.Reset(ctx)
		reset := ms(time.Since(begin))
		if err = errors.Join(err, s.Close()); err != nil {
			return nil, err
		}
		opens, resets, extra = append(opens, open), append(resets, reset), append(extra, reset-open)
	}
	return []Figure{
		figure("open lab "+c.Lab.ID, "ms", opens, limit{}),
		figure("reset it", "ms", resets, limit{}),
		figure("reset beyond open", "ms", extra, limit{p50: 20}),
	}, nil
}
