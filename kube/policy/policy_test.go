package policy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"underlay/kube/internal/netns"
	"underlay/kube/internal/world"
)

func TestMain(m *testing.M) { os.Exit(world.Main(m)) }

// patience is how long a connection may take on a busy machine; refusal is how
// long one is tried that should not come about.
const (
	patience = 10 * time.Second
	refusal  = 300 * time.Millisecond
)

// lab is a node with three pods, client, other and server, of which the server
// serves ports 80 and 81.
type lab struct {
	client   *fake.Clientset
	server   netip.Addr
	policies *Policies
	failures atomic.Int64 // that were told
	again    atomic.Int64 // that it keeps to policies once more
	expected int64
}

func newLab(t *testing.T) *lab {
	t.Helper()
	node := world.Nodes(t, "node1")[0]
	l := &lab{client: fake.NewClientset(), server: netip.MustParseAddr("10.244.0.4")}
	l.create(t, &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default", Labels: map[string]string{"kubernetes.io/metadata.name": "default"}}})
	for name, address := range map[string]string{"client": "10.244.0.2", "other": "10.244.0.3", "server": "10.244.0.4"} {
		world.Attach(t, node, name, netip.MustParseAddr(address))
		l.create(t, &v1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", Labels: map[string]string{"app": name}},
			Spec:       v1.PodSpec{NodeName: node.Name},
			Status:     v1.PodStatus{Phase: v1.PodRunning, PodIP: address, PodIPs: []v1.PodIP{{IP: address}}},
		})
	}
	for _, port := range []string{"80", "81"} {
		echo(t, "server", net.JoinHostPort(l.server.String(), port))
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	factory := informers.NewSharedInformerFactory(l.client, 0)
	var err error
	l.policies, err = Start(ctx, factory, []string{node.Name}, func(err error) {
		l.failures.Add(1)
		t.Log(err)
	}, func(string) { l.again.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := l.failures.Load(); n != l.expected {
			t.Errorf("%d failures were told, want %d", n, l.expected)
		}
	})
	factory.Start(ctx.Done())
	if err := l.policies.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lab) create(t *testing.T, object any) {
	t.Helper()
	var err error
	ctx, none := t.Context(), metav1.CreateOptions{}
	switch object := object.(type) {
	case *v1.Namespace:
		_, err = l.client.CoreV1().Namespaces().Create(ctx, object, none)
	case *v1.Pod:
		_, err = l.client.CoreV1().Pods(object.Namespace).Create(ctx, object, none)
	case *networkingv1.NetworkPolicy:
		_, err = l.client.NetworkingV1().NetworkPolicies("default").Create(ctx, object, none)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// echo serves what it is sent, on an address in a network namespace.
func echo(t *testing.T, space, address string) {
	t.Helper()
	listener, err := netns.Listen(netns.Path(space), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
}

func (l *lab) dial(t *testing.T, from, port string, limit time.Duration) (net.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return netns.Dial(ctx, netns.Path(from), "tcp", net.JoinHostPort(l.server.String(), port))
}

func (l *lab) reaches(t *testing.T, from, port string) {
	t.Helper()
	conn, err := l.dial(t, from, port, patience)
	if err != nil {
		t.Errorf("%s does not reach port %s: %v", from, port, err)
		return
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

// isCutFrom waits until no connection comes about any more.
func (l *lab) isCutFrom(t *testing.T, from, port string) time.Duration {
	t.Helper()
	begin := time.Now()
	for time.Since(begin) < patience {
		at := time.Since(begin)
		conn, err := l.dial(t, from, port, refusal)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
			return at
		}
		if err != nil {
			t.Fatalf("%s is not cut from port %s, but: %v", from, port, err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("%s still reaches port %s", from, port)
	return 0
}

// isolated is a policy that lets only the client reach the server, on port 80.
func isolated() *networkingv1.NetworkPolicy {
	tcp, port := v1.ProtocolTCP, intstr.FromInt32(80)
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "server", Namespace: "default"},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "server"}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{
				From:  []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "client"}}}},
				Ports: []networkingv1.NetworkPolicyPort{{Protocol: &tcp, Port: &port}},
			}},
		},
	}
}

func TestPolicyComesAndGoes(t *testing.T) {
	l := newLab(t)
	l.reaches(t, "client", "80")
	l.reaches(t, "other", "81")

	l.create(t, isolated())
	t.Logf("dropped within %v", l.isCutFrom(t, "other", "80").Round(time.Millisecond))
	l.isCutFrom(t, "client", "81")
	l.reaches(t, "client", "80")

	if err := l.client.NetworkingV1().NetworkPolicies("default").Delete(t.Context(), "server", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	for {
		conn, err := l.dial(t, "other", "80", refusal)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Since(begin) > patience {
			t.Fatalf("still cut after the policy went: %v", err)
		}
	}
}

// A policy ends connections that were open before, and they go on when it goes.
func TestPolicyCutsOpenConnections(t *testing.T) {
	l := newLab(t)
	allowed, err := l.dial(t, "client", "80", patience)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = allowed.Close() }()
	refused, err := l.dial(t, "other", "80", patience)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = refused.Close() }()
	if !speaks(t, allowed, patience) || !speaks(t, refused, patience) {
		t.Fatal("connections do not work before there is a policy")
	}
	l.create(t, isolated())
	l.isCutFrom(t, "other", "80")
	begin := time.Now()
	for speaks(t, refused, refusal) {
		if time.Since(begin) > patience {
			t.Fatal("a connection that is no longer allowed goes on")
		}
	}
	if !speaks(t, allowed, patience) {
		t.Error("a connection that is still allowed was cut")
	}
	if err := l.client.NetworkingV1().NetworkPolicies("default").Delete(t.Context(), "server", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if !speaks(t, refused, 3*patience) { // TCP tries again with growing pauses
		t.Error("the connection does not go on after the policy went")
	}
}

// speaks says whether a byte comes back in time.
func speaks(t *testing.T, conn net.Conn, limit time.Duration) bool {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte{1}); err != nil {
		return false
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return err == nil
}

// Somebody who flushes all rules takes the policies away only until something
// changes.
func TestRulesComeBackAfterFlush(t *testing.T) {
	l := newLab(t)
	l.create(t, isolated())
	l.isCutFrom(t, "other", "80")
	if err := netns.Do(netns.Path("node1"), func() error { return run("nft", "flush", "ruleset") }); err != nil {
		t.Fatal(err)
	}
	l.reaches(t, "other", "80")
	second := isolated()
	second.Name, second.Spec.PodSelector.MatchLabels = "other", map[string]string{"app": "other"}
	l.create(t, second)
	l.isCutFrom(t, "other", "80")
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// TestPolicyOutlivesChains: when a chain is taken away the kernel drops what waits
// for a verdict, and the verdict then finds no packet. That must not end the judging.
func TestPolicyOutlivesChains(t *testing.T) {
	l := newLab(t)
	l.create(t, isolated())
	l.isCutFrom(t, "other", "80")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 200 {
			err := netns.Do(netns.Path("node1"), func() error {
				const chain = "add table ip t; add chain ip t c { type filter hook forward priority 0; }"
				return errors.Join(run("nft", chain), run("nft", "delete table ip t"))
			})
			if err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for {
		select {
		case <-ended:
			l.reaches(t, "client", "80")
			return
		default:
			if conn, err := l.dial(t, "client", "80", refusal); err == nil { // its first packet may be among those
				_ = conn.Close()
			}
		}
	}
}

// A pod that has got its address is judged once the node has heard of it.
func TestArrivals(t *testing.T) {
	l := newLab(t)
	name, address := types.NamespacedName{Namespace: "default", Name: "late"}, netip.MustParseAddr("10.244.0.5")
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name.Name, Namespace: name.Namespace, UID: "u"}, Spec: v1.PodSpec{NodeName: "node1"}}
	l.create(t, pod)
	short, cancel := context.WithTimeout(t.Context(), refusal)
	defer cancel()
	if err := l.policies.Judged(short, "node1", name, "u", address); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a pod of which nobody knows the address: %v", err)
	}
	judged := make(chan error, 2)
	for _, uid := range []types.UID{"u", "another"} {
		go func() { judged <- l.policies.Judged(t.Context(), "node1", name, uid, address) }()
	}
	pod.Status = v1.PodStatus{PodIP: address.String(), PodIPs: []v1.PodIP{{IP: address.String()}}}
	if _, err := l.client.CoreV1().Pods(name.Namespace).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-judged; err != nil {
		t.Error(err)
	}
	select {
	case err := <-judged:
		t.Errorf("one that had the name before is judged: %v", err)
	case <-time.After(refusal):
	}
	if err := l.policies.Judged(t.Context(), "node9", name, "u", address); err == nil {
		t.Error("a node that is not there has judged a pod")
	}
}

// A queue that cannot be read any more is opened again.
func TestQueueComesBack(t *testing.T) {
	l := newLab(t)
	l.expected = 1
	l.create(t, isolated())
	l.isCutFrom(t, "client", "81")
	before := l.policies.enforcers["node1"].reading.Load()
	if err := before.Con.Close(); err != nil {
		t.Fatal(err)
	}
	l.reaches(t, "client", "80")
	if l.policies.enforcers["node1"].reading.Load() == before {
		t.Error("it was judged by a queue that was closed")
	}
	if n := l.again.Load(); n != 1 {
		t.Errorf("it was told %d times that it goes on", n)
	}
	l.isCutFrom(t, "client", "81")
}

// A pod that has finished keeps its address in its status, and another pod gets it. What
// the one may do is not what the other may.
func TestAddressesAreUsedAgain(t *testing.T) {
	l := newLab(t)
	l.create(t, isolated())
	l.isCutFrom(t, "other", "80")
	for i := range 20 {
		l.create(t, &v1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("client-%d", i), Namespace: "default", Labels: map[string]string{"app": "client"}},
			Spec:       v1.PodSpec{NodeName: "node1"},
			Status:     v1.PodStatus{Phase: v1.PodSucceeded, PodIP: "10.244.0.3", PodIPs: []v1.PodIP{{IP: "10.244.0.3"}}},
		})
	}
	l.knows(t, "client-19")
	for range 10 { // which of them is found first is chance
		if conn, err := l.dial(t, "other", "80", refusal); err == nil {
			_ = conn.Close()
			t.Fatal("a pod may do what one may that had its address before")
		}
	}
	l.reaches(t, "client", "80")
}

// knows waits until the judge has heard of a pod.
func (l *lab) knows(t *testing.T, name string) {
	t.Helper()
	pods := l.policies.enforcers["node1"].judge.pods.Pods("default")
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(time.Millisecond) {
		if _, err := pods.Get(name); err == nil {
			return
		}
	}
	t.Fatalf("nobody has heard of %s", name)
}
