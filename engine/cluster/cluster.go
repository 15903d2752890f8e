// Package cluster makes the Kubernetes of a lab: a control plane, which can be kept ready
// before the lab is known, the nodes' part once it is, and what is heard of both while the
// lab runs. It knows the world that it makes them in, and neither sessions nor the judge's
// verdicts.
package cluster

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"underlay/engine"
	"underlay/engine/check"
	"underlay/engine/companion"
	"underlay/engine/preflight"
	"underlay/engine/sandbox"
)

// clusterWait is how long a cluster may take to open: a hundred times what a
// machine that has nothing else to do needs.
const clusterWait = 5 * time.Minute

// clusterTools are the programs that a cluster's world has besides the usual:
// kubectl is the cluster's own program under another name.
func clusterTools() ([]sandbox.Tool, error) {
	big, small := preflight.Companion(companion.ClusterProgram), preflight.Companion(companion.PodProgram)
	if big == "" || small == "" {
		reason, remedy := preflight.Missing([]string{preflight.Kubernetes})
		return nil, engine.Hintf(fmt.Errorf("%s: %w", reason, engine.ErrCannotRun), "%s", remedy)
	}
	return []sandbox.Tool{{Name: companion.ClusterProgram, Path: big}, {Name: "kubectl", Path: big}, {Name: companion.PodProgram, Path: small}}, nil
}

// configOf is what the lab's cluster is told.
func configOf(c *engine.Cluster, manifests []string) (config companion.Config, err error) {
	config = companion.Default()
	config.Proxy, config.CNI, config.Policy, config.DNS = c.Proxy, c.CNI, c.Policy == "on", c.DNS == "on"
	config.Manifests, config.PodBinary = manifests, sandbox.ToolPath(companion.PodProgram)
	config.Control.Node = c.Control().Name
	if config.Control.Address, err = netip.ParseAddr(c.Control().Address); err != nil {
		return config, err
	}
	for _, w := range c.Workers() {
		node := companion.Node{Name: w.Name}
		var errs [2]error
		node.Address, errs[0] = netip.ParseAddr(w.Address)
		node.PodCIDR, errs[1] = netip.ParsePrefix(w.Pods)
		if err := errors.Join(errs[:]...); err != nil {
			return config, err
		}
		config.Nodes = append(config.Nodes, node)
	}
	return config, nil
}

// Listener is told what happens in a cluster. Its functions must not block.
type Listener struct {
	// Changed says that pods, or objects that are followed, are no longer as they were.
	Changed func()
	// Health says that Health returns something else.
	Health func()
}

// Cluster is the Kubernetes of a lab.
type Cluster struct {
	lab      *engine.Lab
	plane    *ControlPlane
	listener Listener
	api      *kubeAPI           // nil until Start has connected to it
	stop     context.CancelFunc // ends what follows objects; nil if nothing does

	mu      sync.Mutex
	pods    map[string]companion.PodReport // by namespace and name
	steps   []string                       // of its opening that have ended
	trouble []string                       // what has failed, in sentences
	closed  bool
}

// New returns the cluster that a lab has in a control plane's world. Start starts it.
func New(lab *engine.Lab, g *ControlPlane, l Listener) *Cluster {
	return &Cluster{lab: lab, plane: g, listener: l, pods: map[string]companion.PodReport{}}
}

// Start makes the lab's cluster, connects to its API server, and returns when all nodes are
// ready. The world has the lab's nodes by then. Follow is to be called after it.
func (c *Cluster) Start(ctx context.Context, progress func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, clusterWait)
	defer cancel()
	progress("Starting Kubernetes")
	world, g := c.plane.World, c.plane
	for _, n := range c.lab.Topology.Only(engine.ClusterControl).Nodes { // it knows the workers by name
		if err := writeFile(ctx, world, "/etc/netns/"+n.Name+"/hosts", sandbox.NodeSpec{Name: n.Name, Hosts: n.Hosts}.HostsFile()); err != nil {
			return err
		}
	}
	var manifests []string
	for _, m := range c.lab.Cluster.Objects {
		file := path.Join(companion.Dir, "manifests", m.Name)
		if err := writeFile(ctx, world, file, m.Text); err != nil {
			return err
		}
		manifests = append(manifests, file)
	}
	ready := make(chan error, 1)
	go func() {
		// It hears what it is told once it says that it stands by.
		err := c.await(g.lines, companion.StepStandby, progress)
		if err == nil {
			err = g.tell(ctx, c.lab.Cluster, manifests)
		}
		if err == nil {
			err = c.await(g.lines, companion.StepCluster, progress)
		}
		ready <- err
	}()
	var err error
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = fmt.Errorf("%w; ready so far: %s", ctx.Err(), c.reached())
	}
	if err != nil {
		return fmt.Errorf("start Kubernetes: %w", err)
	}
	return c.connect(ctx)
}

// Follow tells the listener of the cluster until Close: of its pods, of the objects that the
// lab's checks look at, and of its process, which is started again where it ends.
func (c *Cluster) Follow() {
	go c.attend(c.plane.lines)
	if c.lab.Unwatched {
		return
	}
	following, stop := context.WithCancel(context.Background())
	c.stop = stop
	for _, w := range watched(c.lab) {
		go c.api.follow(following, w.Kind, w.Namespace, c.listener.Changed)
	}
}

// writeFile writes a file of the world.
func writeFile(ctx context.Context, w *sandbox.World, file, text string) error {
	_, err := inControl(ctx, w, text, "sh", "-c", `mkdir -p "$(dirname "$1")" && cat >"$1"`, "sh", file)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// inControl runs a program in the control node and returns what it printed. One that
// fails is an error with its words.
func inControl(ctx context.Context, w *sandbox.World, stdin string, argv ...string) (string, error) {
	out, code, err := w.Run(ctx, engine.ClusterControl, stdin, argv...)
	if err == nil && code != 0 {
		err = errors.New(strings.TrimSpace(out))
	}
	return out, err
}

// await reads reports until a step is ready.
func (c *Cluster) await(lines *bufio.Reader, step string, progress func(string)) error {
	for {
		r, err := readReport(lines)
		if err != nil {
			return fmt.Errorf("it ended before it was ready (%w)%s", err, c.said())
		}
		c.note(r)
		switch {
		case r.State == companion.Failed:
			return fmt.Errorf("%s: %s", r.Step, r.Text)
		case r.Step == step && r.State == companion.Ready:
			return nil
		case r.Pod == nil && r.State == companion.Ready && r.Step != companion.StepStandby:
			progress("Starting Kubernetes: " + r.Step + " ready")
		}
	}
}

var errReport = errors.New("a report cannot be read")

func readReport(lines *bufio.Reader) (r companion.Report, err error) {
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("%w: %w", errReport, err)
	}
	return r, nil
}

// listen follows a cluster that is ready to the end of its process.
func (c *Cluster) listen(lines *bufio.Reader) {
	for {
		r, err := readReport(lines)
		if errors.Is(err, errReport) {
			continue // one that we cannot read does not say that it has ended
		}
		if err != nil {
			return
		}
		if c.note(r) {
			c.listener.Changed()
		}
		c.listener.Health()
	}
}

// note remembers a report. It says whether pods have changed.
func (c *Cluster) note(r companion.Report) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Pod == nil {
		if r.State == companion.Failed {
			c.trouble = append(c.trouble, fmt.Sprintf("Kubernetes: %s failed: %s.", r.Step, r.Text))
		} else {
			c.steps = append(c.steps, r.Step)
			c.trouble = slices.DeleteFunc(c.trouble, func(t string) bool { return strings.HasPrefix(t, "Kubernetes: "+r.Step+" failed") })
		}
		return false
	}
	key := r.Pod.Namespace + "/" + r.Pod.Name
	old, had := c.pods[key]
	if r.State == companion.Gone {
		delete(c.pods, key)
		return had
	}
	c.pods[key] = *r.Pod
	return !had || old.Netns != r.Pod.Netns || !old.Created.Equal(r.Pod.Created) || !maps.Equal(old.Labels, r.Pod.Labels)
}

// reached lists the steps of the opening that have ended.
func (c *Cluster) reached() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.steps) == 0 {
		return "none of its parts"
	}
	return strings.Join(c.steps, ", ")
}

// say makes these sentences all that is wrong with the cluster.
func (c *Cluster) say(what ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = what
}

// withdraw takes a sentence back.
func (c *Cluster) withdraw(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = slices.DeleteFunc(c.trouble, func(t string) bool { return t == what })
}

// Health says in sentences what is wrong with the cluster. A nil Cluster has no trouble.
func (c *Cluster) Health() []string {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.trouble)
}

func (c *Cluster) said() string {
	if h := c.Health(); len(h) > 0 {
		return ": " + strings.Join(h, " ")
	}
	return ""
}

// Close ends what follows the cluster. The world ends with its control plane. A nil Cluster
// is closed.
func (c *Cluster) Close() error {
	if c == nil {
		return nil
	}
	if c.stop != nil {
		c.stop()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.plane.told.Close()
}

// PodNetns returns the name of the network namespace of the pod that a node stands for: that
// of its name, or of those with its labels the oldest. ok is false while there is none.
func (c *Cluster) PodNetns(p *engine.Pod) (netns string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []companion.PodReport
	for _, r := range c.pods {
		if r.Namespace == p.Namespace && r.Netns != "" && (p.Select == "" && r.Name == p.Pod || p.Select != "" && check.HasLabels(r.Labels, p.Select)) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return "", false
	}
	oldest := slices.MinFunc(found, func(a, b companion.PodReport) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
	return oldest.Netns, true
}
