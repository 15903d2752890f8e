package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"underlay/kube/kubectl"
)

// SettleFor is how long pods of manifests may take until they run, or it is
// plain that they don't.
const settleFor = 20 * time.Second

// ApplyManifests applies the files that the config names, and waits for their
// pods. A file that is refused is reported; the cluster is there without it.
func (c *cluster) applyManifests(ctx context.Context) error {
	if len(c.config.Manifests) == 0 {
		return nil
	}
	if err := kubectl.Apply(filepath.Join(c.config.Dir, admin), c.config.Manifests); err != nil {
		c.progress.Failed(StepManifests, fmt.Errorf("apply manifests: %w", err))
		return nil
	}
	if err := c.waitForPods(ctx); err != nil {
		return err
	}
	c.progress.Ready(StepManifests)
	return nil
}

// WaitForPods returns when every Deployment has its pods and every pod is ready, or
// cannot become so by itself. Pods that take longer than settleFor are left to it.
func (c *cluster) waitForPods(ctx context.Context) error {
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
	return true, nil
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
	return false
}
