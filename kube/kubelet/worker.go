package kubelet

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"underlay/kube/pod"
)

// Pauses before something that failed is tried again.
const (
	firstSandboxPause = 500 * time.Millisecond
	longestPause      = 10 * time.Second
)

// worker runs one pod. All of its state belongs to the goroutine in run; others
// use update, forget and do.
type worker struct {
	k               *kubelet
	uid             types.UID
	namespace, name string
	born            time.Time
	dir             string // the pod's own directory

	after   <-chan struct{} // nil, or closed when one of the same name has ended
	updates chan *v1.Pod    // the newest one only
	work    chan func()
	gone    chan struct{} // closed when the pod is to end at once
	done    chan struct{} // closed when run has returned

	// ip is the pod's address, nil if it has none. The worker alone sets it.
	ip atomic.Pointer[netip.Addr]

	pod        *v1.Pod
	sandbox    *pod.Sandbox
	isolated   bool // policies apply to it, or there are none
	sandboxID  string
	netName    string        // below /run/netns
	pause      time.Duration // before the next attempt at a sandbox
	retryAt    time.Time
	containers []*container // init containers first, in order
	deadline   time.Time    // of a pod that is being deleted
	startTime  metav1.Time
	own        []v1.PodCondition // those that the kubelet decides
	statuses   *statusWriter
}

// NetNS is the name below /run/netns of a pod's network namespace.
func NetNS(namespace, name string) string {
	if namespace == v1.NamespaceDefault {
		return name
	}
	return namespace + "." + name
}

func newWorker(k *kubelet, p *v1.Pod) *worker {
	w := &worker{
		k: k, uid: p.UID, namespace: p.Namespace, name: p.Name, pod: p,
		dir:     filepath.Join(k.Dir, "pods", string(p.UID)),
		updates: make(chan *v1.Pod, 1), work: make(chan func(), 16),
		gone: make(chan struct{}), done: make(chan struct{}),
		born: time.Now(), startTime: now(),
	}
	w.netName = NetNS(p.Namespace, p.Name)
	w.adopt(p)
	w.resume()
	w.statuses = newStatusWriter(k.Client, p)
	return w
}

// adopt takes over the pod as the API server has it now.
func (w *worker) adopt(p *v1.Pod) {
	w.pod = p
	take := func(spec *v1.Container, kind containerKind) {
		for _, c := range w.containers {
			if c.name == spec.Name {
				c.change(spec)
				return
			}
		}
		w.containers = append(w.containers, newContainer(w, spec, kind))
	}
	for i := range p.Spec.InitContainers {
		take(&p.Spec.InitContainers[i], initContainer)
	}
	for i := range p.Spec.Containers {
		take(&p.Spec.Containers[i], mainContainer)
	}
	for i := range p.Spec.EphemeralContainers {
		take((*v1.Container)(&p.Spec.EphemeralContainers[i].EphemeralContainerCommon), ephemeralContainer)
	}
}

// update hands over the pod as the API server has it now. The kubelet's lock is
// held by the one goroutine that calls it.
func (w *worker) update(p *v1.Pod) {
	select {
	case <-w.updates: // an older one that was not looked at
	default:
	}
	w.updates <- p
}

// forget ends the pod at once.
func (w *worker) forget() {
	select {
	case <-w.gone:
	default:
		close(w.gone)
	}
}

// do has f called by the worker, which looks at all of the pod afterwards.
func (w *worker) do(f func()) {
	select {
	case w.work <- f:
	case <-w.done:
	}
}

// run is the pod's life, until it is deleted or ctx ends.
func (w *worker) run(ctx context.Context) {
	defer close(w.done)
	if !w.isNext(ctx) {
		return
	}
	writing, stopWriting := context.WithCancel(ctx)
	go w.statuses.run(writing)
	defer stopWriting()
	defer w.tearDown()
	for {
		wait := w.reconcile(ctx)
		w.statuses.set(w.status())
		if w.ended() {
			w.tearDown()
			w.finish(ctx)
			return
		}
		if !w.await(ctx, wait) {
			return
		}
	}
}

// isNext waits until no other pod has the name; false if it is not needed any more.
func (w *worker) isNext(ctx context.Context) bool {
	if w.after == nil {
		return true
	}
	select {
	case <-w.after:
		return true
	case <-w.gone:
	case <-ctx.Done():
	}
	return false
}

// finish has the pod's object removed, if it is still there.
func (w *worker) finish(ctx context.Context) {
	ctx, cancel := until(ctx, w.gone)
	defer cancel()
	w.statuses.finish(ctx, w.pod)
}

// until returns a context that also ends when done is closed. Its cancel is to be called.
func until(ctx context.Context, done <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-done:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// await waits until there is something to do; false ends the pod at once.
func (w *worker) await(ctx context.Context, wait time.Duration) bool {
	var timer <-chan time.Time
	if wait > 0 {
		timer = time.After(wait)
	}
	var lost <-chan struct{}
	if w.sandbox != nil {
		lost = w.sandbox.Done()
	}
	select {
	case <-ctx.Done():
		return false
	case <-w.gone:
		return false
	case p := <-w.updates:
		w.adopt(p)
	case f := <-w.work:
		f()
	case <-lost:
		w.lostSandbox()
	case <-timer:
	}
	return true
}

// reconcile brings the pod nearer to what it should be, and returns how long
// that may wait for news; 0 is for ever.
func (w *worker) reconcile(ctx context.Context) time.Duration {
	if w.pod.DeletionTimestamp != nil {
		return w.end()
	}
	if w.phase() == v1.PodSucceeded || w.phase() == v1.PodFailed {
		w.stopAll()
		w.release()
		return w.nextKill()
	}
	if w.sandbox == nil {
		if wait := time.Until(w.retryAt); wait > 0 {
			return wait
		}
		if err := w.open(ctx); err != nil {
			w.pause = min(max(2*w.pause, firstSandboxPause), longestPause)
			w.retryAt = time.Now().Add(w.pause)
			w.event(v1.EventTypeWarning, "FailedCreatePodSandBox", "Failed to create pod sandbox: "+err.Error())
			return w.pause
		}
		w.pause = 0
	}
	if !w.isolated {
		return 0 // it is told when it is
	}
	return w.startContainers(ctx)
}

// startContainers starts what can start now: init containers one after the other,
// then all others.
func (w *worker) startContainers(ctx context.Context) (wait time.Duration) {
	for _, c := range w.containers {
		if c.stopping() {
			wait = sooner(wait, c.killIfDue())
		}
		if c.shouldRun() {
			wait = sooner(wait, c.start(ctx))
		}
		if c.kind == initContainer && !c.passed() {
			return wait
		}
	}
	return wait
}

func sooner(a, b time.Duration) time.Duration {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

// end stops the pod's containers and returns when to look again.
func (w *worker) end() time.Duration {
	if w.deadline.IsZero() {
		grace := int64(30)
		if g := w.pod.DeletionGracePeriodSeconds; g != nil {
			grace = *g
		}
		w.deadline = time.Now().Add(time.Duration(grace) * time.Second)
	}
	w.stopAll()
	return w.nextKill()
}

// stopAll asks all containers to end.
func (w *worker) stopAll() {
	for i := len(w.containers) - 1; i >= 0; i-- {
		c := w.containers[i]
		if c.instance == nil {
			continue
		}
		if c.sidecar() && w.mainRuns() {
			continue // sidecars end after those that they serve
		}
		deadline := w.deadline
		if deadline.IsZero() {
			deadline = time.Now().Add(w.grace())
		}
		c.stop(deadline, "Stopping container "+c.name)
	}
}

func (w *worker) mainRuns() bool {
	for _, c := range w.containers {
		if c.kind == mainContainer && c.instance != nil {
			return true
		}
	}
	return false
}

// nextKill kills what is past its time, and returns when to look again.
func (w *worker) nextKill() (wait time.Duration) {
	for _, c := range w.containers {
		if c.stopping() {
			wait = sooner(wait, c.killIfDue())
		}
	}
	return wait
}

func (w *worker) grace() time.Duration {
	if g := w.pod.Spec.TerminationGracePeriodSeconds; g != nil {
		return time.Duration(*g) * time.Second
	}
	return 30 * time.Second
}

// ended reports whether a pod that is being deleted has nothing left that runs.
func (w *worker) ended() bool {
	return w.pod.DeletionTimestamp != nil && !w.runs()
}

// lostSandbox is what happens when somebody has killed the sandbox.
func (w *worker) lostSandbox() {
	w.event(v1.EventTypeNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
	w.close()
	for _, c := range w.containers {
		c.again()
	}
}

// release lets go of the sandbox of a pod that has finished. Its status keeps
// the address that it had.
func (w *worker) release() {
	if w.sandbox == nil || w.runs() {
		return
	}
	addr := w.ip.Load()
	w.close()
	w.ip.Store(addr)
}

// runs reports whether any container does.
func (w *worker) runs() bool {
	for _, c := range w.containers {
		if c.instance != nil {
			return true
		}
	}
	return false
}

// event records an event of the pod.
func (w *worker) event(kind, reason, message string) {
	w.k.events.Event(&v1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: w.namespace, Name: w.name, UID: w.uid,
	}, kind, reason, message)
}

// tearDown ends the sandbox and takes away all that the pod had on the node.
func (w *worker) tearDown() {
	if w.sandbox != nil {
		w.close()
	}
	if err := os.RemoveAll(w.dir); err != nil {
		w.event(v1.EventTypeWarning, "FailedKillPod", fmt.Sprintf("remove the pod's files: %v", err))
	}
}
