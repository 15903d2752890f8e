// Package kubelet runs the pods of one node. It is a stand-in for the real
// kubelet: its containers are processes in namespaces, its images are names of
// built-in workloads. What it does not know: how pods get to be on its node,
// and what Services or policies make of them.
package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/netip"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// A Config is what the kubelet of one node is told. The cluster makes it and
// calls
//
//	Run(ctx context.Context, config Config) error
//
// once a node. Run registers the Node, serves the kubelet's API on
// Address:10250 in the node's namespace, and returns when ctx is done and all
// its pods have ended, or with the reason why it cannot go on.
type Config struct {
	// Node is the node's name, and that of its network namespace below
	// /run/netns.
	Node    string
	Address netip.Addr
	PodCIDR netip.Prefix
	// Labels are what the Node object has besides kubernetes.io/hostname.
	Labels map[string]string

	// Client speaks to the API server as system:node:NODE.
	Client kubernetes.Interface
	// Certificate is the serving certificate of the kubelet's API, and
	// ClientCAs says whose clients it obeys.
	Certificate tls.Certificate
	ClientCAs   *x509.CertPool

	// CNI is bridge, flannel, calico or none. Peers are the other nodes.
	CNI   string
	Peers []Peer

	// ClusterDNS and Domain are for /etc/resolv.conf of pods. ClusterDNS is
	// not valid where the cluster has no DNS.
	ClusterDNS netip.Addr
	Domain     string

	// Judged returns when the node lets only through what policies allow a pod
	// that has got its address and said so, or when ctx ends. It is nil where
	// policies are not enforced.
	Judged func(ctx context.Context, pod types.NamespacedName, uid types.UID, address netip.Addr) error

	// Dir is the node's own directory for logs, volumes and sockets. It is
	// below the directory of the cluster, and exists.
	Dir string
	// PodBinary is the path of underlay-pod, KubeBinary that of
	// underlay-kube, which is the program behind the image "coredns"; the pod's
	// arguments say that it is to serve DNS.
	PodBinary, KubeBinary string
}

// A Peer is another node of the cluster.
type Peer struct {
	Name    string
	Address netip.Addr
	PodCIDR netip.Prefix
}
