package autopsy_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/autopsy"
	"underlay/engine/observe"
	"underlay/engine/probe"
	"underlay/engine/sandbox"
	"underlay/engine/sandbox/sandboxtest"
	"underlay/engine/wire"
	"underlay/engine/workload"
)

func TestMain(m *testing.M) {
	if os.Getenv(autopsy.HoldEnv) != "" {
		os.Exit(autopsy.Hold())
	}
	// Most of the time is spent waiting for answers that do not come.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(sandboxtest.Main(m))
}

// patience is how long a flow waits for its answer. A loaded machine may take
// long to resolve a neighbour; a lab's flows wait less.
const patience = 1200 * time.Millisecond

// making is held while a world is made: two at a time can find each other's
// mounts busy.
var making sync.Mutex

// lab is a topology that is up.
type lab struct {
	topology *engine.Topology
	world    *sandbox.World
	instance autopsy.Instance
	sockets  []int // that a fault opened
	follow   tracer
}

// tracer is autopsy.Trace or what stands for it.
type tracer func(context.Context, autopsy.Instance, autopsy.Flow) (*autopsy.Report, error)

// build makes a topology in a world of its own and starts what runs in it.
func build(ctx context.Context, topology *engine.Topology) (l *lab, err error) {
	sb, err := sandbox.New()
	if err != nil {
		return nil, err
	}
	l = &lab{topology: topology, follow: autopsy.Trace}
	making.Lock()
	l.world, err = sb.NewWorld(ctx)
	making.Unlock()
	if err != nil {
		return nil, err
	}
	var specs []sandbox.NodeSpec
	for _, n := range topology.Nodes {
		specs = append(specs, sandbox.NodeSpec{Name: n.Name, Hosts: n.Hosts, DNS: n.DNS})
	}
	fds, err := l.world.AddNodes(ctx, specs)
	if err != nil {
		return l, err
	}
	ns := map[string]int{}
	for i, n := range topology.Nodes {
		ns[n.Name] = fds[i]
		l.instance.Nodes = append(l.instance.Nodes, observe.Node{Name: n.Name, NS: fds[i]})
	}
	if err := wire.Build(topology, ns); err != nil {
		return l, err
	}
	for _, w := range topology.Workloads {
		if _, err := l.world.Workload(ctx, w.Node, w.Kind, workload.Args(w, sandbox.ReadyFD)); err != nil {
			return l, err
		}
	}
	for _, n := range topology.Nodes {
		if len(n.Setup) == 0 {
			continue
		}
		if err := l.run(ctx, n.Name, strings.Join(n.Setup, "\n")); err != nil {
			return l, err
		}
	}
	l.instance.Reader, err = observe.NewReader(l.instance.Nodes)
	return l, err
}

// run runs shell lines in a node; one that fails is an error.
func (l *lab) run(ctx context.Context, node, lines string) error {
	out, code, err := l.world.Run(ctx, node, "set -e\n"+lines, "/bin/bash")
	if err == nil && code != 0 {
		err = fmt.Errorf("in %s: exit code %d: %s", node, code, out)
	}
	return err
}

func (l *lab) close() (errs []error) {
	if l.instance.Reader != nil {
		errs = append(errs, l.instance.Reader.Close())
	}
	for _, n := range l.instance.Nodes {
		errs = append(errs, unix.Close(n.NS))
	}
	for _, fd := range l.sockets {
		errs = append(errs, unix.Close(fd))
	}
	return append(errs, l.world.Close())
}

// open builds a topology for the length of a test.
func open(t testing.TB, topology *engine.Topology) *lab {
	t.Helper()
	l, err := build(t.Context(), topology)
	if l != nil && l.world != nil {
		t.Cleanup(func() {
			for _, err := range l.close() {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// assumeLegacy tells the reader which tables of iptables-legacy there are, which
// the kernel does not in a world without root.
func (l *lab) assumeLegacy(t testing.TB, node string, tables ...string) {
	t.Helper()
	if err := l.instance.Reader.AssumeLegacy(node, "ip", tables...); err != nil {
		t.Fatal(err)
	}
}

// namesOf is how a node resolves names by the files that a world makes it.
func namesOf(n *engine.Node) (out probe.Names) {
	out.Etc.Hosts = []byte(sandbox.NodeSpec{Name: n.Name, Hosts: n.Hosts}.HostsFile())
	for _, server := range n.DNS {
		out.Etc.Resolv = append(out.Etc.Resolv, "nameserver "+server+"\n"...)
	}
	return out
}

// trace follows a flow, with no neighbour entries that have failed.
func (l *lab) trace(t testing.TB, f autopsy.Flow) *autopsy.Report {
	t.Helper()
	for _, n := range l.instance.Nodes {
		if err := wire.ForgetUnresolved(n.NS); err != nil {
			t.Fatal(err)
		}
	}
	if f.Wait == 0 {
		f.Wait = patience
	}
	instance := l.instance
	if n := l.topology.Node(f.From); n != nil {
		instance.Names = namesOf(n)
	}
	r, err := l.follow(t.Context(), instance, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range autopsy.Lacking(r.Verdict) {
		t.Errorf("%s: %s", f, wrong)
	}
	return r
}

// picture is a report as text, for tests that fail.
func picture(r *autopsy.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s in %.0f ms (%s)\n  %s\n  {%s, %s, %s, %s}\n", r.Flow, r.Outcome, r.TookMS, r.Detail, r.Verdict.Text,
		r.Verdict.Node, r.Verdict.Object, r.Verdict.Reason, r.Verdict.Direction)
	for _, h := range r.Hops {
		mark := ""
		if h.Died {
			mark = " †"
		}
		fmt.Fprintf(&b, "  %7.2f %-8s %-8s %s → %v → %s  %s %s %s%s\n", h.AtMS, h.Direction, h.Node, h.In, h.Through, h.Out, h.Packet, h.Header, h.Inside, mark)
		for _, d := range h.Decisions {
			fmt.Fprintf(&b, "            %s %s %s %s %s: %s %s", d.Hook, d.Backend, d.Family, d.Table, d.Chain, d.Does, d.Rule)
			if d.Before != nil {
				fmt.Fprintf(&b, " [%s => %s]", d.Before, d.After)
			}
			b.WriteString("\n")
		}
	}
	for _, s := range r.Blind {
		fmt.Fprintf(&b, "  blind: %s\n", s)
	}
	return b.String()
}
