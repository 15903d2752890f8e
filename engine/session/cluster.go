package session

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/check"
	"underlay/engine/companion"
	"underlay/engine/internal/netns"
	"underlay/engine/observe"
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

// cluster is the Kubernetes of an instance.
type cluster struct {
	told *os.File
	api  *kubeAPI
	stop context.CancelFunc // ends the watch on objects; nil if there is none

	mu      sync.Mutex
	pods    map[string]companion.PodReport // by namespace and name
	steps   []string                       // of its opening that have ended
	trouble []string                       // what has failed, in sentences
	closed  bool
}

// startCluster has the lab's cluster made by its control plane and returns when it is
// ready.
func (s *Session) startCluster(ctx context.Context, p *instance, g *controlPlane, progress func(string)) error {
	ctx, cancel := context.WithTimeout(ctx, clusterWait)
	defer cancel()
	progress("Starting Kubernetes")
	var manifests []string
	for _, m := range s.lab.Cluster.Objects {
		file := path.Join(companion.Dir, "manifests", m.Name)
		if err := writeFile(ctx, p.world, file, m.Text); err != nil {
			return err
		}
		manifests = append(manifests, file)
	}
	ready := make(chan error, 1)
	go func() {
		// It hears what it is told once it says that it stands by.
		err := p.cluster.await(g.lines, companion.StepStandby, progress)
		if err == nil {
			err = g.tell(ctx, s.lab.Cluster, manifests)
		}
		if err == nil {
			err = p.cluster.await(g.lines, companion.StepCluster, progress)
		}
		ready <- err
	}()
	var err error
	select {
	case err = <-ready:
	case <-ctx.Done():
		err = fmt.Errorf("%w; ready so far: %s", ctx.Err(), p.cluster.reached())
	}
	if err != nil {
		return fmt.Errorf("start Kubernetes: %w", err)
	}
	if err := errors.Join(s.adopt(ctx, p), s.ask(ctx, p)); err != nil {
		return err
	}
	go s.attendCluster(p, g.lines)
	return nil
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
func (c *cluster) await(lines *bufio.Reader, step string, progress func(string)) error {
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
func (c *cluster) listen(lines *bufio.Reader, s *Session) {
	for {
		r, err := readReport(lines)
		if errors.Is(err, errReport) {
			continue // one that we cannot read does not say that it has ended
		}
		if err != nil {
			return
		}
		if c.note(r) {
			s.trigger(trigger{hard: true})
		}
		s.signal()
	}
}

// note remembers a report. It says whether pods have changed.
func (c *cluster) note(r companion.Report) bool {
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
func (c *cluster) reached() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.steps) == 0 {
		return "none of its parts"
	}
	return strings.Join(c.steps, ", ")
}

// say makes these sentences all that is wrong with the cluster.
func (c *cluster) say(what ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = what
}

// withdraw takes a sentence back.
func (c *cluster) withdraw(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = slices.DeleteFunc(c.trouble, func(t string) bool { return t == what })
}

// health says in sentences what is wrong with the cluster.
func (c *cluster) health() []string {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.trouble)
}

func (c *cluster) said() string {
	if h := c.health(); len(h) > 0 {
		return ": " + strings.Join(h, " ")
	}
	return ""
}

func (c *cluster) close() error {
	if c == nil {
		return nil
	}
	if c.stop != nil {
		c.stop()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.told.Close()
}

// of returns the namespace of the pod that a node stands for: that of its name,
// or of those with its labels the oldest.
func (c *cluster) of(p *engine.Pod) (netns string, ok bool) {
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

// adopt gives each node that stands for a pod the namespace that the pod has
// now, or none. The caller holds evalMu, or is the only one that knows the instance.
func (s *Session) adopt(ctx context.Context, p *instance) (err error) {
	if p.cluster == nil {
		return nil
	}
	want := map[string]string{} // netns → node
	for i := range s.lab.Topology.Nodes {
		if n := &s.lab.Topology.Nodes[i]; n.Pod != nil {
			if netns, ok := p.cluster.of(n.Pod); ok {
				want[netns] = n.Name
			}
		}
	}
	fds, err := p.world.Adopt(ctx, slices.Collect(maps.Keys(want)))
	if err != nil {
		return err
	}
	now := map[string]int{}
	for netns, fd := range fds {
		now[want[netns]] = fd
		p.pods[want[netns]] = netns
	}
	changed := false
	for i := range s.lab.Topology.Nodes {
		n := &s.lab.Topology.Nodes[i]
		if n.Pod == nil {
			continue
		}
		fd, there := now[n.Name]
		old, was := p.ns[n.Name]
		switch {
		case there && was && sameNamespace(fd, old):
			err = errors.Join(err, unix.Close(fd))
			continue
		case was:
			err = errors.Join(err, p.forget(n.Name))
		}
		if there {
			err = errors.Join(err, p.remember(observe.Node{Name: n.Name, NS: fd}))
		}
		changed = changed || there || was
	}
	if !changed || p.stop == nil {
		return err
	}
	p.stop()
	return errors.Join(err, s.watch(p))
}

func sameNamespace(a, b int) bool {
	x, err1 := netns.Identify(a)
	y, err2 := netns.Identify(b)
	return err1 == nil && err2 == nil && x == y
}

// forget lets go of a node's namespace.
func (p *instance) forget(node string) error {
	var err error
	if p.reader != nil {
		err = p.reader.RemoveNode(node)
	}
	p.nodes = slices.DeleteFunc(p.nodes, func(n observe.Node) bool { return n.Name == node })
	fd := p.ns[node]
	delete(p.ns, node)
	delete(p.pods, node)
	return errors.Join(err, unix.Close(fd))
}

func (p *instance) remember(n observe.Node) error {
	p.ns[n.Name] = n.NS
	p.nodes = append(p.nodes, n)
	if p.reader == nil {
		return nil
	}
	return p.reader.AddNode(n)
}

// inWorld returns the name by which the world knows a node: that of its namespace.
func (p *instance) inWorld(n *engine.Node) (string, error) {
	if n.Pod == nil {
		return n.Name, nil
	}
	netns, ok := p.pods[n.Name]
	if !ok {
		return "", fmt.Errorf("%s: its pod is not running", n.Name)
	}
	return netns, nil
}
