package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"underlay/engine"
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
		begin := time.Now()
		s, err := c.Fresh.Open(ctx, clusterLab(), nil)
		if err != nil {
			return nil, err
		}
		t.first = append(t.first, ms(time.Since(begin)))
		if err := errors.Join(solved(s, "after it was opened"), s.Close()); err != nil {
			return nil, err
		}
	}
	// One after the other, so that neither counts what the other has.
	memory, idle, err := clusterAtRest(ctx, c.Fresh)
	if err != nil {
		return nil, err
	}
	both, _, err := clusterAtRest(ctx, c.Opener)
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
		figure("cluster at rest, with its DNS and two pods", "MiB", []float64{memory}, limit{p50: 300}),
		figure("the next one, ready", "MiB", []float64{both - memory}, limit{}),
		figure("cluster at rest", "% of a core", []float64{idle}, limit{p50: 3}),
	}, nil
}

// clusterTimes are what a learner waits for, in milliseconds: the first cluster of a
// program, the next one, a reset, and what is applied.
type clusterTimes struct {
	first, next, resets, served, dropped []float64
}

// later opens a lab, resets it, and applies things to it. When it begins and when it
// resets, the next cluster's API server is ready, as it is for a learner who has
// read for a moment.
func (t *clusterTimes) later(ctx context.Context, c Config) (err error) {
	begin := time.Now()
	s, err := c.Opener.Open(ctx, clusterLab(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	t.next = append(t.next, ms(time.Since(begin)))
	if err := solved(s, "after it was opened"); err != nil {
		return err
	}
	time.Sleep(clusterReady)
	begin = time.Now()
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

// clusterAtRest measures what a cluster adds to this program: memory in MiB (PSS),
// and processor time in percent of a core.
func clusterAtRest(ctx context.Context, with engine.Opener) (memory, idle float64, err error) {
	const watched = 10 * time.Second
	_, before, err := usage(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	s, err := with.Open(ctx, clusterLab(), nil)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	time.Sleep(clusterReady)
	begin, _, err := usage(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	time.Sleep(watched)
	end, after, err := usage(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	return float64(after-before) / (1 << 20), 100 * float64(end-begin) / float64(watched), nil
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
