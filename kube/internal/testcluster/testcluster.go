// Package testcluster runs clusters for tests: the programs that make kube has
// built, in a world of package world. UNDERLAY_KUBE_BIN says where the programs
// are, if not in bin/ two directories up.
package testcluster

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine/companion"
	"underlay/kube/internal/netns"
	"underlay/kube/internal/world"
)

// Patience is how long anything may take on a machine that is busy with
// other things. Budgets are measured, not tested.
const Patience = 2 * time.Minute

// Program returns the path of a built program.
func Program(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv(companion.DirVariable)
	if dir == "" {
		dir = "../../bin"
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: build it with make kube", err)
	}
	return path
}

// Settings are what tests choose of a cluster's config.
type Settings struct {
	Proxy, CNI  string
	Policy, DNS bool
	Manifests   []string
	// Compaction is how often the store forgets; 0 is as often as in any Kubernetes.
	Compaction time.Duration
}

// Cluster is a cluster that runs.
type Cluster struct {
	Dir     string       // it has admin.conf
	Binary  string       // underlay-kube
	Nodes   []world.Node // workers
	Process *os.Process
	config  string // path
	cmd     *exec.Cmd
	errors  *bytes.Buffer // what it prints
	reports chan companion.Report
	seen    []companion.Report
}

// Open runs a cluster of two workers until the test ends, and waits until it
// says that it is ready.
func Open(t testing.TB, s Settings) *Cluster {
	t.Helper()
	all := world.Nodes(t, "control", "node1", "node2")
	c := &Cluster{Dir: t.TempDir(), Binary: Program(t, companion.ClusterProgram), Nodes: all[1:]}
	config := companion.Default()
	config.Dir, config.PodBinary = c.Dir, Program(t, companion.PodProgram)
	config.Control = companion.Control{Node: all[0].Name, Address: all[0].Address}
	config.Proxy, config.CNI, config.Policy, config.DNS = s.Proxy, s.CNI, s.Policy, s.DNS
	config.Manifests, config.Compaction = s.Manifests, companion.Duration(s.Compaction)
	for _, node := range c.Nodes {
		config.Nodes = append(config.Nodes, companion.Node(node))
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	c.config = filepath.Join(c.Dir, "config.json")
	if err := os.WriteFile(c.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c.start(t)
	t.Cleanup(func() { c.end(t) })
	c.Await(t, companion.StepCluster, companion.Ready)
	return c
}

func (c *Cluster) start(t testing.TB) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.errors, c.reports = &bytes.Buffer{}, make(chan companion.Report, 100)
	c.cmd = exec.Command(c.Binary, "cluster", "--config", c.config)
	c.cmd.ExtraFiles = []*os.File{write}
	c.cmd.Stdout, c.cmd.Stderr = c.errors, c.errors
	if err := netns.Do(netns.Path("control"), c.cmd.Start); err != nil {
		t.Fatal(err)
	}
	c.Process = c.cmd.Process
	_ = write.Close() // the cluster has it now
	go func(reports chan<- companion.Report) {
		defer close(reports)
		for lines := bufio.NewScanner(read); lines.Scan(); {
			var r companion.Report
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				r = companion.Report{Step: "progress", State: companion.Failed, Text: lines.Text()}
			}
			reports <- r
		}
	}(c.reports)
}

// end ends the cluster as the end of its lab does.
func (c *Cluster) end(t testing.TB) {
	if t.Failed() {
		c.show(t)
	}
	begin := time.Now()
	if err := c.Process.Signal(unix.SIGTERM); err != nil {
		t.Errorf("end the cluster: %v", err)
	}
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the cluster ended: %v", err)
	}
	t.Logf("ended in %v", time.Since(begin).Round(time.Millisecond))
	if c.errors.Len() > 0 {
		t.Logf("it said: %s", c.errors)
	}
	if t.Failed() {
		c.log(t)
	}
}

// StartAgain kills the cluster's process as the kernel would, starts another, and
// returns when that is ready.
func (c *Cluster) StartAgain(t testing.TB) {
	t.Helper()
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait() // says that it was killed
	c.start(t)
	c.Await(t, companion.StepCluster, companion.Ready)
}

// Reports are what the cluster tells from now on; it is closed when the cluster ends.
func (c *Cluster) Reports() <-chan companion.Report { return c.reports }

// Await waits for a report, and fails the test on one of failure before.
func (c *Cluster) Await(t testing.TB, step, state string) companion.Report {
	t.Helper()
	limit := time.After(Patience)
	for {
		select {
		case r, ok := <-c.reports:
			if !ok {
				t.Fatalf("the cluster ended before %s was %s; it said %v", step, state, c.seen)
			}
			t.Logf("%6d ms  %s %s %s", r.MS, r.Step, r.State, r.Text)
			c.seen = append(c.seen, r)
			if r.Step == step && r.State == state {
				return r
			}
			if r.State == companion.Failed {
				t.Fatalf("%s failed: %s", r.Step, r.Text)
			}
		case <-limit:
			t.Fatalf("%s was not %s in time; the cluster said %v", step, state, c.seen)
		}
	}
}

// show shows what there is and what happened.
func (c *Cluster) show(t testing.TB) {
	t.Helper()
	for _, args := range []string{"get pods -A -o wide", "get services,endpointslices -A", "get events -A"} {
		out, err := c.Kubectl(t, "", strings.Fields(args)...)
		t.Logf("kubectl %s: %v\n%s", args, err, out)
	}
}

// log shows the end of what Kubernetes logged.
func (c *Cluster) log(t testing.TB) {
	text, err := os.ReadFile(filepath.Join(c.Dir, "cluster.log"))
	if err != nil {
		t.Log(err)
		return
	}
	lines := strings.Split(string(text), "\n")
	t.Logf("cluster.log:\n%s", strings.Join(lines[max(0, len(lines)-80):], "\n"))
}

// Kubectl runs kubectl with a manifest on its standard input.
func (c *Cluster) Kubectl(t testing.TB, manifest string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(c.Binary, append([]string{"kubectl", "--kubeconfig", filepath.Join(c.Dir, companion.AdminConf)}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+c.Dir)
	cmd.Stdin = strings.NewReader(manifest)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := netns.Do(netns.Path("control"), cmd.Start); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return strings.TrimSpace(out.String()), err
}

// Must runs kubectl and fails the test if it fails.
func (c *Cluster) Must(t testing.TB, manifest string, args ...string) string {
	t.Helper()
	out, err := c.Kubectl(t, manifest, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

// Eventually calls try until it returns no error, and returns how long that took.
func Eventually(t testing.TB, what string, try func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		err := try()
		if err == nil {
			return time.Since(begin)
		}
		if time.Since(begin) > Patience {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
