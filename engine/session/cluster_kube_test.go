//go:build kube

package session_test

import (
	"strings"
	"testing"
	"time"

	"underlay/engine"
)

// These tests need underlay-kube and underlay-pod, which take minutes to build:
// scripts/kube-test.sh runs them.

const kubeObjects = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: toolbox}
spec: {containers: [{name: toolbox, image: toolbox}]}
`

// kubeLab has tasks that are done when it opens, and some that are not.
func kubeLab() *engine.Lab {
	lab := &engine.Lab{
		ID: "kube",
		Cluster: &engine.Cluster{
			Pods:    []engine.Pod{{Name: "toolbox", Shell: true}, {Name: "server", Select: "app=web"}},
			Objects: []engine.Manifest{{Name: "web.yaml", Text: kubeObjects}},
		},
		Tasks: []engine.Task{
			{ID: "name", Goal: "toolbox fetches a page of web", Checks: []engine.Check{
				{Traffic: &engine.TrafficCheck{From: "toolbox", To: "web", Port: 80, Proto: "http", Served: "web-*"}}}},
			{ID: "pod", Goal: "server answers itself", Checks: []engine.Check{
				{Traffic: &engine.TrafficCheck{From: "server", To: "127.0.0.1", Port: 80, Proto: "http"}}}},
			{ID: "scaled", Goal: "web has three pods", Checks: []engine.Check{
				{Object: &engine.ObjectCheck{Kind: "deployment", Name: "web", Fields: []engine.ObjectField{{Path: "status.readyReplicas", Is: "3"}}}}}},
			{ID: "late", Goal: "late answers web", Checks: []engine.Check{
				{Traffic: &engine.TrafficCheck{From: "late", To: "web", Port: 80, Proto: "http"}}}},
		},
	}
	lab.Cluster.Pods = append(lab.Cluster.Pods, engine.Pod{Name: "late"})
	lab.Cluster.Complete(&lab.Topology)
	return lab
}

func TestClusterLab(t *testing.T) {
	s := open(t, kubeLab())
	if got := states(s); got != "name:pass pod:pass scaled:fail late:fail" {
		for _, r := range s.Status().Tasks {
			t.Logf("%s: %s; %s", r.ID, r.Got, r.Why)
		}
		t.Fatalf("it opens with %s", got)
	}
	p, err := s.Picture(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Device(engine.DeviceRef{Node: "toolbox", Name: "eth0"}); d == nil || !strings.HasPrefix(d.Peer.Node, "node") || len(d.Addrs) == 0 {
		t.Errorf("eth0 of toolbox is %+v", d)
	}
	if n := p.Node("late"); n == nil || len(n.Devices) != 0 {
		t.Errorf("a pod that is not there is %+v", n)
	}

	line := shell(t, s, "control")
	line("kubectl scale deployment web --replicas=3")
	await(t, s, "scaled", engine.Pass)
	line(`kubectl run late --image=toolbox`)
	await(t, s, "late", engine.Pass)
	if _, err := s.Shell(t.Context(), "server", engine.Size{Cols: 80, Rows: 24}); err != nil {
		t.Errorf("a shell in a pod that a label names: %v", err)
	}
	inLate := shell(t, s, "late")
	inLate("test $(hostname) = late && curl -fs web && grep -q svc.cluster.local /etc/resolv.conf && ip link add seen type bridge")
	if p = look(t, s); p.Device(engine.DeviceRef{Node: "late", Name: "seen"}) == nil {
		t.Error("in the shell of a pod its name or its name server is not its own")
	}
	line("kubectl delete pod late --now")
	await(t, s, "late", engine.Fail)
	if a, err := s.Trace(t.Context(), engine.Flow{From: "toolbox", To: "web", Port: 81, Proto: "tcp"}); err != nil || a.Outcome == engine.EndingDelivered {
		t.Errorf("a port that the Service does not have: %+v, %v", a, err)
	}
	line("kubectl delete service web")
	await(t, s, "name", engine.Fail)

	begin := time.Now()
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("reset took %s", time.Since(begin))
	if got := states(s); got != "name:pass pod:pass scaled:fail late:fail" {
		t.Errorf("after a reset: %s", got)
	}
	r, err := s.History().Restore(t.Context(), 0)
	if err != nil || !r.Rebuilt || !strings.Contains(strings.Join(r.Why, " "), "cluster") {
		t.Errorf("going back to the start: %+v, %v", r, err)
	}
	if got := states(s); got != "name:pass pod:pass scaled:fail late:fail" {
		t.Errorf("back at the start: %s", got)
	}
}

// A cluster whose process is killed is started again with what it held; one that
// cannot be is told of, and built anew by a reset.
func TestClusterThatEnds(t *testing.T) {
	s := open(t, kubeLab())
	says := func(what string) {
		t.Helper()
		deadline := time.After(time.Minute)
		for !strings.Contains(strings.Join(s.Status().Health, " "), what) {
			select {
			case <-s.Changed():
			case <-deadline:
				t.Fatalf("nobody says %q, but %q", what, s.Status().Health)
			}
		}
	}
	line := shell(t, s, "control")
	line("kubectl scale deployment web --replicas=3")
	await(t, s, "scaled", engine.Pass)
	line("kill -9 $(pgrep -f 'underlay-kube cluster')")
	says("was started again")
	for _, task := range []string{"name", "pod", "scaled"} {
		await(t, s, task, engine.Pass)
	}
	line("kubectl run late --image=toolbox")
	await(t, s, "late", engine.Pass)
	line("echo nonsense >/run/kube/cluster.json; kill -9 $(pgrep -f 'underlay-kube cluster')")
	says("could not be started again")
	if err := s.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, s, "name", engine.Pass)
	if h := s.Status().Health; len(h) != 0 {
		t.Errorf("after a reset it still says %q", h)
	}
}

func TestManifestThatIsRefused(t *testing.T) {
	lab := kubeLab()
	lab.Cluster.Objects = append(lab.Cluster.Objects, engine.Manifest{Name: "bad.yaml", Text: "apiVersion: v1\nkind: Service\nmetadata: {name: BAD}\nspec: {ports: [{port: 80}]}\n"})
	_, err := newOpener(t).Open(t.Context(), lab, nil)
	if err == nil || !strings.Contains(err.Error(), "BAD") {
		t.Errorf("it opened, or said only: %v", err)
	}
}
