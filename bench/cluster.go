package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"underlay/engine"
	"underlay/engine/companion"
	"underlay/engine/preflight"
	"underlay/engine/typist"
)

// clusters measures labs with a Kubernetes, if its programs are built: how long one
// takes to open until a Service answers by name, to reset, and to follow what is
// applied to it.
func clusters(ctx context.Context, c Config) ([]Figure, error) {
	if reason, _ := preflight.Missing([]string{preflight.Kubernetes}); reason != "" {
		c.Say("no clusters: " + reason)
		return nil, nil
	}
	const runs = 4
	var t clusterTimes
	for range runs {
		s, err := opened(ctx, c.Fresh, &t.first)
		if err != nil {
			return nil, err
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
	// One after the other, so that neither counts what the other has.
	rest, err := clusterAtRest(ctx, c.Fresh)
	if err != nil {
		return nil, err
	}
	both, err := clusterAtRest(ctx, c.Opener)
	if err != nil {
		return nil, err
	}
	for range runs {
		if err := t.later(ctx, c); err != nil {
			return nil, err
		}
	}
	return []Figure{
		figure("cluster, opened until a Service answers by name", "ms", t.first, limit{p50: 3000}),
		figure("cluster, opened when the next one was ready", "ms", t.next, limit{p50: 1500}),
		figure("cluster, reset", "ms", t.resets, limit{p50: 1500}),
		figure("kubectl apply of a Service → connection", "ms", t.served, limit{p50: 150}),
		figure("kubectl apply of a policy → packets dropped", "ms", t.dropped, limit{p50: 150}),
		figure("control plane at rest", "MiB", []float64{rest.control}, limit{p50: 300}),
		figure("… with DNS, two pods, and what the tutor needs for them", "MiB", []float64{rest.memory}, limit{}),
		figure("… and with the next one ready", "MiB", []float64{both.memory}, limit{}),
		figure("cluster at rest", "% of a core", []float64{rest.cpu}, limit{p50: 3}),
	}, nil
}

// clusterTimes are what a learner waits for, in milliseconds: the first cluster of a
// program, the next one, a reset, and what is applied.
type clusterTimes struct {
	first, next, resets, served, dropped []float64
}

// opened opens a lab, demands that its Service answers, and notes how long that took.
func opened(ctx context.Context, with engine.Opener, into *[]float64) (engine.Session, error) {
	begin := time.Now()
	s, err := with.Open(ctx, clusterLab(), nil)
	if err != nil {
		return nil, err
	}
	*into = append(*into, ms(time.Since(begin)))
	if err := solved(s, "after it was opened"); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// later opens a lab, resets it, and applies things to it. When it begins and when it
// resets, the next cluster's API server is ready, as it is for a learner who has
// read for a moment.
func (t *clusterTimes) later(ctx context.Context, c Config) (err error) {
	s, err := opened(ctx, c.Opener, &t.next)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	time.Sleep(clusterReady)
	begin := time.Now()
	if err := s.Reset(ctx); err != nil {
		return err
	}
	t.resets = append(t.resets, ms(time.Since(begin)))
	if err := solved(s, "after a reset"); err != nil {
		return err
	}
	if err := applied(ctx, s, &t.served, &t.dropped); err != nil {
		return err
	}
	time.Sleep(clusterReady)
	return nil
}

// clusterReady is how long after a cluster has opened the next one's API server is
// ready, and what the collectors of the last one leave has gone.
const clusterReady = 9 * time.Second

// atRestFigures are what a cluster adds to this program: memory in MiB (PSS), of
// which control is that of the process with the API server, the controllers, the
// proxies and the kubelets, and processor time in percent of a core.
type atRestFigures struct{ control, memory, cpu float64 }

func clusterAtRest(ctx context.Context, with engine.Opener) (r atRestFigures, err error) {
	const (
		settles = 20 * time.Second // what opening left is collected in the meantime
		watched = 20 * time.Second
	)
	before, err := processes(os.Getpid())
	if err != nil {
		return r, err
	}
	s, err := with.Open(ctx, clusterLab(), nil)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	time.Sleep(settles)
	var end family
	if r.cpu, end, err = resting(os.Getpid(), watched); err != nil {
		return r, err
	}
	r.memory = end.memory() - before.memory()
	for _, p := range end {
		if len(p.argv) > 1 && path.Base(p.argv[0]) == companion.ClusterProgram && p.argv[1] == "cluster" {
			r.control = max(r.control, family{p}.memory())
		}
	}
	return r, nil
}

// solved demands that the first task of a lab has been found done.
func solved(s engine.Session, when string) error {
	st := s.Status()
	if st.Tasks[0].State != engine.Pass {
		return fmt.Errorf("%s, %s: %s: %s", when, st.Tasks[0].Goal, st.Tasks[0].Got, st.Tasks[0].Why)
	}
	return nil
}

// silence is how long no answer takes to be one; it is no part of a figure.
const silence = 200 * time.Millisecond

// The lab's tasks: one that is done when it opens, one that a Service does, and one
// that a NetworkPolicy does.
func clusterLab() *engine.Lab {
	fromToolbox := func(to string, port int, expect engine.Expect) []engine.Check {
		return []engine.Check{{Traffic: &engine.TrafficCheck{
			From: "toolbox", To: to, Port: port, Proto: "http", Expect: expect, Within: silence,
		}}}
	}
	lab := &engine.Lab{
		ID: "bench-cluster",
		Cluster: &engine.Cluster{Policy: "on", Pods: []engine.Pod{{Name: "toolbox"}},
			Objects: []engine.Manifest{{Name: "web.yaml", Text: clusterObjects}}},
		Tasks: []engine.Task{
			{ID: "name", Goal: "web answers by name", Checks: fromToolbox("web", 80, engine.OK)},
			{ID: "service", Goal: "the new Service answers", Checks: fromToolbox("10.96.7.7", 80, engine.OK)},
			{ID: "policy", Goal: "web is isolated", Checks: fromToolbox("web", 80, engine.Timeout)},
		},
	}
	lab.Cluster.Complete(&lab.Topology)
	return lab
}

const clusterObjects = `
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {nodeName: node1, containers: [{name: web, image: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: toolbox}
spec: {nodeName: node2, containers: [{name: toolbox, image: toolbox}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

const clusterService = `{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "more"}, "spec": {"clusterIP": "10.96.7.7", "selector": {"app": "web"}, "ports": [{"port": 80}]}}`

const clusterPolicy = `{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}}`

// applied applies a Service and then a NetworkPolicy, and notes how long after
// kubectl has said so the kernel does it. Whether it does is asked of the judge.
func applied(ctx context.Context, s engine.Session, served, dropped *[]float64) error {
	term, err := s.Shell(ctx, engine.ClusterControl, engine.Size{Cols: 200, Rows: 50})
	if err != nil {
		return err
	}
	defer term.Close() //nolint:errcheck // the lab ends
	ty := typist.New(term)
	if err := ty.WaitReady(ctx); err != nil {
		return err
	}
	for _, a := range []struct {
		object string
		task   int
		wait   time.Duration // that is not the cluster's
		into   *[]float64
	}{{clusterService, 1, 0, served}, {clusterPolicy, 2, silence, dropped}} {
		if err := ty.Line(ctx, "echo '"+a.object+"' | kubectl apply -f -", time.Minute); err != nil {
			return err
		}
		begin := time.Now()
		if err := until(ctx, s, func(st *engine.Status) bool { return st.Tasks[a.task].State == engine.Pass }); err != nil {
			return err
		}
		*a.into = append(*a.into, ms(time.Since(begin)-a.wait))
	}
	return nil
}
