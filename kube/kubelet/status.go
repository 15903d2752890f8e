package kubelet

import (
	"context"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	podutil "k8s.io/kubernetes/pkg/util/pod"
	"k8s.io/utils/ptr"
)

// status is the pod's as its worker sees it.
func (w *worker) status() v1.PodStatus {
	s := *w.pod.Status.DeepCopy()
	s.Phase = w.phase()
	s.ObservedGeneration = w.pod.Generation
	s.HostIP, s.HostIPs = w.k.Address.String(), []v1.HostIP{{IP: w.k.Address.String()}}
	s.PodIP, s.PodIPs = "", nil
	if a := w.address(); a != "" {
		s.PodIP, s.PodIPs = a, []v1.PodIP{{IP: a}}
	}
	if s.StartTime == nil {
		s.StartTime = ptr.To(w.startTime)
	}
	s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses = nil, nil, nil
	for _, c := range w.containers {
		list := map[containerKind]*[]v1.ContainerStatus{
			initContainer: &s.InitContainerStatuses, mainContainer: &s.ContainerStatuses,
			ephemeralContainer: &s.EphemeralContainerStatuses,
		}[c.kind]
		*list = append(*list, c.status())
	}
	for _, c := range w.conditions() {
		setCondition(&w.own, c)
	}
	for _, c := range w.own {
		s.Conditions = slices.DeleteFunc(s.Conditions, func(old v1.PodCondition) bool { return old.Type == c.Type })
		s.Conditions = append(s.Conditions, c)
	}
	return s
}

// phase is the pod's as a whole.
func (w *worker) phase() v1.PodPhase {
	running, waiting, failed := false, false, false
	for _, c := range w.containers {
		switch {
		case c.sidecar(), c.kind == ephemeralContainer:
		case c.kind == initContainer && !c.passed():
			if c.last != nil && c.instance == nil && !c.restarts() {
				return v1.PodFailed
			}
			return v1.PodPending
		case c.kind == initContainer:
		case c.instance != nil:
			running = true
		case c.last == nil:
			waiting = true
		case c.restarts() && w.pod.DeletionTimestamp == nil:
			running = true
		case c.last.ExitCode != 0:
			failed = true
		}
	}
	switch {
	case waiting:
		return v1.PodPending
	case running:
		return v1.PodRunning
	case failed:
		return v1.PodFailed
	}
	return v1.PodSucceeded
}

// status is the container's.
func (c *container) status() v1.ContainerStatus {
	s := v1.ContainerStatus{
		Name: c.name, Image: c.spec.Image, ImageID: "",
		RestartCount: int32(max(c.starts-1, 0)),
		Ready:        c.ready, Started: ptr.To(c.started),
	}
	if c.starts > 0 {
		s.ImageID = "built-in/" + c.spec.Image
	}
	switch {
	case c.instance != nil:
		s.ContainerID = containerID(c.instance.id)
		s.State.Running = &v1.ContainerStateRunning{StartedAt: seconds(c.instance.started)}
		s.LastTerminationState.Terminated = c.last
	case c.last == nil:
		s.State.Waiting = ptr.To(c.waiting)
	case c.waiting.Reason != "" && c.restarts() && c.w.pod.DeletionTimestamp == nil:
		s.ContainerID = c.last.ContainerID
		s.State.Waiting = ptr.To(c.waiting)
		s.LastTerminationState.Terminated = c.last
	default:
		s.ContainerID = c.last.ContainerID
		s.State.Terminated = c.last
		s.LastTerminationState.Terminated = c.previous
		if c.kind == initContainer && !c.sidecar() {
			s.Ready = c.last.ExitCode == 0
		}
	}
	return s
}

// conditions are those that the kubelet decides.
func (w *worker) conditions() []v1.PodCondition {
	initialized, ready := true, true
	var notReady []string
	for _, c := range w.containers {
		if c.kind == initContainer && !c.passed() {
			initialized = false
		}
		if (c.kind == mainContainer || c.sidecar()) && !c.ready {
			ready = false
			notReady = append(notReady, c.name)
		}
	}
	phase := w.phase()
	done := phase == v1.PodSucceeded || phase == v1.PodFailed
	containersReady := condition(v1.ContainersReady, ready && !done, "ContainersNotReady", unready(notReady))
	podReady := condition(v1.PodReady, ready && !done && w.gatesOpen(), "ContainersNotReady", unready(notReady))
	if ready && !done && !w.gatesOpen() {
		podReady.Reason, podReady.Message = "ReadinessGatesNotReady", "a readiness gate is not open"
	}
	if phase == v1.PodSucceeded {
		containersReady.Reason, podReady.Reason = "PodCompleted", "PodCompleted"
		containersReady.Message, podReady.Message = "", ""
	}
	return []v1.PodCondition{
		condition(v1.PodReadyToStartContainers, w.sandbox != nil, "", ""),
		condition(v1.PodInitialized, initialized || phase == v1.PodSucceeded, "ContainersNotInitialized", ""),
		podReady,
		containersReady,
	}
}

func condition(kind v1.PodConditionType, good bool, reason, message string) v1.PodCondition {
	if good {
		return v1.PodCondition{Type: kind, Status: v1.ConditionTrue}
	}
	return v1.PodCondition{Type: kind, Status: v1.ConditionFalse, Reason: reason, Message: message}
}

func unready(names []string) string {
	text := "containers with unready status: ["
	for i, n := range names {
		if i > 0 {
			text += " "
		}
		text += n
	}
	return text + "]"
}

// gatesOpen reports whether the conditions that the pod itself demands hold.
func (w *worker) gatesOpen() bool {
	for _, g := range w.pod.Spec.ReadinessGates {
		if !slices.ContainsFunc(w.pod.Status.Conditions, func(c v1.PodCondition) bool {
			return c.Type == g.ConditionType && c.Status == v1.ConditionTrue
		}) {
			return false
		}
	}
	return true
}

// setCondition sets a condition, whose time changes only with its status.
func setCondition(list *[]v1.PodCondition, c v1.PodCondition) {
	c.LastTransitionTime = now()
	i := slices.IndexFunc(*list, func(old v1.PodCondition) bool { return old.Type == c.Type })
	if i < 0 {
		*list = append(*list, c)
		return
	}
	if old := (*list)[i]; old.Status == c.Status {
		c.LastTransitionTime = old.LastTransitionTime
	}
	(*list)[i] = c
}

// now is the time as objects have it: in whole seconds.
func now() metav1.Time { return seconds(time.Now()) }

func seconds(t time.Time) metav1.Time { return ptr.To(metav1.NewTime(t)).Rfc3339Copy() }

// writeAgain is the pause after a status that could not be written.
const writeAgain = 200 * time.Millisecond

// statusWriter tells the API server of the newest status of a pod. Statuses in
// between may be left out.
type statusWriter struct {
	client kubernetes.Interface
	pod    *v1.Pod // name and uid

	mu    sync.Mutex
	want  *v1.PodStatus
	wake  chan struct{}
	write sync.Mutex // held while writing, and guards have
	have  v1.PodStatus
}

func newStatusWriter(client kubernetes.Interface, p *v1.Pod) *statusWriter {
	return &statusWriter{client: client, pod: p, have: p.Status, wake: make(chan struct{}, 1)}
}

// set makes s the status to write.
func (sw *statusWriter) set(s v1.PodStatus) {
	sw.mu.Lock()
	sw.want = &s
	sw.mu.Unlock()
	select {
	case sw.wake <- struct{}{}:
	default:
	}
}

// run writes until ctx ends.
func (sw *statusWriter) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-sw.wake:
		}
		for !sw.flush(ctx) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(writeAgain):
			}
		}
	}
}

// flush writes the newest status; false if that has to be tried again.
func (sw *statusWriter) flush(ctx context.Context) bool {
	sw.write.Lock()
	defer sw.write.Unlock()
	sw.mu.Lock()
	want := sw.want
	sw.want = nil
	sw.mu.Unlock()
	if want == nil || equality.Semantic.DeepEqual(*want, sw.have) {
		return true
	}
	updated, _, same, err := podutil.PatchPodStatus(ctx, sw.client, sw.pod.Namespace, sw.pod.Name, sw.pod.UID, sw.have, *want)
	switch {
	case err != nil && !sw.gone(ctx):
		sw.mu.Lock()
		if sw.want == nil {
			sw.want = want
		}
		sw.mu.Unlock()
		return false
	case err == nil && !same:
		sw.have = updated.Status
	}
	return true
}

// gone asks whether the pod is no more. The errors of PatchPodStatus do not say so:
// they are texts.
func (sw *statusWriter) gone(ctx context.Context) bool {
	p, err := sw.client.CoreV1().Pods(sw.pod.Namespace).Get(ctx, sw.pod.Name, metav1.GetOptions{})
	return apierrors.IsNotFound(err) || err == nil && p.UID != sw.pod.UID
}

// isGone reports whether an error says that the pod is no more, or that another one
// has its name.
func isGone(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsConflict(err)
}

// finish writes the last status and has the pod's object removed, unless it goes
// by itself, which ends ctx.
func (sw *statusWriter) finish(ctx context.Context, p *v1.Pod) {
	for ctx.Err() == nil {
		if sw.flush(ctx) {
			err := sw.client.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name, metav1.DeleteOptions{
				GracePeriodSeconds: ptr.To[int64](0), Preconditions: metav1.NewUIDPreconditions(string(p.UID)),
			})
			if err == nil || isGone(err) {
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(writeAgain):
		}
	}
}
