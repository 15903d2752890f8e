package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/companion"
	"underlay/engine/preflight"
	"underlay/engine/sandbox"
	"underlay/engine/wire"
)

// ControlPlane is what all labs with a cluster begin with: a world with the control node,
// the switch, and an API server that starts. It takes two thirds of the time that a
// cluster takes to open, and does not depend on the lab.
type ControlPlane struct {
	World *sandbox.World
	NS    map[string]int // file descriptors of its two nodes' network namespaces

	pid   int // of underlay-kube
	told  *os.File
	lines *bufio.Reader
}

// topology is the part of every cluster's topology that a control plane has.
func topology() *engine.Topology {
	var t engine.Topology
	new(engine.Cluster).Complete(&t)
	return t.Only(engine.ClusterControl, engine.ClusterLAN)
}

// newControlPlane makes a world and starts an API server in it, without waiting for it.
func newControlPlane(ctx context.Context, sb *sandbox.Sandbox) (g *ControlPlane, err error) {
	tools, err := clusterTools()
	if err != nil {
		return nil, err
	}
	g = &ControlPlane{NS: map[string]int{}}
	if g.World, err = sb.NewWorld(ctx, tools...); err != nil {
		return nil, err
	}
	if err := g.begin(ctx); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

func (g *ControlPlane) begin(ctx context.Context) (err error) {
	t := topology()
	if err := g.World.AddTopology(ctx, t, g.NS); err != nil {
		return err
	}
	if err := wire.Build(t, g.NS); err != nil {
		return err
	}
	// What it is told now says where the API server is; the rest is told later.
	if err := g.configure(ctx, &engine.Cluster{Nodes: 1, Proxy: "none", CNI: "none"}, nil); err != nil {
		return err
	}
	g.World.Setenv("KUBECONFIG=" + companion.Dir + "/" + companion.AdminConf)
	g.pid, g.told, err = g.World.Start(ctx, engine.ClusterControl, companion.ClusterProgram, "cluster", "--standby", "--config", clusterFile)
	if err != nil {
		return err
	}
	g.lines = bufio.NewReader(g.told)
	return nil
}

// clusterFile is where underlay-kube reads what the cluster is made of.
const clusterFile = companion.Dir + "/cluster.json"

func (g *ControlPlane) configure(ctx context.Context, c *engine.Cluster, manifests []string) error {
	config, err := configOf(c, manifests)
	if err != nil {
		return err
	}
	text, err := json.Marshal(config)
	if err != nil {
		return err
	}
	return writeFile(ctx, g.World, clusterFile, string(text))
}

// tell has a lab's cluster made by this control plane.
func (g *ControlPlane) tell(ctx context.Context, c *engine.Cluster, manifests []string) error {
	if err := g.configure(ctx, c, manifests); err != nil {
		return err
	}
	_, err := inControl(ctx, g.World, "", "kill", "-USR1", strconv.Itoa(g.pid))
	return err
}

// Close ends the world, if no lab has taken it over.
func (g *ControlPlane) Close() error {
	var errs []error
	if g.told != nil {
		errs = append(errs, g.told.Close())
	}
	for _, fd := range g.NS {
		errs = append(errs, unix.Close(fd))
	}
	return errors.Join(append(errs, g.World.Close())...)
}

// Warm keeps one control plane ready for the next lab with a cluster, or for the same one
// when it is reset. It is used by who has labs opened one after the other.
type Warm struct {
	sandbox *sandbox.Sandbox
	after   time.Duration

	mu     sync.Mutex
	next   chan *ControlPlane // gets the control plane that is being made; nil if none is
	closed bool
}

// NewWarm returns an empty Warm, which makes the next control plane this long after a
// cluster has opened.
func NewWarm(sb *sandbox.Sandbox, after time.Duration) *Warm { return &Warm{sandbox: sb, after: after} }

const (
	// WhileReading is when the next control plane is made for somebody who has opened a
	// lab: they read the tasks, and the machine has nothing else to do.
	WhileReading = 4 * time.Second
	// AtOnce is when it is made for who has opened a lab only to close it soon.
	AtOnce = 0
	// warmMemory is how much memory must be free, in KiB: several times what an
	// API server takes.
	warmMemory = 1 << 20
)

// Take returns the control plane that is ready, or is about to be, or makes one. It may be
// called on a nil Warm.
func (w *Warm) Take(ctx context.Context, sb *sandbox.Sandbox) (*ControlPlane, error) {
	if g := w.take(); g != nil {
		return g, nil
	}
	return newControlPlane(ctx, sb)
}

// take returns the control plane that is ready, or is about to be; nil if there is none.
func (w *Warm) take() *ControlPlane {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	next := w.next
	w.next = nil
	w.mu.Unlock()
	if next == nil {
		return nil
	}
	return <-next
}

// Prepare has a control plane made in a while, unless there is one or memory is short. It
// may be called on a nil Warm.
func (w *Warm) Prepare() {
	if w == nil {
		return
	}
	time.AfterFunc(w.after, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.closed || w.next != nil || preflight.AvailableMemory() < warmMemory {
			return
		}
		next := make(chan *ControlPlane, 1)
		w.next = next
		go func() {
			g, err := newControlPlane(context.Background(), w.sandbox)
			if err != nil {
				g = nil // the next lab makes its own, and says what is wrong
			}
			next <- g
		}()
	})
}

// Close ends what is ready.
func (w *Warm) Close() error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	if g := w.take(); g != nil {
		return g.Close()
	}
	return nil
}
