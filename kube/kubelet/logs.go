package kubelet

import (
	"context"
	"fmt"
	"net/http"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/util/flushwriter"
	runtimeapi "k8s.io/cri-api/pkg/apis"
	criv1 "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-client/pkg/logs"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/core/install" // knows how to read options from a URL
)

// serveLogs sends a container's log.
func (k *kubelet) serveLogs(w http.ResponseWriter, r *http.Request) {
	worker, err := k.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	options := &v1.PodLogOptions{}
	if err := legacyscheme.ParameterCodec.DecodeParameters(r.URL.Query(), v1.SchemeGroupVersion, options); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	source, err := worker.logSource(r.Context(), r.PathValue("container"), options.Previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out := flushwriter.Wrap(w)
	w.Header().Set("Transfer-Encoding", "chunked")
	stdout, stderr := out, out
	switch {
	case options.Stream == nil:
	case *options.Stream == v1.LogStreamStdout:
		stderr = nil
	case *options.Stream == v1.LogStreamStderr:
		stdout = nil
	}
	err = logs.ReadLogs(r.Context(), source.path, "", logOptions(options), source, stdout, stderr)
	if err != nil && r.Context().Err() == nil {
		_, _ = fmt.Fprintln(out, "error: read the log:", err) // if the client has gone, nobody asks
	}
}

func logOptions(o *v1.PodLogOptions) *logs.LogOptions {
	l := &logs.LogOptions{TailLines: o.TailLines, LimitBytes: o.LimitBytes, Follow: o.Follow, Timestamp: o.Timestamps}
	switch {
	case o.SinceTime != nil:
		l.Since = o.SinceTime.Time
	case o.SinceSeconds != nil:
		l.Since = time.Now().Add(-time.Duration(*o.SinceSeconds) * time.Second)
	}
	return l
}

// logSource is a log and whether it is still written to.
type logSource struct {
	runtimeapi.RuntimeService // only ContainerStatus is asked for
	path                      string
	instance                  *instance // nil if it has ended
}

// ContainerStatus tells the reader of a log whether more may come.
func (l *logSource) ContainerStatus(context.Context, string, bool) (*criv1.ContainerStatusResponse, error) {
	state := criv1.ContainerState_CONTAINER_EXITED
	if l.instance != nil {
		select {
		case <-l.instance.done:
		default:
			state = criv1.ContainerState_CONTAINER_RUNNING
		}
	}
	return &criv1.ContainerStatusResponse{Status: &criv1.ContainerStatus{State: state}}, nil
}

// logSource finds the log of a container's present life or, if it has none, its
// latest, or the one before.
func (w *worker) logSource(ctx context.Context, name string, previous bool) (*logSource, error) {
	type answer struct {
		source *logSource
		err    error
	}
	ch := make(chan answer, 1)
	w.do(func() {
		for _, c := range w.containers {
			if c.name == name {
				source, err := c.logSource(previous)
				ch <- answer{source, err}
				return
			}
		}
		ch <- answer{err: fmt.Errorf("container %q in pod %q is not available", name, w.name)}
	})
	select {
	case a := <-ch:
		return a.source, a.err
	case <-w.done:
		return nil, errNoPod
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *container) logSource(previous bool) (*logSource, error) {
	n := c.starts - 1
	if previous {
		n--
		if n < 0 {
			return nil, fmt.Errorf("previous terminated container %q in pod %q not found", c.name, c.w.name)
		}
		return &logSource{path: c.w.logPath(c.name, n)}, nil
	}
	if n < 0 {
		return nil, fmt.Errorf("container %q in pod %q is waiting to start: %s", c.name, c.w.name, c.why())
	}
	return &logSource{path: c.w.logPath(c.name, n), instance: c.instance}, nil
}

// why says what a container that does not run waits for.
func (c *container) why() string {
	if c.waiting.Message != "" && c.waiting.Reason != "ContainerCreating" {
		return c.waiting.Reason + ": " + c.waiting.Message
	}
	return c.waiting.Reason
}
