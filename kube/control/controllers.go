package control

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/endpoint"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
	"k8s.io/kubernetes/pkg/controller/endpointslicemirroring"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/statefulset"
)

const (
	// Workers is how many objects of a kind a controller works on at a time.
	workers = 2
	// BatchPeriod is how long changes of pods are gathered before a Service's
	// endpoints are written. The real default is half a second, which would
	// be most of what a learner waits for.
	batchPeriod = 10 * time.Millisecond
	// SlicePods is how many endpoints one EndpointSlice holds: the default.
	slicePods = 100
	// CollectPeriod is how often the garbage collector looks for new kinds.
	collectPeriod = 30 * time.Second
)

// A runner is a controller of Kubernetes: it runs until its context is done.
type runner interface {
	Run(ctx context.Context, workers int)
}

// Controllers are the controllers of one cluster. They share informers, with
// whoever else gets Informers before Start.
type Controllers struct {
	Informers informers.SharedInformerFactory
	runners   []runner
	collect   func(context.Context)
	authority []byte // in PEM
	started   chan struct{}
}

// NewControllers makes the controllers that workloads, Services and namespaces
// need, and the garbage collector.
func NewControllers(ctx context.Context, config *rest.Config) (*Controllers, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("controllers: %w", err)
	}
	meta, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("controllers: %w", err)
	}
	c := &Controllers{
		Informers: informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(trim)),
		started:   make(chan struct{}),
		authority: config.CAData,
	}
	for _, add := range []func(context.Context, kubernetes.Interface, metadata.Interface) error{
		c.addWorkloads, c.addServices, c.addNamespaces, c.addCollector,
	} {
		if err := add(ctx, client, meta); err != nil {
			return nil, fmt.Errorf("controllers: %w", err)
		}
	}
	return c, nil
}

func (c *Controllers) addWorkloads(ctx context.Context, client kubernetes.Interface, _ metadata.Interface) error {
	core, apps := c.Informers.Core().V1(), c.Informers.Apps().V1()
	deployments, err := deployment.NewDeploymentController(ctx, apps.Deployments(), apps.ReplicaSets(), core.Pods(), client)
	if err != nil {
		return err
	}
	daemons, err := daemon.NewDaemonSetsController(ctx, apps.DaemonSets(), apps.ControllerRevisions(), core.Pods(), core.Nodes(),
		client, flowcontrol.NewBackOff(time.Second, 15*time.Minute))
	if err != nil {
		return err
	}
	jobs, err := job.NewController(ctx, client, core.Pods(), c.Informers.Batch().V1().Jobs(), nil, nil)
	if err != nil {
		return err
	}
	c.runners = append(c.runners, deployments, daemons, jobs,
		replicaset.NewReplicaSetController(ctx, apps.ReplicaSets(), core.Pods(), client, replicaset.BurstReplicas),
		statefulset.NewStatefulSetController(ctx, core.Pods(), apps.StatefulSets(), core.PersistentVolumeClaims(),
			apps.ControllerRevisions(), client))
	return nil
}

func (c *Controllers) addServices(ctx context.Context, client kubernetes.Interface, _ metadata.Interface) error {
	core, slices := c.Informers.Core().V1(), c.Informers.Discovery().V1().EndpointSlices()
	c.runners = append(c.runners,
		endpointslice.NewController(ctx, core.Pods(), core.Services(), core.Nodes(), slices, slicePods, client, batchPeriod),
		endpoint.NewEndpointController(ctx, core.Pods(), core.Services(), core.Endpoints(), client, batchPeriod),
		endpointslicemirroring.NewController(ctx, core.Endpoints(), slices, core.Services(), slicePods, client, batchPeriod))
	return nil
}

func (c *Controllers) addNamespaces(ctx context.Context, client kubernetes.Interface, meta metadata.Interface) error {
	core := c.Informers.Core().V1()
	accounts, err := serviceaccount.NewServiceAccountsController(klog.FromContext(ctx), core.ServiceAccounts(), core.Namespaces(), client,
		serviceaccount.ServiceAccountsControllerOptions{
			ServiceAccounts: []v1.ServiceAccount{{ObjectMeta: metav1.ObjectMeta{Name: "default"}}},
		})
	if err != nil {
		return err
	}
	authority, err := rootcacertpublisher.NewPublisher(core.ConfigMaps(), core.Namespaces(), client, c.authority)
	if err != nil {
		return err
	}
	c.runners = append(c.runners, accounts, authority, namespace.NewNamespaceController(ctx, client, meta,
		client.Discovery().ServerPreferredNamespacedResources, core.Namespaces(), 5*time.Minute, v1.FinalizerKubernetes))
	return nil
}

func (c *Controllers) addCollector(ctx context.Context, client kubernetes.Interface, meta metadata.Interface) error {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	collector, err := garbagecollector.NewGarbageCollector(ctx, client, meta, mapper, uncollected(),
		informerfactory.NewInformerFactory(c.Informers, metadatainformer.NewSharedInformerFactoryWithOptions(meta, 0,
			metadatainformer.WithTransform(trim))), c.started)
	if err != nil {
		return err
	}
	c.collect = func(ctx context.Context) {
		go collector.Run(ctx, workers, collectPeriod)
		go collector.Sync(ctx, client.Discovery(), collectPeriod)
	}
	return nil
}

// Uncollected are the kinds that the garbage collector does not watch: nothing
// in this cluster owns objects of them, and each watch costs.
func uncollected() map[schema.GroupResource]struct{} {
	kinds := map[schema.GroupResource]struct{}{}
	for resource := range garbagecollector.DefaultIgnoredResources() {
		kinds[resource] = struct{}{}
	}
	for group, resources := range map[string][]string{
		"": {"limitranges", "nodes", "persistentvolumes", "podtemplates", "replicationcontrollers", "resourcequotas", "serviceaccounts"},
		"admissionregistration.k8s.io": {"mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "mutatingwebhookconfigurations",
			"validatingadmissionpolicies", "validatingadmissionpolicybindings", "validatingwebhookconfigurations"},
		"resource.k8s.io":        {"deviceclasses", "devicetaintrules", "resourceclaims", "resourceclaimtemplates", "resourceslices"},
		"apiextensions.k8s.io":   {"customresourcedefinitions"},
		"apiregistration.k8s.io": {"apiservices"},
		"coordination.k8s.io":    {"leases"},
		"networking.k8s.io":      {"ingressclasses", "ipaddresses", "servicecidrs"},
		"policy":                 {"poddisruptionbudgets"},
		"scheduling.k8s.io":      {"priorityclasses"},
		"storage.k8s.io":         {"csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments", "volumeattributesclasses"},
	} {
		for _, resource := range resources {
			kinds[schema.GroupResource{Group: group, Resource: resource}] = struct{}{}
		}
	}
	return kinds
}

// Start runs the controllers until ctx is done. It does not wait for them.
func (c *Controllers) Start(ctx context.Context) {
	c.Informers.Start(ctx.Done())
	for _, r := range c.runners {
		go r.Run(ctx, workers)
	}
	close(c.started)
	c.collect(ctx)
}

// Trim takes away what no component in this process reads, to keep caches small.
func trim(object any) (any, error) {
	if object, ok := object.(metav1.Object); ok {
		object.SetManagedFields(nil)
	}
	return object, nil
}
