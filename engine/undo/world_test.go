package undo_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"underlay/engine"
	"underlay/engine/observe"
	"underlay/engine/sandbox"
	"underlay/engine/sandbox/sandboxtest"
	"underlay/engine/undo"
	"underlay/engine/wire"
)

func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }

// lan is two containers on a bridge of a host.
func lan() *engine.Topology {
	return &engine.Topology{
		Nodes: []engine.Node{
			{Name: "host", Bridges: []engine.Bridge{{Name: "br0", Address: []string{"10.1.0.1/24"}}},
				Setup: []string{"iptables -t nat -A POSTROUTING -s 10.1.0.0/24 ! -o br0 -j MASQUERADE"}},
			{Name: "c1", Routes: []engine.Route{{To: "default", Via: "10.1.0.1"}}},
			{Name: "c2", Routes: []engine.Route{{To: "default", Via: "10.1.0.1"}}},
		},
		Links: []engine.Link{
			{A: engine.End{Node: "host", Name: "v1", Bridge: "br0"}, B: engine.End{Node: "c1", Name: "eth0", Address: []string{"10.1.0.2/24"}}},
			{A: engine.End{Node: "host", Name: "v2", Bridge: "br0"}, B: engine.End{Node: "c2", Name: "eth0", Address: []string{"10.1.0.3/24"}, MAC: "02:00:00:00:00:03"}},
		},
	}
}

// lab is a topology that is built, with all that undo needs of it.
type lab struct {
	t      testing.TB
	world  *sandbox.World
	ns     map[string]int
	reader *observe.Reader
}

func build(t testing.TB, topology *engine.Topology) *lab {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sb, err := sandbox.New()
	must(err)
	l := &lab{t: t, ns: map[string]int{}}
	l.world, err = sb.NewWorld(t.Context())
	must(err)
	t.Cleanup(func() { must(l.world.Close()) })
	var specs []sandbox.NodeSpec
	for _, n := range topology.Nodes {
		specs = append(specs, sandbox.NodeSpec{Name: n.Name})
	}
	fds, err := l.world.AddNodes(t.Context(), specs)
	must(err)
	var nodes []observe.Node
	for i, n := range topology.Nodes {
		l.ns[n.Name] = fds[i]
		nodes = append(nodes, observe.Node{Name: n.Name, NS: fds[i]})
		t.Cleanup(func() { _ = unix.Close(fds[i]) })
	}
	must(wire.Build(topology, l.ns))
	for _, n := range topology.Nodes {
		l.sh(n.Name, strings.Join(n.Setup, "\n"))
	}
	l.reader, err = observe.NewReader(nodes)
	must(err)
	t.Cleanup(func() { must(l.reader.Close()) })
	return l
}

// sh runs lines of shell in a node, as a learner would type them.
func (l *lab) sh(node, script string) {
	l.t.Helper()
	if out, code, err := l.world.Run(l.t.Context(), node, "set -e\n"+script, "/bin/bash"); err != nil || code != 0 {
		l.t.Fatalf("%s: %s: %d, %v\n%s", node, script, code, err, out)
	}
}

func (l *lab) take(ctx context.Context) (*undo.State, error) {
	return undo.Take(ctx, undo.Lab{Reader: l.reader, Tools: l.world, Legacy: l.world.UsedLegacyIptables()})
}

func (l *lab) state() *undo.State {
	l.t.Helper()
	s, err := l.take(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// back restores a state and fails unless everything came back.
func (l *lab) back(to *undo.State) {
	l.t.Helper()
	left, why, err := undo.Restore(l.t.Context(), to, l.take, l, l.world)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, c := range left {
		l.t.Errorf("not put back: %s", line(c))
	}
	if l.t.Failed() {
		l.t.Logf("said: %q", why)
	}
}

func line(c engine.Change) string {
	return c.Node + " " + c.What + ": " + c.Before + " → " + c.After
}

// Write, WriteFirewall, Set and Namespaces implement undo.Writer.
func (l *lab) Write(node string, msgs []undo.Message) ([]error, error) {
	return wire.Write(l.ns[node], messages(msgs))
}

func (l *lab) WriteFirewall(node string, msgs []undo.Message) error {
	return wire.WriteFirewall(l.ns[node], messages(msgs))
}

func (l *lab) Set(node, path, value string) error {
	return wire.Set(l.ns[node], []engine.Sysctl{{Name: path, Value: value}})
}

func (l *lab) Namespaces() map[string]int { return l.ns }

func messages(msgs []undo.Message) []wire.Message {
	out := make([]wire.Message, len(msgs))
	for i, m := range msgs {
		out[i] = wire.Message(m)
	}
	return out
}
