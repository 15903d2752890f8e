package kubelet

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"

	"underlay/kube/pod"
)

// Times of restarts, which are the real kubelet's.
const (
	firstBackOff = 10 * time.Second
	mostBackOff  = 5 * time.Minute
	// forgetBackOff is how long a container must have run for its earlier ends to
	// be forgotten.
	forgetBackOff = 10 * time.Minute
	// killAgain is when a process that survived SIGKILL is sent it again.
	killAgain = 5 * time.Second
	// signalWait is how long a sandbox may take to pass on a signal.
	signalWait = 2 * time.Second
)

// container is one container of a pod through all of its restarts. Its state
// belongs to the worker's goroutine.
type container struct {
	w    *worker
	name string
	kind containerKind
	spec *v1.Container // as the API server has it now

	instance *instance // what runs now
	waiting  v1.ContainerStateWaiting
	last     *v1.ContainerStateTerminated // how the latest instance ended
	previous *v1.ContainerStateTerminated // and the one before
	starts   int
	started  bool // its startup probe has succeeded, or it has none
	ready    bool

	backOff   time.Duration // after the next end
	pause     time.Duration // after the latest
	notBefore time.Time     // it is not started before
	pull      pullState
	attempts  int       // in a row at what is needed before it can start
	told      string    // what was wrong at the latest that was told
	killAt    time.Time // when set, it is being stopped
}

// containerKind is in which list of a pod a container is.
type containerKind int

const (
	initContainer containerKind = iota
	mainContainer
	ephemeralContainer // added by kubectl debug; runs once
)

func newContainer(w *worker, spec *v1.Container, kind containerKind) *container {
	c := &container{w: w, name: spec.Name, spec: spec, kind: kind}
	c.waiting.Reason = "ContainerCreating"
	if kind == mainContainer && len(w.pod.Spec.InitContainers) > 0 {
		c.waiting.Reason = "PodInitializing"
	}
	return c
}

// sidecar reports whether this is an init container that runs on beside the others.
func (c *container) sidecar() bool {
	return c.kind == initContainer && c.spec.RestartPolicy != nil && *c.spec.RestartPolicy == v1.ContainerRestartPolicyAlways
}

// passed reports whether what comes after an init container may start.
func (c *container) passed() bool {
	if c.sidecar() {
		return c.instance != nil && c.started
	}
	return c.instance == nil && c.last != nil && c.last.ExitCode == 0
}

func (c *container) stopping() bool { return c.instance != nil && !c.killAt.IsZero() }

// shouldRun reports whether the container is to be started, now or after its
// back-off.
func (c *container) shouldRun() bool {
	if c.instance != nil {
		return false
	}
	return c.last == nil || c.restarts()
}

// restarts reports whether an instance that ended is followed by another.
func (c *container) restarts() bool {
	policy := c.w.pod.Spec.RestartPolicy
	switch {
	case c.sidecar():
		return true
	case c.kind == ephemeralContainer:
		return false
	case c.kind == initContainer && policy == v1.RestartPolicyAlways:
		policy = v1.RestartPolicyOnFailure
	}
	switch policy {
	case v1.RestartPolicyNever:
		return false
	case v1.RestartPolicyOnFailure:
		return c.last.ExitCode != 0
	}
	return true
}

// start starts the container unless it has to wait; then it returns how long.
func (c *container) start(ctx context.Context) time.Duration {
	if wait := time.Until(c.notBefore); wait > 0 {
		c.await()
		return wait
	}
	image, wait, err := c.pullImage()
	if err != nil {
		return wait
	}
	spec, err := c.process(ctx, image)
	if err != nil {
		return c.cannotStart(err)
	}
	instance, err := startInstance(ctx, c, spec)
	if err != nil {
		return c.failed(err)
	}
	c.event(v1.EventTypeNormal, "Created", "Container created")
	c.instance, c.killAt = instance, time.Time{}
	c.starts++
	c.attempts, c.told = 0, ""
	c.waiting = v1.ContainerStateWaiting{}
	c.started = c.spec.StartupProbe == nil
	c.ready = c.started && c.spec.ReadinessProbe == nil
	c.event(v1.EventTypeNormal, "Started", "Container started")
	c.watch(instance)
	c.runPostStart(ctx, instance)
	c.runProbes(ctx, instance)
	return 0
}

// watch tells the worker when the instance has ended.
func (c *container) watch(i *instance) {
	go func() {
		exit := i.wait()
		c.w.do(func() {
			if c.instance == i {
				c.ended(exit)
			}
		})
	}()
}

// ended notes how the instance ended, and when the next may start.
func (c *container) ended(exit pod.Exit) {
	now := time.Now()
	t := &v1.ContainerStateTerminated{
		ExitCode: int32(exit.Code), Signal: int32(exit.Signal), Reason: "Completed",
		StartedAt: seconds(c.instance.started), FinishedAt: seconds(now),
		ContainerID: containerID(c.instance.id),
	}
	if exit.Code != 0 {
		t.Reason = "Error"
	}
	ran := now.Sub(c.instance.started)
	c.instance, c.started, c.ready, c.killAt = nil, false, false, time.Time{}
	c.note(t, ran)
}

// note makes t the container's latest end.
func (c *container) note(t *v1.ContainerStateTerminated, ran time.Duration) {
	c.previous, c.last = c.last, t
	if ran >= forgetBackOff {
		c.backOff = 0
	}
	c.pause = c.backOff
	c.notBefore = time.Now().Add(c.pause)
	c.backOff = min(max(2*c.backOff, firstBackOff), mostBackOff)
}

// lost is an end of which nothing is known but that it has come.
func (c *container) lost() {
	if c.instance != nil {
		c.ended(pod.Exit{Code: 128 + int(syscall.SIGKILL), Signal: int(syscall.SIGKILL)})
	}
}

// again lets an init container run again, in a new sandbox.
func (c *container) again() {
	if c.kind == initContainer && !c.sidecar() {
		c.last, c.notBefore = nil, time.Time{}
	}
}

// change takes over the container's definition. With another image it starts anew.
func (c *container) change(spec *v1.Container) {
	old := c.spec
	c.spec = spec
	if old.Image == spec.Image {
		return
	}
	c.pull, c.notBefore = pullState{}, time.Time{}
	if c.instance != nil {
		c.stop(time.Now().Add(c.w.grace()), fmt.Sprintf("Container %s definition changed, will be restarted", c.name))
	}
}

// await shows why the container does not run while it may not be started.
func (c *container) await() {
	if c.pull.failed {
		c.pullBackOff()
		return
	}
	if c.waiting.Reason == "CrashLoopBackOff" || c.last == nil {
		return
	}
	text := fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)",
		c.pause, c.name, c.w.name, c.w.namespace, c.w.uid)
	c.waiting = v1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: text}
	c.event(v1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s_%s(%s)",
		c.name, c.w.name, c.w.namespace, c.w.uid))
}

// What a container needs may only be on its way: a new namespace gets its
// certificates a moment after its first pod. So the first attempts are quick,
// and nothing is said of them.
const (
	firstConfigPause = 25 * time.Millisecond
	configPause      = 2 * time.Second
	silentAttempts   = 5
)

// cannotStart is for what is wrong before there is anything to run.
func (c *container) cannotStart(err error) time.Duration {
	c.attempts++
	if c.attempts <= silentAttempts {
		return firstConfigPause << c.attempts
	}
	told := c.told == err.Error()
	c.told = err.Error()
	var mount *mountError
	if errors.As(err, &mount) {
		if !told {
			c.w.event(v1.EventTypeWarning, "FailedMount", mount.Error())
		}
		return configPause
	}
	if !told {
		c.event(v1.EventTypeWarning, "Failed", "Error: "+err.Error())
	}
	c.waiting = v1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: err.Error()}
	return configPause
}

// startError is the exit code of a container whose command could not be run.
const startError = 128

// failed is for a command that could not be run: as an end, with a back-off.
func (c *container) failed(err error) time.Duration {
	if errors.Is(err, pod.ErrEnded) {
		return configPause // the worker hears of it by itself
	}
	text := "failed to start container: " + err.Error()
	c.event(v1.EventTypeWarning, "Failed", "Error: "+text)
	c.starts++
	at := now()
	c.note(&v1.ContainerStateTerminated{
		ExitCode: startError, Reason: "StartError", Message: text, StartedAt: at, FinishedAt: at,
		ContainerID: containerID(newID()),
	}, 0)
	c.waiting = v1.ContainerStateWaiting{Reason: "RunContainerError", Message: text}
	if !c.restarts() {
		return 0
	}
	return max(time.Until(c.notBefore), time.Millisecond)
}

// stop asks the container to end, and has it killed at the deadline.
func (c *container) stop(deadline time.Time, message string) {
	if c.stopping() {
		if deadline.Before(c.killAt) {
			c.killAt = deadline
		}
		return
	}
	c.killAt = deadline
	c.event(v1.EventTypeNormal, "Killing", message)
	i, spec := c.instance, c.spec
	go func() {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		c.runPreStop(ctx, i, spec)
		i.signal(syscall.SIGTERM)
	}()
}

// killIfDue kills what did not end by the deadline, and returns when to look again.
func (c *container) killIfDue() time.Duration {
	if wait := time.Until(c.killAt); wait > 0 {
		return wait
	}
	c.killAt = time.Now().Add(killAgain)
	c.instance.signal(syscall.SIGKILL)
	return killAgain
}

// event records an event of the container. It may be called from any goroutine.
func (c *container) event(kind, reason, message string) {
	list := map[containerKind]string{
		initContainer: "initContainers", mainContainer: "containers", ephemeralContainer: "ephemeralContainers",
	}[c.kind]
	c.w.k.events.Event(&v1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: c.w.namespace, Name: c.w.name, UID: c.w.uid,
		FieldPath: fmt.Sprintf("spec.%s{%s}", list, c.name),
	}, kind, reason, message)
}

func containerID(id string) string { return runtimeName + "://" + id }
