package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"

	"underlay/engine/companion"
	"underlay/kube/internal/netns"
)

// TestLasting is about clusters that learners have worked in for a while.
func TestLasting(t *testing.T) {
	c := open(t, settings{Proxy: "nftables", CNI: "bridge", DNS: true, Compaction: time.Second})
	for _, test := range []struct {
		name string
		run  func(*cluster, *testing.T)
	}{
		{"a watch on what was left alone", (*cluster).watchesLong},
		{"a name is used again", (*cluster).usesNamesAgain},
		{"a namespace is made again", (*cluster).makesNamespaceAgain},
		{"the scheduler gives up", (*cluster).schedulesAgain},
		{"the cluster's process is killed", (*cluster).goesOn},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(c, t) })
	}
}

// watchesLong: a watch outlives compactions of the store, and shows what comes then.
func (c *cluster) watchesLong(t *testing.T) {
	c.must(t, "", "create", "configmap", "old")
	watch := c.background(t, "get", "configmap", "old", "--watch", "--output=name")
	want := "configmap/old"
	if got := watch.line(t); got != want {
		t.Fatalf("the watch says %q", got)
	}
	for range 3 { // what changes in between is not watched
		c.compacted(t)
		c.must(t, "", "create", "configmap", "busy")
		c.must(t, "", "delete", "configmap", "busy")
	}
	c.must(t, "", "annotate", "configmap", "old", "lesson=over")
	if got := watch.line(t); got != want {
		t.Errorf("after the change the watch says %q", got)
	}
}

// compacted waits until the API server has had the store forget.
func (c *cluster) compacted(t *testing.T) {
	t.Helper()
	store := c.store(t)
	ctx := t.Context()
	now, err := store.Get(ctx, "compact_rev_key")
	if err != nil {
		t.Fatal(err)
	}
	for r := range store.Watch(ctx, "compact_rev_key", clientv3.WithRev(now.Header.Revision+1)) {
		if len(r.Events) > 0 {
			return
		}
	}
	t.Fatal("the store is compacted no more")
}

// store is a client of the cluster's etcd.
func (c *cluster) store(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"unix://" + filepath.Join(c.Dir, "store.sock")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// usesNamesAgain: a pod may have the name of one that was there before, whichever
// way that went.
func (c *cluster) usesNamesAgain(t *testing.T) {
	once := func() {
		t.Helper()
		c.must(t, `{apiVersion: v1, kind: Pod, metadata: {name: again}, spec: {nodeName: node1, restartPolicy: Never, containers: [{name: main, image: toolbox, command: ["true"]}]}}`, "apply", "-f", "-")
		c.becomes(t, "again", ".status.phase", "Succeeded")
	}
	for _, how := range [][]string{nil, {"--force", "--grace-period=0"}, {"--now"}} {
		once()
		c.must(t, "", append([]string{"delete", "pod", "again"}, how...)...)
		once()
		c.must(t, "", "delete", "pod", "again", "--wait=false")
	}
	for range 3 {
		if out := c.must(t, "", "run", "tmp", "--rm", "-i", "--image=toolbox", "--restart=Never", "--", "sh", "-c", "sleep 0.5; echo done"); !strings.Contains(out, "done") {
			t.Errorf("kubectl run --rm said %q", out)
		}
	}
	c.pod(t, "again", "node1", "image: toolbox")
	c.ready(t, "again")
	c.must(t, "", "delete", "pod", "again", "--now")
}

// makesNamespaceAgain: the same for everything in a namespace.
func (c *cluster) makesNamespaceAgain(t *testing.T) {
	for range 2 {
		c.must(t, `{apiVersion: v1, kind: List, items: [
			{apiVersion: v1, kind: Namespace, metadata: {name: shop}},
			{apiVersion: v1, kind: Pod, metadata: {name: runs, namespace: shop}, spec: {nodeName: node1, containers: [{name: main, image: pause}]}},
			{apiVersion: v1, kind: Pod, metadata: {name: ends, namespace: shop}, spec: {nodeName: node1, restartPolicy: Never, containers: [{name: main, image: toolbox, command: ["true"]}]}}]}`,
			"apply", "-f", "-")
		c.must(t, "", "wait", "-n", "shop", "--for=condition=Ready", "pod/runs", "--timeout=60s")
		c.must(t, "", "wait", "-n", "shop", "--for=jsonpath={.status.phase}=Succeeded", "pod/ends", "--timeout=60s")
		c.must(t, "", "delete", "namespace", "shop", "--timeout=60s")
	}
}

// schedulesAgain: the scheduler ends its process where its memory and the store
// contradict each other. Nothing else ends with it, and it comes back.
func (c *cluster) schedulesAgain(t *testing.T) {
	c.pod(t, "moved", "node1", "image: pause")
	c.ready(t, "moved")
	c.move(t, "moved", "node2")
	c.await(t, companion.StepControl, companion.Restarted)
	c.must(t, "", "run", "scheduled", "--image=pause")
	c.ready(t, "scheduled")
	c.must(t, "", "delete", "pod", "moved", "scheduled", "--force")
	eventually(t, "what was deleted by force has gone", func() error { // which nobody waits for
		if now := namespaces(t); slices.Contains(now, "moved") || slices.Contains(now, "scheduled") {
			return fmt.Errorf("there are %v", now)
		}
		return nil
	})
}

// move writes into the store what no API server would: that a pod is on another node.
func (c *cluster) move(t *testing.T, pod, node string) {
	t.Helper()
	store, key := c.store(t), "/registry/pods/default/"+pod
	found, err := store.Get(t.Context(), key)
	if err != nil || found.Count != 1 {
		t.Fatalf("%s: %v, %v", key, found, err)
	}
	codec := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	var p v1.Pod
	if _, _, err := codec.Decode(found.Kvs[0].Value, nil, &p); err != nil {
		t.Fatal(err)
	}
	p.Spec.NodeName = node
	text, err := runtime.Encode(codec, &p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), key, string(text)); err != nil {
		t.Fatal(err)
	}
}

// goesOn: when the cluster's process has ended, another goes on with what there was.
func (c *cluster) goesOn(t *testing.T) {
	spaces := namespaces(t)
	c.must(t, web, "apply", "-f", "-")
	c.must(t, "", "rollout", "status", "deployment/web", "--timeout=60s")
	c.ready(t, "toolbox")
	c.must(t, "", "run", "finished", "--image=toolbox", "--restart=Never", "--", "echo", "said before")
	c.becomes(t, "finished", ".status.phase", "Succeeded")
	c.must(t, "", "run", "once", "--image=pause", "--restart=Never")
	c.ready(t, "once")
	c.must(t, "", "config", "set-context", "--current", "--namespace=default")
	before := c.must(t, "", "get", "deployments,replicasets,services,configmaps,serviceaccounts,nodes", "-A", "-o", "custom-columns=K:.kind,N:.metadata.name,U:.metadata.uid")
	config, err := os.ReadFile(filepath.Join(c.Dir, companion.AdminConf))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.StartAgain(t)
	}
	if after := c.must(t, "", "get", "deployments,replicasets,services,configmaps,serviceaccounts,nodes", "-A", "-o", "custom-columns=K:.kind,N:.metadata.name,U:.metadata.uid"); after != before {
		t.Errorf("objects are\n%s\nand were\n%s", after, before)
	}
	if now, err := os.ReadFile(filepath.Join(c.Dir, companion.AdminConf)); err != nil || string(now) != string(config) {
		t.Errorf("admin.conf is another: %v", err)
	}
	c.must(t, "", "rollout", "status", "deployment/web", "--timeout=60s")
	c.ready(t, "toolbox")
	eventually(t, "the Service answers by its name", func() error {
		_, err := get(t, "toolbox", "web"+domain, 5*time.Second)
		return err
	})
	if n := c.field(t, "toolbox", ".status.containerStatuses[0].restartCount"); n != "2" {
		t.Errorf("the toolbox was started again %s times, want 2", n)
	}
	c.becomes(t, "once", ".status.phase", "Failed") // it must not run twice
	if got := c.field(t, "once", ".status.containerStatuses[0].state.terminated.reason"); got != "Unknown" {
		t.Errorf("it ended with the reason %q", got)
	}
	if got := c.must(t, "", "logs", "finished"); got != "said before" {
		t.Errorf("the log of a pod that had finished: %q", got)
	}
	if got := c.field(t, "finished", ".status.podIP"); got == "" {
		t.Error("a pod that had finished has lost its address")
	}
	c.addressesAreFree(t)
	c.must(t, "", "delete", "deployment/web", "service/web", "pod/toolbox", "pod/once", "pod/finished", "--now")
	eventually(t, "no pod's namespace has stayed", func() error {
		if now := namespaces(t); !slices.Equal(now, spaces) {
			return fmt.Errorf("there are %v, and were %v", now, spaces)
		}
		return nil
	})
}

// namespaces lists the network namespaces that have names.
func namespaces(t *testing.T) (names []string) {
	t.Helper()
	files, err := os.ReadDir(netns.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		names = append(names, file.Name())
	}
	return names
}

// addressesAreFree: only pods that run have addresses of the node's.
func (c *cluster) addressesAreFree(t *testing.T) {
	t.Helper()
	for _, node := range c.Nodes {
		taken, err := filepath.Glob(filepath.Join(c.Dir, node.Name, "cni", "addresses", "*", "10.*"))
		if err != nil {
			t.Fatal(err)
		}
		running := c.must(t, "", "get", "pods", "-A", "--field-selector=status.phase=Running,spec.nodeName="+node.Name, "-o", "jsonpath={.items[*].status.podIP}")
		if want := len(strings.Fields(running)); len(taken) != want {
			t.Errorf("%s has given %d addresses, and %d pods run: %v", node.Name, len(taken), want, taken)
		}
	}
}

// TestIsolation: a pod that a policy selects is kept to it from its first packet on.
// UNDERLAY_TEST_PODS says how many are tried.
func TestIsolation(t *testing.T) {
	pods := 60
	if n, err := strconv.Atoi(os.Getenv("UNDERLAY_TEST_PODS")); err == nil {
		pods = n
	}
	c := open(t, settings{Proxy: "nftables", CNI: "calico", Policy: true})
	listener := listenIn(t, "control", "192.168.50.10:0")
	var calls atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			_ = conn.Close()
		}
	}()
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	call := fmt.Sprintf(": </dev/tcp/%s/%s", host, port)
	job := func(app string, n int) {
		t.Helper()
		c.must(t, fmt.Sprintf(`{apiVersion: batch/v1, kind: Job, metadata: {name: %s}, spec: {completions: %d, parallelism: 16, template: {metadata: {labels: {app: %[1]s}},
			spec: {restartPolicy: Never, containers: [{name: main, image: toolbox, command: [bash, -c, '%[3]s & sleep 0.3']}]}}}}`, app, n, call), "apply", "-f", "-")
		c.must(t, "", "wait", "--for=condition=Complete", "job/"+app, "--timeout=20m")
	}
	c.must(t, `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: closed}, spec: {podSelector: {matchLabels: {app: closed}}, policyTypes: [Egress]}}`, "apply", "-f", "-")
	job("open", 10)
	if n := calls.Load(); n != 10 {
		t.Errorf("%d of 10 pods that no policy selects got through", n)
	}
	calls.Store(0)
	job("closed", pods)
	if n := calls.Load(); n != 0 {
		t.Errorf("%d of %d pods got through before they were isolated", n, pods)
	}
}

// listenIn listens in a node until the test ends.
func listenIn(t *testing.T, node, address string) net.Listener {
	t.Helper()
	var listener net.Listener
	err := netns.Do(netns.Path(node), func() (err error) {
		listener, err = new(net.ListenConfig).Listen(context.Background(), "tcp", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// TestVersion: kubectl says which Kubernetes this is, and ends well.
func TestVersion(t *testing.T) {
	c := open(t, settings{Proxy: "none", CNI: "bridge"})
	want := c.must(t, "", "get", "node", "node1", "-o", "jsonpath={.status.nodeInfo.kubeletVersion}")
	out := c.must(t, "", "version")
	for _, line := range []string{"Client Version: " + want, "Server Version: " + want} {
		if !slices.Contains(strings.Split(out, "\n"), line) {
			t.Errorf("kubectl version does not say %q:\n%s", line, out)
		}
	}
	if out, err := exec.Command(c.Binary, "kubectl", "version", "--client").CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("kubectl version --client: %v: %s", err, out)
	}
}
