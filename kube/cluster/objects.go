package cluster

import (
	"context"
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Objects are those of a cluster that decide what its network does, in all namespaces.
type objects struct {
	deployments []appsv1.Deployment
	sets        []appsv1.ReplicaSet
	stateful    []appsv1.StatefulSet
	daemons     []appsv1.DaemonSet
	pods        []v1.Pod
	services    []v1.Service
	slices      []discoveryv1.EndpointSlice
	policies    []networkingv1.NetworkPolicy
	namespaces  []v1.Namespace
}

// List asks the API server for all objects. What makes others is listed before them.
func (c *cluster) list(ctx context.Context) (*objects, error) {
	const all = metav1.NamespaceAll
	o, apps, core := &objects{}, c.client.AppsV1(), c.client.CoreV1()
	for _, list := range []func() error{
		listing(ctx, core.Namespaces().List, func(l *v1.NamespaceList) { o.namespaces = l.Items }),
		listing(ctx, apps.Deployments(all).List, func(l *appsv1.DeploymentList) { o.deployments = l.Items }),
		listing(ctx, apps.ReplicaSets(all).List, func(l *appsv1.ReplicaSetList) { o.sets = l.Items }),
		listing(ctx, apps.StatefulSets(all).List, func(l *appsv1.StatefulSetList) { o.stateful = l.Items }),
		listing(ctx, apps.DaemonSets(all).List, func(l *appsv1.DaemonSetList) { o.daemons = l.Items }),
		listing(ctx, core.Pods(all).List, func(l *v1.PodList) { o.pods = l.Items }),
		listing(ctx, core.Services(all).List, func(l *v1.ServiceList) { o.services = l.Items }),
		listing(ctx, c.client.DiscoveryV1().EndpointSlices(all).List, func(l *discoveryv1.EndpointSliceList) { o.slices = l.Items }),
		listing(ctx, c.client.NetworkingV1().NetworkPolicies(all).List, func(l *networkingv1.NetworkPolicyList) { o.policies = l.Items }),
	} {
		if err := list(); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func listing[L any](ctx context.Context, list func(context.Context, metav1.ListOptions) (*L, error), take func(*L)) func() error {
	return func() error {
		l, err := list(ctx, metav1.ListOptions{})
		if err == nil {
			take(l)
		}
		return err
	}
}

// Unmade names an object whose pods are not those that it asks for, although nothing keeps
// its controller from making them so; "" if there is none. Every pod has settled.
func (o *objects) unmade() string {
	for i := range o.sets {
		if s := &o.sets[i]; s.Status.ObservedGeneration < s.Generation || o.active(s.UID) != wanted(s.Spec.Replicas) {
			return "ReplicaSet " + name(s)
		}
	}
	for i := range o.deployments {
		d := &o.deployments[i]
		want, rolled := wanted(d.Spec.Replicas), d.Status
		switch {
		case rolled.ObservedGeneration < d.Generation:
			return "Deployment " + name(d)
		case d.Spec.Paused, rolled.UpdatedReplicas == want && rolled.Replicas == want, o.blocked(o.newest(d.UID)):
		default:
			return "Deployment " + name(d)
		}
	}
	for i := range o.stateful {
		s := &o.stateful[i]
		want, updated := wanted(s.Spec.Replicas), s.Status.UpdatedReplicas
		if s.Spec.UpdateStrategy.Type != appsv1.RollingUpdateStatefulSetStrategyType || s.Spec.UpdateStrategy.RollingUpdate != nil {
			updated = want // who asks for it may keep some as they are
		}
		if s.Status.ObservedGeneration < s.Generation || (o.active(s.UID) != want || updated != want) && !o.blocked(s.UID) {
			return "StatefulSet " + name(s)
		}
	}
	for i := range o.daemons {
		d := &o.daemons[i]
		want, updated := d.Status.DesiredNumberScheduled, d.Status.UpdatedNumberScheduled
		if d.Spec.UpdateStrategy.Type != appsv1.RollingUpdateDaemonSetStrategyType {
			updated = want
		}
		if d.Status.ObservedGeneration < d.Generation || (o.active(d.UID) != want || updated != want) && !o.blocked(d.UID) {
			return "DaemonSet " + name(d)
		}
	}
	return ""
}

func wanted(replicas *int32) int32 {
	if replicas == nil {
		return 1
	}
	return *replicas
}

func ownedBy(object metav1.Object, owner types.UID) bool {
	c := metav1.GetControllerOf(object)
	return c != nil && c.UID == owner
}

// Active counts the pods of an owner that have not ended.
func (o *objects) active(owner types.UID) (n int32) {
	for i := range o.pods {
		if p := &o.pods[i]; ownedBy(p, owner) && p.Status.Phase != v1.PodSucceeded && p.Status.Phase != v1.PodFailed {
			n++
		}
	}
	return n
}

// Blocked reports whether an owner has a pod that does not become ready by itself, for
// which its controller waits.
func (o *objects) blocked(owner types.UID) bool {
	for i := range o.pods {
		if p := &o.pods[i]; ownedBy(p, owner) && !isPodReady(p) {
			return true
		}
	}
	return false
}

// Newest is the ReplicaSet to which a Deployment rolls out; "" if it has none.
func (o *objects) newest(deployment types.UID) (newest types.UID) {
	var last int64
	for i := range o.sets {
		s := &o.sets[i]
		revision, _ := strconv.ParseInt(s.Annotations["deployment.kubernetes.io/revision"], 10, 64)
		if ownedBy(s, deployment) && revision >= last {
			newest, last = s.UID, revision
		}
	}
	return newest
}

// Unserved names a Service whose endpoints are not the pods that are ready for it; "" if
// there is none.
func (o *objects) unserved() string {
	for i := range o.services {
		s := &o.services[i]
		if len(s.Spec.Selector) == 0 || s.Spec.Type == v1.ServiceTypeExternalName || s.Spec.PublishNotReadyAddresses {
			continue
		}
		if !maps.Equal(o.readyFor(s), o.endpoints(s)) {
			return "endpoints of Service " + name(s)
		}
	}
	return ""
}

// ReadyFor are the addresses of the ready pods that a Service selects.
func (o *objects) readyFor(s *v1.Service) map[string]bool {
	ready, selector := map[string]bool{}, labels.SelectorFromSet(s.Spec.Selector)
	for i := range o.pods {
		if p := &o.pods[i]; p.Namespace == s.Namespace && isPodReady(p) && selector.Matches(labels.Set(p.Labels)) {
			ready[p.Status.PodIP] = true
		}
	}
	return ready
}

// Endpoints are the ready addresses that the controller has found for a Service.
func (o *objects) endpoints(s *v1.Service) map[string]bool {
	ready := map[string]bool{}
	for i := range o.slices {
		slice := &o.slices[i]
		if slice.Namespace != s.Namespace || slice.Labels[discoveryv1.LabelServiceName] != s.Name || !ownedBy(slice, s.UID) {
			continue // others may have written what they like
		}
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				for _, a := range e.Addresses {
					ready[a] = true
				}
			}
		}
	}
	return ready
}
