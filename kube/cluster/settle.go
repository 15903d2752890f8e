package cluster

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
)

// SettleFor is how long what manifests ask for may take, where it is not plain
// that it does not come.
const settleFor = 20 * time.Second

// Settle returns when every Deployment has its pods, every pod is ready or cannot
// become so by itself, and the nodes have rules for every Service that has ready
// pods. What takes longer than settleFor is left to itself.
func (c *cluster) settle(ctx context.Context) error {
	deadline := time.Now().Add(settleFor)
	for {
		settled, err := c.settled(ctx)
		if err != nil || settled || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *cluster) settled(ctx context.Context) (bool, error) {
	deployments, err := c.client.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for _, d := range deployments.Items {
		if d.Status.ObservedGeneration < d.Generation || d.Status.Replicas < *d.Spec.Replicas {
			return false, nil
		}
	}
	pods, err := c.client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for i := range pods.Items {
		if !c.hasSettled(&pods.Items[i]) {
			return false, nil
		}
	}
	return c.served(ctx, pods.Items)
}

// Served reports whether every Service leads to the pods that are ready for it.
func (c *cluster) served(ctx context.Context, pods []v1.Pod) (bool, error) {
	services, err := c.client.CoreV1().Services(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	slices, err := c.client.DiscoveryV1().EndpointSlices(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for i := range services.Items {
		s := &services.Items[i]
		if len(s.Spec.Selector) == 0 {
			continue
		}
		headless := s.Spec.ClusterIP == v1.ClusterIPNone
		if !headless && !c.programmed(s) {
			return false, nil
		}
		want, have := readyFor(s, pods), 0
		for j := range slices.Items {
			slice := &slices.Items[j]
			if slice.Namespace != s.Namespace || slice.Labels[discoveryv1.LabelServiceName] != s.Name {
				continue
			}
			have += readyIn(slice)
			if !headless && !c.programmed(slice) {
				return false, nil
			}
		}
		if have < want {
			return false, nil
		}
	}
	return true, nil
}

// Programmed reports whether the nodes have rules for a Service, or its endpoints,
// as it is.
func (c *cluster) programmed(object metav1.Object) bool {
	if c.config.Proxy == "none" {
		return true
	}
	select {
	case <-c.proxied:
		return c.proxies.CaughtUp(object)
	default:
		return false
	}
}

// ReadyFor counts the ready pods that a Service selects.
func readyFor(s *v1.Service, pods []v1.Pod) (n int) {
	selector := labels.SelectorFromSet(s.Spec.Selector)
	for i := range pods {
		p := &pods[i]
		if p.Namespace == s.Namespace && isPodReady(p) && selector.Matches(labels.Set(p.Labels)) {
			n++
		}
	}
	return n
}

func readyIn(slice *discoveryv1.EndpointSlice) (n int) {
	for _, e := range slice.Endpoints {
		if e.Conditions.Ready == nil || *e.Conditions.Ready {
			n++
		}
	}
	return n
}

// HasSettled reports whether a pod is ready, or nothing but a change from outside
// would make it so.
func (c *cluster) hasSettled(pod *v1.Pod) bool {
	if isPodReady(pod) || pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
		return true
	}
	if c.config.CNI == "none" && hasNamespace(pod) {
		return true // somebody has to wire it first
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == v1.PodScheduled && condition.Reason == v1.PodReasonUnschedulable {
			return true
		}
	}
	for _, status := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		if w := status.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
			return true
		}
		if status.RestartCount > 0 {
			return true
		}
	}
	return isRefused(pod, time.Now())
}

// IsRefused reports whether a container of a pod runs, and its readiness probe has
// had the time to succeed.
func isRefused(pod *v1.Pod, now time.Time) bool {
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		if c.ReadinessProbe == nil || c.StartupProbe != nil {
			continue
		}
		status, _ := podutil.GetContainerStatus(pod.Status.ContainerStatuses, c.Name)
		if running := status.State.Running; !status.Ready && running != nil && now.Sub(running.StartedAt.Time) > firstProbe(c.ReadinessProbe) {
			return true
		}
	}
	return false
}

// FirstProbe is how long after the start of a container its probe has succeeded, if
// it does so at once: as many times as it has to, and with a second for the kubelet
// and one because it tells the start in whole seconds.
func firstProbe(p *v1.Probe) time.Duration {
	again := max(p.SuccessThreshold, 1) - 1
	return time.Duration(p.InitialDelaySeconds+p.TimeoutSeconds+again*p.PeriodSeconds+2) * time.Second
}
