package cluster

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A pod that will not become ready by itself is not waited for; one that may is.
func TestPodsHaveSettled(t *testing.T) {
	running := func(ago time.Duration, ready bool) v1.ContainerStatus {
		return v1.ContainerStatus{Name: "main", Ready: ready, State: v1.ContainerState{
			Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(time.Now().Add(-ago))},
		}}
	}
	waiting := func(reason string) v1.ContainerStatus {
		return v1.ContainerStatus{Name: "main", State: v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason}}}
	}
	probe := &v1.Probe{InitialDelaySeconds: 3, TimeoutSeconds: 1, PeriodSeconds: 10, SuccessThreshold: 1}
	twice := &v1.Probe{TimeoutSeconds: 1, PeriodSeconds: 10, SuccessThreshold: 2}
	for name, c := range map[string]struct {
		container v1.Container
		status    v1.ContainerStatus
		phase     v1.PodPhase
		want      bool
	}{
		"it is being made":                   {status: waiting("ContainerCreating")},
		"its image is unknown":               {status: waiting("ErrImagePull"), want: true},
		"it has ended":                       {phase: v1.PodSucceeded, want: true},
		"it has failed":                      {phase: v1.PodFailed, want: true},
		"it has just begun":                  {container: v1.Container{ReadinessProbe: probe}, status: running(2*time.Second, false)},
		"its delay is not over":              {container: v1.Container{ReadinessProbe: probe}, status: running(5*time.Second, false)},
		"its probe fails":                    {container: v1.Container{ReadinessProbe: probe}, status: running(7*time.Second, false), want: true},
		"its probe must succeed twice":       {container: v1.Container{ReadinessProbe: twice}, status: running(12*time.Second, false)},
		"its probe failed twice":             {container: v1.Container{ReadinessProbe: twice}, status: running(14*time.Second, false), want: true},
		"it starts slowly":                   {container: v1.Container{ReadinessProbe: probe, StartupProbe: probe}, status: running(time.Minute, false)},
		"it has no probe and is not told of": {status: running(time.Minute, false)},
	} {
		c.container.Name = "main"
		pod := &v1.Pod{
			Spec:   v1.PodSpec{Containers: []v1.Container{c.container}},
			Status: v1.PodStatus{Phase: c.phase, ContainerStatuses: []v1.ContainerStatus{c.status}},
		}
		if got := (&cluster{}).hasSettled(pod); got != c.want {
			t.Errorf("%s: settled is %v", name, got)
		}
	}
}
