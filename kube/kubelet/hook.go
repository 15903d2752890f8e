package kubelet

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/probe"
)

// hookTimeout is how long an HTTP hook may take.
const hookTimeout = 30 * time.Second

// runPostStart runs what the container wants done once it has started. A hook
// that fails ends the container.
func (c *container) runPostStart(ctx context.Context, i *instance) {
	if c.spec.Lifecycle == nil || c.spec.Lifecycle.PostStart == nil {
		return
	}
	spec, grace := c.spec, c.w.grace()
	go func() {
		if err := c.hook(ctx, i, spec, spec.Lifecycle.PostStart); err != nil {
			c.event(v1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed: "+err.Error())
			c.w.do(func() {
				if c.instance == i {
					c.stop(time.Now().Add(grace), "FailedPostStartHook")
				}
			})
		}
	}()
}

// runPreStop runs what the container wants done before it is asked to end, for
// as long as ctx allows. It is called outside of the worker.
func (c *container) runPreStop(ctx context.Context, i *instance, spec *v1.Container) {
	if spec.Lifecycle == nil || spec.Lifecycle.PreStop == nil {
		return
	}
	if err := c.hook(ctx, i, spec, spec.Lifecycle.PreStop); err != nil {
		c.event(v1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed: "+err.Error())
	}
}

func (c *container) hook(ctx context.Context, i *instance, spec *v1.Container, h *v1.LifecycleHandler) error {
	a := &action{w: c.w, i: i, container: spec}
	result, output := probe.Success, ""
	switch {
	case h.Exec != nil:
		result, output = a.exec(ctx, h.Exec.Command)
	case h.HTTPGet != nil:
		result, output = a.httpGet(h.HTTPGet, hookTimeout)
	case h.TCPSocket != nil:
		result, output = a.tcp(ctx, h.TCPSocket)
	case h.Sleep != nil:
		select {
		case <-time.After(time.Duration(h.Sleep.Seconds) * time.Second):
		case <-i.done:
		case <-ctx.Done():
		}
	}
	if result != probe.Success {
		return fmt.Errorf("%s", output)
	}
	return nil
}
