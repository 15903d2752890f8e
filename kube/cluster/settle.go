package cluster

import (
	"context"
	"io"
	"net/http"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"

	"underlay/engine/companion"
)

// SettleFor is how long what objects ask for may take, where it is not plain that it
// does not come.
const settleFor = 20 * time.Second

// SettlePoll is how often it is looked whether it has come.
const settlePoll = 20 * time.Millisecond

// Settle returns when the cluster does what its objects ask for: there are the pods that
// controllers are to make, every pod is ready or cannot become so by itself, and nodes
// have rules for Services, endpoints and policies as they are. Late says what has not
// come in settleFor, and is left to itself; "" if there is nothing.
func (c *cluster) settle(ctx context.Context) (late string, err error) {
	deadline := time.Now().Add(settleFor)
	for {
		late, err := c.unsettled(ctx)
		if err != nil || late == "" || time.Now().After(deadline) {
			return late, err
		}
		select {
		case <-ctx.Done():
			return late, context.Cause(ctx)
		case <-time.After(settlePoll):
		}
	}
}

// ServeSettled answers once the cluster has settled, or says what is late.
func (c *cluster) serveSettled(w http.ResponseWriter, r *http.Request) {
	late, err := c.settle(r.Context())
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case late != "":
		_, _ = io.WriteString(w, companion.Late+late+"\n") // who does not read it does not want it
	default:
		_, _ = io.WriteString(w, companion.Settled+"\n")
	}
}

// Unsettled says what the cluster has yet to do; "" if nothing.
func (c *cluster) unsettled(ctx context.Context) (what string, err error) {
	o, err := c.list(ctx)
	if err != nil {
		return "", err
	}
	for i := range o.pods {
		if p := &o.pods[i]; !c.hasSettled(p) {
			return "pod " + name(p), nil
		}
	}
	if what := o.unmade(); what != "" {
		return what, nil
	}
	if what := o.unserved(); what != "" {
		return what, nil
	}
	if !c.programmed(o) {
		return "rules of kube-proxy", nil
	}
	if c.config.Policy {
		select {
		case <-c.policed:
		default:
			return "network policies", nil
		}
		if caughtUp, err := c.policies.CaughtUp(ctx, o.policies, o.pods, o.namespaces); err != nil || !caughtUp {
			return "network policies", err
		}
	}
	return "", nil
}

// Name is what an object is called in a message.
func name(object metav1.Object) string { return object.GetNamespace() + "/" + object.GetName() }

// Programmed reports whether the nodes have rules for Services and their endpoints as
// they are.
func (c *cluster) programmed(o *objects) bool {
	if c.config.Proxy == "none" {
		return true
	}
	select {
	case <-c.proxied:
		return c.proxies.CaughtUp(o.services, o.slices)
	default:
		return false
	}
}

// HasSettled reports whether a pod is ready, or nothing but a change from outside
// would make it so.
func (c *cluster) hasSettled(pod *v1.Pod) bool {
	if pod.DeletionTimestamp != nil {
		return false // it is being ended, which takes no longer than it may
	}
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
