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
	"slices"

	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// Start enforces policies on the given nodes until ctx is done. Factory is not
// started yet; whoever starts it lets this begin. The wait it returns ends when
// the policies that were there are in force. Failed gets what keeps a node
// from enforcing.
func Start(ctx context.Context, factory informers.SharedInformerFactory, nodes []string, failed func(error)) (wait func() error, err error) {
	var enforcers []*enforcer
	for _, node := range nodes {
		e, err := newEnforcer(ctx, node, newJudge(node, factory), failed)
		if err != nil {
			return nil, fmt.Errorf("policies on %s: %w", node, err)
		}
		enforcers = append(enforcers, e)
	}
	synced, err := wake(factory, enforcers)
	if err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	first := make(chan struct{})
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), synced...) {
			for _, e := range enforcers {
				e.settle(ctx)
				go e.run(ctx)
			}
			close(first)
		}
	}()
	return func() error {
		select {
		case <-first:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}

// Wake calls every enforcer's when anything changed that policies depend on.
func wake(factory informers.SharedInformerFactory, enforcers []*enforcer) ([]cache.InformerSynced, error) {
	all := func() {
		for _, e := range enforcers {
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
	}
	return synced, nil
}

// Matters says whether a change of an object can change what a policy allows.
// Pods change often, and mostly not in this.
func matters(before, after any) bool {
	switch after := after.(type) {
	case *v1.Pod:
		before := before.(*v1.Pod)
		return !maps.Equal(before.Labels, after.Labels) || before.Status.Phase != after.Status.Phase ||
			!slices.Equal(before.Status.PodIPs, after.Status.PodIPs) || before.Spec.NodeName != after.Spec.NodeName
	case *v1.Namespace:
		return !maps.Equal(before.(*v1.Namespace).Labels, after.Labels)
	case *networkingv1.NetworkPolicy:
		return before.(*networkingv1.NetworkPolicy).Generation != after.Generation
	}
	return true
}
