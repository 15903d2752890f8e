package kubelet

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"

	"underlay/kube/internal/netns"
)

// A kubelet may follow another that ended without a word: its process was killed.
// Sandboxes end with the process that made them, so no pod runs any more, as after
// a reboot of the node. What is left are names of network namespaces, addresses
// that are taken, files, and what the API server was told.

// The end of a container that nobody saw, as containerd tells it after a reboot.
const (
	unseenCode   = 255
	unseenReason = "Unknown"
)

// netNameFile is in a pod's directory: the name below /run/netns that it has taken.
const netNameFile = "netns"

// clear takes away what pods of an earlier kubelet held on the node. Their files stay
// until it is known which of them are still to run.
func (k *kubelet) clear(ctx context.Context) error {
	names, err := filepath.Glob(filepath.Join(k.Dir, "pods", "*", netNameFile))
	errs := []error{err}
	for _, file := range names {
		errs = append(errs, clearNetNS(file))
	}
	return errors.Join(append(errs, k.network.Clear(ctx))...)
}

// clearNetNS takes away what has the name that is in the file, and the file. One that
// was killed while it wrote the name has nothing of that name yet.
func clearNetNS(file string) error {
	name, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(name) == 0 {
		return os.Remove(file)
	}
	errs := []error{unbindNetNS(netns.Path(string(name)))}
	if dir := etcNetns(string(name)); dir != "" {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(append(errs, os.Remove(file))...)
}

// forgetOthers removes the files of pods that are no more. List returns those that
// there are now.
func (k *kubelet) forgetOthers(list func() []any) error {
	dirs, err := os.ReadDir(filepath.Join(k.Dir, "pods"))
	there := map[string]bool{}
	for _, o := range list() { // what comes after the directories were read has none among them
		if p, ok := o.(*v1.Pod); ok {
			there[string(p.UID)] = true
		}
	}
	errs := []error{err}
	for _, dir := range dirs {
		if !there[dir.Name()] {
			errs = append(errs, os.RemoveAll(filepath.Join(k.Dir, "pods", dir.Name())))
		}
	}
	return errors.Join(errs...)
}

// ran reports whether a pod's files are here.
func (k *kubelet) ran(p *v1.Pod) bool {
	_, err := os.Stat(filepath.Join(k.Dir, "pods", string(p.UID)))
	return err == nil
}

// resume takes over what an earlier kubelet said of the pod's containers. Those
// that ran have ended.
func (w *worker) resume() {
	s := w.pod.Status
	if s.StartTime != nil {
		w.startTime = *s.StartTime
	}
	if addr, err := netip.ParseAddr(s.PodIP); err == nil && finished(w.pod) {
		w.ip.Store(&addr) // it is told which one it had
	}
	for _, list := range [][]v1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses, s.EphemeralContainerStatuses} {
		for i := range list {
			for _, c := range w.containers {
				if c.name == list[i].Name && list[i].ContainerID != "" {
					c.resume(&list[i])
				}
			}
		}
	}
}

func (c *container) resume(s *v1.ContainerStatus) {
	c.starts = int(s.RestartCount) + 1
	c.previous = s.LastTerminationState.Terminated
	switch {
	case s.State.Terminated != nil:
		c.last = s.State.Terminated
	case s.State.Running != nil:
		c.last = &v1.ContainerStateTerminated{
			ExitCode: unseenCode, Reason: unseenReason,
			StartedAt: s.State.Running.StartedAt, FinishedAt: now(), ContainerID: s.ContainerID,
		}
	default: // it waited to be started again
		c.last, c.previous = s.LastTerminationState.Terminated, nil
	}
	c.again()
}
