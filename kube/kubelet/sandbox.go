package kubelet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"underlay/kube/cni"
	"underlay/kube/internal/netns"
	"underlay/kube/pod"
)

// runtimeName is what the ids of containers begin with.
const runtimeName = "underlay"

// disconnectWait is how long the network may take to let go of a pod.
const disconnectWait = 10 * time.Second

// open makes the pod's sandbox and connects it to the network.
func (w *worker) open(ctx context.Context) error {
	if err := os.MkdirAll(w.dir, 0o711); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, netNameFile), []byte(w.netName), 0o644); err != nil {
		return err
	}
	o := pod.Options{Program: w.k.PodBinary, Hostname: w.hostname()}
	if w.pod.Spec.HostNetwork {
		o.NetNS = w.k.netns
	}
	s, err := pod.Open(o)
	if err != nil {
		return err
	}
	w.sandbox, w.sandboxID = s, newID()
	if err := w.connect(ctx); err != nil {
		w.close()
		return err
	}
	w.isolate(ctx, s)
	return nil
}

// isolate has the pod's containers wait until policies apply to it, so that none
// sends what they forbid. The pod's status tells the address, which those who
// enforce policies have to know first; so this does not wait for them.
func (w *worker) isolate(ctx context.Context, s *pod.Sandbox) {
	address := w.ip.Load()
	w.isolated = w.k.Judged == nil || w.pod.Spec.HostNetwork || address == nil
	if w.isolated {
		return
	}
	ctx, cancel := until(ctx, s.Done())
	go func() {
		defer cancel()
		if w.k.Judged(ctx, types.NamespacedName{Namespace: w.namespace, Name: w.name}, w.uid, *address) != nil {
			return
		}
		w.do(func() {
			if w.sandbox == s {
				w.isolated = true
			}
		})
	}()
}

// connect gives the pod's network namespace its name and its address.
func (w *worker) connect(ctx context.Context) error {
	if err := bindNetNS(w.sandbox.PID(), netns.Path(w.netName)); err != nil {
		return fmt.Errorf("name the pod's network namespace: %w", err)
	}
	if w.pod.Spec.HostNetwork {
		return w.setAddress(w.k.Address)
	}
	addr, err := w.k.network.Add(ctx, w.networkPod())
	if err != nil {
		return fmt.Errorf("plugin type=%q failed (add): %w", w.k.CNI, err)
	}
	if !addr.IsValid() {
		if err := w.watchAddresses(w.sandbox); err != nil {
			return err
		}
	}
	return w.setAddress(addr)
}

func (w *worker) networkPod() cni.Pod {
	return cni.Pod{
		ID: w.sandboxID, NetNS: netns.Path(w.netName),
		Namespace: w.namespace, Name: w.name, UID: string(w.uid),
	}
}

// close ends the sandbox and disconnects it.
func (w *worker) close() {
	if !w.pod.Spec.HostNetwork {
		ctx, cancel := context.WithTimeout(context.Background(), disconnectWait)
		defer cancel()
		if err := w.k.network.Del(ctx, w.networkPod()); err != nil {
			w.event(v1.EventTypeWarning, "FailedKillPod", "disconnect the pod: "+err.Error())
		}
	}
	if err := errors.Join(w.sandbox.Close(), unbindNetNS(netns.Path(w.netName))); err != nil {
		w.event(v1.EventTypeWarning, "FailedKillPod", err.Error())
	}
	for _, c := range w.containers {
		c.lost()
	}
	w.sandbox, w.isolated = nil, false
	w.ip.Store(nil)
	if dir := etcNetns(w.netName); dir != "" {
		_ = os.RemoveAll(dir) // if it stays, it is in nobody's way
	}
}

// bindNetNS gives a process's network namespace a name.
func bindNetNS(pid int, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := unbindNetNS(path); err != nil { // left by a pod that was killed
		return err
	}
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		return err
	}
	return unix.Mount(fmt.Sprintf("/proc/%d/ns/net", pid), path, "", unix.MS_BIND, "")
}

func unbindNetNS(path string) error {
	err := unix.Unmount(path, unix.MNT_DETACH)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// newID is an id as container runtimes give: 64 hexadecimal digits.
func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
