package conformance

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/connectivity/probe"
	"github.com/mattfenwick/cyclonus/pkg/generator"
	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"underlay/kube/internal/netns"
	"underlay/kube/internal/testcluster"
)

// Ports are those that every pod serves, by TCP and by UDP. SCTP is left out:
// no built-in image serves it, and an ordinary user cannot load its module.
// Policies about SCTP are applied like all others.
var (
	ports     = []int{80, 81}
	protocols = []v1.Protocol{v1.ProtocolTCP, v1.ProtocolUDP}
)

var namespaces = []string{"x", "y", "z"}

// A state is what there is in the cluster, and the same as cyclonus knows it.
type state struct {
	client   kubernetes.Interface
	nodes    []string
	made     int // pods so far
	first    *probe.Resources
	now      *probe.Resources
	policies []*networkingv1.NetworkPolicy
	beacon   beacon
}

// NewState makes three namespaces with three pods each, spread over the nodes.
func newState(t *testing.T, c *testcluster.Cluster) *state {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(c.Dir, "admin.conf"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		return netns.Dial(ctx, netns.Path("control"), network, address)
	}
	s := &state{first: &probe.Resources{Namespaces: map[string]map[string]string{}}}
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	for _, node := range c.Nodes {
		s.nodes = append(s.nodes, node.Name)
	}
	for _, name := range namespaces {
		s.createNamespace(t, name, map[string]string{"ns": name})
		s.first.Namespaces[name] = map[string]string{"ns": name, v1.LabelMetadataName: name}
		for _, pod := range []string{"a", "b", "c"} {
			p := probe.NewDefaultPod(name, pod, ports, protocols, false, "")
			s.createPod(t, p)
			s.first.Pods = append(s.first.Pods, p)
		}
	}
	for _, p := range s.first.Pods {
		s.awaitPod(t, p)
	}
	s.now = s.first
	s.newBeacon(t)
	return s
}

// Cases are all that cyclonus generates.
func (s *state) cases(t *testing.T) []*generator.TestCase {
	t.Helper()
	pod, err := s.first.GetPod("z", "c")
	if err != nil {
		t.Fatal(err)
	}
	return generator.NewTestCaseGenerator(true, pod.IP, namespaces, nil, nil).GenerateTestCases()
}

// Do does what a step of a case asks for, here and there.
func (s *state) do(t *testing.T, a *generator.Action) {
	t.Helper()
	var err error
	switch {
	case a.CreatePolicy != nil:
		s.createPolicy(t, a.CreatePolicy.Policy)
	case a.UpdatePolicy != nil:
		s.updatePolicy(t, a.UpdatePolicy.Policy)
	case a.DeletePolicy != nil:
		s.deletePolicy(t, a.DeletePolicy.Namespace, a.DeletePolicy.Name)
	case a.CreateNamespace != nil:
		s.now, err = s.now.CreateNamespace(a.CreateNamespace.Namespace, a.CreateNamespace.Labels)
		s.createNamespace(t, a.CreateNamespace.Namespace, a.CreateNamespace.Labels)
	case a.SetNamespaceLabels != nil:
		s.now, err = s.now.UpdateNamespaceLabels(a.SetNamespaceLabels.Namespace, a.SetNamespaceLabels.Labels)
		s.labelNamespace(t, a.SetNamespaceLabels.Namespace, a.SetNamespaceLabels.Labels)
	case a.DeleteNamespace != nil:
		s.now, err = s.now.DeleteNamespace(a.DeleteNamespace.Namespace)
		s.deleteNamespace(t, a.DeleteNamespace.Namespace)
	case a.CreatePod != nil:
		s.now, err = s.now.CreatePod(a.CreatePod.Namespace, a.CreatePod.Pod, a.CreatePod.Labels)
		if err == nil {
			p := s.now.Pods[len(s.now.Pods)-1]
			s.createPod(t, p)
			s.awaitPod(t, p)
		}
	case a.SetPodLabels != nil:
		s.now, err = s.now.SetPodLabels(a.SetPodLabels.Namespace, a.SetPodLabels.Pod, a.SetPodLabels.Labels)
		s.labelPod(t, a.SetPodLabels.Namespace, a.SetPodLabels.Pod, a.SetPodLabels.Labels)
	case a.DeletePod != nil:
		s.now, err = s.now.DeletePod(a.DeletePod.Namespace, a.DeletePod.Pod)
		s.deletePod(t, a.DeletePod.Namespace, a.DeletePod.Pod)
	default:
		err = fmt.Errorf("no such action: %+v", a)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Reset takes away what earlier steps have added, and restores labels.
func (s *state) reset(t *testing.T) {
	t.Helper()
	for _, p := range slices.Clone(s.policies) {
		s.deletePolicy(t, p.Namespace, p.Name)
	}
	for _, pod := range s.now.Pods {
		was, err := s.first.GetPod(pod.Namespace, pod.Name)
		if err != nil {
			s.deletePod(t, pod.Namespace, pod.Name)
		} else if !maps.Equal(pod.Labels, was.Labels) {
			s.labelPod(t, was.Namespace, was.Name, was.Labels)
		}
	}
	for name, labels := range s.now.Namespaces {
		if was, ok := s.first.Namespaces[name]; !ok {
			s.deleteNamespace(t, name)
		} else if !maps.Equal(labels, was) {
			s.labelNamespace(t, name, was)
		}
	}
	s.now = s.first
}

// Truth is what cyclonus says of a connection now.
func (s *state) truth() func(*probe.Job) bool {
	policy := matcher.BuildNetworkPolicies(true, s.policies)
	return func(j *probe.Job) bool { return policy.IsTrafficAllowed(j.Traffic()).IsAllowed() }
}

func (s *state) createPolicy(t *testing.T, p *networkingv1.NetworkPolicy) {
	t.Helper()
	if _, err := s.client.NetworkingV1().NetworkPolicies(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.policies = append(s.policies, p)
}

func (s *state) updatePolicy(t *testing.T, p *networkingv1.NetworkPolicy) {
	t.Helper()
	if _, err := s.client.NetworkingV1().NetworkPolicies(p.Namespace).Update(t.Context(), p, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.forget(p.Namespace, p.Name)
	s.policies = append(s.policies, p)
}

func (s *state) deletePolicy(t *testing.T, namespace, name string) {
	t.Helper()
	if err := s.client.NetworkingV1().NetworkPolicies(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.forget(namespace, name)
}

func (s *state) forget(namespace, name string) {
	s.policies = slices.DeleteFunc(s.policies, func(p *networkingv1.NetworkPolicy) bool {
		return p.Namespace == namespace && p.Name == name
	})
}

func (s *state) createNamespace(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	n := &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if _, err := s.client.CoreV1().Namespaces().Create(t.Context(), n, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *state) labelNamespace(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	n, err := s.client.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
	if err == nil {
		n.Labels = maps.Clone(labels)
		_, err = s.client.CoreV1().Namespaces().Update(t.Context(), n, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (s *state) deleteNamespace(t *testing.T, name string) {
	t.Helper()
	if err := s.client.CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, "the namespace "+name+" goes", func() error {
		_, err := s.client.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
		return gone(err)
	})
}

// Gone turns the answer about an object that is waited for to go into whether
// it is still there.
func gone(err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		return fmt.Errorf("it is still there")
	}
	return err
}

// CreatePod makes a pod whose servers call themselves NAMESPACE/NAME.
func (s *state) createPod(t *testing.T, p *probe.Pod) {
	t.Helper()
	servers := map[v1.Protocol]*v1.Container{}
	pod := &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, Labels: p.Labels},
		Spec:       v1.PodSpec{NodeName: s.nodes[s.made%len(s.nodes)], TerminationGracePeriodSeconds: new(int64)},
	}
	s.made++
	for _, c := range p.Containers {
		server := servers[c.Protocol]
		if server == nil {
			image := strings.ToLower(string(c.Protocol))
			server = &v1.Container{Name: image, Image: image, Args: []string{"--name=" + p.PodString().String()}}
			servers[c.Protocol] = server
		}
		server.Args = append(server.Args, fmt.Sprintf("--port=%d", c.Port))
		server.Ports = append(server.Ports, v1.ContainerPort{Name: c.PortName, ContainerPort: int32(c.Port), Protocol: c.Protocol})
	}
	for _, protocol := range protocols {
		if server := servers[protocol]; server != nil {
			pod.Spec.Containers = append(pod.Spec.Containers, *server)
		}
	}
	if _, err := s.client.CoreV1().Pods(p.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// AwaitPod waits until a pod runs, learns its address, and waits until its
// servers answer the pod itself, which no policy forbids.
func (s *state) awaitPod(t *testing.T, p *probe.Pod) {
	t.Helper()
	testcluster.Eventually(t, p.PodString().String()+" runs", func() error {
		pod, err := s.client.CoreV1().Pods(p.Namespace).Get(t.Context(), p.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range pod.Status.Conditions {
			if condition.Type == v1.PodReady && condition.Status == v1.ConditionTrue {
				p.IP = pod.Status.PodIP
				return nil
			}
		}
		return fmt.Errorf("it is %s", pod.Status.Phase)
	})
	testcluster.Eventually(t, p.PodString().String()+" answers", func() error {
		var questions []*question
		for _, c := range p.Containers {
			questions = append(questions, &question{
				from: space(p.Namespace, p.Name), server: p.PodString().String(), want: true, udp: c.Protocol == v1.ProtocolUDP,
				to: netip.AddrPortFrom(address(t, p.IP), uint16(c.Port)),
			})
		}
		ask(t, questions)
		for _, q := range questions {
			if !q.got {
				return fmt.Errorf("port %s does not: %v", q.to, q.failed) //nolint:errorlint // nil if it was silent
			}
		}
		return nil
	})
}

func (s *state) labelPod(t *testing.T, namespace, name string, labels map[string]string) {
	t.Helper()
	testcluster.Eventually(t, "change the labels of "+namespace+"/"+name, func() error {
		pod, err := s.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		pod.Labels = maps.Clone(labels)
		_, err = s.client.CoreV1().Pods(namespace).Update(t.Context(), pod, metav1.UpdateOptions{})
		return err // a conflict, when its status has changed meanwhile
	})
}

func (s *state) deletePod(t *testing.T, namespace, name string) {
	t.Helper()
	if err := s.client.CoreV1().Pods(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, "the pod "+namespace+"/"+name+" goes", func() error {
		_, err := s.client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		return gone(err)
	})
}
