// Package proxy runs the kube-proxies of all nodes of a cluster in one process,
// each on threads in its node's network namespace, so that what it does to the
// kernel it does there. The proxies are those of Kubernetes; they share one
// watch of Services and endpoints. The package does not know of pods.
package proxy

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	utilsysctl "k8s.io/component-helpers/node/util/sysctl"
	"k8s.io/kubernetes/pkg/proxy"
	"k8s.io/kubernetes/pkg/proxy/apis"
	kubeproxy "k8s.io/kubernetes/pkg/proxy/apis/config"
	"k8s.io/kubernetes/pkg/proxy/config"
	"k8s.io/kubernetes/pkg/proxy/healthcheck"
	"k8s.io/kubernetes/pkg/proxy/iptables"
	"k8s.io/kubernetes/pkg/proxy/nftables"
	proxyutil "k8s.io/kubernetes/pkg/proxy/util"
	utiliptables "k8s.io/kubernetes/pkg/util/iptables"

	"underlay/kube/internal/netns"
)

// The modes of a proxy, as kube-proxy calls them.
const (
	NFTables = "nftables"
	IPTables = "iptables"
)

const (
	// SettlePeriod is the least time between two writings of a node's rules.
	// The real default is a second, which a learner would wait for.
	settlePeriod = 10 * time.Millisecond
	// RetryPeriod is when a writing that failed is tried again, and, in
	// iptables mode, how often it is looked whether somebody flushed the rules.
	retryPeriod = 5 * time.Second
	// MasqueradeBit is the bit of the packet mark that asks for masquerading:
	// the default, 0x4000, so that lessons can name it.
	masqueradeBit = 14
	// HealthPort is where each node's proxy says whether it is well.
	healthPort = 10256
)

// A Node is a node with a proxy. Traffic from PodCIDR counts as its own.
type Node struct {
	Name    string // also that of its network namespace
	Address netip.Addr
	PodCIDR netip.Prefix
}

// Proxies are the proxies of a cluster's nodes.
type Proxies struct {
	client   kubernetes.Interface
	recorder events.EventRecorder
	nodes    []*nodeProxy
	synced   sync.WaitGroup
}

// A nodeProxy is a proxy whose every call that reaches the kernel is made in
// its node's namespace.
type nodeProxy struct {
	proxy.Provider
	node   Node
	pace   pace
	synced func()
	failed func(error)
}

// Start runs a proxy of the given mode for each node until ctx is done. It
// returns when the rules for the Services that exist are in place. Failed
// gets what keeps a proxy from working later.
func Start(ctx context.Context, client kubernetes.Interface, mode string, nodes []Node, failed func(error)) (*Proxies, error) {
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return nil, fmt.Errorf("kube-proxy: %w", err)
	}
	p := &Proxies{client: client, recorder: broadcaster.NewRecorder(scheme.Scheme, "kube-proxy")}
	for _, node := range nodes {
		n := &nodeProxy{node: node, synced: p.synced.Done, failed: failed}
		if err := netns.Do(netns.Path(node.Name), func() error { return p.open(ctx, mode, n) }); err != nil {
			return nil, fmt.Errorf("kube-proxy of %s: %w", node.Name, err)
		}
		p.nodes = append(p.nodes, n)
	}
	p.synced.Add(2 * len(nodes)) // once for Services, once for endpoints
	p.watch(ctx)
	return p, p.wait(ctx)
}

func (p *Proxies) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { p.synced.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Open makes the proxy of a node. It is called in the node's namespace.
func (p *Proxies) open(ctx context.Context, mode string, n *nodeProxy) error {
	health := healthcheck.NewProxyHealthServer(netip.AddrPortFrom(n.node.Address, healthPort).String(), 2*retryPeriod, present(n.node.Name))
	n.pace.written = func() time.Time { return health.Health().LastUpdated }
	n.pace.again = func() { n.Sync() }
	netns.Go(netns.Path(n.node.Name), func() error { return health.Run(ctx) }, n.report)
	detector := proxyutil.NewDetectLocalByCIDR(n.node.PodCIDR.String())
	address, settings := net.IP(n.node.Address.AsSlice()), settings(mode)
	var err error
	switch mode {
	case NFTables:
		n.Provider, err = nftables.NewProxier(ctx, settings, v1.IPv4Protocol, detector, n.node.Name, address, p.recorder, health, false)
	case IPTables:
		n.Provider, err = iptables.NewProxier(ctx, settings, v1.IPv4Protocol, inside{utiliptables.New(utiliptables.ProtocolIPv4), n},
			utilsysctl.New(), detector, n.node.Name, address, p.recorder, health, false)
	default:
		err = fmt.Errorf("unknown mode %q: it is %s or %s", mode, NFTables, IPTables)
	}
	return err
}

func settings(mode string) *kubeproxy.KubeProxyConfiguration {
	bit, localhost := int32(masqueradeBit), true
	return &kubeproxy.KubeProxyConfiguration{
		Mode:          kubeproxy.ProxyMode(mode),
		IPTables:      kubeproxy.KubeProxyIPTablesConfiguration{MasqueradeBit: &bit, LocalhostNodePorts: &localhost},
		NFTables:      kubeproxy.KubeProxyNFTablesConfiguration{MasqueradeBit: &bit},
		SyncPeriod:    metav1.Duration{Duration: retryPeriod},
		MinSyncPeriod: metav1.Duration{Duration: settlePeriod},
	}
}

// Served are the Services that no other proxy is to serve, and followed the EndpointSlices
// of those that have an address.
var (
	served   = without(apis.LabelServiceProxyName)
	followed = without(v1.IsHeadlessService)
)

// Without selects what does not have a label.
func without(label string) labels.Selector {
	requirement, err := labels.NewRequirement(label, selection.DoesNotExist, nil)
	if err != nil {
		panic(err) // both are names of Kubernetes' own
	}
	return labels.NewSelector().Add(*requirement)
}

// Watch tells all proxies of Services and endpoints, and begins.
func (p *Proxies) watch(ctx context.Context) {
	services := p.informers(func(options *metav1.ListOptions) {
		options.LabelSelector = served.String()
		options.FieldSelector = fields.OneTermNotEqualSelector("spec.clusterIP", v1.ClusterIPNone).String()
	})
	slices := p.informers(func(options *metav1.ListOptions) { options.LabelSelector = followed.String() })
	ranges := p.informers(nil)

	serviceConfig := config.NewServiceConfig(ctx, services.Core().V1().Services(), 0)
	sliceConfig := config.NewEndpointSliceConfig(ctx, slices.Discovery().V1().EndpointSlices(), 0)
	rangeConfig := config.NewServiceCIDRConfig(ctx, ranges.Networking().V1().ServiceCIDRs(), 0)
	for _, n := range p.nodes {
		serviceConfig.RegisterEventHandler(n)
		sliceConfig.RegisterEventHandler(n)
		rangeConfig.RegisterEventHandler(n)
		netns.Go(netns.Path(n.node.Name), func() error { n.SyncLoop(); return nil }, n.report)
	}
	go serviceConfig.Run(ctx.Done())
	go sliceConfig.Run(ctx.Done())
	go rangeConfig.Run(ctx.Done())
	for _, factory := range []informers.SharedInformerFactory{services, slices, ranges} {
		factory.Start(ctx.Done())
	}
}

func (p *Proxies) informers(tweak func(*metav1.ListOptions)) informers.SharedInformerFactory {
	return informers.NewSharedInformerFactoryWithOptions(p.client, 0, informers.WithTweakListOptions(tweak),
		informers.WithTransform(func(object any) (any, error) {
			if object, ok := object.(metav1.Object); ok {
				object.SetManagedFields(nil)
			}
			return object, nil
		}))
}

func (n *nodeProxy) report(err error) {
	if err != nil {
		n.failed(fmt.Errorf("kube-proxy of %s: %w", n.node.Name, err))
	}
}

// OnServiceSynced writes the rules on the thread that calls it.
func (n *nodeProxy) OnServiceSynced() { n.sync(n.Provider.OnServiceSynced) }

// OnEndpointSlicesSynced writes the rules on the thread that calls it.
func (n *nodeProxy) OnEndpointSlicesSynced() { n.sync(n.Provider.OnEndpointSlicesSynced) }

func (n *nodeProxy) sync(write func()) {
	n.report(netns.Do(netns.Path(n.node.Name), func() error { write(); return nil }))
	n.synced()
}

// Inside is an iptables whose Monitor, which Kubernetes starts on a goroutine
// of its own, runs in the node's namespace like everything else.
type inside struct {
	utiliptables.Interface
	n *nodeProxy
}

// Monitor calls reload when somebody flushed the tables.
func (i inside) Monitor(canary utiliptables.Chain, tables []utiliptables.Table, reload func(), interval time.Duration, stop <-chan struct{}) {
	i.n.report(netns.Do(netns.Path(i.n.node.Name), func() error {
		i.Interface.Monitor(canary, tables, reload, interval, stop)
		return nil
	}))
}

// Present is the name of a node that is there as long as its cluster.
type present string

// Node is what a proxy's health says of its node: it is not being deleted.
func (p present) Node() *v1.Node {
	return &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: string(p)}}
}
