// Package policy enforces NetworkPolicies on the traffic that nodes forward
// and that their pods send to them. What a policy means is decided by the
// engine of kube-network-policies; this package asks it about the first packet
// of each connection, and again about those that are open when policies, pods
// or namespaces change. It does not know how pods are attached to their node,
// and relies on their traffic passing the node's forward hook.
package policy

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// Policies are the enforcers of a cluster's nodes.
type Policies struct {
	enforcers map[string]*enforcer // by node
	first     chan struct{}        // closed when those that were there are in force
	known     []cache.Store        // what they are judged by: policies, pods, namespaces
}

// Start enforces policies on the given nodes until ctx is done. Factory is not
// started yet; whoever starts it lets this begin. Failed gets what keeps a node
// from enforcing, and again is called when it has begun once more.
func Start(ctx context.Context, factory informers.SharedInformerFactory, nodes []string, failed func(error), again func(node string)) (*Policies, error) {
	p := &Policies{enforcers: map[string]*enforcer{}, first: make(chan struct{})}
	holders, err := newHolders(factory.Core().V1().Pods().Informer())
	if err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	for _, node := range nodes {
		e, err := newEnforcer(ctx, node, newJudge(node, factory, holders), failed, again)
		if err != nil {
			return nil, fmt.Errorf("policies on %s: %w", node, err)
		}
		p.enforcers[node] = e
	}
	synced, err := p.wake(factory)
	if err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), synced...) {
			for _, e := range p.enforcers {
				e.settle(ctx)
				go e.run(ctx)
			}
			close(p.first)
		}
	}()
	return p, nil
}

// Wait returns when the policies that were there at the start are in force.
func (p *Policies) Wait(ctx context.Context) error {
	select {
	case <-p.first:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Judged returns when the rules of a node are those that the policies demand for one
// of its pods that has this address, or when ctx ends. The API server must have been
// told of the address.
func (p *Policies) Judged(ctx context.Context, node string, pod types.NamespacedName, uid types.UID, address netip.Addr) error {
	e := p.enforcers[node]
	if e == nil {
		return fmt.Errorf("policies: there is no node %s", node)
	}
	a := arrival{pod, uid, address.String()}
	select {
	case <-e.expect(a):
		return nil
	case <-ctx.Done():
		e.dismiss(a)
		return ctx.Err()
	}
}

// CaughtUp reports whether the policies are in force as they are, for pods and namespaces
// as they are: these, which are all that there are. It judges once more before it says so,
// and returns an error only if ctx ends.
func (p *Policies) CaughtUp(ctx context.Context, policies []networkingv1.NetworkPolicy, pods []v1.Pod, namespaces []v1.Namespace) (bool, error) {
	if err := p.Wait(ctx); err != nil {
		return false, err
	}
	versions := map[types.UID]string{}
	for i := range policies {
		versions[policies[i].UID] = policies[i].ResourceVersion
	}
	for i := range pods {
		versions[pods[i].UID] = pods[i].ResourceVersion
	}
	for i := range namespaces {
		versions[namespaces[i].UID] = namespaces[i].ResourceVersion
	}
	known := map[types.UID]string{}
	for _, store := range p.known {
		for _, object := range store.List() {
			if object, ok := object.(metav1.Object); ok {
				known[object.GetUID()] = object.GetResourceVersion()
			}
		}
	}
	if !maps.Equal(versions, known) {
		return false, nil
	}
	for _, e := range p.enforcers {
		if err := e.await(ctx); err != nil {
			return false, err
		}
	}
	return true, nil
}

// Wake calls every enforcer's when anything changed that policies depend on.
func (p *Policies) wake(factory informers.SharedInformerFactory) ([]cache.InformerSynced, error) {
	all := func() {
		for _, e := range p.enforcers {
			e.wake()
		}
	}
	handle := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { all() },
		DeleteFunc: func(any) { all() },
		UpdateFunc: func(before, after any) {
			if matters(before, after) {
				all()
			}
		},
	}
	var synced []cache.InformerSynced
	for _, informer := range []cache.SharedIndexInformer{
		factory.Networking().V1().NetworkPolicies().Informer(),
		factory.Core().V1().Pods().Informer(),
		factory.Core().V1().Namespaces().Informer(),
	} {
		registration, err := informer.AddEventHandler(handle)
		if err != nil {
			return nil, err
		}
		synced = append(synced, registration.HasSynced)
		p.known = append(p.known, informer.GetStore())
	}
	return synced, nil
}

// Matters says whether a change of an object can change what a policy allows.
// Pods change often, and mostly not in this.
func matters(before, after any) bool {
	switch after := after.(type) {
	case *v1.Pod:
		before := before.(*v1.Pod)
		return before.UID != after.UID || !maps.Equal(before.Labels, after.Labels) || before.Status.Phase != after.Status.Phase ||
			!slices.Equal(before.Status.PodIPs, after.Status.PodIPs) || before.Spec.NodeName != after.Spec.NodeName
	case *v1.Namespace:
		return !maps.Equal(before.(*v1.Namespace).Labels, after.Labels)
	case *networkingv1.NetworkPolicy:
		return before.(*networkingv1.NetworkPolicy).Generation != after.Generation
	}
	return true
}
