package policy

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Holders says which pod has an address now. A pod that has finished keeps in its status
// the address that it had, and somebody else may have got it. One that begins may send
// before anybody hears that it runs. So neither counts that a pod is Running, nor which
// one is found first, as in the resolvers of kube-network-policies.
type holders struct{ pods cache.Indexer }

const holderIndex = "holder"

// newHolders is called before the informer is started.
func newHolders(pods cache.SharedIndexInformer) (holders, error) {
	err := pods.AddIndexers(cache.Indexers{holderIndex: func(object any) (addresses []string, err error) {
		pod, ok := object.(*v1.Pod)
		if !ok || pod.Spec.HostNetwork || pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
			return nil, nil
		}
		for _, ip := range pod.Status.PodIPs {
			addresses = append(addresses, ip.IP)
		}
		return addresses, nil
	}})
	return holders{pods.GetIndexer()}, err
}

// LookupPod returns the key of the pod: of the newest one, where two claim an address
// because the end of one has yet to be told.
func (h holders) LookupPod(address string) (key string, found bool) {
	objects, err := h.pods.ByIndex(holderIndex, address)
	if err != nil {
		return "", false
	}
	var newest *v1.Pod
	for _, object := range objects {
		if pod := object.(*v1.Pod); newest == nil || newest.CreationTimestamp.Before(&pod.CreationTimestamp) {
			newest = pod
		}
	}
	if newest == nil {
		return "", false
	}
	return newest.Namespace + "/" + newest.Name, true
}
