package kubelet

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/utils/clock"
)

// Times of the heartbeat, which are the real kubelet's.
const (
	leaseSeconds = 40
	leaseRenewal = 10 * time.Second
	// registerAgain is the pause before the API server is looked for again.
	registerAgain = 50 * time.Millisecond
	maxPods       = 110
	kubeletPort   = 10250
)

// register makes the Node object, as soon as there is an API server that takes
// it, or takes over the one that is there. It returns nil as well when ctx ends.
func (k *kubelet) register(ctx context.Context) error {
	for ctx.Err() == nil {
		node, err := k.createNode(ctx)
		switch {
		case err == nil:
			k.node = node
			k.nodeUID.Store(&node.UID)
			k.nodeEvent(v1.EventTypeNormal, "Starting", "Starting kubelet.")
			return nil
		case refused(err):
			return fmt.Errorf("register the node: %w", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(registerAgain):
		}
	}
	return nil
}

func (k *kubelet) createNode(ctx context.Context) (*v1.Node, error) {
	nodes := k.Client.CoreV1().Nodes()
	node, err := nodes.Create(ctx, k.nodeObject(false), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nodes.Get(ctx, k.Node, metav1.GetOptions{})
	}
	return node, err
}

// refused reports whether an API server that is there does not want the node.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
}

// markReady says that pods can run here.
func (k *kubelet) markReady(ctx context.Context) error {
	node := k.node.DeepCopy()
	node.Status = k.nodeObject(true).Status
	if _, err := k.Client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("say that the node is ready: %w", err)
	}
	k.nodeEvent(v1.EventTypeNormal, "NodeReady", fmt.Sprintf("Node %s status is now: NodeReady", k.Node))
	return nil
}

// renewLease is the node's heartbeat, until ctx ends.
func (k *kubelet) renewLease(ctx context.Context) {
	lease.NewController(clock.RealClock{}, k.Client, k.Node, leaseSeconds, nil, leaseRenewal,
		k.Node, v1.NamespaceNodeLease, k.ownLease).Run(ctx)
}

// ownLease lets the lease go when the Node object does.
func (k *kubelet) ownLease(l *coordinationv1.Lease) error {
	l.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: k.Node, UID: k.node.UID}}
	return nil
}

func (k *kubelet) nodeEvent(kind, reason, message string) {
	ref := &v1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: k.Node}
	if uid := k.nodeUID.Load(); uid != nil {
		ref.UID = *uid
	}
	k.events.Event(ref, kind, reason, message)
}

// nodeObject is the node as it is registered: with the network prepared or not yet.
func (k *kubelet) nodeObject(networked bool) *v1.Node {
	labels := map[string]string{
		v1.LabelHostname: k.Node, v1.LabelOSStable: runtime.GOOS, v1.LabelArchStable: runtime.GOARCH,
	}
	for key, value := range k.Labels {
		labels[key] = value
	}
	capacity := v1.ResourceList{
		v1.ResourceCPU:    *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		v1.ResourceMemory: *resource.NewQuantity(memory(), resource.BinarySI),
		v1.ResourcePods:   *resource.NewQuantity(maxPods, resource.DecimalSI),
	}
	now := metav1.Now()
	condition := func(kind v1.NodeConditionType, status v1.ConditionStatus, reason, message string) v1.NodeCondition {
		return v1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	ready := condition(v1.NodeReady, v1.ConditionFalse, "KubeletNotReady", "the pod network is not prepared yet")
	if networked {
		ready = condition(v1.NodeReady, v1.ConditionTrue, "KubeletReady", "kubelet is posting ready status")
	}
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: k.Node, Labels: labels, Annotations: k.network.Annotations()},
		Spec:       v1.NodeSpec{PodCIDR: k.PodCIDR.String(), PodCIDRs: []string{k.PodCIDR.String()}},
		Status: v1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			Addresses: []v1.NodeAddress{
				{Type: v1.NodeInternalIP, Address: k.Address.String()},
				{Type: v1.NodeHostName, Address: k.Node},
			},
			DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: kubeletPort}},
			Conditions: []v1.NodeCondition{
				condition(v1.NodeMemoryPressure, v1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
				condition(v1.NodeDiskPressure, v1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
				condition(v1.NodePIDPressure, v1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
				ready,
			},
			NodeInfo: nodeInfo(),
		},
	}
}

func nodeInfo() v1.NodeSystemInfo {
	var uts unix.Utsname
	_ = unix.Uname(&uts) // it fails only for a bad pointer
	machine, _ := os.ReadFile("/etc/machine-id")
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return v1.NodeSystemInfo{
		MachineID:               strings.TrimSpace(string(machine)),
		BootID:                  strings.TrimSpace(string(boot)),
		KernelVersion:           unix.ByteSliceToString(uts.Release[:]),
		OSImage:                 osImage(),
		ContainerRuntimeVersion: runtimeName + "://namespaces",
		KubeletVersion:          kubernetesVersion(),
		OperatingSystem:         runtime.GOOS,
		Architecture:            runtime.GOARCH,
	}
}

// osImage is the name that the machine's system gives itself.
func osImage() string {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return "Linux"
	}
	defer f.Close() //nolint:errcheck // only read
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, ok := strings.CutPrefix(s.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return "Linux"
}

// memory is the machine's, in bytes.
func memory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// kubernetesVersion is that of the Kubernetes modules in this program.
func kubernetesVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "k8s.io/kubernetes" {
				return m.Version
			}
		}
	}
	return "v0.0.0"
}
