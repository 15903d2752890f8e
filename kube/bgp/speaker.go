// Package bgp is the speaker of a node: it announces the node's pods to the
// other nodes and puts what it hears from them into the routing table. The BGP
// is GoBGP's.
package bgp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/osrg/gobgp/v4/api"
	"github.com/osrg/gobgp/v4/pkg/apiutil"
	"github.com/osrg/gobgp/v4/pkg/packet/bgp"
	"github.com/osrg/gobgp/v4/pkg/server"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Config is what a speaker is told, in JSON on standard input. The speaker ends
// when its standard input does, and so with the process that started it.
type Config struct {
	AS       uint32
	RouterID netip.Addr // the node's address, which is also the next hop it announces
	Announce netip.Prefix
	// Neighbors are the addresses of the other speakers, of the same AS.
	Neighbors []netip.Addr
}

// Timers of a session. The protocol's own defaults (connect again after 120 s,
// hold for 90 s) are for networks that have more patience than a learner.
const (
	port         = 179
	connectRetry = 1 // seconds
	holdTime     = 9 // seconds
	keepalive    = 3 // seconds
)

// gcPercent trades a little CPU for memory: every node has a speaker.
const gcPercent = 20

// protoBIRD marks the routes in the kernel (RTPROT_BIRD), as Calico's do.
const protoBIRD = 12

// Main speaks for the network namespace it was started in, as the configuration
// on in says, until ctx or in ends. What happens to sessions and routes is said on
// out.
func Main(ctx context.Context, in io.Reader, out io.Writer) error {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(gcPercent)
	var c Config
	if err := json.NewDecoder(in).Decode(&c); err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	routes, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer routes.Close()
	s := &speaker{config: c, routes: routes, log: slog.New(slog.NewTextHandler(out, nil))}
	return s.run(ctx)
}

type speaker struct {
	config Config
	routes *netlink.Handle
	log    *slog.Logger
}

func (s *speaker) run(ctx context.Context) error {
	level := &slog.LevelVar{}
	level.Set(slog.LevelWarn)
	b := server.NewBgpServer(server.LoggerOption(s.log, level))
	go b.Serve()
	defer b.Stop()
	if err := b.StartBgp(ctx, &api.StartBgpRequest{Global: &api.Global{
		Asn: s.config.AS, RouterId: s.config.RouterID.String(),
		ListenPort: port, ListenAddresses: []string{s.config.RouterID.String()},
	}}); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	err := b.WatchEvent(ctx, server.WatchEventMessageCallbacks{
		OnBestPath: func(paths []*apiutil.Path, _ time.Time) { s.install(paths) },
		OnPeerUpdate: func(e *apiutil.WatchEventMessage_PeerEvent, _ time.Time) {
			if e.Type == apiutil.PEER_EVENT_STATE {
				s.log.Info("session", "neighbor", e.Peer.State.NeighborAddress, "state", e.Peer.State.SessionState)
			}
		},
	}, server.WatchBestPath(true), server.WatchPeer())
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	if err := s.announce(b); err != nil {
		return fmt.Errorf("announce %s: %w", s.config.Announce, err)
	}
	for _, n := range s.config.Neighbors {
		if err := b.AddPeer(ctx, &api.AddPeerRequest{Peer: s.neighbor(n)}); err != nil {
			return fmt.Errorf("neighbor %s: %w", n, err)
		}
	}
	<-ctx.Done()
	return nil
}

// neighbor describes a session. Of two speakers the one with the lower address
// waits for the other, so that they do not connect to each other at once.
func (s *speaker) neighbor(n netip.Addr) *api.Peer {
	return &api.Peer{
		Conf: &api.PeerConf{NeighborAddress: n.String(), PeerAsn: s.config.AS},
		Transport: &api.Transport{
			LocalAddress: s.config.RouterID.String(), RemotePort: port,
			PassiveMode: s.config.RouterID.Less(n),
		},
		Timers: &api.Timers{Config: &api.TimersConfig{
			ConnectRetry: connectRetry, IdleHoldTimeAfterReset: connectRetry, HoldTime: holdTime, KeepaliveInterval: keepalive,
		}},
	}
}

func (s *speaker) announce(b *server.BgpServer) error {
	nlri, err := bgp.NewIPAddrPrefix(s.config.Announce)
	if err != nil {
		return err
	}
	nextHop, err := bgp.NewPathAttributeNextHop(s.config.RouterID)
	if err != nil {
		return err
	}
	attrs := []bgp.PathAttributeInterface{bgp.NewPathAttributeOrigin(0), nextHop}
	_, err = b.AddPath(apiutil.AddPathRequest{Paths: []*apiutil.Path{{
		Family: bgp.RF_IPv4_UC, Nlri: nlri, Attrs: attrs,
	}}})
	return err
}

// install makes the routing table follow the best paths.
func (s *speaker) install(paths []*apiutil.Path) {
	for _, p := range paths {
		prefix, err := netip.ParsePrefix(p.Nlri.String())
		if err != nil || prefix == s.config.Announce {
			continue
		}
		route := &netlink.Route{
			Dst:      &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())},
			Protocol: protoBIRD,
		}
		if p.Withdrawal {
			err = s.routes.RouteDel(route)
			if errors.Is(err, unix.ESRCH) {
				err = nil
			}
			s.tell("withdrawn", prefix, p.PeerAddress, err)
			continue
		}
		hop := nextHop(p)
		route.Gw = hop.AsSlice()
		s.tell("learned", prefix, hop, s.routes.RouteReplace(route))
	}
}

func (s *speaker) tell(what string, prefix netip.Prefix, from netip.Addr, err error) {
	if err != nil {
		s.log.Error("route "+what, "prefix", prefix, "neighbor", from, "error", err)
		return
	}
	s.log.Info("route "+what, "prefix", prefix, "neighbor", from)
}

// nextHop is where a path leads.
func nextHop(p *apiutil.Path) netip.Addr {
	for _, a := range p.Attrs {
		if n, ok := a.(*bgp.PathAttributeNextHop); ok {
			return n.Value
		}
	}
	return p.PeerAddress
}
