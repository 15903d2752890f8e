package cluster

import (
	"maps"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"underlay/engine/companion"
	"underlay/kube/kubelet"
)

// ReportPods tells of each pod that gets its namespace, changes, or goes.
func (c *cluster) reportPods(factory informers.SharedInformerFactory) error {
	tell := func(before, after *v1.Pod) {
		switch had, has := hasNamespace(before), hasNamespace(after); {
		case has && (!had || !sameReport(before, after)):
			c.progress.Pod(companion.Running, podReport(after))
		case had && !has:
			c.progress.Pod(companion.Gone, podReport(before))
		}
	}
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(pod any) { tell(nil, pod.(*v1.Pod)) },
		UpdateFunc: func(before, after any) { tell(before.(*v1.Pod), after.(*v1.Pod)) },
		DeleteFunc: func(last any) {
			if unknown, ok := last.(cache.DeletedFinalStateUnknown); ok {
				last = unknown.Obj
			}
			if pod, ok := last.(*v1.Pod); ok {
				tell(pod, nil)
			}
		},
	})
	return err
}

// HasNamespace reports whether a pod has a network namespace of its own now.
func hasNamespace(pod *v1.Pod) bool {
	if pod == nil || pod.Spec.HostNetwork || pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
		return false
	}
	return isTrue(pod, v1.PodReadyToStartContainers)
}

func podReport(pod *v1.Pod) companion.PodReport {
	return companion.PodReport{
		Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, Node: pod.Spec.NodeName,
		Netns: kubelet.NetNS(pod.Namespace, pod.Name), IP: pod.Status.PodIP, Ready: isPodReady(pod),
		Created: pod.CreationTimestamp.Time,
	}
}

func sameReport(a, b *v1.Pod) bool {
	return a.UID == b.UID && a.Status.PodIP == b.Status.PodIP && isPodReady(a) == isPodReady(b) && maps.Equal(a.Labels, b.Labels)
}

func isPodReady(pod *v1.Pod) bool { return isTrue(pod, v1.PodReady) }

func isTrue(pod *v1.Pod, kind v1.PodConditionType) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == kind {
			return condition.Status == v1.ConditionTrue
		}
	}
	return false
}
