package kubelet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/scheme"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"underlay/kube/cni"
	"underlay/kube/internal/netns"
)

// kubelet runs the pods of one node.
type kubelet struct {
	Config
	netns   string // path of the node's network namespace
	network *cni.Network
	events  record.EventRecorder
	node    *v1.Node // as registered
	nodeUID atomic.Pointer[types.UID]

	mu      sync.Mutex
	workers map[types.UID]*worker
	ending  bool // no more workers
	wg      sync.WaitGroup
}

// Run is the kubelet of one node; see Config.
func Run(ctx context.Context, config Config) error {
	k, err := newKubelet(config)
	if err != nil {
		return fmt.Errorf("kubelet of %s: %w", config.Node, err)
	}
	broadcaster := record.NewBroadcaster()
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedv1.EventSinkImpl{Interface: config.Client.CoreV1().Events("")})
	k.events = broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "kubelet", Host: config.Node})
	if err := k.run(ctx); err != nil {
		return fmt.Errorf("kubelet of %s: %w", config.Node, err)
	}
	return nil
}

func newKubelet(config Config) (*kubelet, error) {
	for _, dir := range []string{"pods", "cni"} {
		if err := os.MkdirAll(filepath.Join(config.Dir, dir), 0o711); err != nil {
			return nil, err
		}
	}
	peers := make([]cni.Node, len(config.Peers))
	for i, p := range config.Peers {
		peers[i] = cni.Node(p)
	}
	network, err := cni.New(cni.Config{
		Kind: config.CNI, Dir: filepath.Join(config.Dir, "cni"),
		Plugins: config.PodBinary, Speaker: config.KubeBinary,
		Self:  cni.Node{Name: config.Node, Address: config.Address, PodCIDR: config.PodCIDR},
		Peers: peers,
	})
	if err != nil {
		return nil, err
	}
	return &kubelet{
		Config: config, netns: netns.Path(config.Node), network: network, workers: map[types.UID]*worker{},
	}, nil
}

func (k *kubelet) run(ctx context.Context) error {
	serveErr, stopServing, err := k.serve()
	if err != nil {
		return err
	}
	defer stopServing()
	if err := k.clear(ctx); err != nil {
		return fmt.Errorf("clear what was left: %w", err)
	}
	prepared := make(chan error, 1)
	go func() {
		prepared <- k.network.Prepare(ctx, func(err error) { k.nodeEvent(v1.EventTypeWarning, "NetworkNotReady", err.Error()) })
	}()
	if err := k.register(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	if err := <-prepared; err != nil {
		return fmt.Errorf("prepare the pod network: %w", err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(k.Client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", k.Node).String()
		}))
	informer := factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { k.update(ctx, o) },
		UpdateFunc: func(before, after any) {
			// After a watch was interrupted, one pod of a name may follow another
			// without a word of its end.
			if before.(*v1.Pod).UID != after.(*v1.Pod).UID {
				k.forget(before)
			}
			k.update(ctx, after)
		},
		DeleteFunc: k.forget,
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		if err := k.forgetOthers(informer.GetStore().List); err != nil {
			return fmt.Errorf("clear what was left: %w", err)
		}
	}
	if err := k.markReady(ctx); err != nil {
		return err
	}
	go k.renewLease(ctx)
	select {
	case <-ctx.Done():
	case err = <-serveErr:
	}
	k.endPods()
	factory.Shutdown()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// update tells a pod's worker of the pod as the API server has it now.
func (k *kubelet) update(ctx context.Context, o any) {
	pod, ok := o.(*v1.Pod)
	if !ok || pod.Spec.NodeName != k.Node {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.workers[pod.UID]
	if w == nil {
		if k.ending || finished(pod) && pod.DeletionTimestamp == nil && !k.ran(pod) {
			return
		}
		w = newWorker(k, pod)
		if old := k.named(pod.Namespace, pod.Name); old != nil {
			w.after = old.done // it was deleted by force; the name is still in use
		}
		k.workers[pod.UID] = w
		k.wg.Go(func() {
			w.run(ctx)
			k.mu.Lock()
			defer k.mu.Unlock()
			delete(k.workers, pod.UID)
		})
	}
	w.update(pod)
}

// forget ends a pod that the API server has no more.
func (k *kubelet) forget(o any) {
	if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = d.Obj
	}
	pod, ok := o.(*v1.Pod)
	if !ok {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.workers[pod.UID]; w != nil {
		w.forget()
	}
}

// endPods waits for all pods to end; the context that ended tells them to.
func (k *kubelet) endPods() {
	k.mu.Lock()
	k.ending = true
	for _, w := range k.workers {
		w.forget()
	}
	k.mu.Unlock()
	k.wg.Wait()
}

// find returns the worker of a pod by its name.
func (k *kubelet) find(namespace, name string) (*worker, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.named(namespace, name); w != nil {
		return w, nil
	}
	return nil, errNoPod
}

// named returns the newest worker of this name, or nil.
func (k *kubelet) named(namespace, name string) (newest *worker) {
	for _, w := range k.workers {
		if w.namespace == namespace && w.name == name && (newest == nil || newest.born.Before(w.born)) {
			newest = w
		}
	}
	return newest
}

var errNoPod = errors.New("pod does not run on this node")

func finished(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}
