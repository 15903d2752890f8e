package policy

import (
	"context"
	"net/netip"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"sigs.k8s.io/kube-network-policies/pkg/api"
	"sigs.k8s.io/kube-network-policies/pkg/network"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
	"sigs.k8s.io/kube-network-policies/pkg/podinfo"
)

// A judge says which connections the policies of a cluster allow, and which
// pods of one node they concern.
type judge struct {
	engine *networkpolicy.PolicyEngine
	pods   corelisters.PodLister
}

func newJudge(node string, factory informers.SharedInformerFactory, holders podinfo.IPResolver) judge {
	core := factory.Core().V1()
	pods := podinfo.NewInformerProvider(core.Pods(), core.Namespaces(), nil, []podinfo.IPResolver{holders})
	policies := networkpolicy.NewStandardNetworkPolicy(node, core.Namespaces(), core.Pods(), factory.Networking().V1().NetworkPolicies())
	return judge{networkpolicy.NewPolicyEngine(pods, []api.PolicyEvaluator{policies}), core.Pods().Lister()}
}

// knows reports whether a pod that has got its address is among those that are judged.
func (j judge) knows(a arrival) bool {
	pod, err := j.pods.Pods(a.pod.Namespace).Get(a.pod.Name)
	return err == nil && pod.UID == a.uid &&
		slices.ContainsFunc(pod.Status.PodIPs, func(ip v1.PodIP) bool { return ip.IP == a.address })
}

// Allows says whether a connection of which packet is the first may be made.
// What cannot be decided is not allowed.
func (j judge) allows(ctx context.Context, packet *network.Packet) bool {
	allowed, err := j.engine.EvaluatePacket(ctx, packet)
	return allowed && err == nil
}

// Concerned are the IPv4 addresses of the node's pods which a policy selects,
// in order.
func (j judge) concerned(ctx context.Context) ([]netip.Addr, error) {
	addresses, _, err := j.engine.GetManagedIPs(ctx)
	if err != nil {
		return nil, err
	}
	addresses = slices.DeleteFunc(addresses, func(a netip.Addr) bool { return !a.Is4() })
	slices.SortFunc(addresses, netip.Addr.Compare)
	return slices.Compact(addresses), nil
}
